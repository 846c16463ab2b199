"""Inputs for a function that nobody gave any for (source "generated").

The signature is read from the text; the user's code is never imported here. Two sources are
mixed: sized calls, because a gain shows at size, and small odd ones by hypothesis.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import zlib
from pathlib import Path

from analysis.progress import CancelToken
from benchmark_runner.errors import WorkloadError
from benchmark_runner.inputs.shapes import Shape, to_plain
from benchmark_runner.inputs.signature import Growth, NoInputs, Signature, read_signature
from benchmark_runner.inputs.sized import make_call
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.program import run_program
from benchmark_runner.worker import harness

_TOTAL_BYTES = 8 << 20
_EDGE_CASES = 25
_EDGE_SECONDS = 30.0
_EDGE_PROGRAM = Path(__file__).with_name("edge_cases.py")

_SIZES: dict[Growth, tuple[tuple[int, int], ...]] = {
    # (size, how many calls of it); a third and more at sizes where a gain shows
    "linear": ((0, 2), (1, 3), (2, 3), (5, 4), (10, 6), (30, 6), (100, 14), (300, 8), (1000, 14),
               (3000, 5)),
    "square": ((0, 2), (1, 3), (2, 3), (5, 4), (10, 6), (30, 8), (100, 16), (300, 12), (1000, 6)),
    "cube": ((0, 2), (1, 3), (2, 3), (4, 4), (9, 6), (16, 8), (36, 10), (64, 12), (144, 8)),
    "recursive": ((0, 2), (1, 3), (2, 3), (5, 4), (10, 6), (30, 8), (100, 16), (300, 10)),
    "exponential": ((0, 2), (1, 3), (2, 6), (3, 8), (4, 8), (5, 10), (6, 12), (7, 12), (8, 6)),
}  # fmt: skip


_EXPONENTIAL_INTS = ((0, 2), (1, 2), (2, 2), (3, 2), (5, 4), (8, 6), (12, 10), (15, 10), (18, 10))
"""Where only ints drive an exponential recursion: each step costs less than with containers."""


def _without(path: Path, qualname: str, why: str) -> WorkloadError:
    return WorkloadError(
        f"{path}: no inputs for {qualname}: {why}",
        code="inputs-none",
        mend="give some: --inputs FILE.py with a function inputs() that yields (args, kwargs), "
        'or a program that calls it: --workload "python main.py"',
    )


def generate(
    text: str,
    path: Path,
    qualname: str,
    *,
    seed: int = 0,
    cancel: CancelToken | None = None,
) -> tuple[bytes, ...]:
    """Canonical (args, kwargs) for calls of a function; the same ones for the same text and seed.

    `text` is the file's whole text. Of a nested function the outermost enclosing one is meant.
    About 80 calls, large and small ones mixed, without repetition. Raises WorkloadError (code
    inputs-none) naming the parameter that no values can be made for, and Cancelled.
    """
    cancel = cancel or CancelToken()
    cancel.check()
    called = qualname.split(".<locals>", 1)[0]
    try:
        signature = read_signature(text, called)
    except SyntaxError as error:
        raise _without(path, called, f"line {error.lineno} is no valid Python") from error
    except RecursionError as error:
        raise _without(path, called, "its code is nested too deeply to be read") from error
    except NoInputs as error:
        raise _without(path, called, str(error)) from error
    if not signature.parameters:
        return (harness.encode(((), {})),)
    rng = random.Random(f"{seed}:{called}")
    calls = _sized(signature, rng, cancel)
    calls += _edge_cases(signature, seed, cancel)
    return _mixed(calls, rng)


def _sized(signature: Signature, rng: random.Random, cancel: CancelToken) -> list[bytes]:
    """Calls of our own making, from empty ones to the largest that this growth affords."""
    made: list[bytes] = []
    total = 0
    sizes = _SIZES[signature.growth]
    if signature.growth == "exponential" and not any(p.shape.sized for p in signature.parameters):
        sizes = _EXPONENTIAL_INTS
    for size, count in sizes:
        for _ in range(count):
            cancel.check()
            data = harness.encode(make_call(signature, rng, size))
            if total + len(data) > _TOTAL_BYTES:
                return made
            total += len(data)
            made.append(data)
    return made


def _limited(shape: Shape, growth: Growth) -> Shape:
    """An int that drives a recursion is no arbitrary one."""
    if growth in ("recursive", "exponential") and shape.kind == "int":
        small = tuple(range(-1, 12))
        return Shape("literal", values=small)
    return shape.with_(items=tuple(_limited(item, growth) for item in shape.items))


def _edge_cases(signature: Signature, seed: int, cancel: CancelToken) -> list[bytes]:
    """Calls by hypothesis, in a sandboxed process; none if it does not answer in time."""
    request = {
        "harness": harness.__file__,
        "seed": seed ^ zlib.crc32(repr(signature.parameters).encode("utf-8", "replace")),
        "count": _EDGE_CASES,
        "parameters": [
            {
                "name": p.name,
                "shape": to_plain(_limited(p.shape, signature.growth)),
                "keyword": p.keyword,
                "star": p.star,
            }
            for p in signature.parameters
        ],
    }
    with tempfile.TemporaryDirectory(prefix="hasten-edge-", dir=own_folder()) as name:
        folder = Path(name).resolve()
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        run_program(
            [sys.executable, "-I", "-B", str(_EDGE_PROGRAM), str(folder)],
            cwd=folder,
            python=Path(sys.executable),
            writable=[folder],
            readable=[_EDGE_PROGRAM.parent, Path(harness.__file__)],
            timeout_s=_EDGE_SECONDS,
            cancel=cancel,
        )
        answer = folder / "calls.bin"
        return frames_in(answer.read_bytes()) if answer.is_file() else []


def frames_in(data: bytes) -> list[bytes]:
    """The calls in a `calls.bin` of a child process: 4 bytes of length each, and so many bytes."""
    frames = []
    at = 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        if at + 4 + size > len(data):
            break
        frames.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return frames


def _mixed(calls: list[bytes], rng: random.Random) -> tuple[bytes, ...]:
    """Without repetition, and in an order in which every stretch has small and large calls."""
    kept = list(dict.fromkeys(calls))
    rng.shuffle(kept)
    return tuple(kept)
