"""What a Chroma folder should hold, so that damage is seen before Chroma reads it."""

from __future__ import annotations

import contextlib
import json
import re
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

SCHEMA = 3
MANIFEST = "manifest.json"
UNREADABLE = (
    OSError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What comes of reading a small file that may be anything."""


@dataclass(frozen=True)
class Manifest:
    """Written after each build and each addition, and when Chroma wrote to its files as it read
    them; compared on open.

    `build` is the folder of the index, `revision` what it has seen of the memory that it was built
    from and `memory` the state of that then; `counts` are vectors by collection. By path relative
    to the build, `stamps` are what the file system says of each file and `files` checksums of
    their bytes. `unreachable` are the collections that are searched exactly.
    """

    schema: int
    embedder: str
    build: str
    chromadb: str
    memory: str
    revision: int
    counts: dict[str, int]
    stamps: dict[str, list[int]]
    files: dict[str, int]
    unreachable: list[str]


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; None if there is none or it is of another shape."""
    try:
        manifest = Manifest(**unsealed(bytes_of(folder / MANIFEST)))
        if manifest.schema != SCHEMA or not is_build(manifest.build):
            return None
        counts = {str(name): int(count) for name, count in manifest.counts.items()}
        files = {str(name): int(checksum) for name, checksum in manifest.files.items()}
        unreachable = [str(name) for name in manifest.unreachable]
        revision = int(manifest.revision)
    except UNREADABLE:
        return None
    return replace(manifest, counts=counts, files=files, unreachable=unreachable, revision=revision)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step. Raises OSError."""
    part = folder / f"{MANIFEST}.part"
    part.write_text(sealed(asdict(manifest)), encoding="utf-8")
    part.replace(folder / MANIFEST)


def sealed(data: dict[str, Any]) -> str:
    """A JSON object with a checksum: a flipped digit of a revision would be believed."""
    return json.dumps({**data, "sum": _sum_of(data)})


def unsealed(text: str | bytes) -> dict[str, Any]:
    """What was sealed. Raises some of UNREADABLE where it is something else."""
    data: dict[str, Any] = json.loads(text)
    if data.pop("sum") != _sum_of(data):
        raise ValueError("a checksum that does not fit")
    return data


def bytes_of(path: Path) -> bytes:
    """What is in a file. Raises OSError, also for a pipe: whoever opens one waits for ever."""
    if not path.is_file():
        raise FileNotFoundError(path)
    return path.read_bytes()


def is_build(name: object) -> bool:
    """Whether it is the name of a build's folder, and of none elsewhere."""
    return isinstance(name, str) and re.fullmatch(r"build-[0-9a-f]+", name) is not None


def _sum_of(data: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(data, sort_keys=True).encode())


def stamps(folder: Path) -> dict[str, list[int]]:
    """Size, times and inode of every file below `folder`, by relative path.

    Whoever writes to a file changes its ctime, which no program sets.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(OSError):
            if path.is_file():
                seen = path.stat()
                name = path.relative_to(folder).as_posix()
                found[name] = [seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino]
    return found


def checksums(folder: Path) -> dict[str, int]:
    """CRC-32 of every file below `folder`, by relative path; against damage, not against attack."""
    found = {}
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(OSError):
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = _checksum(path)
    return found


def checksums_after(
    folder: Path, before: Manifest | None, now: dict[str, list[int]]
) -> dict[str, int]:
    """As `checksums` of the files of `now`, their stamps; only those are read that were written
    since a manifest of this folder.
    """
    if before is None or before.build != folder.name:
        return checksums(folder)
    found = {}
    for name, stamp in now.items():
        if before.stamps.get(name) == stamp and name in before.files:
            found[name] = before.files[name]
        else:
            with contextlib.suppress(OSError):
                found[name] = _checksum(folder / name)
    return found


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum
