"""Chroma as a search structure over the memory's vectors: owned by one process, never believed.

A second writer corrupts a Chroma folder without an error, a second reader never sees new vectors,
and a missing segment goes unnoticed; flipped bytes do too, or kill the process with a segmentation
fault (all seen with 1.5.9). So the owner holds a host-wide lock; a manifest says how many vectors
there should be, and what the files' sizes, times and checksums are. Where sizes and times are
others than those, the checksums must be the same before Chroma reads the files; where they are the
same, the files are not read, so that a byte that a bad disk changed is seen by `intact` alone.
Before a collection is searched for the first time, some twenty known vectors of it must find
themselves; and whatever fails is built again from SQLite, in a new folder.

Chroma writes a graph to the disk once so many vectors came (`sync_threshold`); those that came
since are put into the graph again each time it is read, 0.4 ms each. So an index is built in few
large pieces that end with a write, and grows in small ones.

The graph is approximate, and parts of it can be out of reach although nothing is damaged: many
vectors at equal distances do that. Equal vectors are therefore stored once, under their digest, and
a collection that fails its canaries when it was just built is noted as such and searched exactly.

Vectors are always passed in and no embedding function is ever set, since the default one downloads
a model. No server is ever started: its hole (CVE-2026-45829) has no release yet.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import Cancelled
from analysis.progress import Progress
from index import foreign
from index.manifest import (
    MANIFEST,
    SCHEMA,
    Manifest,
    checksums,
    checksums_after,
    read_manifest,
    stamps,
    write_manifest,
)
from index.store import Memory
from index.vectors import Vectors

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_CANARIES = 20
_CANARY_NEIGHBOURS = 10
_CANARY_SECOND_LOOK = 500  # the graph is approximate: three in a thousand miss the first time
_SAME = 1e-3  # cosine distance of a vector to itself; float32 gives about 1e-6
_BATCH = 1000  # Chroma takes 5461 at most
_PIECE = 10_000  # built between two writes of the graph
_UNWRITTEN = 100  # vectors of a graph that is not being built
_LONGEST_NAME = 80


class ChromaFailed(Exception):
    """Chroma raised, or answered what can't be true. The memory is not touched by it."""


def collection_name(language: str, kind: str) -> str:
    """Chroma's name for a language and kind, and that of a folder: 3 to some 100 characters of
    [a-z0-9_-]; Chroma allows 512, a file system 255. A long one is a hash.
    """
    safe = re.sub(r"[^a-z0-9]", lambda m: f"_{ord(m[0]):x}_", language)
    if len(safe) > _LONGEST_NAME:
        whole = language.encode("utf-8", "surrogatepass")
        return f"h{hashlib.sha256(whole).hexdigest()[:32]}-{kind}"
    return f"x{safe}-{kind}"


class Chroma:
    """The folder of one Chroma index, built from a memory's vectors of one embedder.

    Use `acquire` first; every other method needs the lock. Raises ChromaFailed.
    """

    def __init__(self, folder: Path, memory: Memory, embedder: str) -> None:
        self.folder = folder
        self._memory = memory
        self._vectors = Vectors(memory, embedder)
        self._embedder = embedder
        self._lock: int | None = None
        self._client: Any = None
        self._collections: dict[str, Any] = {}
        self._counts: dict[str, int] = {}
        self._unreachable: set[str] = set()
        self._unchecked: set[str] = set()
        self._generation = -1

    def acquire(self) -> bool:
        """Try to become the owner; False while another process is, or the folder is read-only."""
        if self._lock is not None:
            return True
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def close(self) -> None:
        """Let go of Chroma and of the lock."""
        self._close_client()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def is_open(self) -> bool:
        """Whether an index is at hand; its collections are checked as they are loaded."""
        return self._client is not None

    def open(self, progress: Progress) -> str | None:
        """Open the index, and build it anew if it can't be used; why it was, or None.

        A file beside it says that an opening is under way: when a broken index kills the process,
        the next one builds instead of dying the same way.
        """
        fresh = not any(self.folder.glob("build-*")) and not (self.folder / MANIFEST).exists()
        manifest = read_manifest(self.folder)
        why = self._unusable(manifest)
        if why is None and manifest is not None:
            self._marker.touch()
            try:  # the marker stays where the process is killed, not where it is interrupted
                self._connect(self.folder / manifest.build)
                self._counts = dict(manifest.counts)
                self._unreachable = set(manifest.unreachable)
                self._unchecked = set(manifest.counts)
                self._generation = manifest.revision
                self._keep_stamps()
            except ChromaFailed as error:
                why = str(error)
            finally:
                self._marker.unlink(missing_ok=True)
        if why is not None:
            self.rebuild(progress)
        return None if fresh else why

    def load(self, progress: Progress, pair: tuple[str, str] | None = None) -> str | None:
        """Check the collection of a language and kind (or all) if nobody has yet, and bring in what
        was added to the memory since; build anew where that fails; why it was, or None.
        """
        wanted = {collection_name(*pair)} if pair else self._unchecked
        try:
            self._check(self._unchecked & wanted)
            self.sync()
        except ChromaFailed as error:  # vectors of another length, for one, do not go in
            self.rebuild(progress)
            return str(error)
        return None

    def rebuild(self, progress: Progress) -> None:
        """Build the index from the memory's vectors in a new folder and drop the old ones."""
        with _guarded("marking the folder"):
            self._marker.touch()
        self._close_client()
        build = f"build-{uuid.uuid4().hex[:12]}"
        try:
            self._build(build, progress)
        except BaseException:
            self._close_client()  # half an index is none; the marker stays
            raise
        for old in self.folder.glob("build-*"):
            if old.name != build:
                shutil.rmtree(old, ignore_errors=True)
        self._marker.unlink(missing_ok=True)

    def _build(self, build: str, progress: Progress) -> None:
        generation = self._memory.generation()
        self._connect(self.folder / build)
        pairs = self._vectors.pairs()
        wanted = {pair: self._vectors.digests(pair[1], pair[0]) for pair in pairs}
        total, done = sum(map(len, wanted.values())), 0
        for (language, kind), digests in wanted.items():
            name, pieces = collection_name(language, kind), max(1, len(digests) // _PIECE)
            bounds = [len(digests) * piece // pieces for piece in range(pieces + 1)]
            self._collection(name, max(_UNWRITTEN, len(digests) // pieces))
            for first, end in pairwise(bounds):
                for start in range(first, end, _BATCH):
                    progress(f"building the index: {language}, {kind}", done / total)
                    part = digests[start : min(start + _BATCH, end)]
                    done += self._add(language, kind, part)
            with _guarded(f"configuring {name}"):
                small = {"hnsw": {"sync_threshold": _UNWRITTEN}}
                self._collection(name).modify(configuration=small)
        self._connect(self.folder / build)  # which reads how it is configured now
        for pair in pairs:
            name = collection_name(*pair)
            self._counts[name] = self._count(name)
        for language, kind in pairs:
            known = self._vectors.canaries(kind, language, generation, _CANARIES)
            if why := self._set_aside(language, kind, known):
                progress(f"{why}: it is searched exactly", None)
        self._write_manifest(build, generation)
        self._generation = generation

    def sync(self) -> None:
        """Bring in what was added to the memory since, by this process or another."""
        generation = self._memory.generation()
        if generation == self._generation:
            return
        changed = False
        pairs = self._vectors.pairs()
        left = set(self._counts) - {collection_name(*pair) for pair in pairs}
        for language, kind in pairs:
            changed |= self._sync(language, kind, generation)
        for name in sorted(left):  # nothing is left of it
            self._remove(name, sorted(self._ids(name)))
            del self._counts[name]
            changed = True
        if changed:
            manifest = read_manifest(self.folder)
            if manifest is None:
                raise ChromaFailed("the manifest is gone")
            self._write_manifest(manifest.build, generation)
        self._generation = generation

    def _sync(self, language: str, kind: str, generation: int) -> bool:
        """One collection; whether anything changed. What came in must be found afterwards."""
        name = collection_name(language, kind)
        changes = self._vectors.changes(kind, language, self._generation)
        new, gone = changes.new, changes.gone
        if changes.whole or name not in self._counts:
            expected = set(self._vectors.digests(kind, language))
            present = self._ids(name)
            new, gone = tuple(sorted(expected - present)), tuple(sorted(present - expected))
        if new or gone:
            self._check(self._unchecked & {name})
        if gone:
            self._remove(name, sorted(gone))
        for start in range(0, len(new), _BATCH):
            self._add(language, kind, new[start : start + _BATCH])
        if new or gone:  # what came or went may have been, or cut, the way to others
            known = self._vectors.canaries(kind, language, generation, _CANARIES)
            some = new[:: max(1, len(new) // _CANARIES)]
            self._set_aside(language, kind, (*known, *some))
        return bool(new or gone)

    def query(
        self, language: str, kind: str, vector: NDArray[float32], n: int
    ) -> tuple[str, ...] | None:
        """Digests of at most `n` vectors nearest to one, nearest first.

        None when the graph does not reach all that it should: search exactly then.
        """
        name = collection_name(language, kind)
        count = min(n, self._counts.get(name, 0))
        if count == 0:
            return ()
        if name in self._unreachable:
            return None
        found = self._nearest(name, vector[None, :], count)[0]
        return tuple(digest for digest, _ in found) if len(found) == count else None

    def check(self) -> str | None:
        """What is wrong with the open index, or None: counts, and every canary found."""
        manifest = read_manifest(self.folder)
        try:
            if manifest is None:
                return "the manifest is missing"
            self._verify(set(self._counts))
        except ChromaFailed as error:
            return str(error)
        return None

    @property
    def counts(self) -> dict[str, int]:
        """Vectors by collection."""
        return dict(self._counts)

    # -- inside

    @property
    def _marker(self) -> Path:
        return self.folder / "opening"

    def _unusable(self, manifest: Manifest | None) -> str | None:
        """Why the folder can't be opened as it is, without touching Chroma."""
        if manifest is None:
            return "no index was built yet, or its manifest is damaged"
        if self._marker.exists():
            return "the process that last opened or built it did not survive that"
        if manifest.embedder != self._embedder:
            return "it was built with another embedder"
        if manifest.chromadb != _version():
            return "it was built by another version of Chroma"
        if manifest.memory != self._memory.state(manifest.revision):
            return "it was built from another memory, or from a later state of this one"
        build = self.folder / manifest.build
        if not build.is_dir():
            return "its folder is missing"
        if stamps(build) != manifest.stamps and checksums(build) != manifest.files:
            return "its files were changed or damaged"
        return None

    def _keep_stamps(self) -> None:
        """Note what the files are like after Chroma read them; read again only if it wrote."""
        manifest = read_manifest(self.folder)
        if manifest is not None and stamps(self.folder / manifest.build) != manifest.stamps:
            self._write_manifest(manifest.build, manifest.revision)

    def intact(self) -> bool:
        """Whether the files still have the bytes that were written; reads all of them.

        What a bad disk changes has the old time and size, so that opening does not see it. All that
        Chroma writes is noted at once, so other bytes with another time are no better.
        """
        manifest = read_manifest(self.folder)
        return manifest is not None and checksums(self.folder / manifest.build) == manifest.files

    def _connect(self, path: Path) -> None:
        with _guarded("opening"):
            chromadb = foreign.chromadb()
            self._close_client()
            settings = chromadb.Settings(
                _env_file=None, anonymized_telemetry=False, allow_reset=False
            )
            self._client = chromadb.PersistentClient(path=str(path), settings=settings)

    def _close_client(self) -> None:
        client, self._client = self._client, None
        self._collections, self._counts = {}, {}
        self._unreachable, self._unchecked = set(), set()
        self._generation = -1
        if client is not None:
            with contextlib.suppress(ChromaFailed), _guarded("closing"):
                client.close()

    def _collection(self, name: str, unwritten: int = _UNWRITTEN) -> Any:
        """A collection; one that there is not yet is made and written each so many vectors."""
        if name not in self._collections:
            graph = {"space": "cosine", "sync_threshold": unwritten}
            with _guarded(f"collection {name}"):
                self._collections[name] = self._client.get_or_create_collection(
                    name, embedding_function=None, configuration={"hnsw": graph}
                )
        return self._collections[name]

    def _add(self, language: str, kind: str, ids: tuple[str, ...]) -> int:
        """Add the vectors of some digests; how many."""
        import numpy as np

        name = collection_name(language, kind)
        collection = self._collection(name)
        rows = self._vectors.some(kind, language, ids)
        if rows:
            vectors = [np.frombuffer(blob, dtype="<f4") for _, blob in rows]
            with _guarded(f"adding to {name}"):
                collection.upsert(ids=[digest for digest, _ in rows], embeddings=vectors)
        self._counts[name] = self._count(name)
        return len(rows)

    def _remove(self, name: str, ids: list[str]) -> None:
        collection = self._collection(name)
        for start in range(0, len(ids), _BATCH):
            with _guarded(f"removing from {name}"):
                collection.delete(ids=ids[start : start + _BATCH])
        self._counts[name] = self._count(name)

    def _ids(self, name: str) -> set[str]:
        with _guarded(f"reading {name}"):
            return set(self._collection(name).get(include=[])["ids"])

    def _count(self, name: str) -> int:
        with _guarded(f"counting {name}"):
            return int(self._collection(name).count())

    def _nearest(
        self, name: str, vectors: NDArray[float32], n: int
    ) -> list[list[tuple[str, float]]]:
        with _guarded(f"searching {name}"):
            found = self._collection(name).query(
                query_embeddings=vectors, n_results=n, include=["distances"]
            )
            return [
                list(zip(ids, distances, strict=True))
                for ids, distances in zip(found["ids"], found["distances"], strict=True)
            ]

    def _check(self, names: set[str]) -> None:
        """Verify collections that nobody has looked at yet. Raises ChromaFailed."""
        if names:
            self._marker.touch()
            try:
                self._verify(names)
            finally:
                self._marker.unlink(missing_ok=True)
            self._unchecked -= names
            self._keep_stamps()

    def _verify(self, names: set[str]) -> None:
        """Compare how many vectors there are, and look for known ones. Raises ChromaFailed."""
        for name in sorted(names):
            found, count = self._count(name), self._counts.get(name, 0)
            if found != count:
                raise ChromaFailed(f"{name} holds {found} vectors instead of {count}")
        for language, kind in self._vectors.pairs():
            if collection_name(language, kind) in names - self._unreachable:
                known = self._vectors.canaries(kind, language, self._generation, _CANARIES)
                if why := self._lost_canary(language, kind, known):
                    raise ChromaFailed(why)

    def _set_aside(self, language: str, kind: str, known: tuple[str, ...]) -> str | None:
        """Have a collection searched exactly whose graph, as it is now, does not reach all that it
        holds, and say why; one that does (again) is searched as a graph."""
        why = self._lost_canary(language, kind, known)
        name = collection_name(language, kind)
        (self._unreachable.add if why else self._unreachable.discard)(name)
        return why

    def _lost_canary(self, language: str, kind: str, known: tuple[str, ...]) -> str | None:
        """The `known` vectors must find themselves at distance zero."""
        import numpy as np

        name = collection_name(language, kind)
        if not self._counts.get(name):
            return None
        rows = self._vectors.some(kind, language, known)
        if not rows:
            return None
        with _guarded(f"reading vectors of {name}"):  # of different lengths they can't be stacked
            vectors = np.stack([np.frombuffer(blob, dtype="<f4") for _, blob in rows])
        n = min(_CANARY_NEIGHBOURS, self._counts[name])
        for (digest, _), vector, found in zip(
            rows, vectors, self._nearest(name, vectors, n), strict=True
        ):
            if len(found) < n:
                return f"{name} gave {len(found)} of {n} neighbours"
            if not _finds(digest, found):
                wider = min(_CANARY_SECOND_LOOK, self._counts[name])
                if not _finds(digest, self._nearest(name, vector[None, :], wider)[0]):
                    return f"a known vector of {name} was not found"
        return None

    def _write_manifest(self, build: str, revision: int) -> None:
        folder, before = self.folder / build, read_manifest(self.folder)
        # Stamps first: a file that changes while it is read has another one afterwards.
        now = stamps(folder)
        manifest = Manifest(
            schema=SCHEMA,
            embedder=self._embedder,
            build=build,
            chromadb=_version(),
            memory=self._memory.state(revision),
            revision=revision,
            counts=dict(self._counts),
            stamps=now,
            files=checksums_after(folder, before, now),
            unreachable=sorted(self._unreachable),
        )
        try:
            write_manifest(self.folder, manifest)
        except OSError as error:
            raise ChromaFailed(f"the manifest can't be written: {error}") from error


def _finds(digest: str, found: list[tuple[str, float]]) -> bool:
    """Whether a known vector is among its neighbours, at distance zero."""
    return any(other == digest and abs(distance) < _SAME for other, distance in found)


def _version() -> str:
    from importlib.metadata import version

    return version("chromadb")


@contextlib.contextmanager
def _guarded(what: str) -> Iterator[None]:
    """Turn whatever comes out of Chroma into ChromaFailed; its Rust panics are BaseExceptions."""
    try:
        yield
    except (ChromaFailed, Cancelled, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise ChromaFailed(f"{what}: {type(error).__name__}: {str(error)[:200]}") from error
