"""Chroma as a search structure over the memory's vectors: owned by one process, never believed.

A second writer corrupts a Chroma folder without an error, a second reader never sees new vectors,
and a missing segment goes unnoticed; flipped bytes do too, or kill the process with a segmentation
fault (all seen with 1.5.9). So the owner holds a host-wide lock; a manifest says how many vectors
there should be and what the files' checksums are, compared before Chroma reads them; on open some
twenty known vectors must find themselves; and whatever fails is built again from SQLite, in a new
folder. Vectors are
always passed in and no embedding function is ever set, since the default one downloads a model. No
server is ever started: its hole (CVE-2026-45829) has no release yet.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import Cancelled
from analysis.progress import Progress
from index.record import KINDS, Kind
from index.store import Memory

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_SCHEMA = 1
_CANARIES = 20
_CANARY_NEIGHBOURS = 10
_CANARY_SECOND_LOOK = 500  # the graph is approximate: three in a thousand miss the first time
_SAME = 1e-3  # cosine distance of a vector to itself; float32 gives about 1e-6
_BATCH = 1000  # Chroma takes 5461 at most


class ChromaFailed(Exception):
    """Chroma raised, or answered what can't be true. The memory is not touched by it."""


@dataclass(frozen=True)
class Manifest:
    """What the folder should hold: written after a build, compared on open."""

    schema: int
    embedder: str
    build: str
    chromadb: str
    counts: dict[str, int]
    files: dict[str, int]


def collection_name(language: str, kind: Kind) -> str:
    """Chroma's name for a language and kind: 3 to 512 characters of [a-zA-Z0-9._-]."""
    safe = re.sub(r"[^a-z0-9]", lambda m: f"_{ord(m[0]):x}_", language.lower())
    return f"x{safe}-{kind}"


class Chroma:
    """The folder of one Chroma index, built from a memory's vectors of one embedder.

    Use `acquire` first; every other method needs the lock. Raises ChromaFailed.
    """

    def __init__(self, folder: Path, memory: Memory, embedder: str) -> None:
        self.folder = folder
        self._memory = memory
        self._embedder = embedder
        self._lock: int | None = None
        self._client: Any = None
        self._collections: dict[str, Any] = {}
        self._counts: dict[str, int] = {}
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
        """Whether a checked index is at hand."""
        return self._client is not None

    def open(self, progress: Progress) -> str | None:
        """Open and check the index, and build it anew if it fails; why it was, or None.

        A file beside it says that an opening is under way: when a broken index kills the process,
        the next one builds instead of dying the same way.
        """
        fresh = not any(self.folder.glob("build-*")) and not self._manifest.exists()
        manifest = self._read_manifest()
        why = self._unusable(manifest)
        if why is None and manifest is not None:
            self._marker.touch()
            try:
                self._connect(self.folder / manifest.build)
                self._verify(manifest)
                self._write_manifest(manifest.build)  # Chroma rewrites some files as it opens
            except ChromaFailed as error:
                why = str(error)
        if why is not None:
            self.rebuild(progress)
        self._marker.unlink(missing_ok=True)
        self.sync()
        return None if fresh else why

    def rebuild(self, progress: Progress) -> None:
        """Build the index from the memory's vectors in a new folder and drop the old ones."""
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
        pairs = [(language, kind) for language in self._memory.languages() for kind in KINDS]
        for done, (language, kind) in enumerate(pairs):
            progress(f"building the index: {language}, {kind}", done / len(pairs))
            self._add(language, kind, self._memory.vector_ids(self._embedder, kind, language))
        self._verify(self._write_manifest(build))
        self._write_manifest(build)
        self._generation = generation

    def sync(self) -> None:
        """Bring in what was added to the memory since, by this process or another."""
        generation = self._memory.generation()
        if generation == self._generation:
            return
        changed = False
        for language in self._memory.languages():
            for kind in KINDS:
                expected = set(self._memory.vector_ids(self._embedder, kind, language))
                name = collection_name(language, kind)
                present = self._ids(name) if name in self._collections or expected else set()
                if gone := sorted(present - expected):
                    self._remove(name, gone)
                if missing := sorted(expected - present):
                    self._add(language, kind, tuple(missing))
                changed = changed or bool(gone or missing)
        if changed:
            manifest = self._read_manifest()
            if manifest is None:
                raise ChromaFailed("the manifest is gone")
            self._write_manifest(manifest.build)
        self._generation = generation

    def query(self, language: str, kind: Kind, vector: NDArray[float32], n: int) -> tuple[str, ...]:
        """Ids of the records nearest to a vector, nearest first; at most `n`."""
        name = collection_name(language, kind)
        count = min(n, self._counts.get(name, 0))
        if count == 0:
            return ()
        found = self._nearest(name, vector[None, :], count)[0]
        if len(found) < count:
            raise ChromaFailed(f"{name} gave {len(found)} of {count} neighbours")
        return tuple(record for record, _ in found)

    def check(self) -> str | None:
        """What is wrong with the open index, or None: counts, and every canary found."""
        manifest = self._read_manifest()
        try:
            if manifest is None:
                return "the manifest is missing"
            self._verify(manifest)
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

    @property
    def _manifest(self) -> Path:
        return self.folder / "manifest.json"

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
        if not (self.folder / manifest.build).is_dir():
            return "its folder is missing"
        if _checksums(self.folder / manifest.build) != manifest.files:
            return "its files were changed or damaged"
        return None

    def _connect(self, path: Path) -> None:
        with _guarded("opening"):
            import chromadb
            from chromadb.config import Settings

            self._close_client()
            self._client = chromadb.PersistentClient(
                path=str(path), settings=Settings(anonymized_telemetry=False, allow_reset=False)
            )

    def _close_client(self) -> None:
        client, self._client = self._client, None
        self._collections, self._counts = {}, {}
        self._generation = -1
        if client is not None:
            with contextlib.suppress(ChromaFailed), _guarded("closing"):
                client.close()

    def _collection(self, name: str) -> Any:
        if name not in self._collections:
            with _guarded(f"collection {name}"):
                self._collections[name] = self._client.get_or_create_collection(
                    name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
                )
        return self._collections[name]

    def _add(self, language: str, kind: Kind, ids: tuple[str, ...]) -> None:
        import numpy as np

        name = collection_name(language, kind)
        collection = self._collection(name)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            rows = self._memory.vectors(self._embedder, kind, batch)
            if rows:
                vectors = [np.frombuffer(blob, dtype="<f4") for _, blob in rows]
                with _guarded(f"adding to {name}"):
                    collection.upsert(ids=[record for record, _ in rows], embeddings=vectors)
        self._counts[name] = self._count(name)

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

    def _verify(self, manifest: Manifest) -> None:
        for name, count in manifest.counts.items():
            found = self._count(name)
            if found != count:
                raise ChromaFailed(f"{name} holds {found} vectors instead of {count}")
            self._counts[name] = found
        for language in self._memory.languages():
            for kind in KINDS:
                if manifest.counts.get(collection_name(language, kind)):
                    self._verify_canaries(language, kind)

    def _verify_canaries(self, language: str, kind: Kind) -> None:
        """Known vectors, spread over the collection, must find themselves at distance zero."""
        import numpy as np

        name = collection_name(language, kind)
        present = self._ids(name)
        ids = [i for i in self._memory.vector_ids(self._embedder, kind, language) if i in present]
        canaries = ids[:: max(1, len(ids) // _CANARIES)]
        rows = self._memory.vectors(self._embedder, kind, canaries)
        if not rows:
            return
        vectors = np.stack([np.frombuffer(blob, dtype="<f4") for _, blob in rows])
        n = min(_CANARY_NEIGHBOURS, self._counts[name])
        for (record, _), vector, found in zip(
            rows, vectors, self._nearest(name, vectors, n), strict=True
        ):
            if len(found) < n:
                raise ChromaFailed(f"{name} gave {len(found)} of {n} neighbours")
            if not _finds(record, found):
                wider = min(_CANARY_SECOND_LOOK, self._counts[name])
                if not _finds(record, self._nearest(name, vector[None, :], wider)[0]):
                    raise ChromaFailed(f"a known vector of {name} was not found")

    def _read_manifest(self) -> Manifest | None:
        try:
            manifest = Manifest(**json.loads(self._manifest.read_bytes()))
            if manifest.schema != _SCHEMA or not re.fullmatch(r"build-[0-9a-f]+", manifest.build):
                return None
            counts = {str(name): int(count) for name, count in manifest.counts.items()}
            files = {str(name): int(checksum) for name, checksum in manifest.files.items()}
            return replace(manifest, counts=counts, files=files)
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def _write_manifest(self, build: str) -> Manifest:
        manifest = Manifest(
            schema=_SCHEMA,
            embedder=self._embedder,
            build=build,
            chromadb=_version(),
            counts=dict(self._counts),
            files=_checksums(self.folder / build),
        )
        part = self.folder / "manifest.json.part"
        try:
            part.write_text(json.dumps(asdict(manifest)), encoding="utf-8")
            part.replace(self._manifest)
        except OSError as error:
            raise ChromaFailed(f"the manifest can't be written: {error}") from error
        return manifest


def _checksums(folder: Path) -> dict[str, int]:
    """CRC-32 of every file below `folder`, by relative path; against damage, not against attack."""
    found = {}
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(OSError):
            if path.is_file():
                checksum = 0
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        checksum = zlib.crc32(block, checksum)
                found[path.relative_to(folder).as_posix()] = checksum
    return found


def _finds(record: str, found: list[tuple[str, float]]) -> bool:
    """Whether a record is among those at distance zero, or they are all its twins.

    Records with equal texts have equal vectors and may push the canary itself out.
    """
    zeros = [other for other, distance in found if abs(distance) < _SAME]
    return record in zeros or len(zeros) == len(found)


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
