"""Reads speedscope's file format (https://www.speedscope.app/file-format-schema.json).

Both kinds of profile in it are read: "sampled" (stacks, root first, with weights) and "evented"
(frames opened and closed). The threads of a file are added up. py-spy, austin, pyinstrument and
others write it; a frame's line may be the one that was running, so functions are found by the lines
that they span.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_stream import looks_like_json
from analysis.profiles.model import FunctionCost, Profile, Unit
from analysis.profiles.places import Place, Places

_SECONDS = {"nanoseconds": 1e-9, "microseconds": 1e-6, "milliseconds": 1e-3, "seconds": 1.0}
_UNITS = (*_SECONDS, "none", "bytes")
_MAX_DIGITS = 40

Who = Place | tuple[str, str, int]


@dataclass
class _Costs:
    """What was added up so far, by function."""

    total: float = 0.0
    self_cost: defaultdict[Who, float] = field(default_factory=lambda: defaultdict(float))
    total_cost: defaultdict[Who, float] = field(default_factory=lambda: defaultdict(float))
    direct_cost: defaultdict[Who, float] = field(default_factory=lambda: defaultdict(float))


def recognises(head: bytes) -> bool:
    """Whether it is a JSON object that begins with what speedscope's schema knows."""
    return looks_like_json(head) and (b'"profiles"' in head or b'"shared"' in head)


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in a speedscope file. Raises Truncated or Damaged."""
    document = _json(file.whole())
    frames = _list(_dict(_dict(document).get("shared")).get("frames"))
    who = [_who(_dict(frame), places) for frame in frames]
    profiles = [_dict(p) for p in _list(_dict(document).get("profiles"))]
    if not all(p.get("unit") in _UNITS for p in profiles):
        raise Damaged("a profile without a known unit")
    # Weights of several units can't be added: time before all else, else what comes first.
    units = [str(p["unit"]) for p in profiles]
    timed = any(unit in _SECONDS for unit in units)
    costs = _Costs()
    for profile, unit in zip(profiles, units, strict=True):
        if unit in _SECONDS if timed else unit == units[0]:
            reader = _READERS.get(str(profile.get("type")))
            if reader is None:
                raise Damaged("a profile that is neither sampled nor evented")
            reader(profile, who, _SECONDS.get(unit, 1.0), costs)
    counted: Unit = "seconds" if timed else "bytes" if units[:1] == ["bytes"] else "samples"
    tool = str(_dict(document).get("exporter") or "speedscope").split("@")[0][:40]
    return Profile(tool, counted, costs.total, _functions(costs))


def _json(data: bytes) -> object:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise (Truncated() if error.reason == "unexpected end of data" else Damaged()) from error
    try:
        return json.loads(text, parse_int=_int, parse_float=_float, parse_constant=_float)
    except json.JSONDecodeError as error:
        rest = text[error.pos :].strip()
        cut_off = not rest or error.msg.startswith("Unterminated")
        raise (Truncated() if cut_off else Damaged(error.msg)) from error
    except RecursionError as error:
        raise Damaged("nested too deeply") from error


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise Damaged("a number beyond all measure")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise Damaged("a number that is not finite")
    return value


def _dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Damaged("no object where one is due")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Damaged("no list where one is due")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Damaged("no number where one is due")
    return float(value)


def _who(frame: dict[str, Any], places: Places) -> Who:
    name, path, line = frame.get("name"), frame.get("file"), frame.get("line")
    name = name if isinstance(name, str) else "?"
    path = path if isinstance(path, str) else ""
    line = line if isinstance(line, int) and line > 0 else None
    return places.place(path, name, line) or (path, name, line or 0)


def _frame(index: object, who: list[Who]) -> Who:
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(who):
        raise Damaged("a stack names a frame that is not there")
    return who[index]


def _sampled(profile: dict[str, Any], who: list[Who], scale: float, costs: _Costs) -> None:
    samples, weights = _list(profile.get("samples")), _list(profile.get("weights"))
    if len(samples) != len(weights):
        raise Damaged("not as many weights as samples")
    for sample, raw in zip(samples, weights, strict=True):
        weight = max(0.0, _number(raw)) * scale
        stack = [_frame(index, who) for index in _list(sample)]
        costs.total += weight
        for function in set(stack):
            costs.total_cost[function] += weight
        if stack:
            costs.self_cost[stack[-1]] += weight
        nearest = next((f for f in reversed(stack) if isinstance(f, Place)), None)
        if nearest is not None:
            costs.direct_cost[nearest] += weight


def _evented(profile: dict[str, Any], who: list[Who], scale: float, costs: _Costs) -> None:
    """Each event costs the same, however deep the stack is."""
    stack: list[tuple[Who, Place | None]] = []
    on_stack: defaultdict[Who, int] = defaultdict(int)
    since: dict[Who, float] = {}
    now = _number(profile.get("startValue", 0)) * scale
    for raw in _list(profile.get("events")):
        event = _dict(raw)
        at = max(now, _number(event.get("at")) * scale)
        _spend(stack, at - now, costs)
        now = at
        function = _frame(event.get("frame"), who)
        if event.get("type") == "O":
            nearest = function if isinstance(function, Place) else stack[-1][1] if stack else None
            stack.append((function, nearest))
            on_stack[function] += 1
            if on_stack[function] == 1:
                since[function] = now
        elif event.get("type") == "C" and stack and stack[-1][0] == function:
            stack.pop()
            on_stack[function] -= 1
            if on_stack[function] == 0:
                costs.total_cost[function] += now - since.pop(function)
        else:
            raise Damaged("frames are closed in another order than they were opened")
    end = max(now, _number(profile.get("endValue", 0)) * scale)
    _spend(stack, end - now, costs)
    for function, start in since.items():
        costs.total_cost[function] += end - start


def _spend(stack: list[tuple[Who, Place | None]], cost: float, costs: _Costs) -> None:
    if not stack or cost <= 0:
        return
    costs.total += cost
    function, nearest = stack[-1]
    costs.self_cost[function] += cost
    if nearest is not None:
        costs.direct_cost[nearest] += cost


_READERS: dict[str, Callable[[dict[str, Any], list[Who], float, _Costs], None]] = {
    "sampled": _sampled,
    "evented": _evented,
}


def _functions(costs: _Costs) -> tuple[FunctionCost, ...]:
    functions = []
    for who, total in costs.total_cost.items():
        path, name, line = (who.path, who.name, who.line) if isinstance(who, Place) else who
        own = costs.self_cost[who]
        direct = costs.direct_cost[who] if isinstance(who, Place) else own
        functions.append(FunctionCost(path, name, line, own, total, direct, None))
    return tuple(functions)
