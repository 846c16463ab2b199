"""Packages made ready for tools.rules_precision: their code, findings and captured calls."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis.errors import HastenError
from analysis.functions import functions_in
from analysis.rules.base import Finding
from analysis.rules.catalogue import find
from benchmark_runner.recording.record import capture_inputs, stored_capture
from benchmark_runner.workload import CapturedInputs, GeneratedInputs, Inputs
from tools.rules_packages import Package

_CALLS, _BYTES = 12, 1 << 20
_DRIVER = """\
import collections, signal, sys, time
import pytest

class TooLong(BaseException):
    pass

def ring(*_):
    raise TooLong

class Reach:
    def __init__(self, seconds):
        self.seconds = seconds
    def pytest_collection_modifyitems(self, items):
        cases, files = collections.Counter(), collections.Counter()
        def turn(counts, key):
            counts[key] += 1
            return counts[key]
        items.sort(key=lambda i: turn(cases, (i.path, getattr(i, "originalname", i.name))))
        items.sort(key=lambda i: turn(files, i.path))
    def pytest_collection_finish(self, session):
        self.session, self.end = session, time.monotonic() + self.seconds
    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item):
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, max(1.0, self.seconds / 25))
        yield
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    def pytest_runtest_logfinish(self, nodeid, location):
        if time.monotonic() > self.end:
            self.session.shouldstop = "the time is up"

pytest.main(["-q", "--tb=no", "--no-header", "-p", "no:cacheprovider", "-o", "addopts=",
             "-o", "filterwarnings=ignore", "--continue-on-collection-errors", *sys.argv[2:]],
            plugins=[Reach(float(sys.argv[1]))])
"""
"""Runs tests so that a short time reaches much: one of each file in turn, no long ones, whatever
else of them can't run."""


@dataclass(frozen=True)
class Place:
    """A finding in a package's file."""

    package: str
    path: Path
    function: str
    finding: Finding

    @property
    def key(self) -> str:
        changes = [(c.start, c.end, c.new_text) for c in self.finding.edit.changes]
        text = f"{self.package} {self.path.name} {self.function} {self.finding.rule} {changes}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class Bundle:
    """A package that is ready: its root, its interpreter, its findings."""

    package: Package
    root: Path
    python: Path
    captures: Path
    places: list[Place] = field(default_factory=list)


def unpacked(package: Package, folder: Path) -> Path:
    """The unpacked source distribution; fetched when it is not there yet."""
    root = folder / "src" / package.folder_name
    if not root.exists():
        release = f"{package.name}=={package.version}"
        fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary"]
        subprocess.run([*fetch, package.name, "-d", folder / "sd", release], check=True)
        archive = next((folder / "sd").glob(f"{package.folder_name}.tar.*"))
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "src", filter="data")
    return root


def environment(package: Package, folder: Path) -> Path:
    """An interpreter of the package's own, with pytest and what its tests need."""
    venv = folder / "venvs" / package.name
    inside = venv / "bin" / "python"
    if not inside.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        needs = ["pytest", "hypothesis", *package.needs]
        subprocess.run([inside, "-m", "pip", "install", "-q", *needs], check=True)
    return inside


def places_in(package: Package, root: Path) -> Iterator[Place]:
    """All findings in a package's code, its tests left out."""
    for path in sorted((root / package.code).rglob("*.py")):
        if {"tests", "test"} & set(path.parts) or path.stat().st_size > 400_000:
            continue
        text = path.read_text("utf-8", "replace")
        for finding in find(text, str(path), functions_in(text, str(path))):
            yield Place(package.name, path, finding.function, finding)


def capture(bundle: Bundle, seconds: float) -> None:
    """Run the package's tests once and keep the calls of the functions that have findings."""
    done = bundle.captures / "done"
    if done.exists() or not bundle.package.tests:
        return
    bundle.captures.mkdir(parents=True, exist_ok=True)
    driver = bundle.captures / "run_tests.py"
    driver.write_text(_DRIVER)
    targets = sorted({(p.path, p.function) for p in bundle.places})
    roots = [str(bundle.root), str(bundle.root / "src")]
    os.environ["PYTHONPATH"] = os.pathsep.join(roots)
    try:
        found = capture_inputs(
            ("python", str(driver), str(seconds), *bundle.package.tests), bundle.root, targets,
            bundle.captures, python=bundle.python, timeout_s=seconds * 2,
            max_calls=_CALLS, max_bytes=_BYTES,
        )  # fmt: skip
        done.write_text(f"{sum(1 for c in found.values() if c.count)} of {len(targets)}\n")
    except HastenError as error:
        done.write_text(f"failed: {error.message}\n")
    finally:
        del os.environ["PYTHONPATH"]
    print(f"{bundle.package.name}: captured {done.read_text().strip()}", flush=True)


def inputs_of(bundle: Bundle, place: Place) -> Inputs:
    """Captured calls where there are some, else inputs that are made."""
    kept = stored_capture(bundle.captures, place.path, place.function)
    return CapturedInputs(kept.folder) if kept and kept.count else GeneratedInputs()
