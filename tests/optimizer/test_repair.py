from __future__ import annotations

import ast

import pytest

from analysis.functions import function_named
from analysis.text import LineIndex, Position
from optimizer.repair import is_left_out, repair

HEAD = "import os\n\n\ndef good(x):\n    return x\n\n\n"
TAIL = "\n\ndef also(x):\n    return [x]\n"


@pytest.mark.parametrize(
    "broken",
    [
        "def bad(x:\n    return x\n",
        "def bad(x):\n    return (x\n",
        "def bad(x):\n",
        "def bad(x):\n    if x\n        return 1\n",
        "@deco\ndef bad(x):\n    return x +\n",
        "class Bad:\n    def m(self):\n        retrun 1\n",
        "x = = 3\n",
    ],
)
def test_the_rest_of_a_broken_file_stays(broken: str) -> None:
    text = HEAD + broken + TAIL
    found = repair(text)
    assert found is not None
    assert found.broken
    names = {s.name for s in ast.parse(found.text).body if isinstance(s, ast.FunctionDef)}
    assert names == {"good", "also"}
    assert len(found.text) == len(text)
    assert found.text.count("\n") == text.count("\n")


def test_positions_stay_behind_characters_outside_the_plane() -> None:
    text = 'bad = = "😀"; x = (\n' + TAIL
    found = repair(text)
    assert found is not None
    before, after = LineIndex(text), LineIndex(found.text)
    end = before.position(before.starts[1] - 1)
    assert end == Position(0, 19)
    assert after.position(after.starts[1] - 1) == end


def test_a_sound_file_is_left_alone() -> None:
    found = repair(HEAD + TAIL)
    assert found is not None
    assert (found.text, found.broken) == (HEAD + TAIL, ())


def test_a_function_inside_the_broken_part_is_known_to_be_left_out() -> None:
    text = HEAD + "class Bad:\n    def m(self):\n        return 1\n    x = = 1\n" + TAIL
    found = repair(text)
    method, good = (function_named(text, "m.py", q) for q in ("Bad.m", "good"))
    assert found is not None and method is not None and good is not None
    assert is_left_out(method, found)
    assert not is_left_out(good, found)
