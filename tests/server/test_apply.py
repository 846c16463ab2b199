"""`hasten apply`, `undo` and `reject`: of whose workspace, and what can't be remembered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.errors import InputError
from analysis.functions import function_named
from analysis.text import changes_between, to_replacements
from hasten.paths import state_dir
from index.store import Memory
from optimizer.results import Results
from optimizer.suggestion import Suggestion
from server.cli.apply import apply, reject, undo
from tests.index.durable import all_refusals
from tests.optimizer import made

TEXT = "def f(items):\n    out = []\n    for x in items:\n        out.append(x)\n    return out\n"
AFTER = "def f(items):\n    return list(items)\n"


@pytest.fixture
def outer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a package of its own inside, whose suggestion the outer search found."""
    for name in ("STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    root = tmp_path / "mono"
    (root / ".git").mkdir(parents=True)
    (root / "pkg").mkdir()
    (root / "pkg" / "pyproject.toml").write_text("")
    (root / "pkg" / "m.py").write_text(TEXT)
    Results(state_dir(root)).put(found(root), TEXT)
    monkeypatch.chdir(root)
    return root


def found(root: Path) -> Suggestion:
    path = root / "pkg" / "m.py"
    changes = to_replacements(TEXT, changes_between(TEXT, AFTER))
    function = function_named(TEXT, str(path), "f")
    assert function is not None
    (rung,) = made.suggestion("s1").edits
    return replace(
        made.suggestion("s1", path=str(path)),
        fingerprint=function.fingerprint,
        replacements=changes,
        edits=(replace(rung, replacements=changes),),
    )


def state_of(root: Path) -> str:
    suggestion = Results(state_dir(root)).get("s1")
    assert suggestion is not None
    return suggestion.state


@pytest.mark.parametrize("here", [".", "pkg"])
def test_apply_and_undo_use_the_workspace_of_the_search(
    outer: Path, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outer / here)
    assert apply(["s1"], as_json=True) == 0
    assert (outer / "pkg" / "m.py").read_text() == AFTER
    assert state_of(outer) == "accepted"
    assert undo(None, as_json=True) == 0
    assert (outer / "pkg" / "m.py").read_text() == TEXT
    assert state_of(outer) == "verified"
    assert not state_dir(outer / "pkg").exists()


@pytest.mark.parametrize("here", [".", "pkg"])
def test_reject_uses_the_workspace_of_the_search(
    outer: Path, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outer / here)
    assert reject("s1", reason="", as_json=True) == 0
    assert state_of(outer) == "rejected"
    with Memory() as memory:
        assert [r.outcome for r in all_refusals(memory)] == ["rejected"]


def test_a_rejection_that_can_not_be_remembered_is_an_error(
    outer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.store.Memory._lasting", full_disk)
    with pytest.raises(InputError, match="s1") as caught:
        reject("s1", reason="", as_json=True)
    assert caught.value.mend
    assert state_of(outer) == "verified"


def full_disk(memory: Memory, what: str) -> None:
    raise InputError(f"{what}: the disk is full", code="memory-unwritable", mend="free space")
