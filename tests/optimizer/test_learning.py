"""What the user did with an edit moves later searches, and a rejected one is not tried again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from analysis.decompose import edit_key
from analysis.errors import HastenError
from analysis.functions import function_named
from analysis.text import changes_between, to_replacements
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.receipt import Counterexample, Decision, Receipt, Verdict
from hasten.paths import state_dir
from index.record import Record, workspace_provenance
from index.store import Memory, now
from optimizer.ladder import Refused
from optimizer.learning import learn
from optimizer.outcomes import Outcomes
from optimizer.protocols import Candidate, Evaluation, Node
from optimizer.proving import Prover, ProverEvaluator
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
        learn(memory, workspace, suggestion(workspace), "accepted")
        assert memory.titles(mine, "accepted") == {"copy with list"}
        learn(memory, workspace, suggestion(workspace), "undone")
        assert memory.titles(mine, "accepted") == frozenset()
        learn(memory, workspace, suggestion(workspace), "rejected")
        assert memory.titles(mine, "rejected") == {"copy with list"}


def test_a_rejected_edit_is_not_tried_again_whatever_runs_it(workspace: Path) -> None:
    path = workspace / "m.py"
    with Memory() as memory:
        learn(memory, workspace, suggestion(workspace), "rejected", text=TEXT, reason="unreadable")
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
        learn(memory, workspace, suggestion(workspace), "rejected", text=TEXT)
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
        assert not learn(memory, workspace, suggestion(workspace), "rejected", text=TEXT)
        memory.read_only = False
        assert memory.all() == (replace(learnt(workspace)),)


def test_an_edit_found_from_an_outer_folder_is_liked_there(workspace: Path) -> None:
    (workspace / "pkg").mkdir()
    (workspace / "pkg" / "pyproject.toml").write_text("")
    source = workspace_provenance(state_dir(workspace).name, "pkg/m.py", "f")
    inner = replace(suggestion(workspace), path=str(workspace / "pkg" / "m.py"))
    with Memory() as memory:
        memory.add(replace(learnt(workspace), provenance=source))
        assert learn(memory, workspace, inner, "accepted")
        mine = f"workspace:{state_dir(workspace).name}:"
        assert memory.titles(mine, "accepted") == {"copy with list"}


# -- what a search leaves


def outcomes_of(memory: Memory, root: Path, digest: str = "digest") -> Outcomes:
    function = function_named(TEXT, str(root / "m.py"), "f")
    assert function is not None
    target = cast(Target, _Target(root / "m.py", TEXT, function))
    return Outcomes(memory, target, "CPython 3.11.7", digest)


CANDIDATE = Candidate(AFTER, (), "k")
ROOT = Node(0, None, Candidate(TEXT, (), ""), Evaluation("timing", True, utility=0.0), 0)


class _Answers:
    """A prover whose check gives or raises what it was made with."""

    def __init__(self, answer: Verdict | HastenError) -> None:
        self._answer = answer

    def check(self, after: str, origin: str) -> Verdict:
        if isinstance(self._answer, HastenError):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "remembered"),
    [
        (Verdict(None, refused="sandbox: not run without one", tried=False), False),
        (HastenError("no space left on device", code="disk", mend="free some"), False),
        (Verdict(None, refused="uses the network"), True),
        (Verdict(None, Counterexample(0, "f([])", "1", "2", "result")), True),
        (CandidateFailed("import", "no function f"), True),
    ],
)
def test_only_what_a_candidate_did_itself_is_remembered(
    workspace: Path, answer: Verdict | HastenError, remembered: bool
) -> None:
    evaluation = ProverEvaluator(cast(Prover, _Answers(answer))).evaluate(CANDIDATE, ROOT)
    assert not evaluation.ok
    with Memory() as memory:
        outcomes = outcomes_of(memory, workspace)
        outcomes.remember_failures([Node(1, ROOT, CANDIDATE, evaluation, 1)])
        again = outcomes_of(memory, workspace).refused_before(CANDIDATE)
        assert (again is not None) is remembered


@pytest.mark.parametrize(
    ("decision", "here", "on_other_inputs"),
    [
        ("different", True, True),
        ("not faster", True, False),
        ("refused", True, False),
        ("inconclusive", False, False),
        (None, False, False),
    ],
)
def test_what_the_proof_refused_is_not_proved_again(
    workspace: Path, decision: Decision | None, here: bool, on_other_inputs: bool
) -> None:
    with Memory() as memory:
        refused = Refused("growth", "it grows faster", decision)
        outcomes_of(memory, workspace).remember_unproved(CANDIDATE, refused)
        for digest, expected in (("digest", here), ("other", on_other_inputs)):
            known = outcomes_of(memory, workspace, digest).refused_before(CANDIDATE)
            assert (known is not None) is expected


def test_an_answer_that_is_reduced_to_a_rejected_edit_is_refused_too(workspace: Path) -> None:
    longer = Candidate(AFTER.replace("return", "del items[:0]\n    return"), (), "k")
    with Memory() as memory:
        learn(memory, workspace, suggestion(workspace), "rejected", text=TEXT, reason="ugly")
        outcomes = outcomes_of(memory, workspace)
        assert outcomes.refused_before(longer) is None
        assert outcomes.refuses(longer, AFTER) == "you rejected it: ugly"
        known = outcomes_of(memory, workspace).refused_before(longer)
        assert known is not None
        assert known.failure is not None
        assert "you rejected it: ugly" in known.failure
        assert outcomes.refuses(longer, longer.source) is None


class _Target:
    """What Outcomes asks of a target."""

    def __init__(self, path: Path, text: str, function: object) -> None:
        self.path, self.text, self.function = path, text, function
