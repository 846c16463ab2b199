"""The inputs of a C or C++ function: from inputs() of a user's Python file, or made by types."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.progress import CancelToken
from benchmark_runner.errors import InputsFailed
from benchmark_runner.native.calls import staged
from benchmark_runner.native.cases import Case, Source
from benchmark_runner.native.runner import Program, Runner, interpreted
from benchmark_runner.native.signature import SCALARS, Signature
from benchmark_runner.native.values import Value, call_text, encode
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.sandbox.policy import Sandbox

MOST = 60
_SECONDS = 30.0
_READ = f"""
import json, runpy, sys

def plain(x):
    if isinstance(x, (bool, int, float, str)):
        return x
    if isinstance(x, (bytes, bytearray)):
        return x.decode("latin-1")
    return [plain(item) for item in x]

made = runpy.run_path(sys.argv[1])["inputs"]()
for _, (args, kwargs) in zip(range({MOST}), made):
    if kwargs:
        raise TypeError("a C function has no keyword arguments")
    print(json.dumps([plain(x) for x in args]))
"""


@dataclass(frozen=True)
class Call:
    """One input: its values, and the bytes of them."""

    values: tuple[Value, ...]
    arguments: bytes

    def case(self, signature: Signature, name: str, source: Source) -> Case:
        """The case of a run that makes this call once and shows what it gave."""
        return Case(
            name,
            staged(self.arguments, 1, show=True),
            None,
            source,
            shown=call_text(signature, self.values),
            snippet=snippet(signature, self.values),
        )


def call_of(signature: Signature, values: tuple[Value, ...]) -> Call:
    """A call. Raises ValueError where a value does not fit."""
    return Call(values, encode(signature, values))


def calls_of_file(
    path: Path, text: str | None, signature: Signature, python: Path, sandbox: Sandbox,
    cancel: CancelToken,
) -> list[Call]:  # fmt: skip
    """What inputs() of a file yields, run in the sandbox. Raises InputsFailed."""
    with tempfile.TemporaryDirectory(prefix="hasten-inputs-", dir=own_folder()) as name:
        folder = Path(name).resolve()
        script, copy = folder / "read_inputs.py", folder / path.name
        script.write_text(_READ)
        copy.write_text(path.read_text("utf-8") if text is None else text, "utf-8")
        program = interpreted(python, script, 0)
        program = Program((*program.argv, str(copy)), (*program.readable, copy), False)
        with Runner([program], sandbox, cancel) as runner:
            run = runner.run(program, Case("inputs", b""), _SECONDS)
    if not run.fine or run.code:
        last = run.err.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise InputsFailed(f"inputs() of {path.name} failed: {last[:300] or run.how}")
    try:
        rows = [json.loads(line) for line in run.out.splitlines()]
        calls = [call_of(signature, tuple(_value(x) for x in row)) for row in rows]
    except (ValueError, TypeError) as error:
        raise InputsFailed(f"inputs() of {path.name}: {error}") from None
    if not calls:
        raise InputsFailed(f"inputs() of {path.name} yields nothing")
    return calls


def _value(x: Any) -> Value:
    if isinstance(x, str):
        return x.encode("latin-1", "replace")
    if isinstance(x, list):
        if not all(isinstance(item, int | float) for item in x):
            raise ValueError("an array holds something that is no number")
        return tuple(x)
    if isinstance(x, int | float):
        return x
    raise ValueError(f"{x!r} is no value for C")


_CTYPES = {
    "?": "c_bool", "b": "c_byte", "B": "c_ubyte", "h": "c_short", "H": "c_ushort", "i": "c_int",
    "I": "c_uint", "q": "c_longlong", "Q": "c_ulonglong", "f": "c_float", "d": "c_double",
}  # fmt: skip
_LONGEST = 600


def snippet(signature: Signature, values: tuple[Value, ...]) -> str | None:
    """Python to paste that makes the call on the candidate; None for C++ and for long ones."""
    if signature.language != "c":
        return None
    lines = ["# cc -O2 -shared -fPIC after.c -o after.so", "import ctypes"]
    lines.append(f'f = ctypes.CDLL("./after.so").{signature.called}')
    code = SCALARS.get(signature.returns)
    lines.append(f"f.restype = {'ctypes.' + _CTYPES[code] if code else None}")
    passed = []
    for place, (parameter, value) in enumerate(zip(signature.parameters, values, strict=True)):
        kind = f"ctypes.{_CTYPES[parameter.code]}"
        if isinstance(value, bytes):
            passed.append(repr(value))
        elif isinstance(value, tuple):
            items = ", ".join(_python(item) for item in value)
            lines.append(f"a{place} = ({kind} * {len(value)})({items})")
            passed.append(f"a{place}")
        else:
            passed.append(f"{kind}({_python(value)})")
    arrays = [f", list({name})" for name in passed if name.startswith("a")]
    lines.append(f"print(f({', '.join(passed)}){''.join(arrays)})")
    text = "\n".join(lines)
    return text if len(text) <= _LONGEST else None


def _python(value: int | float) -> str:
    text = repr(value)
    return f'float("{text}")' if text.lstrip("-") in ("inf", "nan") else text
