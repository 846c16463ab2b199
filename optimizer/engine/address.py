"""Where the engine of a workspace listens: a socket in a folder that only this user can enter."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import struct
import tempfile
from pathlib import Path

from hasten.paths import state_dir
from optimizer.errors import EngineError

_LONGEST = 100  # sun_path holds 108 bytes on Linux, 104 elsewhere


def engine_folder(workspace: Path) -> Path:
    """The folder of socket and lock, made with mode 0700. Raises EngineError if it is not ours.

    Below ``$XDG_RUNTIME_DIR/hasten``, else below a private folder in the temporary folder. Its name
    depends on the state folder, so that two states of one workspace have two engines.
    """
    key = hashlib.sha256(str(state_dir(workspace)).encode()).hexdigest()[:16]
    folder = _base() / key
    _private(folder)
    return folder


def socket_path(folder: Path) -> Path:
    """The engine's socket."""
    return folder / "engine.sock"


def lock_path(folder: Path) -> Path:
    """The file whose lock makes a process the one engine."""
    return folder / "engine.lock"


def _base() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR")
    places = [Path(given) / "hasten"] if given and _ours(Path(given)) else []
    user = f"hasten-{os.getuid()}"
    places += [Path(tempfile.gettempdir()) / user, Path("/tmp") / user]
    for place in places:
        if len(os.fsencode(place)) + len("/0123456789abcdef/engine.sock") <= _LONGEST:
            _private(place)
            return place
    raise EngineError(
        f"{places[-1]}: too long for a socket",
        code="engine-folder",
        mend="set XDG_RUNTIME_DIR to a short folder of your own",
    )


def _ours(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return False


def _private(folder: Path) -> None:
    """Make the folder, or check that nobody else could have planted it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise EngineError(
            f"{folder}: can't be made: {error.strerror or error}",
            code="engine-folder",
            mend="set XDG_RUNTIME_DIR to a folder of your own",
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EngineError(
            f"{folder} belongs to someone else",
            code="engine-folder",
            mend="remove it, or set XDG_RUNTIME_DIR to a folder of your own",
        )
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def peer_is_me(connection: socket.socket) -> bool:
    """Whether the process at the other end runs as this user (SO_PEERCRED, where there is one)."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True  # the folder's mode is the guard there
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, size))
    return int(uid) == os.getuid()
