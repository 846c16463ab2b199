"""The Chroma folder may be anything: answers stay right and nothing of the memory is lost."""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import Cancelled
from analysis.progress import silent
from index import chroma as chroma_module
from index import manifest
from index.chroma import Chroma, ChromaFailed, collection_name
from index.dense import Dense
from index.embedding import FactsEmbedder
from index.record import Kind
from index.retrieval import Index
from index.store import Memory
from index.vectors import Vectors
from tests.index.conftest import ask, make_record, put_vectors

ROOT = Path(__file__).resolve().parents[2]
MANY = 1200  # Chroma writes its graph to disk from 1000 vectors on
EMBEDDER = "random-32"
TEXTS: tuple[Kind, ...] = ("bottleneck", "edit")


def fill(memory: Memory, count: int, dims: int = 32) -> dict[str, Any]:
    """Records with random vectors; returns the edit vectors by digest."""
    records = [make_record(i) for i in range(count)]
    memory.add_all(records)
    rng = np.random.default_rng(5)
    for kind in TEXTS:
        matrix = rng.normal(size=(count, dims)).astype("<f4")
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        rows = [(r, kind, row.tobytes()) for r, row in zip(records, matrix, strict=True)]
        put_vectors(memory, EMBEDDER, rows)
    vectors = Vectors(memory, EMBEDDER)
    found = vectors.some("edit", "python", vectors.digests("edit", "python"))
    return {digest: np.frombuffer(blob, dtype="<f4") for digest, blob in found}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A memory with a built index that was let go of; tests work on copies."""
    folder = tmp_path_factory.mktemp("template")
    with Memory(folder / "memory.db") as memory:
        vectors = fill(memory, MANY)
        chroma = Chroma(folder / "chroma", memory, EMBEDDER)
        assert chroma.acquire()
        assert opened(chroma) is None
        chroma.close()
    return folder, vectors


@pytest.fixture
def built(tmp_path: Path, template: tuple[Path, dict[str, Any]]) -> Iterator[Any]:
    folder, vectors = template
    shutil.copytree(folder, tmp_path / "copy")
    with Memory(tmp_path / "copy" / "memory.db") as memory:
        chroma = Chroma(tmp_path / "copy" / "chroma", memory, EMBEDDER)
        assert chroma.acquire()
        yield chroma, memory, vectors
        chroma.close()


def opened(chroma: Chroma) -> str | None:
    """Open an index and check all that it holds; why it was built anew, or None."""
    return chroma.open(silent) or chroma.load(silent)


def nearest(dense: Dense, vector: Any, n: int = 3) -> tuple[tuple[str, ...], ...]:
    return dense.nearest("python", [("edit", vector)], n, silent)()[0]


def build_of(folder: Path) -> Path:
    (build,) = folder.glob("build-*")
    return build


def segments(folder: Path) -> list[Path]:
    return sorted(path.parent for path in build_of(folder).glob("*/data_level0.bin"))


def finds_all(chroma: Chroma, vectors: dict[str, Any]) -> bool:
    sample = random.Random(2).sample(sorted(vectors), 40)
    found = [chroma.query("python", "edit", vectors[digest], 5) for digest in sample]
    return all(near and near[0] == digest for near, digest in zip(found, sample, strict=True))


def test_healthy_index_opens_without_a_build(built: Any) -> None:
    chroma, _, vectors = built
    before = build_of(chroma.folder)
    assert len(segments(chroma.folder)) == 2
    for _ in range(3):
        assert opened(chroma) is None
        assert build_of(chroma.folder) == before
        assert finds_all(chroma, vectors)
        chroma.close()
        assert chroma.acquire()
    assert opened(chroma) is None
    assert chroma.counts == {"xpython-edit": MANY, "xpython-bottleneck": MANY}


def garbage_everywhere(folder: Path) -> None:
    for path in build_of(folder).rglob("*"):
        if path.is_file():
            path.write_bytes(os.urandom(3000))


def empty_sqlite(folder: Path) -> None:
    (build_of(folder) / "chroma.sqlite3").write_bytes(b"")


def missing_sqlite(folder: Path) -> None:
    (build_of(folder) / "chroma.sqlite3").unlink()


def missing_segment(folder: Path) -> None:
    shutil.rmtree(segments(folder)[0])


def all_segments_missing(folder: Path) -> None:
    for segment in segments(folder):
        shutil.rmtree(segment)


def flipped_vectors(folder: Path) -> None:
    for segment in segments(folder):
        data = bytearray((segment / "data_level0.bin").read_bytes())
        for at in random.Random(1).sample(range(len(data)), len(data) // 20):
            data[at] ^= 0x55
        (segment / "data_level0.bin").write_bytes(data)


def cut_vectors(folder: Path) -> None:
    path = segments(folder)[0] / "data_level0.bin"
    path.write_bytes(path.read_bytes()[:5000])


def missing_build(folder: Path) -> None:
    shutil.rmtree(build_of(folder))


def garbage_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"[" * 100_000)


def manifest_elsewhere(folder: Path) -> None:
    data = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**data, "build": "../../elsewhere"}))


def other_count(folder: Path) -> None:
    data = json.loads((folder / "manifest.json").read_text())
    data["counts"]["xpython-edit"] += 1
    (folder / "manifest.json").write_text(json.dumps(data))


def other_chroma(folder: Path) -> None:
    data = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**data, "chromadb": "0.4.0"}))


def one_bit(folder: Path) -> None:
    path = build_of(folder) / "chroma.sqlite3"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def died_while_opening(folder: Path) -> None:
    (folder / "opening").touch()


@pytest.mark.parametrize(
    "damage",
    [
        garbage_everywhere,
        empty_sqlite,
        missing_sqlite,
        missing_segment,
        all_segments_missing,
        flipped_vectors,
        cut_vectors,
        missing_build,
        garbage_manifest,
        manifest_elsewhere,
        other_count,
        other_chroma,
        one_bit,
        died_while_opening,
    ],
)
def test_damage_is_noticed_and_mended(built: Any, damage: Callable[[Path], None]) -> None:
    chroma, memory, vectors = built
    damage(chroma.folder)
    why = opened(chroma)
    assert why
    assert finds_all(chroma, vectors)
    assert chroma.check() is None
    assert len(list(chroma.folder.glob("build-*"))) == 1
    assert not (chroma.folder / "opening").exists()
    assert memory.counts()["records"] == MANY
    chroma.close()
    assert chroma.acquire()
    assert opened(chroma) is None, "the new one is healthy"


def test_canaries_alone_notice_a_missing_segment(
    built: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chroma, _, vectors = built
    files = json.loads((chroma.folder / "manifest.json").read_text())["files"]
    missing_segment(chroma.folder)
    with monkeypatch.context() as patched:
        patched.setattr(chroma_module, "checksums", lambda _: files)
        assert opened(chroma)
    assert finds_all(chroma, vectors)


class RandomEmbedder(FactsEmbedder):
    """A vector of its own for each text, without structure."""

    identity = "random-by-text"

    def embed(self, texts: Sequence[str]) -> Any:
        rows = [np.random.default_rng(list(text.encode())).normal(size=32) for text in texts]
        return np.array([row / np.linalg.norm(row) for row in rows], dtype=np.float32)


@pytest.mark.parametrize("count", [30, 990])
def test_additions_do_not_look_like_damage(memory: Memory, tmp_path: Path, count: int) -> None:
    for start in range(0, 3 * count, count):
        memory.add_all(make_record(i) for i in range(start, start + count))
        with Index(memory, tmp_path / "chroma", RandomEmbedder(), corpus=None) as index:
            ask(index, "edit number 3", 3)
            memory.add(make_record(start + 10_000))
            ask(index, "edit number 4", 3)
            assert index.notes == ()


def test_graph_that_does_not_reach_all_is_searched_exactly(memory: Memory, tmp_path: Path) -> None:
    # One word of difference each: all vectors are equally far from each other.
    memory.add_all(make_record(i) for i in range(300))
    embedder = FactsEmbedder()
    for _ in range(3):
        with Index(memory, tmp_path / "chroma", embedder, corpus=None, kinds=TEXTS) as index:
            for wanted in (7, 123, 299):
                dense = index._opened()
                text = f"edit number {wanted}"
                dense.embed([text], silent)
                (vector,) = embedder.embed([text])
                first = nearest(dense, vector)[0]
                assert make_record(wanted).id in first
            assert index.verify().ok


def test_missing_canary_fails_the_check(built: Any) -> None:
    chroma, _, vectors = built
    opened(chroma)
    canary = sorted(vectors)[0]
    chroma._collection("xpython-edit").update(ids=[canary], embeddings=[-vectors[canary]])
    assert "known vector" in chroma.check()


def test_equal_texts_are_stored_once_and_all_found(memory: Memory) -> None:
    memory.add_all(make_record(n, bottleneck="the same", edit="the same") for n in range(40))
    memory.add(make_record(99, edit="another", bottleneck="another"))
    for _ in range(2):
        with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
            hits = ask(index, "the same", 5)
            assert {hit.record.edit for hit in hits} == {"the same"}
            assert len({hit.record.id for hit in hits}) == 5
            assert index.stats().chroma == "2 vectors"
            assert index.notes == ()


def test_damage_found_while_searching_is_mended(built: Any) -> None:
    chroma, memory, vectors = built
    chroma.close()
    embedder = FactsEmbedder()
    embedder.identity = EMBEDDER  # type: ignore[misc]
    dense = Dense(memory, chroma.folder, embedder)
    some = sorted(vectors)[7]
    (holders,) = Vectors(memory, EMBEDDER).holders("edit", "python", [some], 1)
    assert nearest(dense, vectors[some])[0] == holders
    owned = dense.owned(silent)
    assert owned is not None
    owned._client.delete_collection("xpython-edit")
    assert nearest(dense, vectors[some])[0] == holders
    assert "built anew" in dense.notes[-1]
    dense.close()


def test_unusable_chroma_is_done_without(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ChromaFailed("no space left on device")

    memory.add_all(make_record(i, edit=f"use a heap {i}") for i in range(5))
    monkeypatch.setattr(Chroma, "_connect", fails)
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        assert len(ask(index, "heap", 5)) == 5
        assert "no space left" in index.notes[-1]
        checked = index.verify()
        assert checked.problems == ("Chroma can't be used: no space left on device",)
        assert checked.mend == "hasten index rebuild"


def test_rust_panic_does_not_end_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        pass

    with pytest.raises(ChromaFailed, match="Panic"), chroma_module._guarded("opening"):
        raise Panic("index out of bounds")
    with pytest.raises(Cancelled), chroma_module._guarded("opening"):
        raise Cancelled


def test_cancelled_build_is_built_again(memory: Memory, tmp_path: Path) -> None:
    vectors = fill(memory, 50)

    def cancel(*_: object) -> None:
        raise Cancelled

    chroma = Chroma(tmp_path / "chroma", memory, EMBEDDER)
    assert chroma.acquire()
    with pytest.raises(Cancelled):
        chroma.open(cancel)
    assert not chroma.is_open
    assert opened(chroma)
    assert finds_all(chroma, vectors)
    chroma.close()


def test_collection_names_are_legal_and_apart() -> None:
    import re

    names = [collection_name(n, "edit") for n in ("python", "c", "c++", "c#", "c_2b_", "Ünï")]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]+[a-zA-Z0-9]", name) for name in names)
    assert collection_name("Python", "edit") != collection_name("python", "edit")
    long = [collection_name(n, "edit") for n in ("x" * 600, "x" * 601, "é" * 60, "\udcff" * 99)]
    assert len({*long, *names}) == len(long) + len(names)
    assert all(len(name) < 100 for name in long)


def test_a_language_of_any_length_is_searched(memory: Memory) -> None:
    for name in ("x" * 600, "Python", "python"):
        memory.add_all(make_record(n, language=name) for n in range(20))
    for _ in range(2):
        with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
            for name in ("x" * 600, "Python", "python"):
                hits = ask(index, "edit number 7", 3, name)
                assert {hit.record.language for hit in hits} == {name}
            assert index.stats().chroma == "60 vectors"
            assert index.notes == ()
    folders = [path.name for path in (memory.path.parent / "words").iterdir()]
    assert len(folders) == 6, "of bottlenecks and of edits"


def test_names_are_read_once_and_only_files_that_changed(
    built: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chroma, memory, vectors = built
    opened(chroma)
    summed: list[str] = []
    checksum = manifest._checksum

    def noted(path: Path) -> int:
        summed.append(path.name)
        return checksum(path)

    asked: list[str] = []
    pairs = Vectors.pairs

    def asked_for(self: Vectors) -> tuple[tuple[str, str], ...]:
        asked.append("pairs")
        return pairs(self)

    monkeypatch.setattr(manifest, "_checksum", noted)
    monkeypatch.setattr(Vectors, "pairs", asked_for)
    record = make_record(5000)
    memory.add(record)
    put_vectors(memory, EMBEDDER, [(record, "edit", np.eye(32, dtype="<f4")[0].tobytes())])
    chroma.sync()
    assert asked == ["pairs"]
    assert "chroma.sqlite3" in summed
    assert "data_level0.bin" not in summed
    assert chroma.intact()
    assert finds_all(chroma, vectors)


def test_a_collection_is_read_when_it_is_searched(
    built: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chroma, memory, vectors = built
    read: list[str] = []
    count = Chroma._count

    def noted(self: Chroma, name: str) -> int:
        read.append(name)
        return count(self, name)

    monkeypatch.setattr(Chroma, "_count", noted)
    assert chroma.open(silent) is None
    assert read == []
    assert chroma.counts == {"xpython-edit": MANY, "xpython-bottleneck": MANY}
    for _ in range(2):
        assert chroma.load(silent, ("python", "edit")) is None
        assert read == ["xpython-edit"]
    assert finds_all(chroma, vectors)
    memory.add(make_record(5000))
    assert chroma.load(silent, ("python", "edit")) is None
    assert read == ["xpython-edit"], "nothing came to the other one"
    record = make_record(5001)
    memory.add(record)
    put_vectors(memory, EMBEDDER, [(record, "bottleneck", np.eye(32, dtype="<f4")[0].tobytes())])
    assert chroma.load(silent, ("python", "edit")) is None
    assert read[1:] == ["xpython-bottleneck"] * 2, "checked before it is added to"
    assert chroma.check() is None


def test_damage_of_a_collection_that_is_searched_later_is_mended_then(built: Any) -> None:
    chroma, _, vectors = built
    assert chroma.open(silent) is None
    assert chroma.load(silent, ("python", "bottleneck")) is None
    chroma._client.delete_collection("xpython-edit")
    why = chroma.load(silent, ("python", "edit"))
    assert why is not None
    assert "instead of 1200" in why
    assert finds_all(chroma, vectors)
    assert chroma.check() is None
    assert not (chroma.folder / "opening").exists()


def test_who_is_interrupted_as_it_looks_does_not_make_the_next_one_build(
    built: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chroma, _, vectors = built

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("_connect", "_count"):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(Chroma, name, interrupted)
            opened(chroma)
        chroma.close()
        assert chroma.acquire()
    assert opened(chroma) is None
    assert finds_all(chroma, vectors)


def test_what_is_said_of_the_folder_may_be_anything(built: Any) -> None:
    chroma, _, vectors = built
    path = chroma.folder / "manifest.json"
    whole = json.loads(path.read_text())
    del whole["sum"]
    path.unlink()
    os.mkfifo(path)
    assert manifest.read_manifest(chroma.folder) is None, "nobody waits for a pipe"
    path.unlink()
    for change in ({"revision": math.inf}, {"counts": {"xpython-edit": math.inf}}):
        data = {**whole, **change}
        path.write_text(manifest.sealed(data))
        assert manifest.read_manifest(chroma.folder) is None
    assert opened(chroma)
    assert finds_all(chroma, vectors)


@pytest.mark.parametrize("count", [150, 2350])
def test_a_graph_is_written_whole(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """What is not is put into it again each time it is read."""
    monkeypatch.setattr(chroma_module, "_PIECE", 1000)
    fill(memory, count)
    chroma = Chroma(memory.path.parent / "chroma", memory, EMBEDDER)
    assert chroma.acquire()
    assert opened(chroma) is None

    def unwritten() -> int:
        with contextlib.closing(sqlite3.connect(build_of(chroma.folder) / "chroma.sqlite3")) as db:
            queue, seen = (
                db.execute(f"SELECT max(seq_id) FROM {table}").fetchone()[0]
                for table in ("embeddings_queue", "max_seq_id")
            )
            return int(queue) - int(seen)

    assert unwritten() == 0
    more = [make_record(n) for n in range(9000, 9130)]
    memory.add_all(more)
    rows = np.random.default_rng(2).normal(size=(len(more), 32)).astype("<f4")
    for part in (slice(0, 60), slice(60, 130)):
        put_vectors(
            memory,
            EMBEDDER,
            [(r, "edit", v.tobytes()) for r, v in zip(more[part], rows[part], strict=True)],
        )
        chroma.sync()
    chroma.close()
    assert chroma.acquire()
    assert opened(chroma) is None
    assert unwritten() == 0, "more than a hundred are written as well"
    chroma.close()


def test_files_stay_as_they_are_noted(built: Any) -> None:
    chroma, memory, vectors = built
    opened(chroma)
    finds_all(chroma, vectors)
    assert chroma.intact()
    memory.remove([make_record(3).id])
    chroma.sync()
    assert chroma.intact()
    chroma.close()
    assert chroma.intact()


def test_bytes_that_changed_with_their_time_are_damage_too(built: Any) -> None:
    chroma, _, _ = built
    one_bit(chroma.folder)
    assert not chroma.intact()


def test_a_language_that_went_is_not_asked_for_again(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.add_all(make_record(n, language="c") for n in range(3))
    memory.add_all(make_record(n) for n in range(3))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        ask(index, "edit number 2", 3)
        memory.remove([make_record(n, language="c").id for n in range(3)])
        ask(index, "edit number 2", 3)
        removed: list[object] = []
        monkeypatch.setattr(Chroma, "_remove", lambda *given: removed.append(given))
        memory.set_fact("a", "b")
        ask(index, "edit number 2", 3)
        assert removed == []
        assert index.verify().ok


# -- several processes

_SEARCHER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from index.embedding import FactsEmbedder
from index.query import Query
from index.retrieval import Index
from index.store import Memory
with Memory(Path(sys.argv[2])) as memory:
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        print([hit.record.title for hit in index.search(Query(hint=sys.argv[3]), 3)], flush=True)
        print(index.stats().chroma, flush=True)
        sys.stdin.read()
"""


def searcher(memory: Memory, text: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _SEARCHER, str(ROOT), str(memory.path), text],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_second_process_searches_exactly_and_sees_the_same(memory: Memory) -> None:
    memory.add_all(
        make_record(i, edit=f"use technique number {i}", bottleneck=f"slow number {i}")
        for i in range(30)
    )
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        mine = [hit.record.title for hit in ask(index, "technique number 7", 3)]
        assert index.stats().chroma == "30 vectors"
        with searcher(memory, "technique number 7") as second:
            assert second.stdout is not None
            assert second.stdout.readline().strip() == str(mine)
            assert second.stdout.readline().strip() == "exact search"
            # what the second adds, the first finds
            memory.add(make_record(99, edit="something else entirely", title="theirs"))
            assert ask(index, "something else entirely", 1)[0].record.title == "theirs"
            second.communicate("")
        assert index.verify().ok


def test_a_graph_that_loses_a_vector_as_more_are_added_is_searched_exactly(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.add_all(
        make_record(i, edit=f"use technique number {i}", bottleneck=f"slow number {i}")
        for i in range(30)
    )
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        ask(index, "technique number 7", 3)
        monkeypatch.setattr("index.chroma._finds", lambda digest, found: False)
        memory.add(make_record(99, edit="something else entirely", title="theirs"))
        assert ask(index, "something else entirely", 1)[0].record.title == "theirs"
        assert index.verify().ok
        monkeypatch.undo()
        memory.add(make_record(98, edit="the graph reaches all again"))
        assert ask(index, "something else entirely", 1)[0].record.title == "theirs"
        assert index.verify().ok


def test_ownership_passes_on_when_the_owner_is_killed(memory: Memory) -> None:
    memory.add_all(make_record(i) for i in range(30))
    with searcher(memory, "edit number 3") as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        assert owner.stdout.readline().strip() == "30 vectors"
        with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
            ask(index, "edit number 3", 3)
            assert index.stats().chroma == "exact search"
            owner.send_signal(signal.SIGKILL)
            owner.wait()
            assert ask(index, "edit number 3", 3)
            assert index.stats().chroma == "30 vectors"
            assert index.notes == (), "it was healthy"


_BUILDER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from analysis.progress import silent
from index.chroma import Chroma
from index.store import Memory
memory = Memory(Path(sys.argv[2]) / "memory.db")
chroma = Chroma(Path(sys.argv[2]) / "chroma", memory, sys.argv[3])
assert chroma.acquire()
import chromadb
print("go", flush=True)
while True:
    chroma.rebuild(silent)
"""


def test_kill_while_building_loses_nothing(built: Any) -> None:
    chroma, memory, vectors = built
    chroma.close()
    for trial in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _BUILDER, str(ROOT), str(memory.path.parent), EMBEDDER],
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"go\n"
            time.sleep(random.Random(trial).uniform(0.01, 0.4))  # a moment to be killed at
            child.kill()
        assert chroma.acquire()
        opened(chroma)
        assert chroma.check() is None
        assert finds_all(chroma, vectors)
        assert len(list(chroma.folder.glob("build-*"))) == 1
        chroma.close()
    assert memory.counts()["records"] == MANY
