"""Makes the sample profiles of `tests/data/profiles`, each by its own tool, of one workload.

    python -m tools.profile_samples [FORMAT...]     all formats, or those that are named

The tools are installed from PyPI into a temporary environment; ``node`` and ``perf`` are taken from
PATH, and a format whose tool is not there is left as it is, which is said. Paths of this machine
are rewritten to ``/home/user/workload`` and ``/usr/lib/python3.11``.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "tests" / "data" / "profiles"
HOME = "/home/user/workload"
LIBRARY = "/usr/lib/python3.11"
MAX_BYTES = 60_000
ROUNDS = "300"
"""Enough samples that shares of two runs differ by a few points."""


class Missing(Exception):
    """A tool that is not on this machine."""


@dataclass
class Bench:
    """A copy of the workload and a Python environment, both temporary."""

    folder: Path

    @property
    def workload(self) -> Path:
        """The workload's copy, where programs run."""
        return self.folder / "workload"

    @cached_property
    def bin(self) -> Path:
        """The programs of the environment."""
        subprocess.run([sys.executable, "-m", "venv", str(self.folder / "venv")], check=True)
        return self.folder / "venv" / "bin"

    def install(self, package: str) -> None:
        """Install a package from PyPI."""
        command = [str(self.bin / "python"), "-m", "pip", "install", "-q", package]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Missing(f"{package} does not install: {done.stderr.strip()[-200:]}")

    def run(self, *command: str | Path) -> str:
        """Run a command in the workload's folder; its output."""
        program = shutil.which(str(command[0]))
        if program is None:
            raise Missing(f"{command[0]} is not on PATH")
        done = subprocess.run(
            [program, *map(str, command[1:])],
            cwd=self.workload,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        if done.returncode:
            raise Missing(f"{' '.join(map(str, command))}: {(done.stderr or done.stdout)[-400:]}")
        return done.stdout

    def clean(self, data: bytes) -> bytes:
        """The data with this machine's paths rewritten. Raises ValueError where one is left."""
        venv = str(self.folder / "venv")
        paths = sysconfig.get_paths()
        versions = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        for here, there in [
            (str(self.workload), HOME),
            (f"{venv}/lib/{versions}", LIBRARY),
            (f"{venv}/bin", "/usr/bin"),
            (venv, "/usr"),
            (paths["stdlib"], LIBRARY),
            (str(Path(sys.base_prefix) / "lib"), "/usr/lib"),
            (sys.base_prefix, "/usr"),
            (str(self.folder), "/home/user"),
        ]:
            data = data.replace(here.encode(), there.encode())
        left = re.search(
            rb"(?<![\w.:/<-])/(?!home/user/|usr/|lib/|tmp/perf-)\w[\w.-]*/[^\"; \n]*", data
        )
        if left:
            raise ValueError(f"a path of this machine is left: {left[0].decode()}")
        return data


def clock(bench: Bench) -> bytes:
    """The shares by two readings of the clock around each call, with no profiler in the way."""
    timed = (
        "import json, sys, time\n"
        "from grids import Grid, smooth\n"
        "from letters import count_pairs, make_words\n"
        "now, words, spent = time.process_time, make_words(240), [0.0] * 3\n"
        "for seed in range(int(sys.argv[1])):\n"
        "    t = [now(), count_pairs(words), now(), Grid(90, seed), now()]\n"
        "    t += [smooth(t[3]), now()]\n"
        "    spent = [s + t[2 * n + 2] - t[2 * n] for n, s in enumerate(spent)]\n"
        "names = ['count_pairs', 'fill', 'smooth']\n"
        "print(json.dumps({n: round(s / sum(spent), 3) for n, s in zip(names, spent)}))\n"
    )
    return bench.run(sys.executable, "-S", "-c", timed, ROUNDS).encode()


def pstats(bench: Bench) -> bytes:
    out = bench.folder / "out.pstats"
    # Of processor time: what else runs on the machine must not count.
    profiled = (
        "import cProfile, sys, time\n"
        "code = compile(open('main.py').read(), 'main.py', 'exec')\n"
        "profile = cProfile.Profile(time.process_time)\n"
        "profile.enable()\n"
        "exec(code, {'__name__': '__main__'})\n"
        "profile.disable()\n"
        "profile.dump_stats(sys.argv[2])\n"
    )
    bench.run(sys.executable, "-S", "-c", profiled, ROUNDS, out)
    # Strings of a marshalled dict carry their lengths, so paths are rewritten in the dict.
    script = (
        "import marshal, sys\n"
        "def renamed(key):\n"
        f"    path = key[0].replace({str(bench.workload)!r}, {HOME!r})\n"
        f"    path = path.replace({sysconfig.get_paths()['stdlib']!r}, {LIBRARY!r})\n"
        "    return (path, *key[1:])\n"
        "data = marshal.load(open(sys.argv[1], 'rb'))\n"
        "data = {renamed(k): (*v[:4], {renamed(c): e for c, e in v[4].items()})\n"
        "        for k, v in data.items()}\n"
        "marshal.dump(data, open(sys.argv[1], 'wb'))\n"
    )
    bench.run(sys.executable, "-c", script, out)
    return out.read_bytes()


def _py_spy(kind: str) -> Callable[[Bench], bytes]:
    def make(bench: Bench) -> bytes:
        bench.install("py-spy")
        out = bench.folder / f"out.{kind}"
        bench.run(
            bench.bin / "py-spy", "record", "-r", "50", "--format", kind, "-o", out, "--",
            sys.executable, "-S", "main.py", ROUNDS,
        )  # fmt: skip
        return out.read_bytes()

    return make


def _pyinstrument(*options: str, suffix: str, rounds: str = ROUNDS) -> Callable[[Bench], bytes]:
    def make(bench: Bench) -> bytes:
        bench.install("pyinstrument")
        out = bench.folder / f"pyinstrument.{suffix}"
        bench.run(
            bench.bin / "pyinstrument", "-i", "0.005", *options, "-o", out, "main.py", rounds
        )  # fmt: skip
        return out.read_bytes()

    return make


def viztracer(bench: Bench) -> bytes:
    bench.install("viztracer")
    out = bench.folder / "viztracer.json"
    bench.run(
        bench.bin / "viztracer", "--quiet", "--ignore_frozen", "--include_files", bench.workload,
        "-o", out, "main.py", "100",
    )  # fmt: skip
    return out.read_bytes()


def _austin(*options: str) -> Callable[[Bench], bytes]:
    def make(bench: Bench) -> bytes:
        bench.install("austin-dist==3.7.0")  # later ones need a newer C library
        out = bench.folder / "austin.out"
        bench.run(
            bench.bin / "austin", *options, "-i", "20ms", "-o", out,
            sys.executable, "-S", "main.py", ROUNDS,
        )  # fmt: skip
        return out.read_bytes()

    return make


def cpuprofile(bench: Bench) -> bytes:
    folder = bench.folder / "cpuprofile"
    bench.run(
        "node", "--cpu-prof", "--cpu-prof-interval", "5000", "--cpu-prof-dir", folder, "workload.js"
    )
    return next(folder.iterdir()).read_bytes()


def perf_script(bench: Bench) -> bytes:
    data = bench.folder / "perf.data"
    bench.run(
        "perf", "record", "-q", "-F", "99", "-g", "-e", "cpu-clock", "-o", data,
        "node", "--no-turbo-inlining", "--perf-basic-prof-only-functions",
        "--interpreted-frames-native-stack",
        f"--logfile={bench.folder / 'v8.log'}", "workload.js", "1000",
    )  # fmt: skip
    return re.sub(rb"/tmp/perf-\d+\.map", b"/tmp/perf-1.map",
                  bench.run("perf", "script", "-i", data).encode())  # fmt: skip


def _firefox(
    make: Callable[[list[str], list[tuple[list[int], float]]], object],
) -> Callable[[Bench], bytes]:
    """A file by the format's own description, with the stacks of py-spy's sample.

    The profiler that writes such files (samply) is on no package index.
    """

    def written(_: Bench) -> bytes:
        told = json.loads((DATA / "speedscope" / "py-spy.json").read_bytes())
        frames = [f"{f['name']} ({f['file']}:{f['line']})" for f in told["shared"]["frames"]]
        samples = [
            (stack, weight)
            for part in told["profiles"]
            for stack, weight in zip(part["samples"], part["weights"], strict=True)
        ]
        return json.dumps(make(frames, samples)).encode()

    return written


def _stack_table(
    samples: list[tuple[list[int], float]],
) -> tuple[list[list[int | None]], list[int]]:
    """Prefix and frame of each stack, and the stack of each sample."""
    rows: dict[tuple[int | None, int], int] = {}
    leaves = []
    for stack, _ in samples:
        at: int | None = None
        for frame in stack:
            at = rows.setdefault((at, frame), len(rows))
        leaves.append(at)
    return [list(row) for row in rows], leaves


def _processed(frames: list[str], samples: list[tuple[list[int], float]]) -> object:
    strings: dict[str, int] = {}

    def text(value: str) -> int:
        return strings.setdefault(value, len(strings))

    split = [re.fullmatch(r"(.*) \((.*):(\d+)\)", frame) for frame in frames]
    funcs: dict[tuple[int, int], int] = {}
    of_frame = [funcs.setdefault((text(found[1]), text(found[2])), len(funcs)) for found in split]
    rows, leaves = _stack_table(samples)
    thread = {
        "name": "main", "isMainThread": True, "pid": "1", "tid": 1, "processType": "default",
        "samples": {
            "length": len(leaves), "stack": leaves, "weight": [1] * len(leaves),
            "weightType": "samples", "timeDeltas": [10] * len(leaves),
        },
        "stackTable": {
            "length": len(rows), "prefix": [r[0] for r in rows], "frame": [r[1] for r in rows],
        },
        "frameTable": {
            "length": len(frames), "func": of_frame, "line": [int(found[3]) for found in split],
            "address": [-1] * len(frames), "inlineDepth": [0] * len(frames),
        },
        "funcTable": {
            "length": len(funcs), "name": [f[0] for f in funcs], "fileName": [f[1] for f in funcs],
            "resource": [-1] * len(funcs), "lineNumber": [None] * len(funcs),
        },
        "resourceTable": {"length": 0, "name": []},
        "stringArray": list(strings),
    }  # fmt: skip
    meta = {"product": "workload", "interval": 10, "version": 24, "preprocessedProfileVersion": 49,
            "processType": 0, "categories": []}  # fmt: skip
    return {"meta": meta, "libs": [], "threads": [thread], "pages": [], "counters": []}


def _gecko(frames: list[str], samples: list[tuple[list[int], float]]) -> object:
    rows, leaves = _stack_table(samples)
    thread = {
        "name": "GeckoMain", "processType": "default", "pid": 1, "tid": 1,
        "samples": {
            "schema": {"stack": 0, "time": 1},
            "data": [[stack, 10 * n] for n, stack in enumerate(leaves)],
        },
        "stackTable": {"schema": {"prefix": 0, "frame": 1}, "data": rows},
        "frameTable": {
            "schema": {"location": 0, "relevantForJS": 1, "line": 5},
            "data": [[n, False] for n in range(len(frames))],
        },
        "stringTable": frames,
    }  # fmt: skip
    return {
        "meta": {"version": 24, "interval": 10, "processType": 0, "stackwalk": 1},
        "libs": [], "threads": [thread], "processes": [],
    }  # fmt: skip


SAMPLES: dict[str, tuple[Callable[[Bench], bytes], str]] = {
    "clock": (clock, "clock/shares.json"),
    "pstats": (pstats, "pstats/workload.prof"),
    "py-spy-speedscope": (_py_spy("speedscope"), "speedscope/py-spy.json"),
    "py-spy-raw": (_py_spy("raw"), "collapsed/py-spy.txt"),
    "py-spy-chrometrace": (_py_spy("chrometrace"), "chrome_trace/py-spy.json.gz"),
    "pyinstrument-speedscope": (
        # It leaves calls out that take less than a hundredth of the whole.
        _pyinstrument("-r", "speedscope", suffix="speedscope", rounds="8"),
        "speedscope/pyinstrument.json",
    ),
    "pyinstrument-session": (
        _pyinstrument(suffix="pyisession"), "pyinstrument/session.pyisession.gz",
    ),
    "pyinstrument-json": (_pyinstrument("-r", "json", suffix="json"), "pyinstrument/tree.json"),
    "viztracer": (viztracer, "chrome_trace/viztracer.json.gz"),
    "austin": (_austin(), "austin/wall.txt.gz"),
    "austin-full": (_austin("-f"), "austin/full.txt.gz"),
    "austin-mojo": (_austin("-b"), "austin_mojo/wall.mojo"),
    "cpuprofile": (cpuprofile, "cpuprofile/workload.cpuprofile"),
    "perf-script": (perf_script, "perf_script/node.txt.gz"),
    "firefox": (_firefox(_processed), "firefox/processed.json"),
    "gecko": (_firefox(_gecko), "firefox/gecko.json"),
}  # fmt: skip
"""What makes a format's sample, and its file; a name with ``.gz`` is compressed."""


def main(formats: list[str]) -> int:
    unknown = set(formats) - set(SAMPLES)
    if unknown:
        print(f"no such format: {', '.join(sorted(unknown))}; there are {', '.join(SAMPLES)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="samples-") as folder:
        bench = Bench(Path(folder).resolve())
        shutil.copytree(DATA / "workload", bench.workload)
        for name in formats or SAMPLES:
            make, file = SAMPLES[name]
            try:
                data = bench.clean(make(bench))
            except Missing as error:
                print(f"{name}: left as it is: {error}")
                continue
            if file.endswith(".gz"):
                data = gzip.compress(data, mtime=0)
            if len(data) > MAX_BYTES:
                print(f"{name}: {len(data)} bytes are more than a sample may have")
                return 1
            target = DATA / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            print(f"{name}: {file}, {len(data)} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
