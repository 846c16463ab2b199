"""Runs compilers and other builders: they start programs, reach no network, write one folder.

A build is code of the user's (a Makefile, a compiler plug-in), and what it compiles may be a
candidate that nobody has read: `#include "/home/me/.ssh/id_ed25519"` finds nothing here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.progress import CancelToken
from benchmark_runner.sandbox.limits import TreeLimits
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.sandbox.program import ProgramRun, run_program

BUILD_LIMITS = TreeLimits(memory=4 << 30, processes=128, disk=1 << 30, output_bytes=16 << 20)
"""A compiler of one file or of a small project; a large one needs more."""


def run_build(
    command: Sequence[str],
    *,
    folder: Path,
    readable: Sequence[Path] = (),
    timeout_s: float = 120.0,
    limits: TreeLimits = BUILD_LIMITS,
    environment: Mapping[str, str] | None = None,
    sandbox: Sandbox | None = None,
    cancel: CancelToken | None = None,
) -> ProgramRun:
    """Build in `folder`, the working directory and all that is written beside a scratch folder.

    It reads the system's folders (compilers in /usr), `folder` and `readable`; its environment is
    PATH, HOME and TMPDIR (the scratch folder), LANG and `environment`. It ends with everything it
    started at `timeout_s` (wall) or at one of `limits` (`ProgramRun.reason`). Raises Cancelled.
    """
    return run_program(
        command,
        cwd=folder,
        python=Path(sys.executable),
        writable=[folder],
        readable=readable,
        extra_environment={"PATH": "/usr/local/bin:/usr/bin:/bin", **(environment or {})},
        timeout_s=timeout_s,
        bounds=limits,
        sandbox=sandbox,
        cancel=cancel,
    )
