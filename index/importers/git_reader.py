"""What a repository's history says, asked of git without running anything of the repository.

A repository may be hostile: its configuration and attributes name programs that git would start
(textconv, external diffs, signature checks, file system monitors, hooks, remote helpers). Only
`log --raw` and `cat-file` are used: neither compares contents or touches a work tree, and what they
could be made to start, or to read beside the repository, is switched off. Transports are forbidden,
so that nothing that is missing is fetched. Output is bounded and read as it comes, and so are git's
memory and its silence: a file of the repository may be a link to one that never ends.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from index.importers.claim import ClaimError

_OFF = (
    "--no-pager", "--no-replace-objects", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=",
    "-c", "core.pager=cat", "-c", "log.showSignature=false", "-c", "diff.submodule=short",
    "-c", "protocol.allow=never", "-c", "gc.auto=0", "-c", "diff.orderFile=/dev/null",
    "-c", "diff.relative=false", "-c", "core.attributesFile=/dev/null",
    "-c", "core.excludesFile=/dev/null", "-c", "blame.ignoreRevsFile=", "-c", "log.mailmap=false",
    "-c", "mailmap.file=/dev/null", "-c", "mailmap.blob=", "-c", "gpg.program=false",
    "-c", "core.alternateRefsCommand=false", "-c", "core.sshCommand=false",
    "-c", "core.packedGitWindowSize=64m", "-c", "core.packedGitLimit=1g",
    "-c", "core.deltaBaseCacheLimit=96m",
)  # fmt: skip
_LOG = (
    "--raw", "-z", "--no-abbrev", "--no-merges", "--no-renames", "--no-textconv", "--no-ext-diff",
    "--no-show-signature", "--no-notes", "--no-decorate", "--no-color", "--no-mailmap",
    "--ignore-submodules=all", "--encoding=UTF-8", "--diff-filter=M", "-O/dev/null",
    "--format=%x01%H%x02%cI%x02%B%x03",
)  # fmt: skip
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CHANGE = re.compile(rb":100\d{3} 100\d{3} ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) M")
_PIECE = 1 << 16
_MOST_ENTRY = 4 << 20
"""Bytes of one commit's message and list of files."""
_MOST_OUTPUT = 1 << 30
_MOST_FILES = 200
MOST_MEMORY = 4 << 30
"""Bytes of addresses that git may have; packs are seen through windows of 64 MB."""
_MOST_ANSWER = 16 << 20
"""Bytes of the answer to a small question, and of what git complains of."""
SILENCE_S = 120.0
"""What git may take until it says something, or something more."""
_TICK_S = 0.2
# A shell bounds itself and becomes git: Python's own way, between fork and exec, is not safe beside
# threads. A bound that can't be set is lower already.
_BOUNDED = 'ulimit -v {memory} 2>/dev/null; ulimit -f {blocks} 2>/dev/null; exec "$@"'


@dataclass(frozen=True)
class Change:
    """A file that a commit changed: its content before and after, as names of blobs."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Commit:
    """A commit; `date` is when it was committed (ISO 8601). `changes` may be cut off."""

    sha: str
    date: str
    message: str
    changes: tuple[Change, ...]


def _nothing() -> None:
    """Does nothing."""


class GitReader:
    """Reads one repository. Raises ClaimError (git-missing, git-failed).

    `tick` is called some times a second while git is waited for, and may raise.
    """

    def __init__(self, repo: Path, tick: Callable[[], None] = _nothing) -> None:
        program = shutil.which("git")
        if program is None:
            raise ClaimError("git is not installed", code="git-missing", mend="install git")
        self._git, self._repo, self._tick = program, repo.absolute(), tick
        if not self._repo.is_dir():
            raise self._failed("there is no such folder")
        self._ask("rev-parse", "--git-dir")

    @property
    def name(self) -> str:
        """The name of the repository's folder, as a part of an origin."""
        own = self._repo.resolve().name or "repository"
        return re.sub(r"[^\w.-]+", "-", own, flags=re.ASCII)[:60]

    def commits(self, most: int) -> Iterator[Commit]:
        """The last commits of the checked-out branch, the newest first, merges left out."""
        command = self._command("log", *_LOG, f"--max-count={most}", "HEAD", "--")
        with self._started(command) as read:
            for entry in _entries(read):
                commit = _commit(entry)
                if commit is not None:
                    yield commit

    def text(self, blob: str, most: int) -> str | None:
        """A blob's text; None where it is larger, no UTF-8 text, or not there."""
        if not _HASH.fullmatch(blob):
            return None
        try:
            head = self._ask("cat-file", "--batch-check", given=f"{blob}\n").split()
            if len(head) != 3 or head[1] != b"blob" or int(head[2]) > most:
                return None
            data = self._ask("cat-file", "blob", blob)
        except (ClaimError, ValueError):
            return None  # of a partial clone: nothing is fetched
        if b"\0" in data:
            return None
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("utf-8-sig")
        return None

    def _command(self, *arguments: str) -> list[str]:
        bounds = _BOUNDED.format(memory=MOST_MEMORY >> 10, blocks=_MOST_ANSWER >> 9)
        own = [self._git, *_OFF, "-C", str(self._repo), *arguments]
        return ["/bin/sh", "-c", bounds, "git", *own]

    def _ask(self, *arguments: str, given: str = "") -> bytes:
        """The output of a command whose output is known to be small."""
        with contextlib.ExitStack() as stack:
            told, output, errors = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            told.write(given.encode())
            told.seek(0)
            process = self._start(self._command(*arguments), told, output, errors)
            try:
                code = self._waited(process)
            finally:
                process.kill()
                process.wait()
            if code != 0:
                raise self._failed(_last_line(errors) or f"exit code {code}")
            output.seek(0)
            return output.read(_MOST_ANSWER)

    def _waited(self, process: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + SILENCE_S
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=_TICK_S)
            self._check(deadline)

    def _check(self, deadline: float) -> None:
        """Raise what `tick` does, and ClaimError after the deadline."""
        self._tick()
        if time.monotonic() > deadline:
            raise self._failed(f"it said nothing for {SILENCE_S:g} s")

    def _start(
        self, command: list[str], told: IO[bytes] | int, output: IO[bytes] | int, errors: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command, env=environment(), stdin=told, stdout=output, stderr=errors
            )
        except OSError as error:
            raise self._failed(str(error)) from error

    @contextlib.contextmanager
    def _started(self, command: list[str]) -> Iterator[Callable[[], bytes]]:
        """Reads pieces of a running command's output, b"" at its end.

        It is ended when nobody reads on.
        """
        with tempfile.TemporaryFile() as errors:
            process = self._start(command, subprocess.DEVNULL, subprocess.PIPE, errors)
            assert process.stdout is not None
            pipe, whole = process.stdout.fileno(), False
            try:
                yield lambda: self._piece(pipe)
                whole = not self._piece(pipe)
                code = self._waited(process) if whole else 0
            finally:
                process.stdout.close()
                process.kill()
                process.wait()
            if whole and code != 0:
                raise self._failed(_last_line(errors) or f"exit code {code}")

    def _piece(self, pipe: int) -> bytes:
        deadline = time.monotonic() + SILENCE_S
        ready = select.poll()
        ready.register(pipe, select.POLLIN)
        while not ready.poll(_TICK_S * 1000):
            self._check(deadline)
        return os.read(pipe, _PIECE)

    def _failed(self, why: str) -> ClaimError:
        return ClaimError(
            f"{self._repo}: git can't read it: {why}",
            code="git-failed",
            mend="name the folder of a git repository that has a commit and is yours",
        )


def environment() -> dict[str, str]:
    """The environment of git: nothing of the user's that steers it, no transport, no prompt."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }


def _last_line(errors: IO[bytes]) -> str:
    """The end of what git complained of."""
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - _PIECE))
    line = errors.read(_PIECE).decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
    return "".join(char if char.isprintable() else " " for char in line)


def _entries(output: Callable[[], bytes]) -> Iterator[bytes]:
    """What stands between two marks of a new commit.

    What is too long is left out; what is left of it is no entry, or one of the repository's making,
    as they all are.
    """
    kept, read = b"", 0
    while piece := output():
        read += len(piece)
        if read > _MOST_OUTPUT:
            return
        *whole, kept = (kept + piece).split(b"\x01")
        yield from whole
        if len(kept) > _MOST_ENTRY:
            kept = b""
    yield kept


def _commit(entry: bytes) -> Commit | None:
    head, mark, files = entry.partition(b"\x03")
    parts = head.split(b"\x02", 2)
    if not mark or len(parts) != 3:
        return None
    sha, date, message = (part.decode("utf-8", "replace").strip() for part in parts)
    if not _HASH.fullmatch(sha):
        return None
    return Commit(sha, date, message, tuple(_changes(files)))


def _changes(files: bytes) -> Iterator[Change]:
    """Changed regular files out of `--raw -z`: what happened, then the path."""
    words = files.strip(b"\0\n").split(b"\0")
    for what, path in list(zip(words[::2], words[1::2], strict=False))[:_MOST_FILES]:
        match = _CHANGE.fullmatch(what.strip())
        if match:
            with contextlib.suppress(UnicodeDecodeError):
                yield Change(path.decode(), match[1].decode(), match[2].decode())
