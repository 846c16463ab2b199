"""What is found, in which order, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import Cancelled
from index.embedding import FactsEmbedder
from index.errors import EmbeddingError, ExchangeError
from index.record import Record, workspace_provenance
from index.retrieval import Index
from index.store import Memory
from tests.index.conftest import make_record

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
    return [hit.record.title for hit in index.search(text, k, **options)]


def test_best_technique_comes_first(index: Index) -> None:
    assert titles(index, "membership test in list, for loop", 1) == ["Test membership in a set"]
    assert titles(index, "queue, list.pop, while loop", 1) == ["Use a deque"]
    assert titles(index, "re.compile for each line", 1) == ["Compile once"]


def test_scores_fall_and_k_is_kept(index: Index) -> None:
    hits = index.search("loop over a list", 4)
    assert len(hits) == 4
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert index.search("loop", 0) == ()


def test_hint_moves_the_result(index: Index) -> None:
    facts = "for loop, list, string"
    assert titles(index, facts, 1, hint="the smallest element is taken by sorting each time") == [
        "Use a heap"
    ]


def test_without_words_nothing_is_asked(index: Index) -> None:
    assert index.search("  ", 3) == ()


def test_other_language_has_nothing(index: Index) -> None:
    assert index.search("membership in a list", 3, "cpp") == ()


def test_languages_do_not_mix(index: Index, memory: Memory) -> None:
    memory.add(technique(0, language="c++", provenance="corpus:cpp"))
    assert [h.record.language for h in index.search("membership in a list", 5, "c++")] == ["c++"]
    assert {h.record.language for h in index.search("membership in a list", 5)} == {"python"}


def test_same_program_is_left_out(index: Index, memory: Memory) -> None:
    here = workspace_provenance("w", "a.py", "f")
    memory.add(technique(0, provenance=f"{here}#1", title="own"))
    assert "own" in titles(index, "membership in a list", 5)
    assert "own" not in titles(index, "membership in a list", 5, program=here)


def test_one_hit_for_each_program_and_new_titles_first(index: Index, memory: Memory) -> None:
    for n in range(6):
        memory.add(technique(0, provenance=f"corpus:same#{n}", edit=f"build a set once ({n})"))
    hits = index.search("membership tested in a list inside a loop: build a set", 5)
    assert len({h.record.program for h in hits}) == len(hits)
    assert len({h.record.title for h in hits}) == 5


def test_repeated_titles_only_fill_up(index: Index, memory: Memory) -> None:
    memory.add(technique(0, provenance="corpus:twin", edit="build a set of them once"))
    found = titles(index, "membership tested in a list", 6)
    assert len(found) == 6
    assert found[-1] == found[0] == "Test membership in a set"


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
        rows = index.explain("queue in a loop", 3, workspace="elsewhere")
        mine = [r.weight for r in rows if r.hit.record.polarity == "worked"]
        assert set(mine) == {1.0}


def test_failed_edits_rank_lower(memory: Memory) -> None:
    same = {"bottleneck": "a slow queue in a loop", "edit": "a faster queue"}
    memory.add(technique(2, **same, provenance="corpus:a", polarity="failed"))
    memory.add(technique(3, **same, provenance="corpus:b"))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        assert titles(index, "queue in a loop", 2) == ["Use a heap", "Use a deque"]


def test_explain_names_each_ranking(index: Index) -> None:
    row = index.explain("membership in a list", 1, hint="set")[0]
    names = {name for name, _ in row.places}
    assert {"facts, bottleneck, vectors", "facts, edit, vectors", "facts, words"} <= names
    assert "hint, words" in names
    worth = [0.25 if name.endswith("vectors") else 1.0 for name, _ in row.places]
    places = [place for _, place in row.places]
    assert row.hit.score == pytest.approx(
        sum(w / (20 + place) for w, place in zip(worth, places, strict=True))
    )


def test_new_records_are_found_at_once(index: Index, memory: Memory) -> None:
    index.search("anything in a loop", 1)
    memory.add(make_record(9, title="New", bottleneck="matrix transposed", edit="zip the rows"))
    assert titles(index, "transposing a matrix", 1) == ["New"]
    (new,) = [r for r in memory.all() if r.title == "New"]
    memory.remove([new.id])
    assert "New" not in titles(index, "transposing a matrix", 5)


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
            assert len(index.search("membership in a list", 5)) == 5
            assert index.verify().ok
    assert said.count("embedding with fixed") == 1
    assert said.count("embedding with hashed words") == 1, "kept vectors are used again"


def test_other_length_behind_the_same_name_is_noticed(memory: Memory, tmp_path: Path) -> None:
    memory.add_all(technique(i) for i in range(len(TECHNIQUES)))
    with Index(memory, tmp_path / "c", Fixed(8), corpus=None) as index:
        assert len(index.search("membership", 5)) == 5
    with Index(memory, tmp_path / "c", Fixed(16), corpus=None) as index:
        assert len(index.search("membership", 5)) == 5
        assert any("another length" in note for note in index.notes)
        assert index.verify().ok


def test_cancel_while_embedding_keeps_what_is_done(memory: Memory) -> None:
    memory.add_all(make_record(i) for i in range(100))
    embedder = Fixed(8)

    def cancel_late(text: str, share: float | None) -> None:
        if share:
            raise Cancelled

    with Index(memory, embedder=embedder, corpus=None, progress=cancel_late) as index:
        with pytest.raises(Cancelled):
            index.search("anything", 1)
        assert memory.counts()["vectors"] == 64
    with Index(memory, embedder=embedder, corpus=None) as index:
        index.search("anything", 1)
    assert embedder.calls == [64, 64, 64, 8, 1]


# -- care


def test_stats_tell_what_is_there(index: Index, memory: Memory) -> None:
    index.search("loop", 1)
    stats = index.stats()
    assert (stats.records, stats.proved, stats.vectors) == (5, 5, 10)
    assert stats.by_language == (("python", 5),)
    assert stats.by_polarity == (("worked", 5),)
    assert stats.embedder == "hashed words"
    assert stats.chroma == "10 vectors"
    assert stats.path == str(memory.path)


def test_verify_makes_what_is_missing(index: Index, memory: Memory) -> None:
    assert index.verify().ok
    memory.drop_vectors()
    assert index.verify().ok
    assert memory.counts()["vectors"] == 10


def test_verify_names_a_failing_embedder(memory: Memory) -> None:
    memory.add(technique(0))
    with Index(memory, embedder=Fixed(8, fails=True), corpus=None) as index:
        checked = index.verify()
    assert not checked.ok
    assert checked.problems == ("it is down",)
    assert checked.mend == "hasten index rebuild"


def test_rebuild_starts_from_the_texts(index: Index, memory: Memory) -> None:
    index.search("loop", 1)
    other = [(r.id, "edit", b"\0\0\0\0") for r in memory.all()]
    memory.put_vectors("an embedder of old", other)  # type: ignore[arg-type]
    said: list[str] = []
    index.rebuild(lambda text, _: said.append(text))
    assert index.verify().ok
    assert memory.counts()["vectors"] == 10
    assert any("embedding" in text for text in said)
    assert any("building" in text for text in said)


def test_export_and_import_exchange_what_was_learnt(
    index: Index, memory: Memory, tmp_path: Path
) -> None:
    mine = technique(
        0, provenance=workspace_provenance("w", "a.py", "f"), polarity="accepted", title="mine"
    )
    memory.add(mine)
    assert index.export(tmp_path / "out.jsonl") == 1
    with Memory(tmp_path / "other.db") as other:
        theirs = Index(other, corpus=None)
        assert theirs.import_(tmp_path / "out.jsonl") == 1
        assert theirs.import_(tmp_path / "out.jsonl") == 1
        (got,) = other.all()
        assert got.provenance == f"import:{mine.provenance}"
        assert replace(got, provenance=mine.provenance, id=mine.id) == mine
        assert other.titles("workspace:w:", "accepted") == frozenset()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "exactly the keys"),
        ('{"id": "x"}', "exactly the keys"),
        ("title=7", "title is no text"),
        ("title='\\ud800'", "half a surrogate"),
        ("polarity='great'", "polarity is one of"),
        ("ratio='2'", "ratio is"),
        ("ratio=-1", "ratio is"),
        ("receipt='x'", "receipt is"),
    ],
)
def test_malformed_import_changes_nothing(
    memory: Memory, tmp_path: Path, line: str, what: str
) -> None:
    import ast
    import json
    from dataclasses import asdict

    good = asdict(make_record(1))
    if "=" in line:
        key, value = line.split("=")
        line = json.dumps({**good, key: ast.literal_eval(value)})
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(good) + "\n\n" + line + "\n")
    with pytest.raises(ExchangeError, match=what) as caught:
        Index(memory, corpus=None).import_(path)
    assert f"{path}:3" in caught.value.message
    assert memory.all() == ()


def test_missing_import_and_bad_export_are_clear(memory: Memory, tmp_path: Path) -> None:
    index = Index(memory, corpus=None)
    with pytest.raises(ExchangeError, match="can't be read"):
        index.import_(tmp_path / "none.jsonl")
    with pytest.raises(ExchangeError, match="can't be written"):
        index.export(tmp_path / "none" / "out.jsonl")


def test_imported_ids_are_computed_not_believed(memory: Memory, tmp_path: Path) -> None:
    from index import jsonl

    mine = make_record(1)
    memory.add(mine)
    planted = replace(make_record(2), id=mine.id)
    jsonl.write(tmp_path / "in.jsonl", [planted])
    Index(memory, corpus=None).import_(tmp_path / "in.jsonl")
    assert memory.get(mine.id) == mine
    assert len(memory.all()) == 2
