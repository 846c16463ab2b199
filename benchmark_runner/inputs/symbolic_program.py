"""Inputs by CrossHair, one for each way through a function; a sandboxed process of its own.

Started with a folder that holds `request.json` (the path of `harness.py`, the file's text, the
function's name, its parameters' shapes and a number of seconds). Writes `calls.bin` there: each
call as 4 bytes of length and canonical bytes. The function runs here, on builtin values.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any, Literal, Union

import crosshair.core_and_libs  # noqa: F401 (it registers the patches)
from crosshair.fnutil import FunctionInfo
from crosshair.options import DEFAULT_OPTIONS, AnalysisOptionSet
from crosshair.path_cover import CoverageType, path_cover

_SCALARS = {
    "none": None, "bool": bool, "int": int, "float": float, "complex": complex, "str": str,
    "bytes": bytes,
}  # fmt: skip
_HOLDERS: dict[str, Any] = {"list": list, "set": set, "frozenset": frozenset, "dict": dict}


def hint(shape: dict[str, Any]) -> Any:
    """The type of a shape's values. Raises KeyError for one that CrossHair knows no values of."""
    kind, items = shape["kind"], [hint(item) for item in shape["items"]]
    if kind == "union":
        return Union[tuple(items)]  # noqa: UP007
    if kind == "literal":
        return Literal[tuple(shape["values"])]
    if kind == "record":
        return tuple[tuple(items)]  # type: ignore[misc]
    if kind == "tuple":
        return tuple[items[0], ...]  # type: ignore[valid-type]
    if kind == "fields":
        return dict[str, Union[tuple(items)]]  # type: ignore[misc]  # noqa: UP007
    if kind in _HOLDERS:
        return _HOLDERS[kind][tuple(items)]
    return _SCALARS[kind]


def main() -> None:
    """Answer the one request."""
    folder = Path(sys.argv[1])
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    spec: Any = importlib.util.spec_from_file_location("harness", request["harness"])
    harness = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(harness)
    source = folder / "hasten_covered.py"
    source.write_text(request["text"], encoding="utf-8")
    module = types.ModuleType("hasten_covered")
    module.__file__ = str(source)
    sys.modules[module.__name__] = module
    exec(compile(request["text"], str(source), "exec"), module.__dict__)
    function = getattr(module, request["called"])
    function.__annotations__ = {p["name"]: hint(p["shape"]) for p in request["parameters"]}
    options = DEFAULT_OPTIONS.overlay(
        AnalysisOptionSet(
            per_condition_timeout=request["seconds"], per_path_timeout=request["seconds"] / 4
        )
    )
    frames = []
    for path in path_cover(FunctionInfo.from_fn(function), options, CoverageType.OPCODE):
        try:
            data = harness.encode((tuple(path.args.args), dict(path.args.kwargs)))
            harness.decode_plain(data)
        except (ValueError, TypeError):
            continue
        frames.append(len(data).to_bytes(4, "little") + data)
    (folder / "calls.bin").write_bytes(b"".join(frames))


if __name__ == "__main__":
    main()
