"""What a claim is about: the interpreter and the machine, for the receipt."""

from __future__ import annotations

import hashlib
import os
import platform
import socket
from pathlib import Path

from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.receipt import Environment
from hasten import __version__

_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_CPUINFO = Path("/proc/cpuinfo")


def _cpu_model() -> str:
    """The processor's name as Linux gives it, else the architecture."""
    try:
        text = _CPUINFO.read_text("utf-8", "replace")
    except OSError:
        return platform.machine()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model", "Hardware"} and value.strip():
            return value.strip()
    return platform.machine()


def host_name() -> str:
    """A name for this machine that says nothing of it: equal for equal machine ids."""
    known = ""
    for place in _MACHINE_IDS:
        try:
            known = known or place.read_text("ascii", "replace").strip()
        except OSError:
            continue
    told = f"hasten host {known or socket.gethostname()}"
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def describe(python: Path) -> Environment:
    """The environment of a run under `python`, which is asked what it is.

    The load is the machine's one-minute average now. Raises InterpreterError.
    """
    interpreter = interpreter_at(python)
    return Environment(
        python=str(python),
        python_version=".".join(map(str, interpreter.version)),
        implementation="cpython",
        platform=f"{platform.system()} {platform.machine()}",
        kernel=platform.release(),
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)),
        load=round(os.getloadavg()[0], 2),
        hasten=__version__,
        host=host_name(),
    )
