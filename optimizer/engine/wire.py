"""JSON-RPC 2.0 as lines: how specs, statuses and errors look on the engine's socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import cattrs

from analysis.errors import HastenError, InputError
from optimizer.engine.protocol import OptimizeSpec, Status
from optimizer.errors import EngineError

MAX_LINE = 64_000_000
_converter = cattrs.Converter(forbid_extra_keys=True)


class RemoteInputError(InputError):
    """Bad input that the engine found; the same code, message and mend as there."""


def spec_to_json(spec: OptimizeSpec) -> dict[str, Any]:
    """A spec as plain JSON values."""
    data: dict[str, Any] = _converter.unstructure(spec)
    return data


def spec_from_json(data: Any) -> OptimizeSpec:
    """A spec from JSON. Raises ValueError for another shape."""
    try:
        return _converter.structure(data, OptimizeSpec)
    except Exception as error:
        raise ValueError("not a job's spec") from error


def status_from_json(data: Any) -> Status:
    """A status from JSON; fields of a newer engine are left out. Raises ValueError."""
    known = {k: data.get(k) for k in ("pid", "version", "protocol", "jobs", "clients")}
    try:
        return _converter.structure(known, Status)
    except Exception as error:
        raise ValueError("not an engine's status") from error


def status_to_json(status: Status) -> dict[str, Any]:
    """A status as plain JSON values."""
    data: dict[str, Any] = _converter.unstructure(status)
    return data


def error_to_json(error: HastenError) -> dict[str, Any]:
    """An error with the exit code that it means."""
    return {
        "code": error.code,
        "message": error.message,
        "mend": error.mend,
        "exit_code": error.exit_code,
    }


def error_from_json(data: dict[str, Any]) -> HastenError:
    """The error that the other side told."""
    kind = RemoteInputError if data.get("exit_code") == 2 else EngineError
    return kind(
        str(data.get("message", "")),
        code=str(data.get("code", "internal")),
        mend=str(data.get("mend", "")),
    )


def line(message: dict[str, Any]) -> bytes:
    """One message as a line."""
    return json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n"


async def read_message(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next message, or None at the end. Raises ValueError for a line that is none."""
    try:
        data = await reader.readline()
    except (ConnectionError, asyncio.IncompleteReadError):
        return None
    if not data.endswith(b"\n"):
        return None
    message = json.loads(data)
    if not isinstance(message, dict):
        raise ValueError("not a JSON-RPC message")  # noqa: TRY004
    return message
