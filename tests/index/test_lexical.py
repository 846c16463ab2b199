"""The word index: the same answers whether built anew, read from disk or brought up to date."""

from __future__ import annotations

import json
import math
import os
import pickle
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import pytest

from index.lexical import Counts, Lexical
from index.manifest import checksums, sealed, stamps
from index.words import words

VOCABULARY = [f"word{n}" for n in range(60)]


def documents(count: int, seed: int = 1) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    weights = [1 / (n + 1) for n in range(len(VOCABULARY))]
    return [
        (f"d{n:04}", " ".join(rng.choices(VOCABULARY, weights, k=rng.randrange(3, 30))))
        for n in range(count)
    ]


def plain(folder: Path | None = None, identity: str = "m") -> Lexical:
    return Lexical(folder, identity, str.split)


def flat(found: tuple[tuple[str, ...], ...]) -> list[str]:
    return [item for place in found for item in place]


def test_scores_are_those_of_the_library() -> None:
    rows = documents(200)
    lexical = plain()
    lexical.build(rows, 1)
    query = ["word3", "word17", "word40"]
    model = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    model.index([text.split() for _, text in rows], show_progress=False)
    by_library = model.get_scores(query)
    added_up = {item: score for score, item in lexical._postings.best(query, 200)}

    for (item, text), score in zip(rows, by_library, strict=True):
        own = lexical._counts.score(query, Counter(text.split()))
        assert own == pytest.approx(score, rel=1e-4)
        assert added_up.get(item, 0.0) == pytest.approx(score, rel=1e-4)
    assert lexical._counts.containing == Counter(
        word for _, text in rows for word in set(text.split())
    )


@pytest.mark.parametrize("n", [1, 5, 40])
def test_the_best_of_many_are_those_of_all(n: int) -> None:
    rows = documents(7000)
    lexical = plain()
    lexical.build(rows, 1)
    lexical.update([], [item for item, _ in rows[::7]], 2)
    query = ["word2", "word30", "word55"]
    gone = set(rows[::7])
    every = sorted(
        (lexical._counts.score(query, Counter(text.split())), item)
        for item, text in rows
        if (item, text) not in gone
    )
    found = sorted(lexical._postings.best(query, n, lexical._stale))
    assert [s for s, _ in found] == pytest.approx([s for s, _ in every[-n:]], rel=1e-4)
    assert all(score == pytest.approx(dict(map(reversed, every))[item]) for score, item in found)


def test_what_was_added_since_stands_where_it_would_after_a_build() -> None:
    rows = documents(300)
    whole, grown = plain(), plain()
    whole.build(rows, 1)
    grown.build(rows[:290], 1)
    assert grown.update(rows[290:], (), 2)
    for query in ("word50 word3", "word9", "word31 word12 word2"):
        anew, since = flat(whole.search(query, 20)), flat(grown.search(query, 20))
        assert len(set(anew) & set(since)) >= 18, "weights of words differ a little"


def test_a_new_word_is_found_before_the_next_build() -> None:
    lexical = plain()
    lexical.build(documents(50), 1)
    lexical.update([("new", "zebra")], (), 2)
    assert flat(lexical.search("zebra", 3)) == ["new"]


def test_what_changed_or_went_is_found_as_it_is_now() -> None:
    lexical = plain()
    lexical.build([("a", "red"), ("b", "red blue"), ("c", "green")], 1)
    lexical.update([("b", "yellow")], ("a",), 2)
    assert lexical.search("red", 5) == ()
    assert flat(lexical.search("yellow", 5)) == ["b"]
    lexical.update([], ("b",), 3)
    assert lexical.search("yellow", 5) == ()
    assert lexical.seen == 3


def test_much_new_asks_for_a_build() -> None:
    lexical = plain()
    lexical.build(documents(100), 1)
    assert lexical.update(documents(400, seed=2), (), 2)
    assert not lexical.update([(f"x{n}", "word1") for n in range(200)], (), 3)


def test_of_a_large_index_only_so_much_is_scored_by_itself() -> None:
    lexical = plain()
    lexical.build([(f"d{n}", "one two") for n in range(20_000)], 1)
    assert lexical.update([(f"x{n}", "three") for n in range(500)], (), 2)
    assert not lexical.update([("y", "three")], (), 3)


def test_documents_without_a_word_of_the_query_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lexical = plain()
    lexical.build(documents(50), 1)
    lexical.update([(f"x{n}", "new words here") for n in range(300)], (), 2)
    lexical.update([("x7", "zebra zebra"), ("x8", "zebra stripe")], ("x9",), 3)
    looked: list[str] = []
    gain = Counts.gain

    def noted(self: Counts, word: str, times: int, length: int) -> float:
        looked.append(word)
        return gain(self, word, times, length)

    monkeypatch.setattr(Counts, "gain", noted)
    assert set(flat(lexical.search("zebra stripe other", 5))) == {"x7", "x8"}
    assert sorted(looked) == ["stripe", "zebra", "zebra"]
    looked.clear()
    assert len(flat(lexical.search("new", 500))) == 297
    assert len(looked) == 297


def test_a_text_that_is_none_costs_no_more_than_the_folder(tmp_path: Path) -> None:
    lexical = plain(tmp_path / "words")
    lexical.build([("a", "red \udc80lue"), ("b", "green")], 1)
    assert flat(lexical.search("green", 5)) == ["b"]


def test_equal_documents_share_a_place() -> None:
    lexical = plain()
    lexical.build([("a", "one two"), ("b", "one two"), ("c", "one three four")], 1)
    assert [set(place) for place in lexical.search("one", 5)] == [{"a", "b"}, {"c"}]


def test_only_the_rarest_words_of_a_query_are_asked_for() -> None:
    rows = [(f"d{n}", "common " + ("rare" if n < 2 else "other")) for n in range(30)]
    lexical = Lexical(None, "m", str.split, asked=1)
    lexical.build(rows, 1)
    assert set(flat(lexical.search("common rare", 30))) == {"d0", "d1"}


def test_words_that_nobody_has_take_no_place() -> None:
    lexical = Lexical(None, "m", str.split, asked=2)
    lexical.build([*((f"d{n}", "common") for n in range(9)), ("x", "common zygote")], 1)
    assert flat(lexical.search("a b c zygote", 5)) == ["x"]
    lexical.update([("y", "new")], (), 2)
    assert flat(lexical.search("a b c new", 5)) == ["y"]


def test_nothing_to_ask_or_to_find_is_no_error() -> None:
    lexical = Lexical(None, "m", words)
    lexical.build([], 1)
    assert lexical.search("anything", 5) == ()
    lexical.build([("a", ""), ("b", "the of")], 2)
    assert lexical.search("", 5) == lexical.search("set", 5) == ()


def test_it_comes_back_from_the_disk(tmp_path: Path) -> None:
    rows = documents(120)
    first = plain(tmp_path / "words")
    first.build(rows, 7)
    second = plain(tmp_path / "words")
    assert second.open()
    assert second.seen == 7
    assert second.search("word5 word22", 10) == first.search("word5 word22", 10)


@pytest.mark.parametrize(
    "rows", [[], [("a", ""), ("", "")], [("\udc80", "red"), ("a" * 9999, "blue")]]
)
def test_few_and_odd_ones_come_back_as_well(rows: list[tuple[str, str]], tmp_path: Path) -> None:
    plain(tmp_path / "words").build(rows, 3)
    lexical = plain(tmp_path / "words")
    assert lexical.open()
    assert sorted(lexical._postings.places) == sorted(item for item, _ in rows)
    assert flat(lexical.search("red", 5)) == [item for item, text in rows if text == "red"]


def test_files_that_nobody_wrote_to_are_not_read_to_be_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "words"
    plain(folder).build(documents(120), 7)
    monkeypatch.setattr("index.lexical.checksums", lambda _: pytest.fail("files are read"))
    assert plain(folder).open()
    monkeypatch.undo()
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    assert plain(copy).open(), "of another time, but with the same bytes"
    assert plain(copy).intact()
    monkeypatch.setattr("index.lexical.checksums", lambda _: pytest.fail("files are read again"))
    assert plain(copy).open(), "what they are like now was noted"
    monkeypatch.undo()
    (data,) = copy.glob("build-*/gains")
    data.write_bytes(bytes(reversed(data.read_bytes())))
    assert not plain(copy).intact()
    assert not plain(copy).open()


def test_what_would_not_be_opened_is_not_damaged(tmp_path: Path) -> None:
    assert plain(tmp_path / "none").intact()
    folder = tmp_path / "words"
    plain(folder).build(documents(20), 7)
    named = json.loads((folder / "words.json").read_text())
    for other in ({**named, "format": 3}, {**named, "sum": 1}, []):
        (folder / "words.json").write_text(json.dumps(other))
        assert plain(folder).intact()


SPOILT: dict[str, list[tuple[str, bytes]]] = {
    "not there": [(name, b"") for name in ("ids.txt", "vocabulary.json")],
    "no words": [
        ("vocabulary.json", text) for text in (b"[1]", b"{}", b"[" * 9999, b'["a"]', b"\xff")
    ],
    "no text": [("ids.txt", b"\xff\xff"), ("ids.txt", b"x")],
    "no bounds": [
        (name, np.array(numbers, "<i8").tobytes())
        for name in ("ids", "starts")
        for numbers in ([], [0], [1, 2], [0, 9, 3], [0, -1], [0, 10**12], [-5, 3])
    ],
    "no whole numbers": [(name, b"123") for name in ("ids", "starts", "places", "gains")],
    "other lengths": [("places", b""), ("gains", b"1234")],
    "a pickle": [(name, pickle.dumps(["a"])) for name in ("ids", "gains", "vocabulary.json")],
}


@pytest.mark.parametrize("what", SPOILT)
def test_files_that_are_none_are_not_opened(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "words"
    plain(folder).build(documents(20), 7)
    assert plain(folder).open()
    for name, data in SPOILT[what]:
        (path,) = folder.glob(f"build-*/{name}")
        before = path.read_bytes()
        path.write_bytes(data)
        forge(folder)
        assert not plain(folder).open(), (name, data[:20])
        path.write_bytes(before)
    forge(folder)
    assert plain(folder).open()


@pytest.mark.parametrize("name", ["words.json", "build-*/ids.txt", "build-*/gains"])
def test_nobody_waits_for_a_pipe(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "words"
    plain(folder).build(documents(20), 7)
    (path,) = folder.glob(name)
    path.unlink()
    os.mkfifo(path)
    if path.parent != folder:
        forge(folder)
    assert not plain(folder).open()
    plain(folder).intact()


@pytest.mark.parametrize(
    "change",
    [{"revision": math.inf}, {"documents": math.inf}, {"mean": "x"}, {"build": ".."}, {"build": 1}],
)
def test_what_is_said_of_the_files_may_be_anything(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = tmp_path / "words"
    plain(folder).build(documents(20), 7)
    forge(folder, **change)
    assert not plain(folder).open()
    plain(folder).intact()


def forge(folder: Path, **change: Any) -> None:
    """Make what is said of the files fit them, as no damage does."""
    (build,) = folder.glob("build-*")
    named = json.loads((folder / "words.json").read_text())
    del named["sum"]
    named |= {"stamps": stamps(build), "files": checksums(build), **change}
    (folder / "words.json").write_text(sealed(named))


def test_of_another_memory_or_damaged_it_is_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    plain(folder).build(documents(120), 7)
    assert not plain(folder, "another").open()
    (build,) = folder.glob("build-*")
    for path in sorted(p for p in build.rglob("*") if p.is_file()):
        data = path.read_bytes()
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        assert not plain(folder).open(), path
        path.write_bytes(data)
    assert plain(folder).open()
    for text in (
        "",
        "[" * 9999,
        "{}",
        json.dumps({"build": "../..", "format": 2, "identity": "m"}),
    ):
        (folder / "words.json").write_text(text)
        assert not plain(folder).open()


def test_a_folder_that_can_not_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("a file where the folder should be")
    lexical = plain(tmp_path / "words")
    lexical.build(documents(50), 1)
    assert lexical.search("word1", 3)


def test_old_builds_are_removed(tmp_path: Path) -> None:
    lexical = plain(tmp_path / "words")
    for revision in range(3):
        lexical.build(documents(20 + revision), revision)
    assert len(list((tmp_path / "words").glob("build-*"))) == 1


def test_a_word_of_every_document_weighs_least() -> None:
    counts = Counts(10, 3.0, {"all": 10, "half": 5, "one": 1})
    assert 0 < counts.idf("all") < counts.idf("half") < counts.idf("one") == counts.idf("none")
