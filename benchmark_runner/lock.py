"""One timing at a time on a machine: two measurements that overlap disturb each other."""

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


@contextmanager
def timing_lock(
    progress: Progress = silent, cancel: CancelToken | None = None, *, folder: Path | None = None
) -> Iterator[None]:
    """Hold the machine's clock: at most one holder per user, over all processes and threads.

    Says so once while it waits, raises Cancelled when asked to stop, and is let go by the kernel
    if its holder dies.
    """
    token = cancel or CancelToken()
    path = (folder or runtime_dir()) / "timing.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        said = False
        while True:
            token.check()
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not said:
                    progress("waiting for another timing on this machine to end", None)
                    said = True
                token.wait(_POLL_S)
        yield
    finally:
        os.close(handle)
