"""What is found, in which order, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import Cancelled
from analysis.facts import static_facts
from analysis.functions import functions_in
from analysis.shape import shape_of
from index import retrieval
from index.derived import fill_facts
from index.embedding import FactsEmbedder
from index.errors import EmbeddingError
from index.fusion import RRF, WEIGHTS
from index.query import Here, Query
from index.record import Record, workspace_provenance
from index.retrieval import Index
from index.store import Memory
from index.vectors import Vectors
from tests.index.conftest import ask, make_record, put_vectors

TECHNIQUES = [
    ("Test membership in a set", "membership tested in a list inside a loop", "build a set once"),
    ("Join once", "a string grows by += in a loop", "collect pieces and join them"),
    ("Use a deque", "list pop(0) as a queue", "replace the list by a deque with popleft"),
    ("Use a heap", "sorted in a loop to take the smallest", "keep a heap with heapq"),
    ("Compile once", "regular expression compiled for each line", "compile before the loop"),
]


def technique(i: int, **changes: Any) -> Record:
    title, bottleneck, edit = TECHNIQUES[i]
    given = {"title": title, "bottleneck": bottleneck, "edit": edit, **changes}
    return make_record(i, **given)


@pytest.fixture
def index(memory: Memory) -> Iterator[Index]:
    memory.add_all(technique(i) for i in range(len(TECHNIQUES)))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as opened:
        yield opened


def titles(index: Index, text: str, k: int = 3, **options: Any) -> list[str]:
    return [hit.record.title for hit in ask(index, text, k, **options)]


def test_best_technique_comes_first(index: Index) -> None:
    assert titles(index, "membership test in list, for loop", 1) == ["Test membership in a set"]
    assert titles(index, "queue, list.pop, while loop", 1) == ["Use a deque"]
    assert titles(index, "re.compile for each line", 1) == ["Compile once"]


def test_scores_fall_and_k_is_kept(index: Index) -> None:
    hits = ask(index, "loop over a list", 4)
    assert len(hits) == 4
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert ask(index, "loop", 0) == ()


def test_facts_shape_and_code_find_the_same_kind_of_code(memory: Memory) -> None:
    slow = {
        "queue": "def f(jobs):\n    done = []\n    while jobs:\n        done.append(jobs.pop(0))\n"
        "    return done\n",
        "text": "def f(parts):\n    out = ''\n    for p in parts:\n        out += p\n"
        "    return out\n",
        "sums": "def f(rows):\n    return [sum(rows[:i]) for i in range(len(rows))]\n",
    }
    for n, (name, code) in enumerate(slow.items()):
        memory.add(replace(make_record(n, title=name), slow=code))
    other = "def g(self, waiting):\n    while waiting:\n        self.serve(waiting.pop(0))\n"
    function = functions_in(other, "m.py")[0]
    facts, shape = static_facts(other, function).text, shape_of(other, "m.py")
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        for query in (Query(facts=facts), Query(shape=shape), Query(code=other)):
            assert index.search(query, 1)[0].record.title == "queue"


def test_without_words_nothing_is_asked(index: Index) -> None:
    assert ask(index, "  ", 3) == ()


def test_other_language_has_nothing(index: Index) -> None:
    assert ask(index, "membership in a list", 3, "cpp") == ()


def test_languages_do_not_mix(index: Index, memory: Memory) -> None:
    memory.add(technique(0, language="c++", provenance="corpus:cpp"))
    assert [h.record.language for h in ask(index, "membership in a list", 5, "c++")] == ["c++"]
    assert {h.record.language for h in ask(index, "membership in a list", 5)} == {"python"}


def test_same_program_is_left_out(index: Index, memory: Memory) -> None:
    here = workspace_provenance("w", "a.py", "f")
    memory.add(technique(0, provenance=f"{here}#1", title="own"))
    assert "own" in titles(index, "membership in a list", 5)
    assert "own" not in titles(index, "membership in a list", 5, program=here)


def test_one_hit_for_each_program_and_new_titles_first(index: Index, memory: Memory) -> None:
    for n in range(6):
        memory.add(technique(0, provenance=f"corpus:same#{n}", edit=f"build a set once ({n})"))
    hits = ask(index, "membership tested in a list inside a loop: build a set", 5)
    assert len({h.record.program for h in hits}) == len(hits)
    assert len({h.record.title for h in hits}) == 5


def test_a_repeated_title_comes_after_others(index: Index, memory: Memory) -> None:
    memory.add(technique(0, provenance="corpus:twin", edit="build a set of them once"))
    found = titles(index, "membership tested in a list", 6)
    assert len(found) == 6
    assert found[0] == "Test membership in a set" != found[1]
    assert found.count("Test membership in a set") == 2


@pytest.mark.parametrize(
    ("polarity", "first"), [("accepted", "Use a deque"), ("rejected", "Use a heap")]
)
def test_workspace_likes_and_dislikes(memory: Memory, polarity: Any, first: str) -> None:
    same = {"bottleneck": "a slow queue in a loop", "edit": "a faster queue"}
    memory.add(technique(2, **same, provenance="corpus:a"))
    memory.add(technique(3, **same, provenance="corpus:b"))
    decided = technique(
        2, **same, provenance=workspace_provenance("w", "a.py", "f"), polarity=polarity
    )
    memory.add(decided)
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        here = titles(index, "queue in a loop", 2, workspace="w", program=decided.provenance)
        assert here[0] == first
        rows = index.explain(Query(hint="queue in a loop", workspace="elsewhere"), 3).hits
        mine = [r.weight for r in rows if r.hit.record.polarity == "worked"]
        assert set(mine) == {1.0}


def test_failed_edits_rank_lower(memory: Memory) -> None:
    same = {"bottleneck": "a slow queue in a loop", "edit": "a faster queue"}
    memory.add(technique(2, **same, provenance="corpus:a", polarity="failed"))
    memory.add(technique(3, **same, provenance="corpus:b"))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        assert titles(index, "queue in a loop", 2) == ["Use a heap", "Use a deque"]


def test_explain_names_each_ranking(index: Index) -> None:
    row = index.explain(Query(facts="a list", hint="membership in a list"), 1).hits[0]
    weights = {str(source): weight for source, weight in WEIGHTS.items()}
    names = {name for name, _ in row.places}
    assert {name for name in weights if "bottleneck" in name or "edit" in name} >= names
    assert {name.split()[0] for name in names} == {"facts", "hint"}
    trust = FactsEmbedder.trust
    score = sum(
        weights[name] * (trust if name.endswith("vectors") else 1) / (RRF + place)
        for name, place in row.places
    )
    assert row.hit.score == pytest.approx(score)


def test_what_does_not_apply_here_is_left_out_and_said(memory: Memory) -> None:
    memory.add(replace(technique(0), requires=("numpy",)))
    memory.add(replace(technique(2), requires=("python>=3.12",)))
    memory.add(replace(technique(3), rule="heap"))
    memory.add(technique(4))
    here = Here(version=(3, 10, 2), libraries=frozenset({"json"}), losing=frozenset({"heap"}))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        found = index.explain(Query(hint="list in a loop, queue, sorted, line", here=here), 9)
        assert [row.hit.record.title for row in found.hits] == ["Compile once"]
        assert dict(found.excluded) == {
            "Test membership in a set": "numpy is not at hand",
            "Use a deque": "it needs python>=3.12",
            "Use a heap": "the rule heap was not faster here",
        }
        assert len(ask(index, "list in a loop, queue, sorted, line", 9)) == 4, "nothing is known"


def test_a_claim_ranks_below_what_is_proved(memory: Memory) -> None:
    same = {"bottleneck": "a slow queue in a loop", "edit": "a faster queue"}
    memory.add(technique(2, **same, provenance="import:a"))
    memory.add(technique(3, **same, provenance="corpus:b"))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        assert titles(index, "queue in a loop", 2) == ["Use a heap", "Use a deque"]


def test_new_records_are_found_at_once(index: Index, memory: Memory) -> None:
    ask(index, "anything in a loop", 1)
    memory.add(make_record(9, title="New", bottleneck="matrix transposed", edit="zip the rows"))
    assert titles(index, "transposing a matrix", 1) == ["New"]
    (new,) = [r for r in memory.all() if r.title == "New"]
    memory.remove([new.id])
    assert "New" not in titles(index, "transposing a matrix", 5)


def test_what_another_process_adds_while_facts_are_filled_gets_its_own(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "def f(x, y):\n    return [i for i in x if i in y]\n"
    memory.add(replace(make_record(0), slow=slow))

    def meanwhile(*given: Any) -> int:
        done = fill_facts(*given)
        with Memory(memory.path) as other:
            if other.counts()["records"] == 1:
                other.add(replace(make_record(1), slow=slow))
        return done

    monkeypatch.setattr(retrieval, "fill_facts", meanwhile)
    with Index(memory, embedder=FactsEmbedder(), corpus=None, vectors=False) as index:
        ask(index, "anything", 1)
        ask(index, "anything", 1)
    assert [record.facts != "" for record in memory.all()] == [True, True]


# -- embedders that change or fail


class Fixed:
    """Vectors of any length, or a failure."""

    def __init__(self, dims: int, identity: str = "fixed", fails: bool = False) -> None:
        self.identity, self.name, self.trust = identity, identity, 1.0
        self.dims, self.fails = dims, fails
        self.calls: list[int] = []

    def embed(self, texts: Sequence[str]) -> Any:
        if self.fails:
            raise EmbeddingError("it is down", code="embedding-failed", mend="start it")
        self.calls.append(len(texts))
        rows = np.random.default_rng(len(texts)).normal(size=(len(texts), self.dims))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_failing_embedder_leaves_search_by_words(memory: Memory) -> None:
    memory.add_all(technique(i) for i in range(len(TECHNIQUES)))
    with Index(memory, embedder=Fixed(8, fails=True), corpus=None) as index:
        assert titles(index, "membership in a list", 1) == ["Test membership in a set"]
        assert titles(index, "membership in a list", 1) == ["Test membership in a set"]
        assert index.notes == ("searched by words alone: it is down",)


def test_change_of_embedder_embeds_again_with_progress(memory: Memory, tmp_path: Path) -> None:
    memory.add_all(technique(i) for i in range(len(TECHNIQUES)))
    said: list[str] = []
    for embedder in (FactsEmbedder(), Fixed(8), FactsEmbedder()):
        with Index(
            memory,
            tmp_path / "chroma",
            embedder,
            corpus=None,
            progress=lambda text, _: said.append(text),
        ) as index:
            assert len(ask(index, "membership in a list", 5)) == 5
            assert index.verify().ok
    assert said.count("embedding with fixed") == 1
    assert said.count("embedding with hashed words") == 1, "kept vectors are used again"


def test_other_length_behind_the_same_name_is_noticed(memory: Memory, tmp_path: Path) -> None:
    memory.add_all(technique(i) for i in range(len(TECHNIQUES)))
    with Index(memory, tmp_path / "c", Fixed(8), corpus=None) as index:
        assert len(ask(index, "membership", 5)) == 5
    with Index(memory, tmp_path / "c", Fixed(16), corpus=None) as index:
        assert len(ask(index, "membership", 5)) == 5
        assert any("another length" in note for note in index.notes)
        assert index.verify().ok


@pytest.mark.parametrize("by", ["embed", "verify"])
def test_vectors_of_two_lengths_are_never_mixed(memory: Memory, tmp_path: Path, by: str) -> None:
    memory.add_all(technique(i) for i in range(3))
    with Index(memory, tmp_path / "c", Fixed(8), corpus=None) as index:
        index.embed()
    memory.add_all(technique(i) for i in range(3, 5))
    with Index(memory, tmp_path / "c", Fixed(16), corpus=None) as index:
        if by == "embed":
            assert index.embed() == 5
        else:
            assert index.verify().ok
        assert Vectors(memory, "fixed").sizes() == (64,)
        assert any("another length" in note for note in index.notes)
        assert index.stats().chroma == "5 vectors"


def mix(memory: Memory) -> None:
    """Have a vector of another length, as earlier versions left them."""
    put_vectors(memory, "fixed", [(technique(0), "bottleneck", b"\0" * 20)])


def test_verify_tells_of_vectors_of_other_lengths_and_rebuild_mends_them(
    memory: Memory, tmp_path: Path
) -> None:
    memory.add_all(technique(i) for i in range(5))
    with Index(memory, tmp_path / "c", Fixed(8), corpus=None) as index:
        index.embed()
    mix(memory)
    with Index(memory, tmp_path / "other", Fixed(8), corpus=None) as index:
        checked = index.verify()
        assert not checked.ok
        assert "fixed: there are vectors of different lengths" in checked.problems
        assert any(problem.startswith("Chroma can't be used") for problem in checked.problems)
        index.rebuild()
        assert index.verify().ok
        assert index.stats().chroma == "5 vectors"


def test_lengths_that_change_within_a_run_are_an_error(memory: Memory) -> None:
    class Changing(Fixed):
        def embed(self, texts: Sequence[str]) -> Any:
            rows = super().embed(texts)
            self.dims += 1
            return rows

    memory.add_all(make_record(i) for i in range(100))
    with Index(memory, embedder=Changing(8), corpus=None) as index:
        with pytest.raises(EmbeddingError, match="different lengths"):
            index.embed()
        assert len(ask(index, "bottleneck number 3", 3)) == 3


def test_an_embedder_that_failed_is_left_alone_for_a_minute(memory: Memory) -> None:
    class Slow(Fixed):
        tries = 0

        def embed(self, texts: Sequence[str]) -> Any:
            self.tries += 1
            return super().embed(texts)

    now = 100.0
    memory.add_all(technique(i) for i in range(len(TECHNIQUES)))
    embedder = Slow(8, fails=True)
    with Index(memory, embedder=embedder, corpus=None, clock=lambda: now) as index:
        for _ in range(3):
            assert titles(index, "membership in a list", 1) == ["Test membership in a set"]
        assert embedder.tries == 1
        assert index.notes == ("searched by words alone: it is down",)
        now += 61
        titles(index, "membership in a list", 1)
        assert embedder.tries == 2
        with pytest.raises(EmbeddingError, match="it is down"):
            index.embed()  # who asks for vectors gets them tried
        assert index.verify().problems == ("it is down",)
        assert embedder.tries == 4
        embedder.fails = False
        titles(index, "membership in a list", 1)
        assert embedder.tries == 4
        now += 61
        titles(index, "membership in a list", 1)
        assert memory.counts()["vectors"] == 5


def test_cancel_while_embedding_keeps_what_is_done(memory: Memory) -> None:
    memory.add_all(make_record(i) for i in range(100))
    embedder = Fixed(8)

    def cancel_late(text: str, share: float | None) -> None:
        if share:
            raise Cancelled

    with Index(memory, embedder=embedder, corpus=None, progress=cancel_late) as index:
        with pytest.raises(Cancelled):
            ask(index, "anything", 1)
        assert memory.counts()["vectors"] == 64
    with Index(memory, embedder=embedder, corpus=None) as index:
        ask(index, "anything", 1)
    assert embedder.calls == [64, 36, 1]


# -- care


def test_stats_tell_what_is_there(index: Index, memory: Memory) -> None:
    ask(index, "loop", 1)
    stats = index.stats()
    assert (stats.records, stats.proved, stats.vectors) == (5, 5, 5)
    assert stats.by_language == (("python", 5),)
    assert stats.by_polarity == (("worked", 5),)
    assert stats.embedder == "hashed words"
    assert stats.chroma == "5 vectors"
    assert stats.path == str(memory.path)


def test_verify_makes_what_is_missing(index: Index, memory: Memory) -> None:
    assert index.verify().ok
    Vectors(memory, FactsEmbedder.identity).drop(own=True, others=False)
    assert index.verify().ok
    assert memory.counts()["vectors"] == 5


def test_verify_names_a_failing_embedder(memory: Memory) -> None:
    memory.add(technique(0))
    with Index(memory, embedder=Fixed(8, fails=True), corpus=None) as index:
        checked = index.verify()
    assert not checked.ok
    assert checked.problems == ("it is down",)
    assert checked.mend == "hasten index rebuild"


def test_rebuild_loses_no_vector_when_the_embedder_fails(memory: Memory) -> None:
    memory.add_all(make_record(i) for i in range(100))
    put_vectors(memory, "an embedder of old", [(r, "edit", b"\0\0\0\0") for r in memory.all()])
    embedder = Fixed(8)
    with Index(memory, embedder=embedder, corpus=None) as index:
        index.embed()
        assert memory.counts()["vectors"] == 200
        embedder.fails = True
        with pytest.raises(EmbeddingError):
            index.rebuild()
        assert memory.counts()["vectors"] == 200

        def fail_late(text: str, share: float | None) -> None:
            embedder.fails = bool(share)

        embedder.fails = False
        with pytest.raises(EmbeddingError):
            index.rebuild(fail_late)
        assert memory.counts()["vectors"] == 200
        embedder.fails, embedder.dims = False, 16
        index.rebuild()
        assert memory.counts()["vectors"] == 100
        assert index.verify().ok


def test_rebuild_starts_from_the_texts(index: Index, memory: Memory) -> None:
    ask(index, "loop", 1)
    put_vectors(memory, "an embedder of old", [(r, "edit", b"\0\0\0\0") for r in memory.all()])
    said: list[str] = []
    index.rebuild(lambda text, _: said.append(text))
    assert index.verify().ok
    assert memory.counts()["vectors"] == 5
    assert any("embedding" in text for text in said)
    assert any("building" in text for text in said)
