"""Writes docs/receipt.schema.json: the JSON schema of receipts, from their dataclasses.

python tools/receipt_schema.py [--check]
"""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_runner import receipt  # noqa: E402

TARGET = ROOT / "docs" / "receipt.schema.json"
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema() -> dict[str, Any]:
    """The whole schema."""
    definitions: dict[str, Any] = {}
    _class(receipt.Receipt, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"hasten receipt, schema {receipt.SCHEMA}",
        "$ref": "#/$defs/Receipt",
        "$defs": dict(sorted(definitions.items())),
    }


def _class(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    reference = {"$ref": f"#/$defs/{kind.__name__}"}
    if kind.__name__ in definitions:
        return reference
    definitions[kind.__name__] = {}
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    definitions[kind.__name__] = {
        "type": "object",
        "description": " ".join((kind.__doc__ or "").split()),
        "properties": {f.name: _type(hints[f.name], definitions) for f in fields},
        "required": [f.name for f in fields if _required(f)],
        "additionalProperties": False,
    }
    if kind is receipt.Receipt:
        definitions["Receipt"]["properties"]["schema"] = {"const": receipt.SCHEMA}
    return reference


def _required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _type(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return {}
    if hint is type(None):
        return {"type": "null"}
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if dataclasses.is_dataclass(hint):
        return _class(hint, definitions)
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_type(a, definitions) for a in arguments]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _type(arguments[0], definitions)}
    if origin is tuple:
        parts = [_type(a, definitions) for a in arguments]
        return {"type": "array", "prefixItems": parts, "minItems": len(parts), "items": False}
    if origin is dict:
        return {"type": "object"}
    raise TypeError(f"{hint!r}: no JSON schema for it")


def text() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=2) + "\n"


def main() -> int:
    if "--check" in sys.argv:
        return 0 if TARGET.read_text("utf-8") == text() else 1
    TARGET.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
