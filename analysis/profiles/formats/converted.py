"""Profiles in the private formats of tools, which only the tool itself turns into one that is read.

Nothing here reads them: `kind_of` tells by the first bytes what a file is, and `read` says which
command writes a file that hasten reads. `benchmark_runner.recording.converters` runs that command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.errors import AnalysisError
from analysis.profiles.file import ProfileFile
from analysis.profiles.formats import gperftools
from analysis.profiles.model import Profile
from analysis.profiles.places import Places

_LZ4 = b"\x04\x22\x4d\x18"
_MEMRAY = b"memray\0"


@dataclass(frozen=True)
class Kind:
    """A format that needs a tool.

    `title` is what people call the format, `tool` the program that reads it, `source` how to get
    that, and `command` what to type; FILE, PROGRAM and OUT stand for the paths. `needs_program`
    tells that the profile has addresses only, which the profiled program gives names to.
    """

    name: str
    title: str
    tool: str
    source: str
    command: str
    recognises: Callable[[bytes], bool]
    needs_program: bool = False


KINDS = (
    Kind(
        "perf", "perf.data", "perf", "Linux's perf (Debian: linux-perf)",
        "perf script -i FILE > OUT", lambda head: head[:8] in (b"PERFILE2", b"2ELIFREP"),
    ),
    Kind(
        "jfr", "JFR recording", "jfr", "a JDK of version 11 or later",
        "jfr print --json --stack-depth 64 FILE > OUT",
        lambda head: head.startswith(b"FLR\0"),
    ),
    Kind(
        "memray", "memray recording", "memray", "memray (PyPI), of the version that recorded",
        "python -m memray stats --json -n 100000 -o OUT FILE",
        lambda head: head.startswith(_MEMRAY) or (head.startswith(_LZ4) and _MEMRAY in head[:64]),
    ),
    Kind(
        "gmon", "gmon.out", "gprof", "gprof (Debian: binutils)",
        "gprof PROGRAM FILE > OUT",
        lambda head: head.startswith((b"gmon\1\0\0\0", b"gmon\0\0\0\1")),
        needs_program=True,
    ),
    Kind(
        "gperftools", "gperftools CPU profile", "google-pprof",
        "google-pprof (Debian: google-perftools)", "google-pprof --callgrind PROGRAM FILE > OUT",
        gperftools.is_bare, needs_program=True,
    ),
)  # fmt: skip


def kind_of(head: bytes) -> Kind | None:
    """What a file is that begins with these bytes; None for all that is read here."""
    return next((kind for kind in KINDS if kind.recognises(head)), None)


def recognises(head: bytes) -> bool:
    """Whether it is in a format that needs a tool."""
    return kind_of(head) is not None


def read(file: ProfileFile, places: Places) -> Profile:
    """Raises AnalysisError (profile-needs-tool), which says what to type."""
    kind = kind_of(file.head)
    raise needs_tool(file, kind if kind is not None else KINDS[0])


def needs_tool(file: ProfileFile, kind: Kind, why: str = "") -> AnalysisError:
    """The error of a file that its tool has to turn into another; `why` it was not done."""
    command = kind.command.replace("FILE", str(file.path))
    program = ", PROGRAM being what was profiled" if kind.needs_program else ""
    return AnalysisError(
        f"{file.path}: a profile of this kind ({kind.title}) is read through {kind.tool}"
        + (f": {why}" if why else ""),
        code="profile-needs-tool",
        mend=f"with {kind.source}, type `{command}`{program}, and give OUT",
    )
