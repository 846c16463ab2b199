"""Landlock rules (Linux 5.13 and newer): which paths a worker may read and write.

The parent works out the rules, the harness applies them to itself with three system calls. What
each ABI version handles: kernel documentation, userspace-api/landlock, "Compatibility".
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_ALL_V1 = (1 << 13) - 1
_MAKE_SPECIAL = (1 << 6) | (1 << 9) | (1 << 10) | (1 << 11)  # char, sock, fifo, block
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_SOCKET, _SCOPE_SIGNAL = 1, 2

READ = _READ_FILE | _READ_DIR
READ_EXECUTE = READ | _EXECUTE
READ_WRITE = (_ALL_V1 | _REFER | _TRUNCATE) & ~(_EXECUTE | _MAKE_SPECIAL)
ALL_FILES = READ_WRITE | _EXECUTE
DEVICE = _READ_FILE | _WRITE_FILE | _TRUNCATE


def abi() -> int:
    """The version that the running kernel offers; 0 where there is none."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        version = int(libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))
    except (OSError, AttributeError):
        return 0
    return max(version, 0)


def ruleset(version: int, rules: Iterable[tuple[Path, int]]) -> dict[str, Any]:
    """What the harness needs to confine itself, for an ABI version of at least 1."""
    fs = _ALL_V1
    if version >= 2:
        fs |= _REFER
    if version >= 3:
        fs |= _TRUNCATE
    if version >= 5:
        fs |= _IOCTL_DEV
    return {
        "size": 8 if version < 4 else 16 if version < 6 else 24,
        "fs": fs,
        "net": _BIND_TCP | _CONNECT_TCP if version >= 4 else 0,
        "scoped": _SCOPE_ABSTRACT_SOCKET | _SCOPE_SIGNAL if version >= 6 else 0,
        "file_rights": _FILE_RIGHTS,
        "rules": [(os.fspath(path), access) for path, access in rules],
    }
