"""`hasten verify --aa`: what the noise of this machine lets anybody find. Stored nowhere."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cattrs
from rich.text import Text

from analysis.source import read_source
from benchmark_runner.measuring.noise_floor import NoiseFloor, built_in, measure_noise
from benchmark_runner.workload import FunctionWorkload, GeneratedInputs, InputsFile, Version
from server.cli.common import (
    cancel_on_interrupt,
    existing_file,
    place_of,
    python_of,
    require_function,
)
from server.cli.output import ProgressLine, counted, page, seconds_text
from server.cli.verify_function import Options

BUILT_IN = "built-in function"


def verify_aa(
    before: str | None, function: str | None, inputs: str | None, proofs: int, options: Options
) -> NoiseFloor:
    """Prove identical copies of a function of the user's, or of a built-in one."""
    with ExitStack() as stack:
        if before is None or function is None:
            workload = stack.enter_context(built_in())
            place, name = place_of(Path.cwd()), BUILT_IN
        else:
            workload = _given(existing_file(before), function, inputs)
            place, name = place_of(workload.path), function
        interpreter = python_of(place, options.python)
        cancel = stack.enter_context(cancel_on_interrupt())
        progress = stack.enter_context(ProgressLine())
        return measure_noise(
            workload,
            python=interpreter.path,
            proofs=proofs,
            name=name,
            allow_unsandboxed=options.allow_unsandboxed or name == BUILT_IN,
            progress=progress,
            cancel=cancel,
        )


def _given(path: Path, function: str, inputs: str | None) -> FunctionWorkload:
    text = read_source(path).text
    require_function(text, path, function)
    source = InputsFile(existing_file(inputs)) if inputs else GeneratedInputs()
    return FunctionWorkload(path, function, Version.of({path: text}), source)


def aa_json(floor: NoiseFloor) -> dict[str, Any]:
    """The contract of `verify --aa --json`."""
    value: dict[str, Any] = cattrs.unstructure(floor)
    return value


def print_aa(floor: NoiseFloor) -> None:
    """The noise floor as a person reads it."""
    out = page()
    environment = floor.environment
    what = f"{counted(floor.proofs, 'proof')} of identical code"
    took = f"  {floor.workload}, {floor.call_s * 1e3:.3g} ms a call"
    out.print(Text.assemble((what, "bold"), took))
    out.print(
        f"  called faster: {floor.faster} of {floor.proofs} (at most {floor.most_faster:.0%}, 95 %)"
        f"; at this noise the rule would call {floor.claims:.2%} faster"
    )
    low, high = min(floor.ratios), max(floor.ratios)
    count = len(floor.replicates)
    out.print(
        f"  pairs of processes differ by {floor.spread:.1%} (standard deviation of {count}), "
        f"{floor.bias:+.1%} on average; estimates {low:.3f} to {high:.3f}"
    )
    found = (
        "no gain below 3× would be found reliably here"
        if floor.smallest is None
        else f"a gain of {floor.smallest:.2f}× would be found in 4 of 5 proofs, a smaller one less "
        "often"
    )
    out.print(f"  {found}")
    implementation = environment.implementation.replace("cpython", "CPython")
    out.print(
        f"  load {environment.load} on {environment.cores} cores, {environment.cpu}, "
        f"{implementation} {environment.python_version}, {seconds_text(floor.seconds)}"
    )
    for text in floor.notes:
        out.print(f"  note: {text}")
