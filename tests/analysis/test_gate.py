from __future__ import annotations

import pytest

from analysis.gate import check_candidate

BEFORE = '''\
"""Doc."""

import os
import numpy as np
from . import near


class A:
    @property
    def f(self, x: int = 1) -> int:
        return x

    def g(self):
        return os.sep, np


def outer():
    def inner(y):
        return y + 1

    return inner


async def tasks(n):
    return n
'''


def after(*replacements):
    text = BEFORE
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


BODY = "        return x\n"
TOP = "from . import near\n"


@pytest.mark.parametrize(
    "text",
    [
        after((BODY, "        return x + 0\n")),
        after((BODY, "        # why\n        y = x\n        return y\n")),
        after((BODY, "        import math\n        return math.floor(x)\n")),
        after((BODY, "        return deque(x)\n"), (TOP, TOP + "from collections import deque\n")),
        after((BODY, "        return np.sum(x)\n"), (TOP, TOP + "import numpy.linalg\n")),
        after((BODY, "        return other(x)\n"), (TOP, "from . import near, other\n")),
        after(
            (BODY, "        return _T[x]\n"),
            (TOP, TOP + "\n# squares\n_T = [n * n for n in range(9)]\n"),
        ),
        after(
            (BODY, "        return _P.match(x)\n"),
            (TOP, TOP + 'import re\n\n_P = re.compile("a+")\n'),
        ),
        after((BODY, "        return _P[x]\n"), (TOP, TOP + "_P: dict[int, int] = {1: 2}\n")),
        after(("x: int = 1) -> int:", "x: int=1)->int:  # same"), (BODY, "        return -x\n")),
    ],
)
def test_what_may_be_tried(text):
    assert check_candidate(BEFORE, text, "A.f", "m.py") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BEFORE, "it changes nothing"),
        (after((BODY, "        return (x\n")), "it does not parse: syntax error in line"),
        (after((BODY, "        return x y\n")), "it does not parse: syntax error in line 11"),
        (after((BODY, "        return x\0\n")), "characters that Python source can't have"),
        (after((BODY, "        return '\ud800'\n")), "characters that Python source can't have"),
        (after((BODY, "        break\n")), "'break' outside loop"),
        (after((BODY, "        return y\n")), "undefined name 'y'"),
        (after((BODY, "        return re.sub(x)\n")), "undefined name 're'"),
        (
            after((BODY, ""), ("    @property\n    def f", "    x = 1\n    def h")),
            "no function A.f",
        ),
        (after(("x: int = 1)", "x: int = 2)")), "the signature of A.f was changed"),
        (after(("-> int", "-> float")), "the signature of A.f was changed"),
        (after(("@property", "@property\n    @other")), "the decorators of A.f were changed"),
        (after(("    def f(", "    async def f(")), "between def and async def"),
        (
            after((BODY, "        return -x\n"), ("os.sep", "os.name")),
            "outside the function: def g",
        ),
        (
            after((BODY, "        return -x\n"), ("import os\n", "")),
            "it takes away an import: os:os",
        ),
        (
            after((BODY, "        return -x\n"), ("    return inner\n", "    return 1\n")),
            "outside the function",
        ),
        (
            after((TOP, TOP + "\n\ndef helper():\n    return 1\n")),
            "it adds code outside the function: def helper",
        ),
        (after((TOP, TOP + "print(1)\n")), "it adds code outside the function: print(1)"),
        (after((TOP, TOP + "TABLE = {}\n")), "not private (_TABLE): TABLE = {}"),
        (after((TOP, TOP + "__all__ = []\n")), "a module constant that is not private"),
        (after((TOP, TOP + "_a, _b = 1, 2\n")), "it adds code outside the function"),
        (after((TOP, TOP + "_X = eval('1')\n")), "the constant _X calls eval"),
        (after((TOP, TOP + "os = 1\n")), "not private"),
        (after((TOP, TOP + "import pandas\n")), "it imports pandas, which the file does not use"),
        (after((BODY, "        from scipy import a\n        return a\n")), "it imports scipy"),
        (after((TOP, TOP + "from os import *\n")), "everything from os"),
        (after((TOP, TOP + "from .. import far\n")), "it imports .."),
        (after(("import os\n", "from __future__ import annotations\nimport os\n")), "__future__"),
        (
            after((BODY, "        global s\n        s = x\n        return x\n")),
            "keeps state across calls: global s",
        ),
        (
            after((BODY, f"        return {'(' * 900}x{')' * 900}\n")),
            "nested more than 200 levels deep",
        ),
        (
            after((BODY, f"        return {' + '.join('x' * 5000)}\n")),
            "nested more than 200 levels deep",
        ),
        (after((BODY, f"        return '{'x' * 40000}'\n")), "it is too long: "),
        (
            after((BODY, "        return " + "\\\n" * 9000 + "x\n")),
            "too many lines that end in a backslash",
        ),
        (after((TOP, TOP + f"_X = {'-' * 900}1\n")), "the constant _X is nested"),
    ],
)
def test_what_is_refused_and_why(text, reason):
    found = check_candidate(BEFORE, text, "A.f", "m.py")
    assert found is not None
    assert reason in found


def test_nested_and_async_functions():
    inner = after(("return y + 1", "return 1 + y"))
    assert check_candidate(BEFORE, inner, "outer.<locals>.inner", "m.py") is None
    assert check_candidate(BEFORE, inner, "outer", "m.py") is None
    around = after(("    return inner", "    return None"))
    reason = check_candidate(BEFORE, around, "outer.<locals>.inner", "m.py")
    assert reason is not None
    assert "outside the function" in reason
    assert check_candidate(BEFORE, after(("return n", "return -n")), "tasks", "m.py") is None


def test_a_function_that_is_not_there_is_named():
    reason = check_candidate(BEFORE, after((BODY, "        return 1\n")), "B.f", "m.py")
    assert reason == "before the edit, there is no function B.f"


def test_faults_that_were_there_before_do_not_count():
    before = "def broken(:\n\n\ndef f(x):\n    return missing(x)\n"
    assert check_candidate(before, before.replace("(x)\n", "(-x)\n"), "f", "m.py") is None
    worse = check_candidate(before, before.replace("missing(x)", "missing(x"), "f", "m.py")
    assert worse is not None
    assert "does not parse" in worse
    known = "def f(x):\n    return missing(x)\n"
    assert check_candidate(known, known.replace("(x)\n", "(-x)\n"), "f", "m.py") is None


def test_a_name_that_only_another_function_declares_global_is_known():
    before = "def init():\n    global table\n    table = {}\n\n\ndef f(x):\n    return x\n"
    edited = before.replace("return x", "return table[x]")
    assert check_candidate(before, edited, "f", "m.py") is None
