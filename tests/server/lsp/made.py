"""A workspace with a profile and results, as `hasten profile` and the engine leave them."""

from __future__ import annotations

import itertools
import json
import marshal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from analysis.functions import function_named
from analysis.profiles.load import load_profile
from analysis.profiles.sources import take_sources
from analysis.profiles.store import profiles_folder, sidecar_of, sources_folder, write_sidecar
from analysis.text import changes_between, to_replacements
from hasten.paths import state_dir
from optimizer.results import Results
from optimizer.suggestion import Rung, Suggestion
from tests.optimizer.made import receipt

SLOW = """import os


def find(items, wanted):
    found = []
    for item in items:
        if item in wanted:
            found.append(item)
    return found


def cool(x):
    return x + 1
"""
FAST = SLOW.replace("    found = []\n", "    found = []\n    wanted = set(wanted)\n")


def write_profile(
    workspace: Path, file: Path, seconds: Mapping[str, float], *, first_version: bool = False
) -> None:
    """A pstats file and its sidecar; `seconds` is own time by qualified name.

    The environment must name the state folder (XDG_STATE_HOME). Sidecars of the first version have
    fingerprints and no texts.
    """
    text = file.read_text()
    stats, fingerprints = {}, {}
    for name, cost in seconds.items():
        function = function_named(text, str(file), name)
        assert function is not None
        stats[str(file), function.first_line + 1, function.name] = (1, 1, cost, cost, {})
        fingerprints[f"{file}::{name}"] = function.fingerprint
    folder = profiles_folder(state_dir(workspace))
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{time.time_ns()}.pstats"
    out.write_bytes(marshal.dumps(stats))
    if not first_version:
        write_sidecar(
            sidecar_of(out),
            take_sources(
                load_profile(out, workspace).functions, workspace, sources_folder(folder),
                not_after=time.time(),
            ),
            command=["python", "main.py"], cwd=str(workspace), seconds=sum(seconds.values()),
            created=time.time(), fingerprints=fingerprints,
        )  # fmt: skip
        return
    sidecar = {
        "schema": 1,
        "command": ["python", "main.py"],
        "cwd": str(workspace),
        "seconds": sum(seconds.values()),
        "created": time.time(),
        "fingerprints": fingerprints,
    }
    out.with_suffix(".json").write_text(json.dumps(sidecar))


def rung(before: str, after: str, title: str, *, alone: bool, ratio: float = 3.1) -> Rung:
    """A step from one text to the next."""
    replacements = to_replacements(before, changes_between(before, after))
    return Rung(
        title, f"{title}, in general", replacements, alone, ratio, (ratio - 0.1, ratio + 0.1),
        receipt(ratio), "rule",
    )  # fmt: skip


def suggestion(file: Path, function: str, *texts: str, id: str = "abc123") -> Suggestion:
    """A proved ladder through the texts; each step stands alone."""
    known = function_named(texts[0], str(file), function)
    assert known is not None
    rungs = tuple(
        rung(a, b, f"step {n}", alone=True) for n, (a, b) in enumerate(itertools.pairwise(texts), 1)
    )
    return Suggestion(
        id, str(file), function, known.fingerprint, "b" * 64,
        "3.1× faster: test membership in a set", 3.1, (3.0, 3.2), "exact", rungs,
        to_replacements(texts[0], changes_between(texts[0], texts[-1])),
        replace(receipt(3.1), path=str(file), function=function),
    )  # fmt: skip


def put(workspace: Path, made: Suggestion, proved_text: str) -> None:
    """Keep a suggestion where the engine keeps it."""
    results = Results(state_dir(workspace))
    results.put(made, proved_text)
    results.close()
