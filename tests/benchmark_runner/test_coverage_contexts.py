"""Contexts of real coverage data files, and what hostile ones can do: nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest

from analysis import coverage_data
from analysis.coverage_data import CantUse
from benchmark_runner.inputs import coverage_files
from benchmark_runner.inputs.coverage_contexts import Recorded, lines_of, recorded_in
from benchmark_runner.inputs.coverage_files import data_files
from tests.benchmark_runner.coverage_data import (
    BODY,
    FILES,
    PRICE,
    make_project,
    record,
    write_data,
)

TEXT = dedent(PRICE)


def read(project: Path, qualname: str = "total") -> Recorded:
    files, notes = data_files(project)
    assert notes == []
    path = project / "shop" / "price.py"
    names = {str(path), "shop/price.py"}
    return recorded_in(files[0], names, lines_of(path.read_text(), path, qualname))


def refusal(project: Path) -> str:
    """Why the data file is not used."""
    files, notes = data_files(project)
    if notes:
        return notes[0]
    with pytest.raises(CantUse) as caught:
        recorded_in(files[0], {"shop/price.py"}, lines_of(TEXT, Path("price.py"), "total"))
    return str(caught.value)


def test_lines_of_a_body_are_without_its_def() -> None:
    lines = lines_of(TEXT, Path("price.py"), "total")
    ((first, last),) = lines.bodies
    assert first in BODY
    assert last == 12
    assert {1, 3, 4, 5, 6, 8, 10, 11, 12} <= lines.code
    assert not {2, 7, 9, 13, 16} & lines.code


def test_every_definition_of_a_name_counts() -> None:
    text = (
        "try:\n    import x\nexcept E:\n    def f():\n        a\nelse:\n    def f():\n        b\n"
    )
    assert lines_of(text, Path("m.py"), "f").bodies == ((5, 5), (8, 8))


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("branch = true",),
        ("relative_files = true",),
        ("branch = true", "relative_files = true"),
    ],
    ids=["lines", "branches", "relative", "relative-branches"],
)
def test_contexts_that_ran_a_body_are_read(tmp_path: Path, settings: tuple[str, ...]) -> None:
    project = make_project(tmp_path)
    file = record(project, *settings)
    before, names = file.read_bytes(), sorted(project.iterdir())
    found = read(project)
    assert set(found.reached) == {
        "tests.test_pages.test_page",
        "tests.test_pages.TestShown.test_two",
    }
    # importing the module ran `def total`, not its body
    assert {"tests.test_pages.test_blank", "tests.test_stock.test_stock"} <= set(found.others)
    assert found.fits
    assert (file.read_bytes(), sorted(project.iterdir())) == (before, names)


@pytest.mark.parametrize("arcs", [False, True])
def test_every_line_of_a_body_and_no_other_counts(tmp_path: Path, arcs: bool) -> None:
    project = make_project(tmp_path)
    contexts = {f"line {n}": (n,) for n in (1, 3, 5, 8, 10, 11, 12, 14, 15)}
    write_data(project / ".coverage", "shop/price.py", contexts, arcs)
    assert set(read(project).reached) == {"line 8", "line 10", "line 11", "line 12"}


def test_the_empty_context_is_no_test(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {"": (8, 10, 12)})
    assert (read(project).reached, read(project).others) == ((), ())


@pytest.mark.parametrize("line", [7, 9, 400])
def test_lines_that_hold_no_code_are_of_another_text(tmp_path: Path, line: int) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {"a": (8, line)})
    found = read(project)
    assert (found.reached, found.fits) == (("a",), False)


def test_another_file_s_lines_are_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/web.py", {"a": (8, 10)})
    assert (read(project).reached, read(project).others) == ((), ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".coveragerc", "[run]\ndata_file = made/cov\n"),
        (".coveragerc.toml", "[run]\ndata_file = 'made/cov'\n"),
        ("setup.cfg", "[metadata]\nname = x\n[coverage:run]\ndata_file = made/cov\n"),
        ("tox.ini", "[coverage:run]\ndata_file=made/cov\n"),
        ("pyproject.toml", "[tool.coverage.run]\ndata_file = 'made/cov'\n"),
    ],
)
def test_the_data_file_of_the_settings_is_read(tmp_path: Path, name: str, text: str) -> None:
    project = make_project(tmp_path, {**FILES, name: text, "made/.keep": ""})
    write_data(project / "made" / "cov", "shop/price.py", {"a": (8,)})
    assert read(project).reached == ("a",)
    assert data_files(project)[0][0].name == "made/cov"


def test_the_first_settings_count(tmp_path: Path) -> None:
    others = {
        "setup.cfg": "[tool:pytest]\n",
        "tox.ini": "[coverage:run]\nbranch = true\n",
        "pyproject.toml": "[tool.coverage.run]\ndata_file = 'elsewhere'\n",
    }
    project = make_project(tmp_path, {**FILES, **others})
    write_data(project / ".coverage", "shop/price.py", {"a": (8,)})
    assert read(project).reached == ("a",)


@pytest.mark.parametrize("text", ["[run", "data_file = 1", "[run]\ndata_file = ${HOME}/x\n"])
def test_settings_that_say_nothing_leave_the_usual_place(tmp_path: Path, text: str) -> None:
    project = make_project(tmp_path, {**FILES, ".coveragerc": text})
    write_data(project / ".coverage", "shop/price.py", {"a": (8,)})
    assert read(project).reached == ("a",)


def test_files_not_yet_combined_are_read_too(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    for number in range(40):
        name = f".coverage.host.{number}.Xabcx"
        write_data(project / name, "shop/price.py", {f"test {number}": (8,)})
        os.utime(project / name, (1_800_000_000 + number,) * 2)
    (project / ".coverage.xml").write_text("<coverage/>")
    files, notes = data_files(project)
    assert notes == []
    assert 0 < len(files) <= 16
    assert files[0].name == ".coverage.host.39.Xabcx"


def test_there_may_be_no_data(tmp_path: Path) -> None:
    assert data_files(make_project(tmp_path)) == ([], [])


# -- hostile files


def test_what_leads_out_of_the_project_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    outside = write_data(tmp_path / "outside", "shop/price.py", {"a": (8,)})
    (project / ".coverage").symlink_to(outside)
    assert refusal(project) == ".coverage leads out of the project"
    (project / ".coverage").unlink()
    (project / ".coveragerc").write_text(f"[run]\ndata_file = {outside}\n")
    assert "leads out of the project" in refusal(project)
    (project / ".coveragerc").write_text("[run]\ndata_file = ../outside\n")
    assert "leads out of the project" in refusal(project)


def test_a_link_within_the_project_is_read(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_data(project / "data", "shop/price.py", {"a": (8,)})
    (project / ".coverage").symlink_to("data")
    assert read(project).reached == ("a",)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    os.mkfifo(project / ".coverage")
    assert refusal(project) == ".coverage is not a file"
    (project / ".coverage").unlink()
    (project / ".coverage").symlink_to(".coverage")
    assert "can't be found" in refusal(project)


def test_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {"a": (8,)})
    monkeypatch.setattr(coverage_files, "MOST_BYTES", 1000)
    assert "has more than" in refusal(project)


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_file_that_is_being_written_is_refused(tmp_path: Path, ending: str) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {"a": (8,)})
    (project / f".coverage{ending}").write_bytes(b"")
    assert read(project).reached == ("a",)
    (project / f".coverage{ending}").write_bytes(b"pages")
    assert refusal(project) == ".coverage is being written"


@pytest.mark.parametrize(
    "data",
    [b"", b"garbage", b"!coverage.py: This is a private", b"SQLite format 3\0" + b"\xff" * 5000],
    ids=["empty", "garbage", "version 4", "magic"],
)
def test_garbage_is_refused(tmp_path: Path, data: bytes) -> None:
    project = make_project(tmp_path)
    (project / ".coverage").write_bytes(data)
    assert refusal(project)


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    file = write_data(project / ".coverage", "shop/price.py", {f"{n}": (8,) for n in range(3000)})
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert "can't be read" in refusal(project)


ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"


@pytest.mark.parametrize(
    "script",
    [
        f"DROP TABLE line_bits; CREATE VIEW line_bits AS {ENDLESS} "
        "SELECT 1 AS file_id, n AS context_id, zeroblob(9) AS numbits FROM r;",
        f"DROP TABLE coverage_schema; CREATE VIEW coverage_schema AS {ENDLESS} "
        "SELECT 7 AS version FROM r WHERE n < 0;",
        "DROP TABLE file; CREATE VIRTUAL TABLE file USING fts5(id, path);",
        "DROP TABLE context; CREATE TABLE context (id integer primary key, "
        "context text AS (hex(zeroblob(100000000))), unique (context));",
        "DROP TABLE arc;",
        "UPDATE coverage_schema SET version = 8;",
    ],
    ids=["endless view", "endless schema", "virtual table", "generated column", "no table", "new"],
)
def test_tables_that_are_not_coverage_s_are_refused(tmp_path: Path, script: str) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {"a": (8,)})
    with closing(sqlite3.connect(project / ".coverage")) as db:
        db.executescript(script)
    assert "has no table" in refusal(project) or "has a schema other than 7" in refusal(project)


def test_only_reading_those_tables_is_allowed() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript("CREATE TABLE file (id, path); CREATE VIEW context AS SELECT 1 AS id;")
        db.set_authorizer(coverage_data._allowed)
        db.execute("SELECT id FROM file WHERE length(path) < 3")
        for query in (
            "SELECT hex(path) FROM file",
            f"{ENDLESS} SELECT n FROM r",
            "SELECT id FROM context",
            "DELETE FROM file",
            "ATTACH 'x' AS x",
            "PRAGMA trusted_schema = ON",
            "SELECT load_extension('x')",
        ):
            with pytest.raises(sqlite3.DatabaseError):
                db.execute(query)


def test_a_huge_set_of_lines_is_passed_over(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {"a": (8,), "b": (8,)})
    with closing(sqlite3.connect(project / ".coverage")) as db:
        db.execute(
            "UPDATE line_bits SET numbits = ? WHERE context_id = "
            "(SELECT id FROM context WHERE context = 'b')", (b"\xff" * 30_000_000,),
        )  # fmt: skip
        db.commit()
    assert (read(project).reached, read(project).fits) == (("a",), False)


def test_a_name_is_as_long_as_its_bytes(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {"a": (8,)})
    with closing(sqlite3.connect(project / ".coverage")) as db:
        db.execute("INSERT INTO context VALUES (77, ?)", ("b\0" + "b" * 100_000,))
        db.commit()
    assert (read(project).reached, read(project).others) == (("a",), ())


def test_values_of_other_types_are_passed_over(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {"a": (8,)})
    with closing(sqlite3.connect(project / ".coverage")) as db:
        db.execute("INSERT INTO context VALUES (77, x'ff'), (78, cast(x'ff61' AS text))")
        db.execute("INSERT INTO line_bits VALUES (1, 'x', x'ff'), (1, 78, 'text'), (1, 77, 3.5)")
        db.execute("INSERT INTO arc VALUES (1, 'x', 8, 9), (1, 78, 'eight', NULL)")
        db.commit()
    found = read(project)
    assert (found.reached, found.others) == (("a",), ("\ufffda",))


def test_reading_ends_after_some_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {f"{n}": (8,) for n in range(3000)})
    assert len(read(project).reached) == 3000
    monkeypatch.setattr(coverage_data, "_READ_STEPS", 5000)
    assert refusal(project) == "takes too long to read"


def test_more_rows_than_are_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {f"{n}": (8,) for n in range(30)})
    monkeypatch.setattr(coverage_data, "_MOST_ROWS", 30)
    assert len(read(project).reached) == 30
    monkeypatch.setattr(coverage_data, "_MOST_ROWS", 29)
    assert refusal(project) == "has more than 29 rows for one file"


def test_reading_the_schema_ends_after_some_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path)
    write_data(project / ".coverage", "shop/price.py", {"a": (8,)})
    monkeypatch.setattr(coverage_data, "_OPEN_STEPS", 3000)
    assert read(project).reached == ("a",)
    with closing(sqlite3.connect(project / ".coverage")) as db:
        views = "".join(f"CREATE VIEW v{n} AS SELECT 1;" for n in range(500))
        db.executescript(f"BEGIN; {views} COMMIT;")
    assert refusal(project) == "takes too long to read"
