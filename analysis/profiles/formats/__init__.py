"""Profile formats, one reader each.

A reader is a module with two functions: ``recognises(head: bytes) -> bool``, which tells by the
first bytes of a file whether it is of the format, and ``read(file: ProfileFile, places: Places) ->
Profile``, which raises Truncated or Damaged. Its row below says what people call it. Formats are
asked in this order: those with magic bytes first, text that could be anything last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from analysis.profiles.file import ProfileFile
from analysis.profiles.model import Profile
from analysis.profiles.places import Places


class Reader(Protocol):
    """What a format's module offers."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins so is of this format."""

    def read(self, file: ProfileFile, places: Places) -> Profile:
        """The profile in a file. Raises Truncated or Damaged."""


@dataclass(frozen=True)
class Format:
    """`module` is the reader's name in this folder, `title` what people call the format."""

    module: str
    title: str

    @property
    def reader(self) -> Reader:
        """The format's reader, imported when it is first asked for."""
        return cast(Reader, import_module(f"{__name__}.{self.module}"))


FORMATS = (
    Format("pstats", "pstats (cProfile, profile, yappi)"),
    Format("speedscope", "speedscope (py-spy, pyinstrument, austin and others)"),
)


def formats_of(head: bytes) -> Iterator[Format]:
    """The formats that recognise a file by its first bytes."""
    return (known for known in FORMATS if known.reader.recognises(head))
