"""Makes the samples of `tests/data/profiles` that `profile_samples` does not: tables and binaries.

    python -m tools.profile_samples_more [FORMAT...]    all formats, or those that are named

Python's tools are installed from PyPI into a temporary environment of the system's ``python3``;
``gcc``, ``gprof``, ``valgrind``, ``google-pprof`` with its library, ``javac`` and ``jfr`` are taken
from PATH, and a format whose tool is not there is left as it is, which is said. Everything runs in
/tmp/hprof, which stands as /home/user in the samples: as many letters, so that binaries stay whole.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "tests" / "data" / "profiles"
FOLDER = Path("/tmp/hprof")
WORKLOAD = FOLDER / "workload"
BIN = FOLDER / "venv" / "bin"
HOME = b"/home/user"
MAX_BYTES = 60_000
_ALLOWED = re.compile(rb"/tmp/(?:pprof|perf-|hsperf)")
_LEFT = re.compile(rb"/(?:root|work|tmp)/[\w./-]*")


class Missing(Exception):
    """A tool that is not on this machine."""


def run(*command: str | Path, **environment: str) -> str:
    """Run a command in the workload's folder; its output. Raises Missing."""
    program = shutil.which(str(command[0]))
    if program is None:
        raise Missing(f"{command[0]} is not on PATH")
    done = subprocess.run(
        [program, *map(str, command[1:])],
        cwd=WORKLOAD,
        capture_output=True,
        text=True,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(FOLDER),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
    )
    if done.returncode:
        raise Missing(f"{' '.join(map(str, command))}: {(done.stderr or done.stdout)[-400:]}")
    return done.stdout


@cache
def install(*packages: str) -> None:
    """Install packages from PyPI into the environment. Raises Missing."""
    if not BIN.exists():
        run("/usr/bin/python3", "-m", "venv", FOLDER / "venv")
    run(BIN / "python", "-m", "pip", "install", "-q", *packages)


@cache
def compiled(*flags: str) -> Path:
    """The workload in C, built with debug information and these flags."""
    out = FOLDER / "workload" / "workload"
    run("gcc", "-O1", "-g", *flags, "-o", out, "workload.c")
    return out


def clean(data: bytes) -> bytes:
    """The data with this machine's paths rewritten. Raises ValueError where one is left."""
    data = data.replace(str(FOLDER).encode(), HOME)
    left = _LEFT.search(_ALLOWED.sub(b"", data))
    if left:
        raise ValueError(f"a path of this machine is left: {left[0].decode()}")
    host = os.uname().nodename.encode()
    if len(host) > 3 and re.search(rb"\b" + re.escape(host) + rb"\b", data):
        raise ValueError("the name of this machine is left")
    return data


def packed(data: bytes) -> bytes:
    """The data as gzip, without a time and a name in it."""
    return gzip.compress(data, 9, mtime=0)


# No profiler: the compiler calls these around each function, which here runs for some microseconds.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#define OFF __attribute__((no_instrument_function))
enum { MOST = 32 };
static void *functions[MOST];
static double spent[MOST], since[MOST];
static int known, depth;
OFF static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
OFF void __cyg_profile_func_enter(void *function, void *site) { since[depth++] = now(); }
OFF void __cyg_profile_func_exit(void *function, void *site)
{
    double taken = now() - since[--depth];
    int at = 0;
    while (at < known && functions[at] != function) at++;
    if (at == known) functions[known++] = function;
    spent[at] += taken;
}
__attribute__((destructor)) OFF static void told(void)
{
    FILE *out = fopen("clock.txt", "w");
    Dl_info info;
    for (int at = 0; at < known; at++)
        if (dladdr(functions[at], &info) && info.dli_sname)
            fprintf(out, "%s %.9f\\n", info.dli_sname, spent[at]);
    fclose(out);
}
"""


# -- formats: each function writes what its tool wrote, by the name of the sample ------------------


def line_profiler() -> dict[str, bytes]:
    install("line_profiler")
    out = FOLDER / "workload.lprof"
    script = (
        "import sys, line_profiler; sys.path.insert(0, '.'); import grids, letters, main;"
        "p = line_profiler.LineProfiler(); [p.add_module(m) for m in (grids, letters, main)];"
        f"p.runcall(main.main, 5); p.dump_stats({str(out)!r})"
    )
    run(BIN / "python", "-c", script)
    # The pickle says how long each path is: as many letters, so it stays whole.
    return {"workload.lprof": out.read_bytes()}


def scalene() -> dict[str, bytes]:
    install("scalene")
    out = FOLDER / "scalene.json"
    run(BIN / "python", "-m", "scalene", "run", "-o", out, "main.py", "---", "400")
    return {"workload.json.gz": out.read_bytes()}


def memray() -> dict[str, bytes]:
    install("memray")
    recording, stats = FOLDER / "memray.bin", FOLDER / "memray.json"
    run(
        BIN / "python", "-m", "memray", "run", "-q", "-f", "--no-compress", "-o", recording,
        "main.py", "2",
    )  # fmt: skip
    run(
        BIN / "python", "-m", "memray", "stats", "--json", "-n", "100", "-f", "-o", stats, recording
    )
    return {"workload.bin": recording.read_bytes(), "stats.json": stats.read_bytes()}


def yappi() -> dict[str, bytes]:
    install("yappi")
    outs = {"workload.prof": "pstat", "workload.callgrind": "callgrind"}
    saves = ";".join(
        f"s.save({str(FOLDER / name)!r}, type={kind!r})" for name, kind in outs.items()
    )
    script = (
        "import sys, yappi; sys.path.insert(0, '.'); import main; yappi.set_clock_type('cpu');"
        f"yappi.start(); main.main(20); yappi.stop(); s = yappi.get_func_stats(); {saves}"
    )
    run(BIN / "python", "-c", script)
    return {name: (FOLDER / name).read_bytes() for name in outs}


def coverage() -> dict[str, bytes]:
    install("coverage", "pytest", "pytest-benchmark")
    settings = FOLDER / "coverage.cfg"
    found = {}
    for name, branch in (("lines", "false"), ("branches", "true")):
        out = FOLDER / f"{name}.sqlite"
        settings.write_text(
            f"[run]\ndynamic_context = test_function\nrelative_files = true\nbranch = {branch}\n"
            f"data_file = {out}\n"
        )
        run(
            BIN / "python", "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest", "-q",
            "-p", "no:cacheprovider", "--benchmark-skip", "checks.py",
        )  # fmt: skip
        run(
            BIN / "python", "-c", f"import sqlite3; sqlite3.connect({str(out)!r}).execute('vacuum')"
        )
        found[f"{name}.sqlite"] = out.read_bytes()
    return found


def pytest_benchmark() -> dict[str, bytes]:
    install("pytest", "pytest-benchmark")
    out = FOLDER / "benchmark.json"
    run(
        BIN / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-only",
        f"--benchmark-json={out}", "checks.py",
    )  # fmt: skip
    data = json.loads(out.read_bytes())
    data["machine_info"] = {"node": "host", "system": "Linux", "python_version": "3.11"}
    data["commit_info"] = {"id": "unknown"}
    return {"workload.json": json.dumps(data, indent=1).encode()}


def pprof() -> dict[str, bytes]:
    install("zprofile", "protobuf<4")
    out = FOLDER / "workload.pb.gz"
    script = (
        "import sys, threading; sys.path.insert(0, '.'); import main;"
        "from zprofile.cpu_profiler import CPUProfiler; p = CPUProfiler();"
        "t = threading.Thread(target=main.main, args=(400,)); t.start(); data = p.profile(2.0);"
        f"open({str(out)!r}, 'wb').write(data); t.join()"
    )
    run(BIN / "python", "-c", script)
    return {"workload.pb.gz": gzip.decompress(out.read_bytes())}


def callgrind() -> dict[str, bytes]:
    out = FOLDER / "callgrind.out"
    run(
        "valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--toggle-collect=main",
        compiled(), "5",
    )  # fmt: skip
    return {"workload.out": out.read_bytes()}


def cachegrind() -> dict[str, bytes]:
    out = FOLDER / "cachegrind.out"
    run("valgrind", "--tool=cachegrind", f"--cachegrind-out-file={out}", compiled(), "5")
    return {"workload.out.gz": out.read_bytes()}


def clock() -> dict[str, bytes]:
    (WORKLOAD / "clock.c").write_text(CLOCK)
    run("gcc", "-O1", "-c", "clock.c")
    # `static` hides names: without it the program is the same.
    program = compiled("-finstrument-functions", "-Dstatic=", "-rdynamic", "clock.o", "-ldl")
    run(program, "40000")
    lines = (WORKLOAD / "clock.txt").read_text().split("\n")[:-1]
    seconds = {name: float(spent) for name, spent in map(str.split, lines)}
    names = ("count_pairs", "fill", "smooth")
    shares = {name: round(seconds[name] / seconds["report"], 3) for name in names}
    return {"compiled.json": json.dumps(shares).encode() + b"\n"}


def gprof() -> dict[str, bytes]:
    program = compiled("-pg", "-fno-pie", "-no-pie")
    run(program, "40000")
    recording = WORKLOAD / "gmon.out"
    return {
        "workload.txt": run("gprof", program, recording).encode(),
        "brief.txt": run("gprof", "-b", program, recording).encode(),
        "flat.txt": run("gprof", "-b", "-p", program, recording).encode(),
        "lines.txt": run("gprof", "-l", "-p", program, recording).encode(),
        "gmon.out": recording.read_bytes(),
    }


def gperftools() -> dict[str, bytes]:
    program = compiled("-fno-pie", "-no-pie", "-Wl,--no-as-needed", "-lprofiler")
    out, raw = FOLDER / "gperftools.prof", FOLDER / "gperftools.raw"
    run(program, "40000", CPUPROFILE=str(out))
    with raw.open("wb") as file:
        subprocess.run(
            ["google-pprof", "--raw", program, out], stdout=file, stderr=subprocess.DEVNULL,
            check=True,
        )  # fmt: skip
    return {
        "workload.prof": out.read_bytes(),
        "workload.raw": raw.read_bytes(),
        "workload.txt": run("google-pprof", "--text", program, out).encode(),
        "workload.callgrind": run("google-pprof", "--callgrind", program, out).encode(),
    }


def jfr() -> dict[str, bytes]:
    out = FOLDER / "workload.jfr"
    run("javac", "-d", FOLDER, "Workload.java")
    # Interpreted, so that a loop is not replaced under way; no event but the one, since others
    # hold the machine's name and environment.
    only = "settings=none,+jdk.ExecutionSample#enabled=true,+jdk.ExecutionSample#period=10ms"
    recording = f"-XX:StartFlightRecording:filename={out},{only}"
    run("java", "-Xint", recording, "-cp", FOLDER, "Workload", "60")
    text = run(
        "jfr", "print", "--json", "--stack-depth", "64", "--events", "jdk.ExecutionSample", out
    )
    return {"workload.jfr.gz": out.read_bytes(), "workload.json.gz": text.encode()}


FORMATS: dict[str, Callable[[], dict[str, bytes]]] = {
    "line_profiler": line_profiler,
    "scalene": scalene,
    "memray": memray,
    "yappi": yappi,
    "coverage": coverage,
    "pytest_benchmark": pytest_benchmark,
    "pprof": pprof,
    "callgrind": callgrind,
    "cachegrind": cachegrind,
    "clock": clock,
    "gprof": gprof,
    "gperftools": gperftools,
    "jfr": jfr,
}


def main(names: list[str]) -> int:
    """Make the named formats, or all; 1 when a tool is missing or a sample is too large."""
    shutil.rmtree(WORKLOAD, ignore_errors=True)
    shutil.copytree(DATA / "workload", WORKLOAD)
    failed = 0
    for name in names or list(FORMATS):
        compiled.cache_clear()
        try:
            made = FORMATS[name]()
        except Missing as error:
            print(f"{name}: left as it is: {error}", file=sys.stderr)
            failed = 1
            continue
        for sample, data in made.items():
            data = clean(data)
            data = packed(data) if sample.endswith(".gz") else data
            if len(data) > MAX_BYTES:
                print(f"{name}/{sample}: {len(data)} bytes are too many", file=sys.stderr)
                failed = 1
            out = DATA / name / sample
            out.parent.mkdir(exist_ok=True)
            out.write_bytes(data)
            print(f"{name}/{sample}: {len(data)} bytes")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
