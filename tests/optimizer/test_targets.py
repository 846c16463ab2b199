"""Which functions a job searches."""

from __future__ import annotations

import sys
from pathlib import Path

from analysis.functions import function_named
from analysis.progress import CancelToken, silent
from benchmark_runner.workload import GeneratedInputs, Inputs, InputsOfTests
from optimizer.engine.protocol import OptimizeSpec
from optimizer.targets import Planner, _with_surroundings

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


def test_calls_of_the_projects_tests_are_used_where_none_were_captured(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name, text in (
        ("pyproject.toml", ""),
        ("mod.py", "def f(items):\n    return sorted(items)\n\n\ndef g():\n    return 1\n"),
        ("test_mod.py", "from mod import f\n\n\ndef test_f():\n    assert f([2, 1]) == [1, 2]\n"),
    ):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)

    def planned(function: str, tests: bool) -> Inputs:
        spec = OptimizeSpec(
            str(project), str(project / "mod.py"), function, sys.executable, tests=tests
        )
        [target] = Planner(spec, tmp_path / "state", silent, CancelToken()).plan().targets
        return target.inputs

    found = planned("f", tests=True)
    assert isinstance(found, InputsOfTests)
    assert found.tests == ("test_mod.py::test_f",)
    assert isinstance(planned("g", tests=True), GeneratedInputs)
    assert isinstance(planned("f", tests=False), GeneratedInputs)
