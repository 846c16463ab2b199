"""The project's own tests: which reach a function, with what, and whether a version passes them."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from benchmark_runner.inputs.from_tests import TestsFound, find_tests, run_tests
from benchmark_runner.inputs.which_tests import files_about
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version

PYTHON = Path(sys.executable)
CODE = """
    class Box:
        def __init__(self, n):
            self.n = n

    def f(box, items):
        return [x * box.n for x in items]

    def other():
        return 1
"""
TESTS = """
    import os
    from pathlib import Path

    import pytest
    from pkg.mod import Box, f, other

    @pytest.mark.parametrize("n", [1, 2])
    def test_boxes(n):
        assert f(Box(n), [1, 2]) == [n, 2 * n]

    def test_long_lists():
        assert f(Box(1), list(range(500)))[499] == 499

    def test_other():
        assert other() == 1

    def test_that_fails():
        assert f(Box(1), [1]) == [2]

    def test_that_writes():
        Path("made").write_text("here")
        assert f(Box(3), []) == []
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in (
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '--no-such-option'\n"),
        ("pkg/__init__.py", ""),
        ("pkg/mod.py", CODE),
        ("tests/test_mod.py", TESTS),
        ("tests/test_unrelated.py", "def test_nothing():\n    assert False\n"),
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return root


def found_in(project: Path, keep: Path) -> TestsFound:
    path = project / "pkg" / "mod.py"
    before = Version.of({path: path.read_text()})
    return find_tests(project, path, "f", python=PYTHON, before=before, keep=keep)


def test_files_that_name_the_function_come_first(project: Path) -> None:
    path = project / "pkg" / "mod.py"
    assert files_about(project, path, "f") == [project / "tests" / "test_mod.py"]
    assert len(files_about(project, path, "absent_name")) == 1  # it names the module
    assert files_about(project, path, "absent_name", only_named=True) == []


def test_tests_that_reach_the_function_are_found_with_their_calls(
    project: Path, tmp_path: Path
) -> None:
    found = found_in(project, tmp_path / "keep")
    assert found.tests == (
        "tests/test_mod.py::test_boxes[1]",
        "tests/test_mod.py::test_boxes[2]",
        "tests/test_mod.py::test_long_lists",
        "tests/test_mod.py::test_that_writes",
    )
    assert found.failing == ("tests/test_mod.py::test_that_fails",)
    assert found.note is not None
    assert "test_that_fails" in found.note
    assert found.count == 5
    assert found.inputs is not None
    assert not (project / "made").exists()
    assert not list(project.rglob("__pycache__"))


def test_what_was_found_is_kept_until_a_file_changes(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = found_in(project, tmp_path / "keep")
    monkeypatch.setattr("benchmark_runner.inputs.from_tests.PLUGIN", tmp_path / "none")
    assert found_in(project, tmp_path / "keep") == first
    tests = project / "tests" / "test_mod.py"
    tests.write_text(tests.read_text() + "\n# changed\n")
    with pytest.raises(FileNotFoundError):
        found_in(project, tmp_path / "keep")


def test_calls_of_tests_are_inputs_and_their_tests_a_stage(project: Path, tmp_path: Path) -> None:
    found = found_in(project, tmp_path / "keep")
    path = project / "pkg" / "mod.py"
    before = path.read_text()
    assert found.inputs is not None
    work = FunctionWorkload(path, "f", Version.of({path: before}), found.inputs)
    with FunctionBench(work, python=PYTHON, allow_unsandboxed=True) as bench:
        used = bench.prepare()
        assert (used.source, used.count) == ("tests", 5)
        assert dict(used.sources)["mutated"] > 5


def test_a_version_that_loses_a_test_is_different(project: Path, tmp_path: Path) -> None:
    path = project / "pkg" / "mod.py"
    before = path.read_text()
    given = tmp_path / "given.py"
    given.write_text("from pkg.mod import Box\ndef inputs():\n    yield (Box(2), [1]), {}\n")
    tests = ("tests/test_mod.py::test_long_lists", "tests/test_mod.py::test_that_fails")
    work = FunctionWorkload(path, "f", Version.of({path: before}), InputsFile(given), tests)
    wrong = before.replace("for x in items]", "for x in items][: int('450')]")
    with FunctionBench(work, python=PYTHON, allow_unsandboxed=True) as bench:
        done = bench.prove(Version.of({path: wrong}), origin="user")
    assert done.decision == "different"
    assert done.counterexample is not None
    assert done.counterexample.stage == "tests"
    assert done.counterexample.call == "tests/test_mod.py::test_long_lists"
    assert "IndexError" in done.counterexample.after
    assert "test_long_lists" in done.reason
    assert [stage.ok for stage in done.stages if stage.name == "tests"] == [False]


def test_a_version_is_not_blamed_for_a_test_that_always_fails(
    project: Path, tmp_path: Path
) -> None:
    path = project / "pkg" / "mod.py"
    version = Version.of({path: path.read_text()})
    names = ["tests/test_mod.py::test_that_fails", "tests/test_mod.py::test_other"]
    run = run_tests(project, names, python=PYTHON, version=version)
    assert run.outcomes["tests/test_mod.py::test_other"].outcome == "passed"
    assert run.outcomes["tests/test_mod.py::test_that_fails"].outcome == "failed"
    from benchmark_runner.equality.existing_tests import ExistingTests

    inputs = InputsFile(tmp_path / "none.py")
    work = FunctionWorkload(path, "f", version, inputs, tuple(names))
    from analysis.progress import CancelToken

    stage = ExistingTests(work, PYTHON, CancelToken())
    assert stage.lost(version) is None
    assert stage.notes
    assert len(stage) == 1


def test_tests_that_can_not_run_say_why(project: Path, tmp_path: Path) -> None:
    (project / "tests" / "conftest.py").write_text("raise RuntimeError('no database')\n")
    found = found_in(project, tmp_path / "keep")
    assert found.tests == ()
    assert found.note is not None
    assert found.note.startswith("tests: ")


def test_there_is_nothing_to_find_without_tests(tmp_path: Path) -> None:
    path = tmp_path / "mod.py"
    path.write_text("def f():\n    pass\n")
    found = find_tests(tmp_path, path, "f", python=PYTHON, before=Version(), keep=tmp_path / "k")
    assert (found.tests, found.inputs, found.note) == ((), None, "there are no test files")
