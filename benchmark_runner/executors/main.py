"""`hasten run-job`: one job from standard input, its answer on standard output.

Started by a cluster's worker (hasten/remote_job.py); it ends with that worker.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from analysis.errors import Cancelled
from analysis.progress import CancelToken, silent
from benchmark_runner.environment import host_name
from benchmark_runner.executors.job import Answer, JobError, perform
from benchmark_runner.executors.shipping import Unpacked
from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.project.trees import scratch_folder
from hasten.remote_job import versions

PYTHON = "HASTEN_PYTHON"
"""Environment variable: the interpreter of user code on this host, if not at the sender's path."""
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run one job. Exit codes: 0 answered, 1 not a job, 130 cancelled."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        return 130
    cancel = CancelToken()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: cancel.cancel())
    out = os.dup(1)
    os.dup2(2, 1)  # what anything prints by accident is no part of the answer
    payload = sys.stdin.buffer.read()
    with scratch_folder("hasten-job-") as folder:
        try:
            unpacked = Unpacked(payload, folder)
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            sys.stderr.write(f"hasten run-job: {error}\n")
            return 1
        try:
            answer = _mismatch(unpacked) or _perform(unpacked, cancel)
        except Cancelled:
            return 130
        with os.fdopen(out, "wb") as file:
            file.write(unpacked.answer(answer))
    return 0


def _perform(unpacked: Unpacked, cancel: CancelToken) -> Answer:
    job = unpacked.job
    own = os.environ.get(PYTHON)
    job = replace(job, python=Path(own)) if own else job
    return perform(job, silent, cancel, "dask")


def _mismatch(unpacked: Unpacked) -> Answer | None:
    """Why this host must not answer, or None: a claim is about one version of each."""
    python = Path(os.environ.get(PYTHON) or unpacked.job.python)
    wanted = dict(unpacked.expects)
    interpreter = wanted.pop("interpreter", None)
    own = versions()
    told = [f"{name} {own.get(name)}, not {v}" for name, v in wanted.items() if own.get(name) != v]
    if interpreter is not None and not told:
        if not python.is_file():
            told = [f"no interpreter at {python}"]
        else:
            found = ".".join(map(str, interpreter_at(python).version))
            told = [f"CPython {found} at {python}, not {interpreter}"] * (found != interpreter)
    if not told:
        return None
    text = f"host {host_name()} differs: {'; '.join(told)}"
    mend = f"install the same on every host; {PYTHON} on a host names its interpreter"
    return Answer(error=JobError("host-differs", text, mend))
