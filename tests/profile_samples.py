"""The sample profiles of `tests/data/profiles`: what each of them must tell of the one workload."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data" / "profiles"
WORKLOAD = DATA / "workload"


@dataclass(frozen=True)
class Sample:
    """A file, the format's module, and what the format has besides functions.

    `calls` is how often the hottest function was called, None where the format does not count.
    `own_lines` tells that a line's own cost is known. `script` is of the program in JavaScript.
    """

    file: str
    format: str
    tool: str
    sampled: bool = True
    lines: bool = True
    stacks: bool = True
    calls: int | None = None
    own_lines: bool = True
    script: bool = False

    @property
    def path(self) -> Path:
        """Where it lies."""
        return DATA / self.file

    @property
    def data(self) -> bytes:
        """Its bytes, unpacked."""
        data = self.path.read_bytes()
        return gzip.decompress(data) if self.file.endswith(".gz") else data


SAMPLES = (
    Sample(
        "pstats/workload.prof", "pstats", "cProfile",
        sampled=False, lines=False, stacks=False, calls=300,
    ),
    Sample("speedscope/py-spy.json", "speedscope", "py-spy"),
    Sample("speedscope/pyinstrument.json", "speedscope", "pyinstrument", lines=False),
    Sample("collapsed/py-spy.txt", "collapsed", "collapsed stacks"),
    Sample("chrome_trace/py-spy.json.gz", "chrome_trace", "py-spy"),
    Sample(
        "chrome_trace/viztracer.json.gz", "chrome_trace", "viztracer",
        sampled=False, lines=False, calls=100,
    ),
    Sample("pyinstrument/session.pyisession.gz", "pyinstrument", "pyinstrument", own_lines=False),
    Sample("pyinstrument/tree.json", "pyinstrument", "pyinstrument", lines=False),
    Sample("austin/wall.txt.gz", "austin", "austin"),
    Sample("austin/full.txt.gz", "austin", "austin"),
    Sample("austin_mojo/wall.mojo", "austin_mojo", "austin"),
    Sample("firefox/processed.json", "firefox", "workload"),
    Sample("firefox/gecko.json", "firefox", "Firefox Profiler"),
    Sample("cpuprofile/workload.cpuprofile", "cpuprofile", "V8", script=True),
    Sample("perf_script/node.txt.gz", "perf_script", "perf", lines=False, script=True),
)  # fmt: skip


def measured(clock: str = "shares") -> dict[str, float]:
    """The workload's shares by the clock alone, to which the samples' are compared.

    Of the program in Python; with "compiled" of the one in C.
    """
    shares: dict[str, float] = json.loads((DATA / "clock" / f"{clock}.json").read_bytes())
    return shares
