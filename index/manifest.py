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
        data = json.loads((folder / MANIFEST).read_bytes())
        if data.pop("sum") != checksum_of(data):
            return None
        manifest = Manifest(**data)
        if manifest.schema != SCHEMA or not re.fullmatch(r"build-[0-9a-f]+", manifest.build):
            return None
        counts = {str(name): int(count) for name, count in manifest.counts.items()}
        files = {str(name): int(checksum) for name, checksum in manifest.files.items()}
        unreachable = [str(name) for name in manifest.unreachable]
        revision = int(manifest.revision)
    except (
        OSError, ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError
    ):  # fmt: skip
        return None
    return replace(manifest, counts=counts, files=files, unreachable=unreachable, revision=revision)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step. Raises OSError."""
    part = folder / f"{MANIFEST}.part"
    data = asdict(manifest)
    part.write_text(json.dumps({**data, "sum": checksum_of(data)}), encoding="utf-8")
    part.replace(folder / MANIFEST)


def checksum_of(data: dict[str, Any]) -> int:
    """CRC-32 of what a file says of others: a flipped digit of a revision would be believed."""
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
