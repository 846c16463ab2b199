"""Chroma is asked in a thread beside the words, one question at a time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from analysis.errors import Cancelled
from index.chroma import Chroma
from index.embedding import FactsEmbedder
from index.retrieval import Index
from index.sparse import Sparse
from index.store import Memory
from tests.index.conftest import ask, make_record


def test_chroma_is_asked_beside_what_the_caller_does(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.add_all(make_record(i) for i in range(5))
    ended = threading.Event()
    query, search = Chroma.query, Sparse.search

    def after_the_words(self: Chroma, *given: Any) -> Any:
        assert ended.wait(60)
        return query(self, *given)

    def noted(self: Sparse, *given: Any) -> Any:
        try:
            return search(self, *given)
        finally:
            ended.set()

    monkeypatch.setattr(Chroma, "query", after_the_words)
    monkeypatch.setattr(Sparse, "search", noted)
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        assert ask(index, "bottleneck number 3", 1)[0].record.id == make_record(3).id


def test_a_search_that_was_cancelled_does_not_disturb_the_next(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.add_all(make_record(i) for i in range(5))
    at_once: list[int] = []
    query, sync, asking = Chroma.query, Chroma.sync, threading.Semaphore(1)

    def slow(self: Chroma, *given: Any) -> Any:
        with asking:
            threading.Event().wait(0.05)
            return query(self, *given)

    def alone(self: Chroma) -> None:
        at_once.append(asking.acquire(blocking=False))
        sync(self)
        if at_once[-1]:
            asking.release()

    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        expected = ask(index, "bottleneck number 3", 3)
        monkeypatch.setattr(Chroma, "query", slow)
        monkeypatch.setattr(Chroma, "sync", alone)
        with monkeypatch.context() as patched:
            patched.setattr(Sparse, "search", cancelled)
            with pytest.raises(Cancelled):
                ask(index, "bottleneck number 3", 3)
        assert ask(index, "bottleneck number 3", 3) == expected
    assert at_once
    assert all(at_once), "the index is not written to while it is asked"


def cancelled(*_: object) -> None:
    raise Cancelled


def test_at_the_end_of_the_process_chroma_is_asked_as_well(memory: Memory) -> None:
    memory.add_all(make_record(i) for i in range(5))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        expected = ask(index, "bottleneck number 3", 3)
        index._opened()._beside.shutdown()  # as the interpreter does before its last functions
        assert ask(index, "bottleneck number 3", 3) == expected
