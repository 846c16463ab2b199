"""Examples for a model: what worked, and never another workspace's code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from index.record import Hit, Polarity, Record, workspace_provenance
from optimizer.protocols import Candidate, Evaluation, Node
from optimizer.retriever import IndexRetriever
from optimizer.services import Services

TEXT = "def f(items):\n    return [x for x in items]\n"
ROOT = Node(0, None, Candidate(TEXT, (), "k"), Evaluation("timing", True, utility=0.0), 0)


def record(name: str, provenance: str, polarity: Polarity = "worked") -> Record:
    return Record(
        name, "python", "slow", "fast", "t", "b", "e", 2.0, polarity, provenance, None, ""
    )


class Shelf:
    """Services whose index holds what a test put there."""

    def __init__(self, *records: Record, states: Path = Path("/state")) -> None:
        self.workspace, self.state = Path("/w"), states / "mine"
        self._hits = tuple(Hit(r, 1.0) for r in records)

    def retrieve(
        self, text: str, k: int, program: str = "", language: str = "python"
    ) -> tuple[Hit, ...]:
        return self._hits[:k]


def found(*records: Record, k: int = 8, skip: int = 0) -> list[str]:
    retriever = IndexRetriever(cast(Services, Shelf(*records)), "/w/m.py", "f")
    return [hit.record.id for hit in retriever.query(ROOT, k, skip)]


def test_code_of_another_workspace_is_not_shown() -> None:
    own = record("own", workspace_provenance("mine", "a.py", "g"))
    other = record("other", workspace_provenance("theirs", "a.py", "g"))
    liked = replace(other, id="liked", polarity="accepted")
    alike = record("alike", workspace_provenance("mine2", "a.py", "g"))
    assert found(other, own, liked, alike, record("shipped", "corpus:x")) == ["own", "shipped"]


def test_what_was_given_to_be_used_is_shown_and_what_is_private_is_not(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    told = {
        "import:workspace:theirs:a.py:g": False,  # came back to the machine that it is of
        "import:workspace:elsewhere:a.py:g": True,
        "import:claim:git:repo@theirs:abc:a.py::g": False,
        "claim:git:repo@theirs:abc:a.py::g": False,
        "claim:git:repo@unknown:abc:a.py::g": False,
        "import:git:repo@unknown:abc:a.py::g": False,
        "claim:git:repo@mine:abc:a.py::g": True,
        "claim:git:repo:abc:a.py::g": True,  # mined as public
        "claim:pie:p1#s2": True,
    }
    shelf = Shelf(*(record(name, name) for name in told), states=tmp_path)
    retriever = IndexRetriever(cast(Services, shelf), "/w/m.py", "f")
    shown = {hit.record.id for hit in retriever.query(ROOT, 20, 0)}
    assert shown == {name for name, may in told.items() if may}


def test_what_may_not_be_shown_takes_no_place() -> None:
    other = record("other", workspace_provenance("theirs", "a.py", "g"))
    shipped = [record(f"c{n}", f"corpus:{n}") for n in range(4)]
    assert found(other, *shipped, k=2) == ["c0", "c1"]
    assert found(other, *shipped, k=2, skip=2) == ["c2", "c3"]


def test_what_was_rejected_is_no_example() -> None:
    assert found(record("no", "corpus:x", "rejected"), record("yes", "corpus:y")) == ["yes"]
