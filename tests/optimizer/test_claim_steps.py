"""Claims taken apart, and words for what changed."""

from __future__ import annotations

import ast

import pytest

from index.importers import Claim
from optimizer.claim_steps import (
    OTHER_FORM,
    changed_function,
    short,
    texts_between,
    title_between,
    words_for,
)

SCRIPT = """\
import sys

n = int(input())

def helper(x):
    return x + 1

values = list(range(n))
hits = 0
for value in values:
    if value in [1, 2, 3]:
        hits += 1
text = ""
for value in values:
    text = text + str(value)
print(hits, len(text), helper(n))
"""
EDITED = SCRIPT.replace("value in [1, 2, 3]", "value in {1, 2, 3}").replace(
    'text = ""\nfor value in values:\n    text = text + str(value)\n',
    'text = "".join(map(str, values))\n',
)


def claim(slow: str, fast: str, language: str = "python", function: str = "") -> Claim:
    return Claim(language, slow, fast, "x", function=function)


def test_a_script_is_taken_apart_by_its_statements() -> None:
    texts = texts_between(claim(SCRIPT, EDITED))
    assert texts[0] == SCRIPT
    assert texts[-1] == EDITED
    assert texts[1] == SCRIPT.replace("value in [1, 2, 3]", "value in {1, 2, 3}")
    assert len(texts) == 3
    for text in texts:
        ast.parse(text)


def test_a_script_with_a_string_of_several_lines_stays_whole() -> None:
    slow, fast = f'text = """\na\n"""\n{SCRIPT}', f'text = """\na\n"""\n{EDITED}'
    assert texts_between(claim(slow, fast)) == (slow, fast)


def test_a_c_plus_plus_program_is_taken_apart_by_its_main() -> None:
    slow = (
        "#include <cstdio>\nint main() {\n  int a = 0;\n  for (int i = 0; i < 9; i++) a += i;\n"
        '  int b = 1;\n  std::printf("%d", a);\n  while (b < 9) b++;\n  return b - 9;\n}\n'
    )
    fast = slow.replace("for (int i = 0; i < 9; i++) a += i;", "a = 36;").replace(
        "while (b < 9) b++;", "b = 9;"
    )
    assert len(texts_between(claim(slow, fast, "c++"))) == 3


@pytest.mark.parametrize(
    ("slow", "fast"),
    [
        ("def f(:\n", "def f(): pass\n"),
        ("(" * 5_000 + "\n", "x = 1\n"),
        ("a = 1\n", "a" + " + 1" * 3_000 + "\n"),
        ("\0\n", "x\n"),
    ],
    ids=["no Python", "deep", "long", "zero bytes"],
)
def test_what_can_not_be_read_stays_whole(slow: str, fast: str) -> None:
    assert texts_between(claim(slow, fast, function="f"))[-1] == fast
    assert texts_between(claim(slow, fast))[0] == slow


def test_the_one_function_that_changed() -> None:
    two = "def f():\n    return 1\n\ndef g():\n    def h():\n        return 2\n    return h\n"
    assert changed_function(two, two.replace("return 2", "return 3"), "x.py") == "g"
    assert changed_function(two, two.replace("return 1", "return 4"), "x.py") == "f"
    both = two.replace("return 1", "return 4").replace("return 2", "return 3")
    assert changed_function(two, both, "x.py") == ""
    assert changed_function(two, two + "\ndef new():\n    pass\n", "x.py") == ""


def test_titles_say_which_costs_are_gone() -> None:
    slow = (
        "def f(xs):\n    seen = []\n    for x in xs:\n        if x in seen:\n            return x\n"
    )
    fast = slow.replace("seen = []", "seen = set()")
    told = title_between(slow, fast, "python", "f")
    assert told == "Without: membership tests against a list inside a loop"


def test_titles_say_what_came_where_nothing_is_gone() -> None:
    slow, fast = "def f(x):\n    return x\n", "def f(x):\n    return sorted(x)\n"
    assert title_between(slow, fast, "python", "f") == "With: sorting"


def test_a_title_where_the_facts_are_the_same() -> None:
    slow, fast = "def f(x):\n    return x\n", "def f(x):\n    return +x\n"
    assert title_between(slow, fast, "python", "f") == OTHER_FORM


def test_titles_of_scripts_are_read_too() -> None:
    assert title_between(SCRIPT, EDITED, "python").startswith("Without: ")


def test_a_claim_s_words_are_taken_where_they_are_as_many_as_the_steps() -> None:
    edits = ["Use a set. It is hashed.", "No loop"]
    assert words_for(edits, ["A", "B"]) == (("Use a set", edits[0]), ("No loop", "No loop"))
    assert words_for(edits, ["A"]) == (("A", "A"),)
    assert words_for([], []) == ()


def test_titles_are_one_short_line() -> None:
    assert short("One\n  line.") == "One line"
    assert len(short("word " * 100)) <= 100
