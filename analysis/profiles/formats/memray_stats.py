"""Reads what ``memray stats --json`` writes: bytes allocated by the lines that allocated most.

Only as many lines are in it as were asked for (``-n``); all of the run's bytes are the whole, so
shares are right for those that are named. A line is the one in Python that ran when memory was
asked for; who called it is not told. https://bloomberg.github.io/memray/stats.html
"""

from __future__ import annotations

import re
from collections import defaultdict

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_cursor import Cursor
from analysis.profiles.json_stream import as_dict, as_number, looks_like_json
from analysis.profiles.model import FunctionCost, LineCost, LineMemory, Profile
from analysis.profiles.places import Place, Places

_MAX_LOCATIONS = 500_000
_MAX_NAME = 2_000
_LOCATION = re.compile(r"([^:]*):(.*):(\d{1,8})", re.DOTALL)
_BY_SIZE = ("top_allocations_by_size", "top_locations_by_size")


def recognises(head: bytes) -> bool:
    """Whether it is a JSON object with the sums that memray writes first."""
    return looks_like_json(head) and (
        b'"total_num_allocations"' in head or b'"total_bytes_allocated"' in head
    )


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in such a file. Raises Truncated or Damaged."""
    total = 0.0
    sizes: defaultdict[str, float] = defaultdict(float)
    with Cursor(file) as cursor:
        for key in cursor.members():
            if key == "total_bytes_allocated":
                total = max(0.0, as_number(cursor.value()))
            elif key in _BY_SIZE:
                for value in cursor.values():
                    location = as_dict(value).get("location")
                    if not isinstance(location, str):
                        raise Damaged("an allocation without a place")
                    sizes[location[:_MAX_NAME]] += max(0.0, as_number(value.get("size")))
                    if len(sizes) > _MAX_LOCATIONS:
                        raise Damaged(f"more than {_MAX_LOCATIONS} places")
        cursor.end()
    return _profile(sizes, total, places)


def _profile(sizes: dict[str, float], total: float, places: Places) -> Profile:
    own: defaultdict[Place | tuple[str, str, int], float] = defaultdict(float)
    lines: defaultdict[tuple[str, int], float] = defaultdict(float)
    for location, size in sizes.items():
        told = _LOCATION.fullmatch(location)
        name, path, line = (told[1], told[2], int(told[3])) if told else (location, "", 0)
        place = places.place(path, name, line or None) if path else None
        own[place or (path, name, line)] += size
        if place and line:
            lines[place.path, line] += size
    functions = []
    for who, size in own.items():
        path, name, line = (who.path, who.name, who.line) if isinstance(who, Place) else who
        functions.append(FunctionCost(path, name, line, size, size, size, None))
    ordered = sorted(lines.items())
    return Profile(
        tool="memray",
        unit="bytes",
        total=max(total, sum(sizes.values())),
        functions=tuple(functions),
        lines=tuple(LineCost(path, line, size, size) for (path, line), size in ordered),
        memory=tuple(
            LineMemory(path, line, allocated_bytes=size) for (path, line), size in ordered
        ),
    )
