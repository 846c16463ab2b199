"""`hasten verify` with inputs that the user did not write: tests of the project, CrossHair."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.cli import Cli, Done

MOD = """
class Box:
    def __init__(self, n):
        self.n = n


def f(box, items):
    return [x * box.n for x in items]
"""
TESTS = """
from pkg.mod import Box, f


def test_short():
    assert f(Box(2), [1, 2]) == [2, 4]


def test_long():
    assert sum(f(Box(1), list(range(700)))) == 244650
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    for name, text in (
        ("pyproject.toml", ""),
        ("pkg/__init__.py", ""),
        ("pkg/mod.py", MOD),
        ("tests/test_mod.py", TESTS),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return Cli(tmp_path)


def verify(cli: Cli, after: str, *flags: str) -> Done:
    (cli.folder / "after.py").write_text(after)
    return cli("verify", "pkg/mod.py", "after.py", "--function", "f", *flags, "--json")


def test_calls_of_the_projects_tests_are_inputs(cli: Cli) -> None:
    wrong = MOD.replace("for x in items", "for x in items[:600]")
    done = verify(cli, wrong, "--tests")
    assert done.value["decision"] == "different", done.err
    assert done.value["inputs"] == {"source": "tests", "count": 2}
    assert done.value["counterexample"]["stage"] in {"tests", "stressing"}


def test_a_lost_test_is_named(cli: Cli) -> None:
    (cli.folder / "given.py").write_text(
        "from pkg.mod import Box\n\n\ndef inputs():\n    yield (Box(1), [1, 2]), {}\n"
    )
    wrong = MOD.replace("for x in items", "for x in items[: int('600')]")
    done = verify(cli, wrong, "--inputs", "given.py", "--tests")
    assert done.value["decision"] == "different", done.err
    assert "tests/test_mod.py::test_long" in done.value["reason"]
    assert done.value["counterexample"]["stage"] == "tests"


def test_tests_are_not_run_in_a_workspace_that_is_not_trusted(cli: Cli) -> None:
    done = verify(cli, MOD)
    assert done.value["error"]["code"] == "inputs-none"
    assert not list((cli.folder).rglob("found.json"))


def test_crosshair_finds_a_branch(cli: Cli) -> None:
    pytest.importorskip("crosshair")
    (cli.folder / "b.py").write_text(
        "def f(x):\n    if x * 3 + 1 == 12346:\n        return 0\n    return x * 2\n"
    )
    (cli.folder / "a.py").write_text("def f(x):\n    return x * 2\n")
    (cli.folder / "given.py").write_text("def inputs():\n    yield (1,), {}\n    yield (7,), {}\n")
    flags = ("--function", "f", "--inputs", "given.py", "--thorough", "--json")
    done = cli("verify", "b.py", "a.py", *flags)
    assert done.value["decision"] == "different", done.err
    assert done.value["counterexample"]["call"] == "f(4115)"
    assert done.value["counterexample"]["stage"] == "branches"
