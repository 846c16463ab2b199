"""How rankings become one, and what is left out of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import pytest

from index.fusion import CHOICE, EMBEDDED, RRF, WEIGHTS, Opinion, Source, diverse, fuse, places_of
from index.lexical import Ranking
from index.query import Here, Query
from index.record import Head, Polarity


def head(
    name: str, *, title: str = "", edit: str = "", program: str = "", polarity: Polarity = "worked",
    requires: tuple[str, ...] = (), rule: str = "", claimed: bool = False,
) -> Head:  # fmt: skip
    provenance = program or f"corpus:{name}"
    return Head(name, title or name, edit or name, polarity, provenance, requires, rule, claimed)


A, B = Source("facts", "facts", "words"), Source("hint", "edit", "vectors")


def among(heads: Mapping[str, Head]) -> Callable[[Sequence[str]], dict[str, Head]]:
    return lambda ids: {item: heads[item] for item in ids if item in heads}


def test_places_are_added_up_by_weight() -> None:
    heads = {name: head(name) for name in "xyz"}
    rankings: dict[Source, Ranking] = {A: (("x",), ("y", "z")), B: (("y",),)}
    rows = fuse(rankings, among(heads), {A: 2.0, B: 1.0})
    scores = {row.head.id: row.score for row in rows}
    assert scores["x"] == pytest.approx(2 / (RRF + 1))
    assert scores["y"] == pytest.approx(2 / (RRF + 2) + 1 / (RRF + 1))
    assert [row.head.id for row in rows] == ["y", "x", "z"]
    assert places_of(rankings, ["y", "z"]) == {
        "y": ((str(A), 2), (str(B), 1)),
        "z": ((str(A), 2),),
    }


def test_a_ranking_without_a_weight_counts_nothing() -> None:
    rows = fuse({A: (("x",),), B: (("y",),)}, among({n: head(n) for n in "xy"}), {A: 1.0})
    assert [(row.head.id, row.score > 0) for row in rows] == [("x", True), ("y", False)]


@pytest.mark.parametrize("liked", [frozenset(), frozenset({"good"})])
@pytest.mark.parametrize("seed", range(20))
def test_no_more_heads_are_read_than_can_matter(seed: int, liked: frozenset[str]) -> None:
    rng = random.Random(seed)
    names = [f"r{n}" for n in range(400)]
    heads = {
        n: head(n, program=f"p{rng.randrange(300)}", title=rng.choice(["good", "bad", "other"]))
        for n in names
        if rng.random() < 0.8
    }
    rankings = {source: tuple((n,) for n in rng.sample(names, 300)) for source in (A, B)}
    asked: list[str] = []

    def read(ids: Sequence[str]) -> dict[str, Head]:
        asked.extend(ids)
        return among(heads)(ids)

    opinion = Opinion(liked, frozenset({"bad"}))
    weights = {A: 2.0, B: 1.0}
    every = fuse(rankings, among(heads), weights, opinion)
    some = fuse(rankings, read, weights, opinion, CHOICE * 5)
    assert diverse(some, 5) == diverse(every, 5)
    assert len(asked) < len(every)


def test_opinions_are_told_with_their_reason() -> None:
    of = Opinion(frozenset({"good"}), frozenset({"bad", "good"})).of
    assert of(head("a", title="Good"))[0] > 1.0
    assert "accepted" in of(head("a", title="Good"))[1]
    assert of(head("a", title="Bad"))[0] < 1.0
    assert "rejected" in of(head("a", title="Bad"))[1]
    assert of(head("a", polarity="failed")) == (of(head("a", title="Bad"))[0], "it failed")
    assert of(head("a", claimed=True))[1] == "nobody proved it here"
    assert of(head("a")) == Opinion().of(head("a", title="Bad")) == (1.0, "")


def rows_of(*heads: Head) -> list[Head]:
    ranking = tuple((one.id,) for one in heads)
    found = fuse({A: ranking}, among({one.id: one for one in heads}), {A: 1.0})
    return [row.head for row in diverse(found, len(heads))]


def test_one_record_of_each_program() -> None:
    found = rows_of(head("a", program="p#1"), head("b", program="p#2"), head("c"))
    assert [one.id for one in found] == ["a", "c"]


def test_like_ones_come_later() -> None:
    same = "keep the smallest in a heap instead of sorting"
    found = rows_of(
        head("a", title="Use a heap", edit=same),
        head("b", title="Take a heap", edit=same),
        head("c", title="Join once", edit="collect pieces and join them"),
    )
    assert [one.id for one in found] == ["a", "c", "b"]


def test_only_what_counts_is_embedded() -> None:
    assert set(EMBEDDED) == {s.key for s in WEIGHTS if s.by == "vectors"}


# -- what applies here


@pytest.mark.parametrize(
    ("requires", "here", "why"),
    [
        (("numpy",), Here(libraries=frozenset()), "numpy is not at hand"),
        (("numpy",), Here(libraries=frozenset({"numpy"})), None),
        (("numpy",), Here(), None),
        (("numpy>=1.20",), Here(libraries=frozenset({"numpy"})), None),
        (("python>=3.12",), Here(version=(3, 11, 7)), "it needs python>=3.12"),
        (("python>=3.12",), Here(version=(3, 12)), None),
        (("python>=3.12",), Here(), None),
        (("c++>=17",), Here(version=(14,)), "it needs c++>=17"),
        (("python>=" + "1" * 5000,), Here(version=(3, 9)), None),
        (("python>=3." + "1" * 5000, "numpy"), Here(libraries=frozenset()), "numpy is not"),
        (("n" * 5000,), Here(libraries=frozenset()), None),
        (("what is this?",), Here(version=(3, 9), libraries=frozenset()), None),
        (("python>=3.9", "pandas"), Here(version=(3, 9), libraries=frozenset()), "pandas is not"),
    ],
)
def test_requirements(requires: tuple[str, ...], here: Here, why: str | None) -> None:
    found = here.lacks(head("a", requires=requires))
    assert found is None if why is None else found is not None and found.startswith(why)


def test_a_rule_that_loses_here_is_left_out() -> None:
    here = Here(losing=frozenset({"len-truth"}))
    assert here.lacks(head("a", rule="len-truth")) == "the rule len-truth was not faster here"
    assert here.lacks(head("a", rule="other")) is None


def test_empty_texts_ask_nothing() -> None:
    assert set(Query(facts="a loop", hint=" ", shape="").asked) == {"facts"}
