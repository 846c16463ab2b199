"""Which functions a job searches."""

from __future__ import annotations

from analysis.functions import function_named
from optimizer.targets import _with_surroundings

TREE = """
class Tree:
    def show(self, walk):
        self.text = ""

        def write(line):
            self.text += line

        walk(write)
        return self.text

    def sizes(self, rows):
        def size(row):
            total = []
            for x in row:
                total.append(len(x))
            return sum(total)

        return [size(r) for r in rows]
"""


def searched(qualname: str, text: str = TREE) -> str:
    function = function_named(text, "tree.py", qualname)
    assert function is not None
    return _with_surroundings(text, function).qualname


def test_a_nested_function_that_fills_its_surroundings_is_searched_with_them() -> None:
    assert searched("Tree.show.<locals>.write") == "Tree.show"


def test_a_nested_function_that_stands_alone_is_searched_alone() -> None:
    assert searched("Tree.sizes.<locals>.size") == "Tree.sizes.<locals>.size"


def test_a_function_that_is_not_nested_stays() -> None:
    assert searched("Tree.sizes") == "Tree.sizes"


def test_surroundings_that_are_ignored_stay_out() -> None:
    text = TREE.replace("def show(self, walk):", "def show(self, walk):  # hasten: ignore")
    assert searched("Tree.show.<locals>.write", text) == "Tree.show.<locals>.write"
