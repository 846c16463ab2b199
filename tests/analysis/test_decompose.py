from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.decompose import MAX_GROUPS, decompose, normalised_key
from analysis.functions import parse
from analysis.gate import check_candidate
from analysis.text import apply_changes

BEFORE = '''\
"""Doc."""

import os


class A:
    def f(self, xs, ys):
        """Doc."""
        # find them
        seen = []
        out = ""
        for x in xs:
            if x in seen:
                continue
            seen.append(x)
            out += str(x)
        queue = list(ys)
        while queue:
            y = queue.pop(0)
            if match(y):
                out += y
        return out


def match(y):
    return y
'''

AFTER = '''\
"""Doc."""

import os
import re
from collections import deque

_PATTERN = re.compile("a")


class A:
    def f(self, xs, ys):
        """Doc."""
        # look them up
        seen = set()
        parts = []
        for x in xs:
            if x in seen:
                continue
            seen.add(x)
            parts.append(str(x))
        queue = deque(ys)
        while queue:
            y = queue.popleft()
            if _PATTERN.match(y):
                parts.append(y)
        return "".join(parts)


def match(y):
    return y
'''


def steps(before, after, qualname):
    """The text before and after each group."""
    texts = [before]
    for group in decompose(before, after, qualname):
        texts.append(apply_changes(texts[-1], group))
    assert texts[-1] == after
    return texts


def new_lines(one, other):
    known = one.splitlines()
    return [line.strip() for line in other.splitlines() if line.strip() and line not in known]


def test_each_idea_is_one_group_with_its_imports():
    texts = steps(BEFORE, AFTER, "A.f")
    added = [new_lines(one, two) for one, two in pairwise(texts)]
    assert added == [
        ["# look them up", "seen = set()", "seen.add(x)"],
        ["parts = []", "parts.append(str(x))", "parts.append(y)", 'return "".join(parts)'],
        ["from collections import deque", "queue = deque(ys)", "y = queue.popleft()"],
        ["import re", '_PATTERN = re.compile("a")', "if _PATTERN.match(y):"],
    ]


def test_every_step_is_a_candidate_of_its_own():
    texts = steps(BEFORE, AFTER, "A.f")
    for text in texts[1:]:
        assert check_candidate(BEFORE, text, "A.f", "m.py") is None


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends(end):
    texts = steps(BEFORE.replace("\n", end), AFTER.replace("\n", end), "A.f")
    assert len(texts) == 5
    assert not any("\n" in text.replace(end, "") for text in texts)


@pytest.mark.parametrize(
    ("old", "new", "groups"),
    [
        # A variable that is introduced in one place and used in another.
        ("a = p\nb = p\nreturn a, b", "n = p\na = n\nb = p\nreturn a, b", 1),
        ("a = 1\nb = 2\nreturn a, b", "a = 10\nb = 20\nreturn a, b", 2),
        # A loop's head and body are one idea when the body uses the new variable.
        (
            "for i in range(len(p)):\n    q(p[i])\nreturn 1",
            "for x in p:\n    q(x)\nreturn 1",
            1,
        ),
        # Neither half of a try statement parses alone.
        (
            "a = 1\nq(p)\nb = 2\nreturn a",
            "a = 1\ntry:\n    q(p)\nexcept E:\n    pass\nb = 2\nreturn a",
            1,
        ),
        # Two statements that are new side by side need not be one idea.
        ("q(p.a)\nq(p.b)\nreturn p", "m = p.a\nn = p.b\nq(m)\nq(n)\nreturn p", 2),
        # What changes no syntax comes last, by itself.
        ("a = 1\nb = 2\nc = 3\nreturn a", "a = 5\nb = 2\nc  =  3\nreturn a", 2),
        ("return p", "return p  # same", 1),
        ("return p", "return p", 0),
        ("a = 1; b = 2\nreturn a", "a = 1; b = 3\nreturn a", 1),
        ("if p: return 1\nreturn 2", "if p: return 3\nreturn 2", 1),
    ],
)
def test_groups(old, new, groups):
    def function(body):
        head = "E = ValueError\n\n\ndef q(x):\n    pass\n\n\ndef f(p):\n    "
        return head + body.replace("\n", "\n    ") + "\n"

    texts = steps(function(old), function(new), "f")
    assert len(texts) - 1 == groups
    assert not any(parse(text).root.has_error for text in texts)


def test_many_independent_changes_are_bounded():
    def function(first):
        lines = "".join(f"    v{n} = {n + first}\n" for n in range(40))
        return f"def f():\n{lines}    return v1\n"

    assert len(decompose(function(0), function(100), "f")) == MAX_GROUPS


def test_a_function_that_is_missing_is_one_group():
    texts = steps("def f():\n    return 1\n", "def g():\n    return 2\n", "f")
    assert len(texts) == 2


def test_a_step_that_would_use_an_undefined_name_is_merged():
    before = "def f(p):\n    a = p\n    if a:\n        a = 2\n    return a\n"
    after = "def f(p):\n    k = p\n    if k:\n        return 2\n    return k\n"
    for text in steps(before, after, "f")[1:]:
        assert check_candidate(before, text, "f", "m.py") is None


ROWS = ["a = p", "b = a", "for x in p:", "    a = x", "    b += x", "if a:", "    pass", "else:"]
ROWS += ["", "# note", "return a", "return a + b", "x = '''", "'''", "é = '😀'", "import re"]
lines = st.lists(st.sampled_from(ROWS), max_size=12)


@given(lines, lines, st.sampled_from(["\n", "\r\n", "\r"]))
def test_all_groups_together_give_the_second_text(old, new, end):
    def function(body):
        rows = ["import os", "", "def f(p):", *("    " + row for row in ["a = b = 1", *body]), ""]
        return end.join([*rows, "def g():", "    return 1", ""])

    steps(function(old), function(new), "f")


KEYED = "import os\n\ndef f(p):\n    a = p\n    for x in a:\n        a = x.a\n    return g(a=a)\n"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (KEYED.replace("a = p", "a  =  p  # why"), True),
        (KEYED.replace("    a = p", '    """Doc."""\n    a = p'), True),
        (KEYED.replace(" a", " total").replace("=a", "=total").replace("g(total", "g(a"), True),
        (KEYED.replace("x in", "item in").replace("= x.", "= item."), True),
        (KEYED.replace("(p)", "(q)").replace("= p", "= q"), False),
        (KEYED.replace("x.a", "x.b"), False),
        (KEYED.replace("import os", "import re"), False),
        (KEYED.replace("g(a=a)", "g(b=a)"), False),
        (KEYED.replace("return g(a=a)", "return locals()"), False),
    ],
)
def test_keys(other, same):
    assert (normalised_key(KEYED, "f") == normalised_key(other, "f")) is same


def test_local_names_do_not_matter_to_a_key_unless_they_are_visible():
    one = "def f(p):\n    a = p\n    return locals()\n"
    assert normalised_key(one, "f") != normalised_key(one.replace("a =", "b ="), "f")
    swapped = "def f(p):\n    a = b = p\n    return a - b\n"
    assert normalised_key(swapped, "f") != normalised_key(swapped.replace("a - b", "b - a"), "f")
