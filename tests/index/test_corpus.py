"""The shipped corpus is proved, neutral, and gets into the memory."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmark_runner.receipt import from_json
from index import jsonl
from index.corpus.load import SHIPPED, load_corpus
from index.embedding import FactsEmbedder
from index.errors import ExchangeError
from index.record import Record
from index.retrieval import Index
from index.store import Memory
from tests.index.conftest import ask, make_record
from tools.build_corpus import refused
from tools.corpus_check import named
from tools.corpus_source import SUFFIXES, Source, all_sources

RECORDS = tuple(record for path in SHIPPED for record in jsonl.read(path))
SOURCE_OF = {source.slug: source for source in all_sources()}
LEFT_OUT = {
    slug: row
    for language in SUFFIXES
    for slug, row in json.loads(refused(language).read_text("utf-8")).items()
}
LEAST = 1.1
"""By the lower bound of its interval: what a step must gain to ship."""


def digest(path: str, text: str) -> str:
    """Of a version with one file: path and text, each after its length."""
    data = hashlib.sha256()
    for piece in (path.encode(), text.encode()):
        data.update(len(piece).to_bytes(8, "little") + piece)
    return data.hexdigest()


def source_of(record: Record) -> Source:
    return SOURCE_OF[record.provenance.removeprefix("corpus:")]


def check(data: dict[str, Any] | None, source: Source, before: str, after: str) -> None:
    """A receipt of ours that says faster, of these two texts."""
    assert data is not None
    assert data["source"] == source.digest if "source" in data else True
    receipt = from_json({key: value for key, value in data.items() if key != "source"})
    assert receipt.decision == "faster"
    assert receipt.equality == "exact", receipt.reason
    assert receipt.path == f"{source.language}/{source.file_name}"
    assert receipt.before_sha256 == digest(receipt.path, before)
    assert receipt.after_sha256 == digest(receipt.path, after)
    assert receipt.measurement is not None
    assert receipt.measurement.confirmed
    assert receipt.sandbox.level != "L0"
    assert receipt.interval is not None
    assert receipt.interval[0] >= LEAST


def test_there_are_enough() -> None:
    counts = Counter(record.language for record in RECORDS)
    assert counts["python"] >= 300
    assert counts["c"] + counts["c++"] >= 100
    assert len({record.id for record in RECORDS}) == len(RECORDS)
    assert len({record.provenance for record in RECORDS}) == len(RECORDS)


def test_a_source_is_proved_or_left_out_and_never_both() -> None:
    proved = {record.provenance.removeprefix("corpus:") for record in RECORDS}
    assert proved | set(LEFT_OUT) == set(SOURCE_OF)
    assert not proved & set(LEFT_OUT)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.provenance)
def test_record_and_each_step_are_proved_faster_and_the_receipts_are_of_their_texts(
    record: Record,
) -> None:
    source = source_of(record)
    check(record.receipt, source, record.slow, record.fast)
    assert record.polarity == "worked"
    assert record.receipt is not None
    assert record.ratio == pytest.approx(record.receipt["ratio"], rel=1e-5)
    assert record.steps
    texts = (record.slow, *(step.code for step in record.steps))
    if len(record.steps) > 1:
        for step, before in zip(record.steps, texts, strict=False):
            check(step.receipt, source, before, step.code)
    small, middle, large = record.sizes
    assert (small[0], middle[0], large[0]) == source.sizes
    assert middle[1] >= 1.0
    assert large[1] >= LEAST


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.provenance)
def test_record_is_its_source(record: Record) -> None:
    source = source_of(record)
    assert record.language == source.language
    assert (record.slow, record.fast) == (source.slow, source.fast)
    assert [(s.title, s.edit, s.code) for s in record.steps] == [
        (s.title, s.edit, s.code) for s in source.steps
    ]
    assert record.bottleneck == source.bottleneck
    assert record.edit == source.edit
    assert record.purpose == source.program
    assert record.requires == source.requires
    if record.language == "python":
        for text in source.texts():
            compile(text, source.file_name, "exec")


def test_corpus_names_no_place_of_the_machine_that_built_it() -> None:
    for path in (*SHIPPED, *map(refused, SUFFIXES)):
        text = path.read_text()
        assert not re.search(r"(?<![\w.])/(home|root|work|tmp|usr|var|opt|mnt|srv)\b", text)
    for record in RECORDS:
        assert record.receipt is not None
        environment = record.receipt["environment"]
        assert re.fullmatch(r"CPython \d+\.\d+\.\d+", environment["python"])
        assert not Path(record.receipt["path"]).is_absolute()


@pytest.mark.parametrize("source", SOURCE_OF.values(), ids=lambda source: source.slug)
def test_words_are_free_of_the_programs_names(source: Source) -> None:
    assert named(source) == []


def test_loading_once_is_enough_and_a_changed_file_replaces(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    jsonl.write(path, [make_record(1), make_record(2)])
    with Memory(tmp_path / "memory.db") as memory:
        assert load_corpus(memory, [path])
        assert not load_corpus(memory, [path])
        jsonl.write(path, [make_record(2), make_record(3)])
        assert load_corpus(memory, [path])
        assert {r.provenance for r in memory.all()} == {"corpus:program-2", "corpus:program-3"}


def test_foreign_provenance_in_a_corpus_is_refused(tmp_path: Path, memory: Memory) -> None:
    path = tmp_path / "corpus.jsonl"
    jsonl.write(path, [make_record(1, provenance="workspace:w:a.py::f")])
    with pytest.raises(ExchangeError, match="no provenance"):
        load_corpus(memory, [path])
    assert memory.all() == ()


def test_missing_corpus_is_named(tmp_path: Path, memory: Memory) -> None:
    with pytest.raises(ExchangeError, match="can't be read") as caught:
        load_corpus(memory, [tmp_path / "none.jsonl"])
    assert caught.value.mend == "reinstall hasten"


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("membership tests against a list inside a loop", "in a set|by key|key views"),
        ("a string grown by concatenation inside a loop", "join once|bytearray|one buffer"),
        ("list.pop(0) at the front of a queue", "deque"),
        ("recursion on overlapping subproblems", "subproblems|by a table|instead of a table"),
        ("sorting a whole list to take its first element", "without sorting|heap|few"),
        ("nested loop that compares two lists for equality", "by key|in a set|in a dict"),
    ],
)
def test_shipped_corpus_answers_plain_questions(memory: Memory, query: str, titles: str) -> None:
    with Index(memory, embedder=FactsEmbedder()) as index:
        found = [hit.record.title for hit in ask(index, query, 10)]
    assert any(re.search(titles, title) for title in found), found
