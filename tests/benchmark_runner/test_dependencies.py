from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark_runner.receipt import Dependency
from benchmark_runner.receipts.dependencies import (
    Interpreter,
    changes_since,
    dependencies_of,
    entry_digest,
    file_dependency,
    source_dependencies,
    together,
)
from benchmark_runner.workload import Version

BEFORE = """
import fastlib
from tools import double
N = 3
def f(xs):
    return [double(x) + N + fastlib.one() for x in xs]
def other(xs):
    return xs
"""
AFTER = BEFORE.replace("def f(xs):", "_M = 4\ndef f(xs):").replace("+ N +", "+ _M - 1 +")
TOOLS = "def double(x): return 2 * x\ndef unused(x): return x\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "tools.py").write_text(TOOLS)
    (tmp_path / "work.py").write_text(BEFORE)
    site = tmp_path / "site"
    (site / "fastlib").mkdir(parents=True)
    (site / "fastlib" / "__init__.py").write_text("def one(): return 1\n")
    info = site / "Fast_Lib_Dist-1.2.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("fastlib/__init__.py,,\n")
    return tmp_path / "work.py"


def made(path: Path) -> tuple[Dependency, ...]:
    before, after = Version.of({path: BEFORE}), Version.of({path: AFTER})
    python = path.parent / "python"
    python.write_text("")
    interpreter = Interpreter(python, "3.11.7", [str(path.parent / "site")])
    return dependencies_of(path, "f", before, after, interpreter)


def changes(known: Sequence[Dependency], version: str = "3.11.7") -> tuple[str, ...]:
    return changes_since(known, version_of=lambda _: version)


def test_what_a_claim_rests_on(path: Path) -> None:
    found = {(d.kind, d.name) for d in made(path)}
    assert found == {
        ("function", "f"), ("edited", "f"), ("callee", "double"), ("before constant", "N"),
        ("after constant", "_M"), ("library", "fastlib"), ("interpreter", "CPython"),
    }  # fmt: skip
    library = next(d for d in made(path) if d.kind == "library")
    assert library.digest == "1.2"


def test_nothing_changed_before_the_edit_and_after_it(path: Path) -> None:
    known = made(path)
    assert changes(known) == ()
    path.write_text(AFTER)
    assert changes(known) == ()
    path.write_text(AFTER.replace("def other(xs):\n    return xs", "def other(xs):\n    return 1"))
    assert changes(known) == ()


@pytest.mark.parametrize("edited", [False, True])
def test_any_change_makes_it_stale(path: Path, edited: bool) -> None:
    known = made(path)
    path.write_text(AFTER if edited else BEFORE)
    tools = path.with_name("tools.py")
    tools.write_text(TOOLS.replace("2 * x", "x + x"))
    assert changes(known) == ("callee double of tools.py is changed",)
    tools.write_text(TOOLS.replace("return x\n", "return -x\n"))
    assert changes(known) == ()
    tools.unlink()
    assert changes(known) == ("callee double of tools.py is gone",)


def test_constants_of_the_state_that_the_file_is_in(path: Path) -> None:
    known = made(path)
    path.write_text(BEFORE.replace("N = 3", "N = 5"))
    assert changes(known) == ("constant N of work.py is changed",)
    path.write_text(AFTER.replace("N = 3", "N = 5"))
    assert changes(known) == ()
    path.write_text(AFTER.replace("_M = 4", "_M = 5"))
    assert changes(known) == ("constant _M of work.py is changed",)


def test_the_function_the_interpreter_and_libraries(path: Path) -> None:
    known = made(path)
    path.write_text(BEFORE.replace("double(x) + N", "N + double(x)"))
    assert changes(known) == ("f was changed",)
    path.write_text("")
    assert changes(known) == (f"f is no longer in {path}",)
    path.write_text(BEFORE)
    assert changes(known, "3.11.8") == ("CPython was 3.11.7, is 3.11.8",)
    info = path.parent / "site" / "Fast_Lib_Dist-1.2.dist-info"
    info.rename(info.with_name("Fast_Lib_Dist-1.3.dist-info"))
    assert changes(known) == ("fastlib was 1.2, is 1.3",)


def test_an_editors_text_counts_over_the_disk(path: Path) -> None:
    known = made(path)
    texts = {path.with_name("tools.py"): TOOLS.replace("2 * x", "x + x")}

    def read(asked: Path) -> str | None:
        given = texts.get(asked)
        return given if given or not asked.exists() else asked.read_text()

    assert changes_since(known, read) == ("callee double of tools.py is changed",)


def test_a_file_by_its_bytes(tmp_path: Path) -> None:
    case = tmp_path / "1.in"
    case.write_bytes(b"3\n")
    known = [file_dependency("case", case)]
    assert changes(known) == ()
    case.write_bytes(b"4\n")
    assert changes(known) == ("1.in was changed",)
    case.unlink()
    assert changes(known) == ("1.in is gone",)


def test_what_was_proved_together_may_be_taken_one_by_one(path: Path) -> None:
    tools = path.with_name("tools.py")
    faster = TOOLS.replace("2 * x", "x + x")
    before, after = Version.of({tools: TOOLS}), Version.of({tools: faster})
    callee = dependencies_of(tools, "double", before, after, Interpreter(path, "3.11.7", []))
    known = made(path)
    tools.write_text(faster)
    assert changes(known) == ("callee double of tools.py is changed",)
    assert changes(together(known, [known, callee])) == ()
    tools.write_text(TOOLS)
    assert changes(together(known, [known, callee])) == ()
    tools.write_text(TOOLS.replace("2 * x", "x * 2"))
    assert changes(together(known, [callee])) == ("callee double of tools.py is changed",)


def test_a_program_rests_on_its_file_before_and_after_the_edit(tmp_path: Path) -> None:
    main = tmp_path / "main.cpp"
    main.write_text("int main() {}\n")
    before = Version.of({main: main.read_text()})
    after = Version.of({main: main.read_text() + "// faster\n"})
    known = source_dependencies(main, before, after)
    assert [(d.kind, d.name) for d in known] == [("file", "main.cpp"), ("edited file", "main.cpp")]
    assert changes(known) == ()
    main.write_text(after.files[0][1])
    assert changes(known) == ()
    main.write_text("int main() { return 1; }\n")
    assert changes(known) == ("main.cpp was changed",)


def test_a_compiled_module_of_the_project(path: Path) -> None:
    compiled = path.with_name("speed.cpython-311-x86_64-linux-gnu.so")
    compiled.write_bytes(b"\x7fELF 1")
    text = "import speed\ndef f(xs):\n    return speed.run(xs)\n"
    path.write_text(text)
    version = Version.of({path: text})
    known = dependencies_of(path, "f", version, version, Interpreter(path, "3.11.7", []))
    assert ("extension", compiled.name) in {(d.kind, d.name) for d in known}
    assert changes(known) == ()
    compiled.write_bytes(b"\x7fELF 2")
    assert changes(known) == (f"{compiled.name} was changed",)


def test_a_tool_whose_place_is_not_known_is_not_gone() -> None:
    assert changes([Dependency("library", "", "pytest-benchmark", "5.1.0")]) == ()


def test_files_without_an_end_and_patterns_in_hostile_receipts(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in ("/dev/zero", str(tmp_path / "pipe"), str(tmp_path), "a\0b", "x" * 9000):
        for kind in ("function", "file", "extension"):
            assert changes([Dependency(kind, place, "f", "digest")])
    for name in ("zero", "../dev/zero", "*", "**/*", "", "x" * 5000):
        assert changes([Dependency("library", "/dev", name, "1")])
    assert changes([Dependency("interpreter", "a\0b", "CPython", "3.11.7")])


def test_a_large_file_by_its_size_and_time(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(100 << 20)
    known = [file_dependency("data", large)]
    assert changes(known) == ()
    os.utime(large, ns=(1, 1))
    assert changes(known) == ("large.bin was changed",)


@pytest.mark.parametrize(
    "read",
    [
        'open("table.csv").read()',
        '(HERE / "data" / "more.csv").read_text()',
        'open(os.path.join(os.path.dirname(__file__), "data", "more.csv")).read()',
        'HERE.joinpath("data/more.csv").read_text()',
    ],
)
def test_a_file_that_the_code_names(path: Path, read: str) -> None:
    (path.parent / "data").mkdir()
    table = path.parent / ("table.csv" if "table" in read else "data/more.csv")
    table.write_text("1")
    head = "import os\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"
    for text in (
        f"{head}def f(xs):\n    return {read}\n",
        f"{head}T = {read}\ndef f(xs):\n    return T\n",
    ):
        table.write_text("1")
        path.write_text(text)
        version = Version.of({path: text})
        known = dependencies_of(path, "f", version, version, Interpreter(path, "3.11.7", []))
        assert changes(known) == ()
        table.write_text("2")
        assert changes(known) == (f"{table.name} was changed",)


def test_a_claim_that_does_not_tell_both_states_of_a_file_is_not_fresh(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    digest = entry_digest(tmp_path / "a.py")
    assert digest is not None
    before, after = (
        Dependency(f"{state} tree file", str(tmp_path / "a.py"), "a.py", digest)
        for state in ("before", "after")
    )
    assert changes_since([before, after]) == ()
    for odd in ([before], [after], [before, replace(after, path=str(tmp_path / "b.py"))]):
        [told] = changes_since(odd)
        assert "does not tell" in told


def test_an_endless_file_is_not_read_to_its_end() -> None:
    endless = Path("/proc/self/pagemap")
    assert not endless.exists() or entry_digest(endless, 1 << 20) is None
