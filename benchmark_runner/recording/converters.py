"""Reads profiles of all kinds, also those that only their own tool can read.

`analysis` reads text and runs nothing. What is in a private format of perf, the JVM's flight
recorder, memray, gprof or gperftools is first turned into text by the tool that knows it: found on
PATH, never in the workspace, started without a shell, in the sandbox (no network, one folder to
write in), with bounds on time and output. The profile is hostile all the same: nothing that it
says is run, and a program that gives its addresses names is only the one that the user named.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.profiles.file import ProfileFile
from analysis.profiles.formats.converted import Kind, kind_of, needs_tool
from analysis.profiles.load import load_profile
from analysis.profiles.model import Profile
from analysis.profiles.sources import Sources
from analysis.progress import CancelToken, Progress, silent

TIMEOUT_S = 300.0
"""Wall seconds of one conversion."""
MAX_TEXT_BYTES = 2_000_000_000
_MEMORY = 3 << 30
_PROCESSES = 64
_SCRATCH = 64 << 20
_MOST_SAID = 200
_NO_SANDBOX = "L0"
_MAX_SCRIPT_BYTES = 2_000_000
_TEMPORARY = b'"/tmp/pprof'

_INTO_FILE = """
import os, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs a tool with its standard output in a file, as a shell would: it ends when that is full,
which Python would have it ignore."""


@dataclass(frozen=True)
class _Tool:
    """A tool that was found: the words that start it, and what it must be able to read."""

    words: tuple[str, ...]
    readable: tuple[Path, ...]
    python: Path
    """The interpreter whose folders it may read too: memray runs under its own."""


def read_profile(
    path: Path,
    workspace: Path,
    *,
    sources: Sources | None = None,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
    python: Path | None = None,
    program: Path | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Profile:
    """Read a profile of any format, through its own tool where that is needed.

    `python` is the interpreter that a memray recording is read under, if it has memray; `program`
    what was profiled, which names the addresses of gmon.out and of gperftools' files. Raises what
    `analysis.profiles.load.load_profile` raises; profile-needs-tool when the tool is not there or
    may not run here, and profile-damaged when it can't read the file.
    """
    with readable(
        path, workspace, progress=progress, cancel=cancel, python=python, program=program,
        timeout_s=timeout_s,
    ) as text:  # fmt: skip
        return load_profile(text, workspace, sources=sources, progress=progress, cancel=cancel)


@contextmanager
def readable(
    path: Path,
    workspace: Path,
    *,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
    python: Path | None = None,
    program: Path | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Iterator[Path]:
    """The file that `load_profile` reads for a profile: itself, or the text that its tool made.

    Arguments and errors as of `read_profile`. The text is gone when the context ends, and an
    AnalysisError of it names the profile.
    """
    file = ProfileFile(path, progress, cancel)
    kind = kind_of(file.head)
    if kind is None:
        yield path
        return
    if file.is_compressed:
        raise needs_tool(file, kind, "and it is packed: unpack it first (gunzip)")
    if kind.needs_program and program is None:
        raise needs_tool(file, kind, "it has addresses only, and no --program was given")
    if program is not None and not program.is_file():
        raise needs_tool(file, kind, f"there is no program {program}")
    tool = _found(kind, workspace, python)
    if tool is None:
        raise needs_tool(file, kind, "which is not on PATH")
    with tempfile.TemporaryDirectory(prefix="hasten-profile-") as folder:
        out = Path(os.path.realpath(folder)) / "profile.txt"
        progress(f"reading {path.name} through {kind.tool}", None)
        _convert(file, kind, tool, out, workspace, program, timeout_s, cancel)
        try:
            yield out
        except AnalysisError as error:
            message = error.message.replace(str(out), str(path))
            raise AnalysisError(message, code=error.code, mend=error.mend) from error


def _convert(
    file: ProfileFile,
    kind: Kind,
    tool: _Tool,
    out: Path,
    workspace: Path,
    program: Path | None,
    timeout_s: float,
    cancel: CancelToken | None,
) -> None:
    # The sandbox is imported when it is used: most profiles need none.
    from benchmark_runner.sandbox.limits import Limits, TreeLimits
    from benchmark_runner.sandbox.policy import Sandbox
    from benchmark_runner.sandbox.program import run_program

    sandbox = Sandbox.reached()
    if sandbox.level == _NO_SANDBOX:
        raise needs_tool(file, kind, "which is not started here, where there is no sandbox")
    profile = Path(os.path.realpath(file.path))
    real_program = None if program is None else Path(os.path.realpath(program))
    readable = [profile, *tool.readable]
    if real_program is not None:
        readable.append(real_program)
    elif kind.name == "perf":  # which finds the names of compiled code in the programs themselves
        readable.append(Path(os.path.realpath(workspace)))
    words = _at_home(tool.words, out.parent) if kind.name == "gperftools" else tool.words
    command = _COMMANDS[kind.name](words, str(profile), str(real_program), str(out))
    run = run_program(
        command,
        cwd=out.parent,
        python=tool.python,
        writable=[out.parent],
        readable=readable,
        timeout_s=timeout_s,
        limits=Limits(
            file_bytes=MAX_TEXT_BYTES, scratch_bytes=_SCRATCH, total_cpu_s=int(timeout_s) + 1
        ),
        bounds=TreeLimits(memory=_MEMORY, processes=_PROCESSES, disk=MAX_TEXT_BYTES + _SCRATCH),
        sandbox=sandbox,
        cancel=cancel,
    )
    size = out.stat().st_size if out.is_file() else 0
    if size >= MAX_TEXT_BYTES or run.reason == "disk":
        raise file.too_large(MAX_TEXT_BYTES)
    if run.reason:
        raise _failed(file, kind, f"it was ended by a limit ({run.reason})")
    if run.exit_code != 0 or size == 0:
        raise _failed(file, kind, _said(run.stderr) or f"exit code {run.exit_code}")


def _said(text: str) -> str:
    """The last line that a tool wrote, its stack trace left out."""
    lines = [line for line in text.splitlines() if line.strip() and not line[0].isspace()]
    return "".join(c if c.isprintable() else "?" for c in lines[-1][:_MOST_SAID]) if lines else ""


def _failed(file: ProfileFile, kind: Kind, why: str) -> AnalysisError:
    return AnalysisError(
        f"{file.path}: {kind.tool} can't read this profile ({kind.title}): {why}",
        code="profile-damaged",
        mend=f"record it anew, and try `{kind.command.replace('FILE', str(file.path))}` yourself",
    )


# -- tools --------------------------------------------------------------------------------------


def _found(kind: Kind, workspace: Path, python: Path | None) -> _Tool | None:
    if kind.name == "memray":
        return _memray(python, workspace)
    path = _on_path(kind.tool, workspace)
    if path is None:
        return None
    return _Tool((str(path),), _home_of(path), Path(sys.executable))


def _on_path(name: str, workspace: Path) -> Path | None:
    """The tool, links followed; never one that lies in the workspace."""
    found = shutil.which(name)
    if found is None:
        return None
    path, root = Path(os.path.realpath(found)), Path(os.path.realpath(workspace))
    return None if path.is_relative_to(root) else path


def _home_of(path: Path) -> tuple[Path, ...]:
    """The tool's own folders: a JDK in a home has its libraries beside ``bin``."""
    home = Path.home()
    around = path.parent.parent if path.parent.name == "bin" else path.parent
    if around in (home, *home.parents):
        return (path,)
    # Debian keeps a JDK's settings in /etc and has links to them.
    settings = Path(os.path.realpath(around / "conf" / "security" / "java.security"))
    return (path, around, settings.parent.parent) if settings.is_file() else (path, around)


def _memray(python: Path | None, workspace: Path) -> _Tool | None:
    """memray under the interpreter that has it: the given one, hasten's own, that of PATH."""
    script = _on_path("memray", workspace)
    beside = [] if script is None else [script.parent / "python"]
    given = [] if python is None else [python]
    for candidate in (*given, Path(sys.executable), *beside):
        folder = candidate.parent.parent
        if any(folder.glob("lib*/python3*/*-packages/memray/__init__.py")):
            return _Tool((str(candidate), "-m", "memray"), (), candidate)
    return None


def _at_home(words: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """google-pprof keeps its files in /tmp by name, where it can't write: a copy that need not."""
    script = Path(words[0])
    text = script.read_bytes() if script.stat().st_size < _MAX_SCRIPT_BYTES else b""
    if not text.startswith(b"#!") or _TEMPORARY not in text:
        return words
    copy = folder / script.name
    copy.write_bytes(text.replace(_TEMPORARY, f'"{folder}/pprof'.encode()))
    copy.chmod(0o700)
    return (str(copy), *words[1:])


def _into(out: str, words: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _INTO_FILE, out, *words]


def _perf(tool: Sequence[str], profile: str, program: str, out: str) -> list[str]:
    return _into(out, [*tool, "script", "-f", "--no-inline", "-i", profile])


def _jfr(tool: Sequence[str], profile: str, program: str, out: str) -> list[str]:
    # As patterns: jfr refuses the name of an event that its version does not have.
    events = "jdk.Execution*Sample,jdk.CPUTime*Sample,jdk.ObjectAllocation*Sample"
    return _into(
        out, [*tool, "print", "--json", "--stack-depth", "64", "--events", events, profile]
    )


def _memray_stats(tool: Sequence[str], profile: str, program: str, out: str) -> list[str]:
    return [*tool, "stats", "--json", "-n", "100000", "-f", "-o", out, profile]


def _gprof(tool: Sequence[str], profile: str, program: str, out: str) -> list[str]:
    return _into(out, [*tool, "-b", program, profile])


def _gperftools(tool: Sequence[str], profile: str, program: str, out: str) -> list[str]:
    return _into(out, [*tool, "--callgrind", program, profile])


_COMMANDS: dict[str, Callable[[Sequence[str], str, str, str], list[str]]] = {
    "perf": _perf,
    "jfr": _jfr,
    "memray": _memray_stats,
    "gmon": _gprof,
    "gperftools": _gperftools,
}
"""The words to run, by the name of the kind: tool, profile, program, file to write."""
