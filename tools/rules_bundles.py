"""Packages made ready for tools.rules_precision: their code, findings and captured calls."""

from __future__ import annotations

import hashlib
import json
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

WORKLOADS = Path(__file__).parent / "rules_workloads"
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
        # as where it was run before: workers write no bytecode, and would compile it each time
        code = folder / "src" / package.folder_name / package.code
        subprocess.run([inside, "-m", "compileall", "-q", code], check=False)
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
    """Keep calls of the functions that have findings: of the package's tests, run for so long, then
    of our workload, for those that the tests never call.

    What was done is kept: only more seconds or another workload run again, for what is missing.
    """
    file = bundle.captures / "done"
    done = json.loads(file.read_text()) if file.exists() else {"seconds": 0.0, "workload": ""}
    bundle.captures.mkdir(parents=True, exist_ok=True)
    name = bundle.package.name
    if bundle.package.tests and done["seconds"] < seconds:
        driver = bundle.captures / "run_tests.py"
        driver.write_text(_DRIVER)
        _run(bundle, f"{name}: tests", seconds, str(driver), str(seconds), *bundle.package.tests)
        file.write_text(json.dumps(done := {**done, "seconds": seconds}))
    workload = WORKLOADS / f"for_{name.replace('-', '_')}.py"
    digest = hashlib.sha256(workload.read_bytes()).hexdigest() if workload.exists() else ""
    if digest != done["workload"]:
        _run(bundle, f"{name}: workload", 300.0, str(workload))
        file.write_text(json.dumps({**done, "workload": digest}))


def _run(bundle: Bundle, what: str, seconds: float, *command: str) -> None:
    """Capture what is missing from one run."""
    everything = sorted({(p.path, p.function) for p in bundle.places})
    missing = [
        (path, function)
        for path, function in everything
        if not ((kept := stored_capture(bundle.captures, path, function)) and kept.count)
    ]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(bundle.root), str(bundle.root / "src")])
    try:
        found = capture_inputs(
            ("python", *command), bundle.root, missing, bundle.captures, python=bundle.python,
            timeout_s=seconds * 2, max_calls=_CALLS, max_bytes=_BYTES,
        )  # fmt: skip
        said = f"{sum(1 for c in found.values() if c.count)} of {len(missing)}"
    except HastenError as error:
        said = error.message
    finally:
        del os.environ["PYTHONPATH"]
    print(f"{what}: captured {said}", flush=True)


def inputs_of(bundle: Bundle, place: Place) -> Inputs:
    """Captured calls where there are some, else inputs that are made."""
    kept = stored_capture(bundle.captures, place.path, place.function)
    return CapturedInputs(kept.folder) if kept and kept.count else GeneratedInputs()
