"""What the user did with an edit moves later searches, and a rejected one is not tried again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from analysis.decompose import edit_key
from analysis.functions import function_named
from analysis.text import changes_between, to_replacements
from benchmark_runner.receipt import Receipt
from hasten.paths import state_dir
from index.record import Record, workspace_provenance
from index.store import Memory, now
from optimizer.learning import learn
from optimizer.outcomes import Outcomes
from optimizer.protocols import Candidate
from optimizer.suggestion import Rung, Suggestion
from optimizer.targets import Target

NO_RECEIPT = cast(Receipt, None)
"""Nothing here reads one."""
TEXT = "def f(items):\n    out = []\n    for x in items:\n        out.append(x)\n    return out\n"
AFTER = "def f(items):\n    return list(items)\n"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    root = tmp_path / "w"
    (root / ".git").mkdir(parents=True)
    (root / "m.py").write_text(TEXT)
    return root


def suggestion(root: Path) -> Suggestion:
    (whole,) = to_replacements(TEXT, changes_between(TEXT, AFTER))
    rung = Rung("Copy with list", "copy", (whole,), True, 2.0, (1.9, 2.1), NO_RECEIPT, "rule")
    function = function_named(TEXT, str(root / "m.py"), "f")
    assert function is not None
    return Suggestion(
        "s1", str(root / "m.py"), "f", function.fingerprint, "00", "2x faster", 2.0, (1.9, 2.1),
        "exact", (rung,), (whole,), NO_RECEIPT,
    )  # fmt: skip


def learnt(root: Path, title: str = "Copy with list") -> Record:
    source = workspace_provenance(state_dir(root).name, "m.py", "f")
    return Record(
        title, "python", TEXT, AFTER, title, "", "copy", 2.0, "worked", source, None, now()
    )


def test_an_accepted_edit_is_liked_in_its_workspace(workspace: Path) -> None:
    mine = f"workspace:{state_dir(workspace).name}:"
    with Memory() as memory:
        memory.add_all([learnt(workspace), learnt(workspace, "Another idea")])
        learn(memory, suggestion(workspace), "accepted")
        assert memory.titles(mine, "accepted") == {"copy with list"}
        learn(memory, suggestion(workspace), "undone")
        assert memory.titles(mine, "accepted") == frozenset()
        learn(memory, suggestion(workspace), "rejected")
        assert memory.titles(mine, "rejected") == {"copy with list"}


def test_a_rejected_edit_is_not_tried_again_whatever_runs_it(workspace: Path) -> None:
    path = workspace / "m.py"
    with Memory() as memory:
        learn(memory, suggestion(workspace), "rejected", text=TEXT, reason="unreadable")
        function = function_named(TEXT, str(path), "f")
        assert function is not None
        for interpreter, libraries in (("CPython 3.11.7", ""), ("CPython 3.13.0", "numpy 2.1.0")):
            target = cast(Target, _Target(path, TEXT, function))
            outcomes = Outcomes(memory, target, interpreter, "digest", libraries)
            refused = outcomes.refused_before(Candidate(AFTER, (), "k"))
            assert refused is not None
            assert refused.failure == "you rejected it: unreadable"
            other = AFTER.replace("list(items)", "items[:]")
            assert outcomes.refused_before(Candidate(other, (), "k")) is None


def test_the_rest_of_the_file_does_not_matter(workspace: Path) -> None:
    more = "import os\n\n\ndef g():\n    return os.name\n\n\n"
    path = workspace / "m.py"
    with Memory() as memory:
        learn(memory, suggestion(workspace), "rejected", text=TEXT)
        function = function_named(more + TEXT, str(path), "f")
        assert function is not None
        target = cast(Target, _Target(path, more + TEXT, function))
        outcomes = Outcomes(memory, target, "CPython 3.11.7", "digest")
        assert outcomes.refused_before(Candidate(more + AFTER, (), "k")) is not None


def test_what_an_edit_adds_beside_the_function_is_part_of_it() -> None:
    imports = "from array import array\n\n\n"
    assert edit_key(TEXT, AFTER, "f") != edit_key(TEXT, imports + AFTER, "f")
    assert edit_key(imports + TEXT, imports + AFTER, "f") == edit_key(TEXT, AFTER, "f")


def test_a_read_only_memory_stops_nothing(workspace: Path) -> None:
    with Memory() as memory:
        memory.add(learnt(workspace))
        memory.read_only = True
        learn(memory, suggestion(workspace), "rejected", text=TEXT)
        memory.read_only = False
        assert memory.all() == (replace(learnt(workspace)),)


class _Target:
    """What Outcomes asks of a target."""

    def __init__(self, path: Path, text: str, function: object) -> None:
        self.path, self.text, self.function = path, text, function
