"""The shipped corpus is proved, neutral, and gets into the memory."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from benchmark_runner.receipt import from_json
from index import jsonl
from index.corpus.load import SHIPPED, load_corpus
from index.embedding import FactsEmbedder
from index.errors import ExchangeError
from index.record import Record
from index.retrieval import Index
from index.store import Memory
from tests.index.conftest import make_record

SOURCES = SHIPPED.parent / "sources"
RECORDS = jsonl.read(SHIPPED)


def digest(path: str, text: str) -> str:
    """Of a version with one file: path and text, each after its length."""
    data = hashlib.sha256()
    for piece in (path.encode(), text.encode()):
        data.update(len(piece).to_bytes(8, "little") + piece)
    return data.hexdigest()


def test_there_are_enough() -> None:
    assert len(RECORDS) >= 25
    assert len({record.id for record in RECORDS}) == len(RECORDS)
    assert len({record.title for record in RECORDS}) == len(RECORDS)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.provenance)
def test_record_is_proved_faster_and_the_receipt_is_of_its_texts(record: Record) -> None:
    assert record.receipt is not None
    receipt = from_json(record.receipt)
    assert receipt.decision == "faster"
    assert receipt.equality == "exact", receipt.reason
    assert receipt.before_sha256 == digest(receipt.path, record.slow)
    assert receipt.after_sha256 == digest(receipt.path, record.fast)
    assert receipt.measurement is not None
    assert receipt.measurement.confirmed
    assert receipt.sandbox.level != "L0"
    assert receipt.interval is not None
    assert receipt.interval[0] > 1.4
    assert record.ratio == receipt.ratio
    assert record.polarity == "worked"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.provenance)
def test_record_is_its_source(record: Record) -> None:
    folder = SOURCES / record.provenance.removeprefix("corpus:")
    assert (folder / "slow.py").read_text() == record.slow
    assert (folder / "fast.py").read_text() == record.fast
    meta = (folder / "meta.toml").read_text()
    assert record.bottleneck in meta
    assert record.edit in meta
    assert record.title in meta
    compile(record.slow, "slow.py", "exec")
    compile(record.fast, "fast.py", "exec")


def test_corpus_names_no_place_of_the_machine_that_built_it() -> None:
    text = SHIPPED.read_text()
    assert not re.search(r"(?<![\w.])/(home|root|work|tmp|usr|var|opt|mnt|srv)\b", text)
    for record in RECORDS:
        assert record.receipt is not None
        environment = record.receipt["environment"]
        assert re.fullmatch(r"CPython \d+\.\d+\.\d+", environment["python"])
        assert not Path(record.receipt["path"]).is_absolute()


def test_descriptions_are_free_of_the_programs_names() -> None:
    for record in RECORDS:
        assert record.receipt is not None
        name = str(record.receipt["function"])
        if "_" in name:  # "merged" and "columns" are also plain words
            assert name not in f"{record.title} {record.bottleneck} {record.edit}"


def test_loading_once_is_enough_and_a_changed_file_replaces(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    jsonl.write(path, [make_record(1), make_record(2)])
    with Memory(tmp_path / "memory.db") as memory:
        assert load_corpus(memory, path)
        assert not load_corpus(memory, path)
        jsonl.write(path, [make_record(2), make_record(3)])
        assert load_corpus(memory, path)
        assert {r.provenance for r in memory.all()} == {"corpus:program-2", "corpus:program-3"}


def test_foreign_provenance_in_a_corpus_is_refused(tmp_path: Path, memory: Memory) -> None:
    path = tmp_path / "corpus.jsonl"
    jsonl.write(path, [make_record(1, provenance="workspace:w:a.py::f")])
    with pytest.raises(ExchangeError, match="no provenance"):
        load_corpus(memory, path)
    assert memory.all() == ()


def test_missing_corpus_is_named(tmp_path: Path, memory: Memory) -> None:
    with pytest.raises(ExchangeError, match="can't be read") as caught:
        load_corpus(memory, tmp_path / "none.jsonl")
    assert caught.value.mend == "reinstall hasten"


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("membership tests against a list inside a loop", {"membership-set", "dedupe-ordered"}),
        ("a string grown by concatenation inside a loop", {"string-join", "bytes-translate"}),
        ("list.pop(0) at the front of a queue", {"bfs-deque", "chunk-slices", "rotate-slice"}),
        ("recursion on overlapping subproblems", {"dp-table", "dp-memo-call"}),
        ("sorting a whole list to take its first element", {"sorted-first", "heapq-topk"}),
        ("nested loop that compares two lists for equality", {"nested-join-dict"}),
    ],
)
def test_shipped_corpus_answers_plain_questions(
    memory: Memory, query: str, slugs: set[str]
) -> None:
    with Index(memory, embedder=FactsEmbedder()) as index:
        found = {h.record.provenance.removeprefix("corpus:") for h in index.search(query, 3)}
    assert found & slugs
