"""Which compiler builds a version with which flags: the user's for timing, sanitizers for equality.

A build command is one call of a compiler with {source} and {out}; it is never given to a shell.
"""

from __future__ import annotations

import functools
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmark_runner.errors import WorkloadError
from benchmark_runner.workload import Language

SUFFIXES: dict[str, Language] = {
    ".c": "c",
    ".cpp": "c++",
    ".cc": "c++",
    ".cxx": "c++",
    ".C": "c++",
    ".py": "python",
}
DEFAULT = {"c": "cc -O2 {source} -o {out} -lm", "c++": "c++ -O2 {source} -o {out}"}
SANITIZERS = ("address", "undefined")
_COMPILER = re.compile(r"(.+-)?(gcc|g\+\+|cc|c\+\+|clang|clang\+\+)(-[\d.]+)?")
_DROPPED = re.compile(r"-O.*|-g.*|-s|-flto.*|-static.*|-fwhole-program|-fomit-frame-pointer")
_FOLDER_FLAGS = ("-I", "-iquote", "-isystem", "-include", "-L")
_CHECKED = (
    "-O1",
    "-g",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)
_SECONDS = 10.0


def language_of(path: Path) -> Language:
    """The language by the file's suffix. Raises WorkloadError."""
    language = SUFFIXES.get(path.suffix)
    if language is None:
        raise WorkloadError(
            f"{path.name}: no language that can be built or run here",
            code="language-unknown",
            mend=f"name a file that ends with {', '.join(SUFFIXES)}",
        )
    return language


@dataclass(frozen=True)
class Compiler:
    """A build command in words, with {source} and {out} where they were.

    `name` is the compiler's, `version` the first line of what it says of itself; `sanitizes` is
    whether flags for sanitizers can be derived.
    """

    words: tuple[str, ...]
    language: Language
    name: str
    path: Path
    version: str
    folder: Path
    """Relative paths of flags are meant from here: the folder of the source."""

    @property
    def sanitizes(self) -> bool:
        """Whether it is a compiler whose flags are known."""
        return _COMPILER.fullmatch(self.name) is not None

    def timed(self, source: Path, out: Path) -> tuple[str, ...]:
        """The command for timing: the user's own flags."""
        return self._filled(self.words, source, out)

    def checked(self, source: Path, out: Path) -> tuple[str, ...]:
        """The command for equality: sanitizers instead of the optimisation's flags."""
        kept = [word for word in self.words if not _DROPPED.fullmatch(word)]
        checks = ("-D_GLIBCXX_ASSERTIONS",) if self.language == "c++" else ()
        return self._filled((kept[0], *kept[1:], *_CHECKED, *checks), source, out)

    def _filled(self, words: tuple[str, ...], source: Path, out: Path) -> tuple[str, ...]:
        made = [w.replace("{source}", str(source)).replace("{out}", str(out)) for w in words]
        made = _absolute(made, self.folder)
        if self.sanitizes:
            made += ["-iquote", str(self.folder)]
        return (str(self.path), *made[1:])

    def shown(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """A command of ours as one would type it: without our folders."""
        return (self.name, *(w for w in words[1:]))


def _absolute(words: list[str], folder: Path) -> list[str]:
    """The words with relative folders of flags made absolute: the build runs elsewhere."""
    made: list[str] = []
    for word in words:
        flag = next((f for f in _FOLDER_FLAGS if word.startswith(f)), None)
        if made and made[-1] in _FOLDER_FLAGS:
            made.append(str(folder / word))
        elif flag and len(word) > len(flag) and flag in ("-I", "-L"):
            made.append(f"{flag}{folder / word[len(flag) :]}")
        else:
            made.append(word)
    return made


def compiler_for(path: Path, build: str | None) -> Compiler:
    """The compiler of a C or C++ file, by the user's command or the language's default.

    Raises WorkloadError: no command, no placeholder, no such compiler on this machine.
    """
    language = language_of(path)
    text = build or DEFAULT[language]
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise _bad(text, str(error)) from None
    if not words or not all(any(p in w for w in words) for p in ("{source}", "{out}")):
        raise _bad(text, "it must hold {source} and {out}")
    found = shutil.which(words[0])
    if found is None:
        raise WorkloadError(
            f"there is no {words[0]} on this machine",
            code="compiler-missing",
            mend="install a compiler (Debian, Ubuntu: apt install g++), or name one with --build",
        )
    program = Path(found).absolute()
    name = Path(words[0]).name
    return Compiler(words, language, name, program, _version(program), path.parent)


def _bad(text: str, why: str) -> WorkloadError:
    return WorkloadError(
        f"the build command `{text}` can't be used: {why}",
        code="build-command",
        mend='write it as one call of a compiler: --build "g++ -O2 {source} -o {out}"',
    )


@functools.cache
def _version(program: Path) -> str:
    try:
        done = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return lines[0][:200] if lines else "unknown"
