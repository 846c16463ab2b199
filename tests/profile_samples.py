"""The sample profiles of `tests/data/profiles`: what each of them must tell of the one workload."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data" / "profiles"
WORKLOAD = DATA / "workload"


@dataclass(frozen=True)
class Sample:
    """A file, the format's module, and what the format has besides functions."""

    file: str
    format: str
    tool: str
    sampled: bool = True
    lines: bool = True
    calls: bool = False
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
    Sample("speedscope/py-spy.json", "speedscope", "py-spy"),
    Sample("speedscope/pyinstrument.json", "speedscope", "pyinstrument", lines=False),
    Sample("collapsed/py-spy.txt", "collapsed", "collapsed stacks"),
    Sample("chrome_trace/py-spy.json.gz", "chrome_trace", "py-spy"),
    Sample(
        "chrome_trace/viztracer.json.gz", "chrome_trace", "viztracer",
        sampled=False, lines=False, calls=True,
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

MEASURED = "pstats/workload.prof"
"""What cProfile measured of the workload, to which the samples' shares are compared."""
