"""The workspace's files as they were when a profile was written.

What a profile names are lines of that time, so it is read and ranked by the texts of that time, and
what it says is carried over to the files as they are now (analysis.heat). Texts lie compressed
below the profiles' folder, each once by its hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.functions import Function, functions_in
from analysis.ignore import relative_parts
from analysis.profiles.model import FunctionCost
from analysis.source import read_source

NEWER = "the file is newer than the profile"
OTHER = "the file is not the one that was profiled"
UNKNOWN = "the text that was profiled is not known"
MAX_TEXT_BYTES = 5_000_000
"""Of one file; larger ones are not kept, nor are their functions looked at."""

_HASH = re.compile(r"[0-9a-f]{64}")


class Sources:
    """Texts by path relative to the workspace ("pkg/m.py"), as hashes of files in `folder`.

    `doubts` says of files without a text why there is none. `root` is the workspace that was
    profiled, which may be another checkout of this one.
    """

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, str],
        doubts: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
        root: str = "",
    ) -> None:
        self.folder, self.files, self.doubts = folder, files, doubts or {}
        self.root = root
        self._texts: dict[str, str | None] = dict(texts or {})
        self._functions: dict[str, tuple[Function, ...]] = {}

    def text(self, relative: str) -> str | None:
        """The file's text at that time, or None where that is not known."""
        if relative not in self._texts:
            name = self.files.get(relative)
            self._texts[relative] = None if name is None else read_text(self.folder, name)
        return self._texts[relative]

    def functions(self, relative: str) -> tuple[Function, ...] | None:
        """The file's functions at that time, or None where its text is not known."""
        if relative not in self._functions:
            text = self.text(relative)
            if text is None:
                return None
            self._functions[relative] = functions_in(text, relative)
        return self._functions[relative]

    def has(self, relative: str) -> bool:
        """Whether the file's text at that time is known."""
        return relative in self.files or relative in self._texts

    def relative(self, path: str) -> str | None:
        """A path of the workspace that was profiled as `files` writes it, for files that it has."""
        if not self.root or not path.startswith(self.root.rstrip("/") + "/"):
            return None
        relative = path[len(self.root.rstrip("/")) + 1 :]
        return relative if self.has(relative) else None

    def doubt(self, relative: str) -> str:
        """Why the file's text is not known."""
        return self.doubts.get(relative, UNKNOWN)


def relative_to(path: str, workspace: Path) -> str | None:
    """The path as `Sources` writes it; None outside the workspace."""
    parts = relative_parts(path, workspace)
    return None if not parts else "/".join(parts)


def read_text(folder: Path, name: str) -> str | None:
    """A text that `keep_text` kept; None where it is gone or is not what its name says."""
    if not _HASH.fullmatch(name):
        return None
    try:
        packed = (folder / name).read_bytes()
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, MAX_TEXT_BYTES + 1)
        if hashlib.sha256(data).hexdigest() != name:
            return None
        return data.decode("utf-8", "surrogatepass")
    except (OSError, zlib.error, UnicodeError):
        return None


def keep_text(folder: Path, text: str) -> str:
    """Keep a text in a folder and return its name there. Raises OSError."""
    data = text.encode("utf-8", "surrogatepass")
    name = hashlib.sha256(data).hexdigest()
    if not (folder / name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, zlib.compress(data))
    return name


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one step: who reads it sees all of it or none."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def take_sources(
    functions: Iterable[FunctionCost],
    workspace: Path,
    folder: Path,
    *,
    not_after: float,
    known: Sources | None = None,
) -> Sources:
    """The texts of the files that a profile names, of those that were not written since.

    `not_after` is a POSIX time; `known` are texts that were taken earlier, and stay. A file whose
    functions are not where the profile has them is not the one that was profiled, whatever its
    time says. Where `folder` can't be written, the texts are kept in memory.
    """
    by_path: dict[str, list[FunctionCost]] = {}
    for cost in functions:
        by_path.setdefault(cost.path, []).append(cost)
    files, doubts, texts = dict(known.files if known else {}), {}, {}
    for path, costs in by_path.items():
        relative = relative_to(path, workspace) if os.path.isabs(path) else None  # noqa: PTH117
        if relative is None or relative in files:
            continue
        try:
            if os.stat(path).st_mtime > not_after:  # noqa: PTH116
                doubts[relative] = NEWER
                continue
            text = read_source(Path(path)).text
        except (OSError, AnalysisError):
            doubts[relative] = UNKNOWN
            continue
        if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
            doubts[relative] = UNKNOWN
        elif not _fits(functions_in(text, path), costs):
            doubts[relative] = OTHER
        else:
            texts[relative] = text
    for relative, text in texts.items():
        try:
            files[relative] = keep_text(folder, text)
        except OSError:
            continue
    return Sources(folder, files, doubts, texts, os.path.realpath(workspace))


def _fits(functions: Iterable[Function], costs: Iterable[FunctionCost]) -> bool:
    """Whether functions of the profile that the text has are at the lines of the profile."""
    lines: dict[str, set[int]] = {}
    for function in functions:
        lines.setdefault(function.name, set()).update((function.first_line + 1, function.line + 1))
    for cost in costs:
        here = lines.get(cost.name.rsplit(".", 1)[-1])
        if here is not None and cost.line > 0 and cost.line not in here:
            return False
    return True
