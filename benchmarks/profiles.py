"""What reading a huge profile costs: seconds of the processor, and memory, in a child for each.

    python -m benchmarks.profiles [--scale 1.0] [NAME...]

Files are made from patterns into a temporary folder: stacks are walks over a random graph of calls
of 3,000 functions, as large programs have them; the hostile ones are what costs a reader most. A
child may have 1.5 GB of addresses, so a reader that holds a file in memory fails. JSON files are
also decoded at once by `json.loads`, as the peer.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

FUNCTIONS = 3_000
WALKS = 20_000
ADDRESSES = 1_500_000_000

CHILD = f"""
import resource, sys, time
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, ({ADDRESSES}, {ADDRESSES}))
from analysis.errors import AnalysisError
from analysis.profiles.load import load_profile
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    profile = load_profile(Path(sys.argv[1]), Path(sys.argv[2]))
    said = f"{{len(profile.functions)}} functions, {{len(profile.stacks)}} stacks kept"
except AnalysisError as error:
    said = error.code
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.process_time() - started, before / 1024, after / 1024, said, sep="|")
"""

PEER = """
import json, resource, sys, time
started = time.process_time()
json.loads(open(sys.argv[1], "rb").read())
print(time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def walks(rng: random.Random) -> list[list[int]]:
    calls = [[rng.randrange(FUNCTIONS) for _ in range(3)] for _ in range(FUNCTIONS)]
    stacks = []
    for _ in range(WALKS):
        stack = [0]
        for _ in range(rng.randrange(15, 45)):
            callees = calls[stack[-1]]
            stack.append(callees[0] if rng.random() < 0.8 else rng.choice(callees))
        stacks.append(stack)
    return stacks


def place(number: int) -> tuple[str, str, int]:
    return f"f{number}", f"/build/pkg/m{number % 50}.py", number // 50 + 1


def until(size: float, rng: random.Random, pieces: list[str]) -> Iterator[str]:
    written = 0
    while written < size:
        piece = rng.choice(pieces)
        written += len(piece) + 1
        yield piece


def collapsed(path: Path, size: float) -> None:
    rng = random.Random(1)
    names = ["{} ({}:{})".format(*place(n)) for n in range(FUNCTIONS)]
    lines = [";".join(names[n] for n in stack) for stack in walks(rng)]
    with path.open("w") as file:
        file.writelines(f"{line} {rng.randrange(1, 9)}\n" for line in until(size, rng, lines))


def speedscope(path: Path, size: float) -> None:
    rng = random.Random(1)
    stacks = [json.dumps(stack, separators=(",", ":")) for stack in walks(rng)]
    frames = [dict(zip(("name", "file", "line"), place(n), strict=True)) for n in range(FUNCTIONS)]
    count = 0
    with path.open("w") as file:
        file.write('{"$schema":"https://www.speedscope.app/file-format-schema.json","profiles":[')
        file.write('{"type":"sampled","name":"t","unit":"seconds","startValue":0,"endValue":9,')
        file.write('"samples":[')
        for stack in until(size * 0.97, rng, stacks):
            file.write(f"{',' if count else ''}{stack}")
            count += 1
        file.write(f'],"weights":[{",".join(["0.01"] * count)}]}}],')
        file.write(f'"shared":{json.dumps({"frames": frames})},"exporter":"py-spy@0.4.0"}}')


def evented(path: Path, size: float) -> None:
    rng = random.Random(1)
    frames = [dict(zip(("name", "file", "line"), place(n), strict=True)) for n in range(FUNCTIONS)]
    at = 0
    with path.open("w") as file:
        file.write(f'{{"shared":{json.dumps({"frames": frames})},"profiles":[{{"type":"evented",')
        file.write('"name":"t","unit":"milliseconds","startValue":0,"endValue":999999999,')
        file.write('"events":[')
        before: list[int] = []
        told: list[str] = []
        stacks = walks(rng)
        while file.tell() < size:
            stack = rng.choice(stacks)
            same = next(
                (n for n, (a, b) in enumerate(zip(before, stack, strict=False)) if a != b),
                min(len(before), len(stack)),
            )
            at += 1
            told = [f'{{"type":"C","frame":{f},"at":{at}}}' for f in reversed(before[same:])]
            told += [f'{{"type":"O","frame":{f},"at":{at}}}' for f in stack[same:]]
            file.write("".join(f"{event}," for event in told))
            before = stack
        file.write(",".join(f'{{"type":"C","frame":{f},"at":{at}}}' for f in reversed(before)))
        file.write("]}]}")


def viztracer(path: Path, size: float) -> None:
    rng = random.Random(1)
    names = ["{} ({}:{})".format(*place(n)) for n in range(FUNCTIONS)]
    at = 0
    with path.open("w") as file:
        file.write('{"traceEvents": [')
        while file.tell() < size:
            at += 10
            for n, stack_frame in enumerate(rng.sample(range(FUNCTIONS), 8)):
                file.write(
                    f'{{"pid": 1, "tid": 1, "ts": {at + n}.5, "ph": "X", "cat": "fee", '
                    f'"dur": {9 - n}.25, "name": "{names[stack_frame]}"}}, '
                )
        file.write('{"ph": "M", "pid": 1, "tid": 1, "name": "process_name"}]}')


def random_stacks(path: Path, size: float) -> None:
    rng = random.Random(1)
    with path.open("w") as file:
        while file.tell() < size:
            file.write(";".join(f"f{rng.randrange(FUNCTIONS)}" for _ in range(30)) + " 1\n")


def endless_names(path: Path, size: float) -> None:
    number = 0
    with path.open("w") as file:
        while file.tell() < size:
            file.write(";".join(f"f{number + n}" for n in range(30)) + " 1\n")
            number += 30


def bomb(path: Path, size: float) -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b'{"profiles":[{"type":"sampled","samples":[')
        for _ in range(int(size // 1_000_000)):
            file.write(b"[]," * 333_333)


FILES: dict[str, tuple[Callable[[Path, float], None], int]] = {
    "collapsed": (collapsed, 200_000_000),
    "speedscope": (speedscope, 100_000_000),
    "speedscope-evented": (evented, 100_000_000),
    "viztracer": (viztracer, 100_000_000),
    "hostile: no stack twice": (random_stacks, 20_000_000),
    "hostile: no name twice": (endless_names, 50_000_000),
    "hostile: gzip bomb": (bomb, 500_000_000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the files' sizes")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the files; all without")
    options = parser.parse_args()
    print(f"{'file':26} {'MB':>6} {'seconds':>8} {'MB/s':>6} {'RSS MB':>7}  against json.loads")
    for name in options.names or FILES:
        make, size = FILES[name]
        with tempfile.TemporaryDirectory(prefix="profiles-") as folder:
            measure(name, Path(folder), make, size * options.scale)


def measure(name: str, folder: Path, make: Callable[[Path, float], None], size: float) -> None:
    workspace = folder / "ws"
    (workspace / "pkg").mkdir(parents=True)
    for number in range(50):
        functions = range(number, FUNCTIONS, 50)
        (workspace / "pkg" / f"m{number}.py").write_text(
            "".join(f"def f{n}(): pass\n" for n in functions)
        )
    path = folder / "profile"
    make(path, size)
    megabytes = path.stat().st_size / 1e6
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), str(workspace)],
        capture_output=True, text=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    if done.returncode:
        print(f"{name:26} {megabytes:6.0f} failed: {done.stderr.strip().splitlines()[-1]}")
        return
    seconds, _, after, said = done.stdout.strip().split("|")
    against = ""
    if path.open("rb").read(1) == b"{":
        peer = subprocess.run(
            [sys.executable, "-c", PEER, str(path)], capture_output=True, text=True
        )
        if not peer.returncode:
            peer_seconds, peer_rss = map(float, peer.stdout.split())
            against = (
                f"{float(seconds) / peer_seconds:.1f}x the time of its {peer_seconds:.1f} s,"
                f" {float(after) / peer_rss:.2f}x of its {peer_rss:.0f} MB"
            )
    print(
        f"{name:26} {megabytes:6.1f} {float(seconds):8.1f} {megabytes / float(seconds):6.1f}"
        f" {float(after):7.0f}  {against}  ({said})",
        flush=True,
    )


if __name__ == "__main__":
    main()
