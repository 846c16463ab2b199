"""Which test files are run: those that coverage contexts name, then those that name the function.

The data are of real runs, or made by coverage's own API; `total` is reached by tests of a file
that names neither it nor its module.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from benchmark_runner.inputs.from_tests import TestsFound, find_tests
from benchmark_runner.inputs.which_tests import Choice, choose, files_about
from benchmark_runner.workload import Version
from tests.benchmark_runner.coverage_data import FILES, make_project, record, write_data

PYTHON = Path(sys.executable)
BODY = (8, 10, 12)
PAGES = "tests/test_pages.py"
PAGE_TESTS = (
    f"{PAGES}::test_page[1]",
    f"{PAGES}::test_page[2]",
    f"{PAGES}::TestShown::test_two",
)


def chosen(project: Path, only_named: bool = False, text: str | None = None) -> Choice:
    return choose(project, project / "shop" / "price.py", "total", text, only_named)


def names(project: Path, choice: Choice) -> list[str]:
    return [file.relative_to(project).as_posix() for file in choice.files]


def found_in(project: Path, keep: Path, only_named: bool = False) -> TestsFound:
    path = project / "shop" / "price.py"
    before = Version.of({path: path.read_text()})
    return find_tests(
        project, path, "total", python=PYTHON, before=before, keep=keep, only_named=only_named
    )


def data_of(project: Path, *contexts: str, others: tuple[str, ...] = (), old: bool = False) -> Path:
    """A data file in which `contexts` executed the body of `total`, and `others` another one."""
    lines = {**dict.fromkeys(contexts, BODY), **dict.fromkeys(others, (15,))}
    file = write_data(project / ".coverage", "shop/price.py", lines)
    if old:
        os.utime(file, (1_600_000_000,) * 2)
    return file


# -- found by contexts alone


def test_an_indirect_test_is_found_by_contexts_alone(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    assert names(project, chosen(project)) == ["tests/test_stock.py"]  # it says "price"
    assert found_in(project, tmp_path / "keep").tests == ()
    record(project)
    found = found_in(project, tmp_path / "keep", only_named=True)
    assert set(found.tests) == set(PAGE_TESTS)
    assert found.count == 3
    assert found.inputs is not None
    assert found.files == 1
    assert found.note == "tests: 1 of 1 test files found by coverage contexts in .coverage"


def test_the_run_decides_not_the_contexts(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    data_of(project, "tests/test_late.py::test_import|run", "tests.test_pages.test_page")
    found = found_in(project, tmp_path / "keep")
    assert set(found.tests) == set(PAGE_TESTS)
    assert found.files == 3


def test_what_was_found_is_kept_until_the_data_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path / "project")
    file = record(project)
    first = found_in(project, tmp_path / "keep")
    monkeypatch.setattr("benchmark_runner.inputs.from_tests.PLUGIN", tmp_path / "none")
    assert found_in(project, tmp_path / "keep") == first
    os.utime(file, (1_900_000_000,) * 2)
    with pytest.raises(FileNotFoundError):
        found_in(project, tmp_path / "keep")


# -- tests that were recorded without reaching it


def test_recorded_tests_that_did_not_reach_it_run_last(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    others = (f"{PAGE_TESTS[1]}|run", f"{PAGES}::test_blank|run")
    file = data_of(project, f"{PAGE_TESTS[0]}|setup", f"{PAGE_TESTS[0]}|run", others=others)
    assert chosen(project).last == (f"{PAGES}::test_blank", PAGE_TESTS[1])
    # it reaches it all the same, as after a core of coverage that tells only the first test
    assert found_in(project, tmp_path / "keep").tests == (
        PAGE_TESTS[0], PAGE_TESTS[2], PAGE_TESTS[1],
    )  # fmt: skip
    os.utime(file, (1_600_000_000,) * 2)
    assert chosen(project).last == ()
    assert found_in(project, tmp_path / "keep").tests == PAGE_TESTS


@pytest.mark.parametrize("changed", ["shop/price.py", PAGES, "shop/web.py"])
def test_tests_are_last_only_where_no_file_is_newer(tmp_path: Path, changed: str) -> None:
    project = make_project(tmp_path)
    data_of(project, f"{PAGE_TESTS[0]}|run", others=(f"{PAGES}::test_blank|run",))
    assert chosen(project).last == (f"{PAGES}::test_blank",)
    os.utime(project / changed, (4_000_000_000,) * 2)
    assert (chosen(project).last, names(project, chosen(project))[0]) == ((), PAGES)


def test_tests_are_last_only_beside_one_that_reached_it(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    data_of(project, f"{PAGE_TESTS[0]}|run", others=("tests/test_stock.py::test_stock|run",))
    assert chosen(project).last == ()


def test_a_test_that_reached_it_by_any_data_is_run(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    data_of(project, f"{PAGE_TESTS[0]}|run", others=(f"{PAGE_TESTS[1]}|run",))
    write_data(project / ".coverage.py39", "shop/price.py", {f"{PAGE_TESTS[1]}|run": BODY})
    assert chosen(project).last == ()


def test_data_of_another_text_are_a_hint_only(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    data_of(project, f"{PAGE_TESTS[0]}|run", others=(f"{PAGES}::test_blank|run",))
    text = (project / "shop" / "price.py").read_text()
    assert chosen(project, text=text).last
    assert chosen(project, text=text + "# more\n").last == ()
    assert names(project, chosen(project, text=text + "# more\n"))[0] == PAGES


# -- what contexts are called


@pytest.mark.parametrize(
    ("context", "file"),
    [
        ("tests.test_pages.test_page", PAGES),
        ("test_pages.TestShown.test_two", PAGES),
        ("ci|tests.test_pages.test_page", PAGES),
        (f"{PAGES}::test_page[a|b::c]|teardown", PAGES),
        (f"{PAGES}::test_page", PAGES),
        (f"ci|{PAGES}::test_page|run", PAGES),
        ("checks/pages.py::check|run", "checks/pages.py"),
        ("pages_test.test_x", "more/pages_test.py"),
    ],
)
def test_contexts_name_files_of_the_project(tmp_path: Path, context: str, file: str) -> None:
    more = {"checks/pages.py": "", "more/pages_test.py": ""}
    project = make_project(tmp_path, {**FILES, **more})
    data_of(project, context)
    assert names(project, chosen(project)) == [file, "tests/test_stock.py"]


@pytest.mark.parametrize(
    "context",
    [
        "shop.web.test_mode",
        "../outside/test_x.py::test_x|run",
        "/etc/passwd::test_x|run",
        ".hidden/test_x.py::test_x|run",
        "tests/link/test_x.py::test_x|run",
        "--collect-only",
        "tests",
        "." * 400,
        "a\x00b",
    ],
)
def test_other_contexts_name_nothing(tmp_path: Path, context: str) -> None:
    make_project(tmp_path / "outside", {"test_x.py": "def test_x(): pass\n"})
    project = make_project(tmp_path / "project", {**FILES, ".hidden/test_x.py": ""})
    (project / "tests" / "link").symlink_to(tmp_path / "outside")
    data_of(project, context)
    assert names(project, chosen(project)) == ["tests/test_stock.py"]
    assert chosen(project).note is None


# -- order and notes


def test_files_that_contexts_name_come_first(tmp_path: Path) -> None:
    more = {"tests/test_total.py": "from shop.price import total\n"}
    project = make_project(tmp_path, {**FILES, **more})
    assert names(project, chosen(project)) == ["tests/test_total.py", "tests/test_stock.py"]
    data_of(project, "tests.test_pages.test_page")
    every = [PAGES, "tests/test_total.py", "tests/test_stock.py"]
    assert names(project, chosen(project)) == every
    assert names(project, chosen(project, only_named=True)) == every[:2]
    path = project / "shop" / "price.py"
    assert files_about(project, path, "total") == [project / name for name in every[1:]]


def test_there_are_no_more_files_than_without_contexts(tmp_path: Path) -> None:
    many = {f"tests/test_{n}.py": "" for n in range(50)}
    project = make_project(tmp_path, {**FILES, **many})
    data_of(project, *(f"tests.test_{n}.test" for n in range(50)))
    assert len(chosen(project).files) == 30


def test_the_note_tells_that_data_are_old(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    data_of(project, "tests.test_pages.test_page", old=True)
    day = time.strftime("%Y-%m-%d", time.localtime(1_600_000_000))
    assert chosen(project).note == (
        f"1 of 2 test files found by coverage contexts in .coverage (of {day}, older than price.py)"
    )


def test_the_note_is_about_the_data_that_it_names(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    data_of(project, "tests.test_pages.test_page", old=True)
    other = project / ".coverage.other"
    write_data(other, "shop/price.py", {"nobody": (999,)})
    os.utime(other, (1_500_000_000,) * 2)
    note = chosen(project).note
    assert note is not None and "in .coverage (" in note and "older than price.py" in note


def test_there_is_no_note_where_contexts_add_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    data_of(project, "tests.test_stock.test_stock", old=True)
    assert chosen(project).note is None


def test_without_contexts_all_is_as_it_was(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    path = project / "shop" / "price.py"
    plain = Choice(tuple(files_about(project, path, "total")))
    assert chosen(project) == plain
    file = data_of(project, "")
    assert chosen(project) == Choice(plain.files, data=chosen(project).data)
    file.write_bytes(b"garbage")
    told = chosen(project)
    assert told.files == plain.files
    assert told.note == (
        "coverage contexts were not used: .coverage can't be read: file is not a database"
    )


def test_a_file_that_is_gone_has_no_contexts(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    data_of(project, "tests.test_pages.test_page")
    (project / "shop" / "price.py").unlink()
    assert names(project, chosen(project)) == ["tests/test_stock.py"]


def test_what_contexts_say_does_not_crowd_out_a_test_that_names_it(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    others = [f"tests/test_more{n}.py" for n in range(40)]
    for name in others:
        (project / name).write_text("def test_it():\n    pass\n")
    (project / "tests" / "test_z.py").write_text("from shop.price import total\n")
    data_of(project, *(f"{name}::test_it|run" for name in others))
    found = names(project, chosen(project))
    assert len(found) == 30
    assert "tests/test_z.py" in found
