"""`hasten verify`: judge two versions of a function, a program or a whole tree."""

from __future__ import annotations

from pathlib import Path

import typer

from server.cli.output import GOOD, NOT_GOOD, emit_json
from server.cli.verify_function import Options, print_receipt, verify_function, verify_json


def verify(
    before: str = typer.Argument(help="The file as it is."),
    after: str = typer.Argument(help="The changed file; it may lie anywhere."),
    function: str = typer.Option(..., "--function", help="The function's __qualname__."),
    inputs: str | None = typer.Option(
        None, "--inputs", help="FILE.py that defines inputs() yielding (args, kwargs)."
    ),
    python: str | None = typer.Option(None, "--python", help="The interpreter to run under."),
    rounding: float | None = typer.Option(
        None,
        "--rounding",
        min=0.0,
        max=1.0,
        help="Largest relative difference of floats that counts as equal.",
    ),
    allow_unsandboxed: bool = typer.Option(
        False, "--allow-unsandboxed", help="Run even where no sandbox is to be had."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Judge two versions of a function: same behaviour, and truly faster."""
    options = Options(python, rounding, allow_unsandboxed)
    receipt = verify_function(before, after, function, inputs, options)
    if as_json:
        emit_json(verify_json(receipt))
    else:
        print_receipt(receipt, Path(after))
    return GOOD if receipt.decision == "faster" else NOT_GOOD
