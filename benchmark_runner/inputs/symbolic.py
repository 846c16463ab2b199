"""Inputs by symbolic execution: CrossHair, where it is installed (extra `symbolic`).

It runs in hasten's own environment, in a sandboxed process with a budget of seconds, on functions
of a module whose parameters are of builtin types and whose file needs nothing but what hasten's
environment has. Its inputs are candidates like all others: the original is run on them under the
user's interpreter before they count (source "branches").
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

from analysis.progress import CancelToken
from benchmark_runner.inputs.generated import frames_in
from benchmark_runner.inputs.shapes import to_plain
from benchmark_runner.inputs.signature import NoInputs, read_signature
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.program import run_program
from benchmark_runner.worker import harness
from benchmark_runner.worker.observations import Extra

_PROGRAM = Path(__file__).with_name("symbolic_program.py")
_START_S = 5.0
_MOST_CALLS = 40


def is_installed() -> bool:
    """Whether CrossHair is in hasten's own environment."""
    return importlib.util.find_spec("crosshair") is not None


def covering(text: str, called: str, *, seconds: float, cancel: CancelToken) -> list[Extra]:
    """Inputs that lead through the branches of a function; none where CrossHair can't help.

    `seconds` is the budget of the search, without the start of its process. Raises Cancelled.
    """
    if seconds <= 0 or "." in called or not is_installed():
        return []
    try:
        signature = read_signature(text, called)
    except (NoInputs, SyntaxError, RecursionError):
        return []
    if not signature.parameters or any(p.star for p in signature.parameters):
        return []
    request = {
        "harness": harness.__file__,
        "text": text,
        "called": called,
        "seconds": seconds,
        "parameters": [{"name": p.name, "shape": to_plain(p.shape)} for p in signature.parameters],
    }
    try:
        asked = json.dumps(request)
    except (TypeError, ValueError):  # a literal of bytes in a shape
        return []
    with tempfile.TemporaryDirectory(prefix="hasten-symbolic-", dir=own_folder()) as made:
        folder = Path(made)
        (folder / "request.json").write_text(asked, encoding="utf-8")
        run_program(
            [sys.executable, "-I", "-B", str(_PROGRAM), str(folder)],
            cwd=folder,
            python=Path(sys.executable),
            writable=[folder],
            readable=[_PROGRAM.parent, Path(harness.__file__)],
            timeout_s=seconds + _START_S,
            cancel=cancel,
        )
        answer = folder / "calls.bin"
        frames = frames_in(answer.read_bytes()) if answer.is_file() else []
    return [Extra("branches", data) for data in frames[:_MOST_CALLS]]
