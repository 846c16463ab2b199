"""ENAMEL (Qiu et al., ICLR 2025, github.com/q-rz/enamel): functions with generators of inputs.

Two shapes: JSON lines with both sides (`entry_point`, `prompt`, `slow`, `fast`, `input_generator`,
`levels`), and the authors' own ``dataset/enamel.csv`` (`task_id`, `prompt`, `input_generator`,
`input_levels`, `reference_solution`, `entry_point`), which holds the fast sides only: the slow ones
are read from ``samples/`` beside its folder, and what the generators import from ``enam/``.

A generator defines ``generate_input(size, lid, cid)`` and is run after the prompt, whose functions
it may call; `levels` are sizes. Levels that are meant to make a bad solution hopeless are not gone
to: an original that takes minutes can't be proved slower within minutes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.importers.claim import PER_SIZE, Claim, ClaimError
from index.importers.languages import docstring_of, purpose_of
from index.importers.rows import MAX_CODE, Row, digest_of, rows_of, small_text, word_of

MOST_SIZE = 4_000
"""The largest size that is asked of a generator: a quadratic loop over it takes a second."""
MOST_EDGES = 4
"""Small inputs of the level that the authors check correctness on: empty ones, extremes."""
SLOW_FILES = ("humanevalplus-canonical.json", "humaneval-canonical.json")
_SLOW_BYTES = 16 << 20
_HEAD = "import math, random, string\nfrom typing import *\n"
_INPUTS = """
{helpers}
{prompt}
    pass

{generator}

def inputs():
    import random as _random

    for _level, _size in enumerate({sizes}):
        for _case in range({count}):
            _random.seed(1000 * _level + _case)
            yield tuple(generate_input(_size, _level + 1, _case)), {{}}
    for _case in range({edges}):
        _random.seed(_case)
        yield tuple(generate_input({least}, 0, _case)), {{}}
"""


def recognises(first: dict[str, Any]) -> bool:
    """Whether a file's first object is of one of the shapes."""
    keys = first.keys()
    return {"entry_point", "input_generator", "slow", "fast", "levels"} <= keys or {
        "entry_point", "input_generator", "input_levels", "reference_solution",
    } <= keys  # fmt: skip


def read(path: Path) -> Iterator[Claim]:
    """The claims of a file, in order. Raises ClaimError."""
    slow_sides: list[str] | None = None
    helpers = ""
    for number, row in enumerate(rows_of(path)):
        if "reference_solution" not in row.data:
            yield _claim(row, row.code("slow"), row.code("fast"), "levels", "")
            continue
        if slow_sides is None:
            slow_sides = _slow_sides(path.parent.parent / "samples", path)
            helpers = _optional(path.parent.parent / "enam" / "datautils.py")
        if number < len(slow_sides) and slow_sides[number].strip():
            fast = f"{row.code('prompt')}{row.code('reference_solution')}"
            yield _claim(row, slow_sides[number], fast, "input_levels", helpers)


def _claim(row: Row, slow: str, fast: str, levels: str, helpers: str) -> Claim:
    prompt, told = row.text("prompt"), row.data.get("measured")
    sizes = sizes_of(row, row.text(levels))
    ratio = told.get("ratio") if isinstance(told, dict) else None
    inputs = _INPUTS.format(
        helpers=f"{_HEAD}{helpers}",
        prompt=prompt,
        generator=row.code("input_generator"),
        sizes=sizes,
        count=PER_SIZE,
        edges=MOST_EDGES,
        least=sizes[0],
    )
    name = row.text("id", "") or row.text("task_id", "") or digest_of(slow, fast, inputs)
    return Claim(
        language="python",
        slow=slow,
        fast=fast,
        origin=f"enamel:{word_of(name)}",
        function=row.text("entry_point"),
        purpose=purpose_of(docstring_of(prompt)),
        licence=row.words("license", "Apache-2.0"),
        notice=row.words("source", "ENAMEL (q-rz/enamel), HumanEval+ canonical solution"),
        reported_ratio=Row({"ratio": ratio}, row.where).number("ratio"),
        inputs_source=inputs,
        sizes=sizes,
    )


def sizes_of(row: Row, levels: str) -> tuple[int, int, int]:
    """Three sizes from the levels, small to large, none above MOST_SIZE. Raises ClaimError."""
    words = levels.split()
    if not words or not all(w.isascii() and w.isdigit() and len(w) <= 100 for w in words):
        raise row.error(f"levels are no numbers: {levels[:40]!r}")
    known = sorted(int(word) for word in words)
    high = max(3, min(known[-1], MOST_SIZE))
    low = max(1, min(known[0], high // 4))
    middle = min(max(math.isqrt(low * high), low + 1), high - 1)
    return low, middle, high


def _slow_sides(folder: Path, path: Path) -> list[str]:
    """The canonical solutions, in the order of the CSV."""
    file = next((folder / name for name in SLOW_FILES if (folder / name).is_file()), None)
    if file is None:
        raise ClaimError(
            f"{path}: it has no slow sides, and there is no {folder / SLOW_FILES[0]}",
            code="claim-incomplete",
            mend="import it from a checkout of q-rz/enamel, where they lie in samples/",
        )
    try:
        data = json.loads(_limited(file))
    except (ValueError, RecursionError) as error:
        raise _broken(file) from error
    if not isinstance(data, list):
        raise _broken(file)
    found = []
    for item in data:
        if not isinstance(item, list) or not all(isinstance(code, str) for code in item):
            raise _broken(file)
        found.append(item[0] if item and len(item[0]) <= MAX_CODE else "")
    return found


def _broken(file: Path) -> ClaimError:
    return ClaimError(
        f"{file}: no list of lists of solutions",
        code="claim-malformed",
        mend="take the file from q-rz/enamel",
    )


def _optional(file: Path) -> str:
    return _limited(file) if file.is_file() else ""


def _limited(file: Path) -> str:
    return small_text(file, _SLOW_BYTES, "take the file from q-rz/enamel")
