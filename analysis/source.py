"""Source files as they lie on disk: encoding cookie, byte order mark and line ends are kept."""

from __future__ import annotations

import io
import os
import tempfile
import tokenize
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import AnalysisError


@dataclass(frozen=True)
class SourceFile:
    """A source file's text with what is needed to write it back byte for byte."""

    path: Path
    text: str
    encoding: str

    def to_bytes(self, text: str) -> bytes:
        """`text` in this file's encoding. Raises AnalysisError when that can't hold it."""
        try:
            return text.encode(self.encoding)
        except UnicodeError as error:
            raise AnalysisError(
                f"{self.path}: the new text can't be written as {self.encoding}: {error}",
                code="source-encoding",
                mend="save the file as UTF-8, then try again",
            ) from error


def decode_source(data: bytes, path: Path) -> SourceFile:
    """Decode by PEP 263. Raises AnalysisError when the bytes are no text of that encoding."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return SourceFile(path, data.decode(encoding), encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise AnalysisError(
            f"{path}: can't be decoded: {error}",
            code="source-encoding",
            mend="save the file as UTF-8 or declare its encoding in the first line (PEP 263)",
        ) from error


def read_source(path: Path) -> SourceFile:
    """Read a Python file. Raises AnalysisError when it is missing or can't be decoded."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AnalysisError(
            f"{path}: can't be read: {error.strerror or error}",
            code="source-unreadable",
            mend="check the path and its permissions",
        ) from error
    return decode_source(data, path)


def write_source(source: SourceFile, text: str) -> None:
    """Replace the file's text in one step, keeping encoding and mode: a kill loses nothing."""
    target = source.path.resolve()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(source.to_bytes(text))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, target.stat().st_mode & 0o7777)  # noqa: PTH101
        os.replace(name, target)  # noqa: PTH105
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
