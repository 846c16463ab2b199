"""Fifty kills at random moments: what was acknowledged is in the file, and in the journal alone."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from index.embedding import FactsEmbedder
from index.retrieval import Index
from index.store import Memory
from tests.index.durable import (
    QUERY,
    after,
    answers,
    filled,
    held,
    learnt_record,
    restored,
    step,
)

# Children are forked from a process that has imported what they need, once.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "numpy", "chromadb", "bm25s", "tests.index.durable"])


def writer(path: Path, start: int, say: Connection) -> None:
    """Do step after step, and say so after each."""
    with Memory(path) as memory:
        n = start
        while True:
            step(memory, n)
            say.send_bytes(str(n).encode())
            n += 1


def searcher(path: Path, start: int, say: Connection) -> None:
    """Add a record and search for it, with both indexes made anew now and then."""
    n = start
    with Memory(path) as memory:
        while True:
            memory.add(learnt_record(n))
            say.send_bytes(str(n).encode())
            with Index(
                memory,
                embedder=FactsEmbedder(),
                corpus=None,
                progress=lambda _what, _share: say.send_bytes(b""),
            ) as index:
                index.search(QUERY, 5)
                index.passages(QUERY, 5)
                if n % 3 == 0:
                    index.rebuild()
            if n % 2:
                shutil.rmtree(path.with_name("words"), ignore_errors=True)  # rebuild did so
            say.send_bytes(b"")
            n += 1


def killed(
    work: Callable[[Path, int, Connection], None], path: Path, start: int, rng: random.Random
) -> list[int]:
    """Let `work` run, kill it at some moment, and give the steps that it said were done."""
    hear, say = _FORKS.Pipe(duplex=False)
    child = _FORKS.Process(target=work, args=(path, start, say))
    child.start()
    say.close()
    said: list[bytes] = []
    with contextlib.suppress(EOFError, OSError):
        said.extend(hear.recv_bytes() for _ in range(rng.randrange(14)))
        for _ in range(rng.randrange(60_000)):
            pass
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        while True:  # said before the signal arrived
            said.append(hear.recv_bytes())
    child.join()
    assert child.exitcode == -signal.SIGKILL, "it failed before it was killed"
    hear.close()
    return [int(text) for text in said if text]


@pytest.mark.parametrize("seed", range(4))
def test_kill_at_any_write_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    rng, path = random.Random(seed), tmp_path / "memory.db"
    expected, n = filled(tmp_path, 20), 20
    for _ in range(10):
        for done in killed(writer, path, n + 1, rng):
            expected, n = after(expected, done), done
        n += 1  # was under way: done or not, but whole
        with Memory(path) as memory:
            found = held(memory)
            assert found in (expected, after(expected, n))
            assert memory.damage() is None
            assert not any("damaged" in note for note in memory.notes)
        assert restored(tmp_path / "restored", tmp_path / "memory.journal") == found
        expected = found


@pytest.mark.parametrize("seed", range(2))
def test_kill_while_indexes_are_built_loses_nothing_and_they_answer_as_new_ones(
    tmp_path: Path, seed: int
) -> None:
    rng, path = random.Random(100 + seed), tmp_path / "memory.db"
    expected, n = filled(tmp_path, 40), 1000
    for trial in range(5):
        for done in killed(searcher, path, n + 1, rng):
            expected.records[learnt_record(done).id] = learnt_record(done)
            n = done
        n += 1
        with Memory(path) as memory:
            found = held(memory)
            whole = {**expected.records, learnt_record(n).id: learnt_record(n)}
            assert found.records in (expected.records, whole)
            expected.records = found.records
            assert found == expected
            new = answers(memory, tmp_path / f"new{trial}" / "chroma")
            assert answers(memory, tmp_path / "chroma") == new
            assert memory.damage() is None
        assert restored(tmp_path / "restored", tmp_path / "memory.journal") == expected
