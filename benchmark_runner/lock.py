"""One timing at a time on a machine: two measurements that overlap disturb each other.

Whoever comes first is served first. More than one slot there is only where a measurement on this
machine found that timings side by side don't disturb each other (executors/slots.py).
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.errors import SandboxError

_POLL_S = 0.05


def runtime_dir() -> Path:
    """The user's runtime folder: ``$XDG_RUNTIME_DIR/hasten``, else a private one in /tmp.

    Raises SandboxError where the one in /tmp belongs to someone else (a planted folder).
    """
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and Path(given).is_dir() and os.access(given, os.W_OK):
        folder = Path(given) / "hasten"
    else:
        folder = Path(tempfile.gettempdir()) / f"hasten-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SandboxError(
            f"{folder} belongs to someone else",
            code="runtime-folder",
            mend="remove it, or set XDG_RUNTIME_DIR to a folder of your own",
        )
    return folder


def _slots() -> int:
    """How many timings may run at once here: what was measured, else one."""
    from benchmark_runner.executors.slots import measured_slots

    return measured_slots()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Queue:
    """Tickets in order of arrival: files with growing numbers, each locked by whoever waits.

    A ticket whose lock is free is of someone who died: it is removed by whoever looks next.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "timing"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._mine = ""
        self._handle = -1

    def draw(self, token: CancelToken) -> None:
        """Take the next number. The gate is held for an instant, so that numbers never cross."""
        gate = _open(self._folder / "gate")
        try:
            while not _try_lock(gate):
                token.check()
                token.wait(_POLL_S / 10)
            number = max((int(name) for name in self._tickets()), default=0) + 1
            self._mine = f"{number:020d}"
            self._handle = _open(self._folder / self._mine)
            _try_lock(self._handle)
        finally:
            os.close(gate)

    def _tickets(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir() if path.name.isdigit())

    def before_me(self) -> int:
        """How many living tickets have a lower number."""
        return sum(self._lives(name) for name in self._tickets() if name < self._mine)

    def _lives(self, name: str) -> bool:
        path = self._folder / name
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            if not _try_lock(handle):
                return True
            path.unlink(missing_ok=True)
            return False
        finally:
            os.close(handle)

    def leave(self) -> None:
        """Give the ticket back."""
        if self._handle >= 0:
            (self._folder / self._mine).unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = -1


@contextmanager
def timing_lock(
    progress: Progress = silent,
    cancel: CancelToken | None = None,
    *,
    folder: Path | None = None,
    slots: int | None = None,
) -> Iterator[None]:
    """Hold one of the machine's slots for timing: as many holders per user as there are slots
    (default: `measured_slots`, nearly always one), over all processes and threads.

    First come, first served. Says so once while it waits, raises Cancelled when asked to stop, and
    is let go by the kernel if its holder dies.
    """
    token = cancel or CancelToken()
    most = _slots() if slots is None else slots
    place = folder or runtime_dir()
    queue = _Queue(place)
    single = _open(place / "timing.lock")
    said = False

    def wait() -> None:
        nonlocal said
        if not said:
            progress("waiting for another timing on this machine to end", None)
            said = True
        token.check()
        token.wait(_POLL_S)

    try:
        queue.draw(token)
        while queue.before_me() >= most:
            wait()
        # Versions of hasten without tickets know this lock only.
        while most == 1 and not _try_lock(single):
            wait()
        token.check()
        yield
    finally:
        queue.leave()
        os.close(single)
