"""bubblewrap: the arguments that show a worker little, and its answer that tells the real pid."""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmark_runner.errors import SandboxError

_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")


def system_binds() -> list[str]:
    """The system's folders: real ones are bound, links (a merged /usr) are made again."""
    arguments: list[str] = []
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), name]
        elif path.exists():
            arguments += ["--ro-bind", name, name]
    return arguments


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Without what lies inside another one of them or in a system folder, parents first."""
    kept: list[Path] = []
    system = [Path(p) for p in _SYSTEM]
    for path in sorted(set(paths), key=lambda p: len(p.parts)):
        inside = any(k == path or k in path.parents for k in (*kept, *system))
        if not inside and path != Path("/"):
            kept.append(path)
    return kept


def arguments(
    bwrap: str,
    *,
    readable: Sequence[Path],
    files: Sequence[str],
    scratch: Path,
    scratch_bytes: int,
    chdir: Path,
    info_fd: int,
    writable: Sequence[Path] = (),
) -> list[str]:
    """bwrap's command line up to and with `--`.

    `--as-pid-1` makes the pid in the info the worker's own: with bwrap's reaper in between, its
    CPU clock would be the reaper's.
    """
    line = [bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    line += ["--as-pid-1", "--info-fd", str(info_fd)]
    line += [*system_binds(), "--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"]
    for name in files:
        line += ["--ro-bind-try", name, name]
    for path in _outermost(readable):
        line += ["--ro-bind-try", str(path), str(path)]
    for path in writable:
        line += ["--bind", str(path), str(path)]
    line += ["--size", str(scratch_bytes), "--tmpfs", str(scratch), "--remount-ro", "/"]
    return [*line, "--chdir", str(chdir), "--"]


def read_pid(info: int, deadline: float) -> int:
    """The worker's pid from `--info-fd`. The JSON comes in several writes: read up to its end.

    Raises SandboxError when bwrap ends without telling or the deadline (monotonic) passes.
    """
    data = b""
    while b"}" not in data:
        left = deadline - time.monotonic()
        ready = select.select([info], [], [], max(left, 0))[0] if left > 0 else []
        piece = os.read(info, 4096) if ready else b""
        if not piece:
            raise SandboxError(
                "bubblewrap did not start the worker",
                code="sandbox-bwrap",
                mend="run `hasten doctor`; HASTEN_SANDBOX=L1 does without bubblewrap",
            )
        data += piece
    with contextlib.suppress(ValueError, KeyError):
        return int(json.loads(data)["child-pid"])
    raise SandboxError(
        f"bubblewrap told no pid: {data[:200]!r}",
        code="sandbox-bwrap",
        mend="update bubblewrap to 0.4 or newer",
    )
