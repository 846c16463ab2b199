"""Flipped bytes and foreign folders in what is built from the memory: answers stay right."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.progress import silent
from index import chroma as chroma_module
from index import lexical
from index.chroma import Chroma
from index.embedding import FactsEmbedder
from index.manifest import read_manifest
from index.retrieval import Index
from index.sparse import Sparse
from index.store import Memory
from index.vectors import Vectors
from tests.index.conftest import make_record, put_vectors
from tests.index.durable import answers, filled, learnt_record
from tests.index.test_durability_flips import flip

MANY = 1010  # Chroma writes its graph to the disk from 1000 vectors on
RANDOM = "random-16"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, frozenset[str]]]:
    """A memory that was searched, with both indexes beside it, and what each ranking finds."""
    folder = tmp_path_factory.mktemp("searched")
    filled(folder, 39)
    with Memory(folder / "memory.db") as memory:
        found = answers(memory, folder / "chroma")
    return folder, found


def some_file(folder: Path, rng: random.Random) -> Path:
    """One of the files that have bytes, the smallest as often as the largest."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return rng.choice([path for path in found if path.stat().st_size])


def test_any_byte_of_the_word_indexes_may_change(
    tmp_path: Path, searched: tuple[Path, dict[str, frozenset[str]]]
) -> None:
    folder, _ = searched
    rng = random.Random(1)
    shutil.copytree(folder, tmp_path / "m")
    with Memory(tmp_path / "m" / "memory.db") as memory:
        expected = answers(memory, tmp_path / "new" / "chroma", vectors=False)
        for _ in range(30):
            shutil.rmtree(tmp_path / "m" / "words")
            shutil.copytree(folder / "words", tmp_path / "m" / "words")
            flip(some_file(tmp_path / "m" / "words", rng), rng)
            assert answers(memory, tmp_path / "m" / "chroma", vectors=False) == expected


def test_words_that_changed_on_the_disk_alone_are_seen_when_all_are_read(
    tmp_path: Path,
    searched: tuple[Path, dict[str, frozenset[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, _ = searched
    shutil.copytree(folder, tmp_path / "m")
    # What a bad disk changes has the time and the size of before, which no write can leave.
    monkeypatch.setattr(lexical, "stamps", lambda build: _noted(build)["stamps"])
    monkeypatch.setattr(lexical.Lexical, "_keep", lambda *_: None)
    rng = random.Random(3)
    with Memory(tmp_path / "m" / "memory.db") as memory:
        chroma = tmp_path / "m" / "chroma"
        expected = answers(memory, tmp_path / "new" / "chroma", vectors=False)
        for path in sorted((tmp_path / "m" / "words").glob("*/build-*/**/*")):
            if not path.is_file() or not path.stat().st_size:
                continue
            before = path.read_bytes()
            flip(path, rng)
            (words,) = (parent for parent in path.parents if parent.name == "words")
            assert not Sparse(memory, words).intact()
            answers(memory, chroma, vectors=False)  # whatever it is, it is no error
            path.write_bytes(before)
        for path in (tmp_path / "m" / "words").glob("*/build-*/places"):
            path.write_bytes(b"\x7f" * path.stat().st_size)
        assert answers(memory, chroma, vectors=False) == expected, "places that there are not"
        monkeypatch.undo()
        with Index(memory, chroma, FactsEmbedder(), corpus=None) as index:
            checked = index.verify()
            assert "word indexes" in str(checked.problems)
            assert not checked.mend, "it was done"
            assert answers(memory, chroma, vectors=False) == expected
            assert index.verify().ok


def _noted(build: Path) -> dict[str, Any]:
    noted: dict[str, Any] = json.loads((build.parent / "words.json").read_text())
    return noted


@pytest.mark.parametrize("ahead", range(3))
def test_a_revision_that_an_index_has_not_seen_is_not_believed(
    tmp_path: Path, searched: tuple[Path, dict[str, frozenset[str]]], ahead: int
) -> None:
    folder, _ = searched
    shutil.copytree(folder, tmp_path / "m")
    with Memory(tmp_path / "m" / "memory.db") as memory:
        memory.add(learnt_record(1002))
        manifests = [*(tmp_path / "m" / "words").glob("*/words.json")]
        for named in (*manifests, tmp_path / "m" / "chroma" / "manifest.json"):
            data = json.loads(named.read_text())
            named.write_text(json.dumps({**data, "revision": memory.generation() + ahead}))
        expected = answers(memory, tmp_path / "new" / "chroma")
        assert answers(memory, tmp_path / "m" / "chroma") == expected


def test_any_byte_of_the_chroma_folder_may_change(
    tmp_path: Path, searched: tuple[Path, dict[str, frozenset[str]]]
) -> None:
    folder, expected = searched
    rng = random.Random(2)
    for trial in range(8):
        shutil.copytree(folder, tmp_path / f"{trial}")
        chroma = tmp_path / f"{trial}" / "chroma"
        flip(some_file(chroma, rng), rng)
        with Memory(tmp_path / f"{trial}" / "memory.db") as memory:
            assert answers(memory, chroma) == expected
            with Index(memory, chroma, FactsEmbedder(), corpus=None) as index:
                assert index.verify().ok


# -- with a graph on the disk


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a memory of random vectors and a Chroma folder."""
    folder = tmp_path_factory.mktemp("graph")
    rng = np.random.default_rng(3)
    with Memory(folder / "memory.db") as memory:
        records = [make_record(n) for n in range(MANY)]
        memory.add_all(records)
        matrix = rng.normal(size=(MANY, 16)).astype("<f4")
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        rows = [(r, "edit", row.tobytes()) for r, row in zip(records, matrix, strict=True)]
        put_vectors(memory, RANDOM, rows)  # type: ignore[arg-type]
        chroma = Chroma(folder / "chroma", memory, RANDOM)
        assert chroma.acquire()
        assert chroma.open(silent) is None
        chroma.close()
    assert list(folder.glob("chroma/build-*/*/data_level0.bin"))
    return folder


@pytest.fixture
def opened(tmp_path: Path, graph: Path) -> Iterator[tuple[Memory, Path]]:
    shutil.copytree(graph, tmp_path / "copy")
    with Memory(tmp_path / "copy" / "memory.db") as memory:
        yield memory, tmp_path / "copy" / "chroma"


def check_finds_all(chroma: Chroma, memory: Memory) -> None:
    """Some vectors, spread over all of them, find themselves first."""
    vectors = Vectors(memory, RANDOM)
    digests = vectors.digests("edit", "python")[::20]
    for digest, blob in vectors.some("edit", "python", digests):
        found = chroma.query("python", "edit", np.frombuffer(blob, dtype="<f4"), 5)
        assert found is not None
        assert found[0] == digest


def test_any_byte_of_a_graph_may_change(opened: tuple[Memory, Path], graph: Path) -> None:
    memory, folder = opened
    rng = random.Random(4)
    for _ in range(8):
        shutil.rmtree(folder)
        shutil.copytree(graph / "chroma", folder)
        (build,) = folder.glob("build-*")
        flip(some_file(build, rng), rng)
        chroma = Chroma(folder, memory, RANDOM)
        assert chroma.acquire()
        assert chroma.open(silent) == "its files were changed or damaged"
        assert chroma.counts == {"xpython-edit": MANY}
        check_finds_all(chroma, memory)
        chroma.close()


def test_a_byte_that_changed_on_the_disk_alone_is_seen_when_all_are_read(
    opened: tuple[Memory, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, folder = opened
    rng = random.Random(5)
    manifest = read_manifest(folder)
    assert manifest is not None
    chroma = Chroma(folder, memory, RANDOM)
    assert chroma.intact()
    # What a bad disk changes has the time and the size of before, which no write can leave.
    monkeypatch.setattr(chroma_module, "stamps", lambda _: manifest.stamps)
    for path in sorted((folder / manifest.build).rglob("*")):
        if path.is_file() and path.stat().st_size:
            before = path.read_bytes()
            flip(path, rng)
            assert not chroma.intact()
            path.write_bytes(before)
            assert chroma.intact()
