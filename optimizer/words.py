"""Figures as people read them."""

from __future__ import annotations

import re
import typing

if typing.TYPE_CHECKING:
    from benchmark_runner.receipt import Build, InputsUsed, Receipt


def ratio_words(ratio: float) -> str:
    """ "3.1×", never flattered: cut, not rounded."""
    digits = 2 if ratio < 1.1 else 1 if ratio < 10 else 0
    scale = 10**digits
    return f"{int(ratio * scale + 1e-9) / scale:.{digits}f}×"


_NUMBER = re.compile(r"\d+(?:\.\d+)+")
_SECONDS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
_CLOCKS = {"cpu": "CPU time", "wall": "wall time", "metric": "the benchmark's own figure"}


def amount_words(value: float, unit: str) -> str:
    """ "12.3 ms", "41 MB/s": three digits that count, in the unit that fits."""
    if unit == "s":
        unit, scale = next((u for u in _SECONDS if abs(value) >= u[1]), _SECONDS[-1])
        value /= scale
    return f"{value:.3g} {unit}".strip()


def clock_words(receipt: Receipt) -> str:
    """By which clock it was measured."""
    return _CLOCKS[receipt.measurement.clock] if receipt.measurement else _CLOCKS["cpu"]


def inputs_words(inputs: InputsUsed) -> str:
    """On what it was proved: "12 cases", "3 metrics", "40 captured inputs (8 mutated)"."""
    parts = [f"{count} {name}" for name, count in inputs.sources if name != inputs.source]
    more = f" ({', '.join(parts)})" if parts else ""
    noun = {"cases": "case", "command": "metric"}.get(inputs.source, f"{inputs.source} input")
    return f"{inputs.count} {noun}{'' if inputs.count == 1 else 's'}{more}"


def build_words(build: Build) -> str:
    """With which compiler and flags: "g++ 12.2 -O2, checked with ASan and UBSan"."""
    name = build.compiler.rsplit("/", 1)[-1]
    flags = " ".join(w for w in build.timed if w.startswith("-") and w not in ("-o", "-c"))
    checks = " and ".join(_SANITIZERS.get(s, s) for s in build.sanitizers)
    number = _NUMBER.findall(build.version)  # versions come with names of compilers in front
    version = number[-1] if number else build.version
    return f"{name} {version} {flags}".strip() + (f", {checks} clean" if checks else "")


_SANITIZERS = {"address": "ASan", "undefined": "UBSan"}
