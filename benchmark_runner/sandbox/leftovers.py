"""One folder for all temporary files of this process, and the removal of dead processes' ones.

Whoever owns a folder holds a lock (flock) on it, which the kernel drops when the process ends,
however that ends. At the first use of its own folder a process removes those that nobody holds:
its user's only, and never one that is just being made (its maker looks whether it is still there
when it has the lock).
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import tempfile
from pathlib import Path

from benchmark_runner.sandbox.files import remove_folder

PREFIX = "hasten-own-"


@functools.cache
def own_folder() -> Path:
    """The folder, private to this user; it ends with this process."""
    place = Path(os.path.realpath(tempfile.gettempdir()))
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        handle = _locked(folder)
        if handle is not None:
            break  # else someone who sweeps was faster, and has removed it
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # not in a forked child
            remove_folder(folder)

    atexit.register(remove)
    sweep(place)
    return folder


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock; None where another has it, or it is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine, there = os.fstat(handle), os.stat(folder, follow_symlinks=False)  # noqa: PTH116
        if (mine.st_ino, mine.st_dev) == (there.st_ino, there.st_dev):
            return handle
    os.close(handle)
    return None


def sweep(place: Path) -> list[Path]:
    """Remove the folders of processes that have ended; which ones were."""
    swept = []
    with contextlib.suppress(OSError):
        for entry in sorted(place.glob(f"{PREFIX}*")):
            with contextlib.suppress(OSError):
                if entry.lstat().st_uid != os.getuid():
                    continue
                handle = _locked(entry)
                if handle is not None:
                    remove_folder(entry)
                    os.close(handle)
                    swept.append(entry)
    return swept
