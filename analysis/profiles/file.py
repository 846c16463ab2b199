"""A profile's file as readers get it: its first bytes, and all of it in bounded pieces.

Files may be larger than memory, compressed, and hostile: a reader asks for a stream, for lines or
for the whole, and each has its bound. Every piece that is read moves the progress on and hears the
cancel.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from analysis.errors import AnalysisError
from analysis.profiles.damage import Damaged, Truncated
from analysis.progress import CancelToken, Progress, silent

MAX_WHOLE_BYTES = 256_000_000
"""Of a profile that has to be in memory as a whole."""

MAX_STREAM_BYTES = 4_000_000_000
"""Of a profile that is read piece by piece, after decompression."""

MAX_LINE_BYTES = 1_000_000
HEAD_BYTES = 65_536
_PIECE = 1 << 18
_GZIP = b"\x1f\x8b"


class ProfileFile:
    """One profile's file. Raises AnalysisError (profile-missing) where it can't be read.

    A reader that opens it more than once says so in `passes`, so that the progress goes one way.
    `doing` is what the progress says.
    """

    def __init__(
        self,
        path: Path,
        progress: Progress = silent,
        cancel: CancelToken | None = None,
        *,
        doing: str = "reading",
    ) -> None:
        self.path = path
        self._doing = doing
        self._progress, self._cancel = progress, cancel
        self.passes, self._opened = 1, 0
        try:
            if path.is_dir():
                raise IsADirectoryError(21, "it is a folder")
            self.size = path.stat().st_size
            with path.open("rb") as file:
                self._raw_head = file.read(HEAD_BYTES)
        except OSError as error:
            raise _unreadable(path, error) from error

    @property
    def is_compressed(self) -> bool:
        """Whether it is a gzip file, which `open` unpacks."""
        return self._raw_head.startswith(_GZIP)

    @cached_property
    def head(self) -> bytes:
        """The first bytes, unpacked; what they are tells the format."""
        if not self.is_compressed:
            return self._raw_head
        try:
            return zlib.decompressobj(wbits=31).decompress(self._raw_head, HEAD_BYTES)
        except zlib.error:
            return b""

    def open(self) -> BinaryIO:
        """All bytes, unpacked, from the start. Reading raises Truncated, Damaged or Cancelled."""
        self._opened += 1
        return io.BufferedReader(_Watched(self), _PIECE)

    def lines(self, *, ends: bool = False) -> Iterator[bytes]:
        """Lines, with their `ends` or without. Raises as `open` does, and Damaged for one that does
        not end."""
        with self.open() as stream:
            while line := stream.readline(MAX_LINE_BYTES):
                if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    raise Damaged(f"a line of more than {MAX_LINE_BYTES} bytes")
                yield line if ends else line.rstrip(b"\r\n")

    def whole(self, limit: int = MAX_WHOLE_BYTES) -> bytes:
        """All bytes in memory. Raises as `open` does, and AnalysisError (profile-too-large)."""
        with self.open() as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise self.too_large(limit)
        return data

    def too_large(self, limit: int) -> AnalysisError:
        """The error of a file with more than `limit` bytes."""
        return AnalysisError(
            f"{self.path}: the profile has more than {limit} bytes",
            code="profile-too-large",
            mend="profile a shorter run, or sample less often",
        )

    def moved(self, at: int) -> None:
        """Tell how far the reading is, in bytes of the file. Raises Cancelled."""
        if self._cancel is not None:
            self._cancel.check()
        part = min(1.0, at / self.size) if self.size else 1.0
        # Who reads the raw bytes has not opened it here.
        before = max(0, self._opened - 1)
        done = (before + part) / max(self.passes, self._opened)
        self._progress(f"{self._doing} {self.path.name}", done)


class _Watched(io.RawIOBase):
    """The unpacked bytes of a file, counted."""

    def __init__(self, file: ProfileFile) -> None:
        super().__init__()
        self._file = file
        try:
            self._raw = file.path.open("rb")
        except OSError as error:
            raise _unreadable(file.path, error) from error
        unpacked = gzip.GzipFile(fileobj=self._raw) if file.is_compressed else self._raw
        self._stream: BinaryIO = unpacked  # type: ignore[assignment]
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            data = self._stream.read(min(len(view), _PIECE))
        except EOFError as error:
            raise Truncated from error
        except (OSError, zlib.error) as error:
            raise Damaged(str(error)) from error
        self._read += len(data)
        if self._read > MAX_STREAM_BYTES:
            raise self._file.too_large(MAX_STREAM_BYTES)
        self._file.moved(self._raw.tell())
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _unreadable(path: Path, error: OSError) -> AnalysisError:
    return AnalysisError(
        f"{path}: the profile can't be read: {error.strerror or error}",
        code="profile-missing",
        mend="check the path, or write it anew: hasten profile -- python your_program.py",
    )
