"""Mercury (Du et al., NeurIPS 2024, huggingface.co/datasets/Elfsong/Mercury): LeetCode tasks.

JSON lines or one JSON array: `slug_name`, `entry_point`, `prompt`, `pretty_content`, `solutions`
(objects with `solution`, a class Solution, and `runtime`, "44ms"), `test_cases` (a list, or its
JSON text, of objects with `input`, a list of arguments), `convert_offline`. The slowest and the
fastest solution of a task are a pair. Its runtimes are LeetCode's own, of one run: nothing to
believe.

A solution is called through a function that is added to both sides. Arguments that
``convert_offline`` makes into lists of nodes or trees need a library of the authors: such tasks
have no inputs here. The dataset's licence forbids commercial use, which its notice says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.importers.claim import Claim
from index.importers.languages import purpose_of
from index.importers.rows import MAX_CODE, Row, digest_of, plain, rows_of, word_of

CALLED = "solve_task"
"""The function that is added: it makes a Solution and calls its method."""
MOST_CASES = 60
_MOST_TESTS = 8 << 20
_NAME = re.compile(r"[A-Za-z_]\w{0,99}")
_RUNTIME = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:ms)?\s*", re.IGNORECASE)
_NODES = re.compile(r"\b(?:lctk|ListNode|TreeNode)\b")
# What LeetCode, and Mercury's sandbox, have imported for every solution.
_HEAD = """\
import bisect, collections, copy, functools, heapq, itertools, math, re, string, sys
from bisect import bisect_left, bisect_right
from collections import Counter, OrderedDict, defaultdict, deque
from functools import lru_cache
from heapq import heapify, heappop, heappush
from itertools import permutations, zip_longest
from math import ceil, factorial, floor, inf, sqrt
from sys import maxsize
from typing import *

"""
_TAIL = f"""

def {CALLED}(*arguments):
    return Solution().{{name}}(*arguments)
"""
_INPUTS = """\
import json

_CASES = {cases!r}


def inputs():
    for arguments in json.loads(_CASES):
        yield tuple(arguments), {{}}
"""


def recognises(first: dict[str, Any]) -> bool:
    """Whether a file's first object is of this shape."""
    return {"solutions", "entry_point"} <= first.keys() and (
        "slug_name" in first or "test_cases" in first
    )


def read(path: Path) -> Iterator[Claim]:
    """The claims of a file, in order; a task without two timed solutions is none.

    Raises ClaimError.
    """
    for row in rows_of(path):
        timed = _timed(row)
        if len(timed) < 2 or timed[0][0] >= timed[-1][0]:
            continue
        name = row.text("entry_point")
        if not _NAME.fullmatch(name):
            raise row.error("entry_point is no name")
        (best, fastest), (worst, slowest) = timed[0], timed[-1]
        slow, fast, inputs = _whole(slowest, name), _whole(fastest, name), _inputs(row)
        content = row.data.get("pretty_content")
        if isinstance(content, list):
            content = content[0] if content else ""
        slug = row.text("slug_name", "") or digest_of(slow, fast, inputs)
        yield Claim(
            language="python",
            slow=slow,
            fast=fast,
            origin=f"mercury:{word_of(slug)}",
            function=CALLED,
            purpose=purpose_of(plain(content)) if isinstance(content, str) else "",
            licence="CC-BY-NC-4.0",
            notice="Mercury (Elfsong/Mercury), solutions of LeetCode's users",
            reported_ratio=worst / best if best > 0 else None,
            inputs_source=inputs,
        )


def _timed(row: Row) -> list[tuple[float, str]]:
    """Solutions with their runtimes in milliseconds, the fastest first."""
    found = []
    for item in row.items("solutions"):
        if not isinstance(item, dict):
            raise row.error("a solution is no object")
        own = Row(item, row.where)
        told = item.get("runtime")
        match = _RUNTIME.fullmatch(str(told)) if isinstance(told, (str, int, float)) else None
        if match and "class Solution" in (code := own.code("solution")):
            found.append((float(match[1]), code))
    return sorted(found)


def _whole(solution: str, name: str) -> str:
    return f"{_HEAD}{solution.lstrip(chr(10))}{_TAIL.format(name=name)}"


def _inputs(row: Row) -> str:
    """The text of inputs(), "" where the tests can't be called with as they are."""
    if _NODES.search(row.text("convert_offline", "")) or _NODES.search(row.text("prompt", "")):
        return ""
    tests = row.data.get("test_cases")
    if isinstance(tests, str):
        if len(tests) > _MOST_TESTS:
            return ""
        try:
            tests = json.loads(tests)
        except (ValueError, RecursionError) as error:
            raise row.error("test_cases is no JSON") from error
    if tests is None:
        return ""
    if not isinstance(tests, list) or not all(isinstance(test, dict) for test in tests):
        raise row.error("test_cases is no list of objects")
    calls = [test["input"] for test in tests if isinstance(test.get("input"), list)]
    ranked = sorted(calls, key=lambda call: len(json.dumps(call)))
    while len(ranked) > MOST_CASES:
        ranked = ranked[::-2][::-1]  # every other one, the largest stays
    text = json.dumps(ranked)
    return _INPUTS.format(cases=text) if ranked and len(text) <= 10 * MAX_CODE else ""
