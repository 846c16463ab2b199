"""Functions of other languages than Python: by file and line, and by symbol alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.profiles.places import Place, Places
from analysis.profiles.symbols import bare_name

GRID = """\
namespace ns {
struct Grid {
    int at(int x) { return x; }
    int sum() const;
};
int Grid::sum() const { return 1; }
int twice(int x) { return 2 * x; }
int twice(double x) { return 2 * x; }
}
int main() {
    return 0;
}
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "grid.cpp").write_text(GRID)
    (tmp_path / "src" / "other.c").write_text("int same(void) { return main(); }\n")
    (tmp_path / "src" / "more.c").write_text("int same(void) { return 2; }\n")
    (tmp_path / "src" / "app.js").write_text("function work() {\n  return 1;\n}\n")
    (tmp_path / "src" / "my file.js").write_text("work();\n")
    (tmp_path / "src" / "app.py").write_text("def main():\n    pass\n")
    return Places(tmp_path)


@pytest.mark.parametrize(
    ("symbol", "name", "line"),
    [
        ("ns::Grid::at(int)", "at", 3),
        ("ns::Grid::sum() const", "sum", 6),
        ("at", "at", 3),
        ("main", "main", 10),
        ("main.cold", "main", 10),
        ("ns::twice(double)", "twice", 8),
        ("int ns::Grid::sum() const+0x12", "sum", 6),
    ],
)
def test_a_symbol_that_one_function_has(places: Places, symbol: str, name: str, line: int) -> None:
    path = str(places.workspace / "src" / "grid.cpp")
    assert places.place("", symbol, None) == Place(path, name, line)


@pytest.mark.parametrize(
    "symbol", ["same", "ns::twice", "twice", "work", "gone", "", "(program)", "operator()", "<x>"]
)
def test_a_symbol_that_none_or_several_have(places: Places, symbol: str) -> None:
    assert places.place("", symbol, None) is None


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("file:///build/src/app.js", "app.js"),
        ("file:///build/src/my%20file.js", "my file.js"),
        ("file:///C:/build/src/app.js", "app.js"),
        ("/build/src/grid.cpp", "grid.cpp"),
        ("webpack:///src/app.js", None),
        ("node:fs", None),
        ("https://example.org/src/app.js", None),
        ("file:///build/src/%00.js", None),
        ("\ud800/src/app.js\ud800", None),
    ],
)
def test_addresses_and_paths(places: Places, named: str, found: str | None) -> None:
    expected = None if found is None else str(places.workspace / "src" / found)
    assert places.file(named) == expected


def test_a_line_finds_its_function(places: Places) -> None:
    path = str(places.workspace / "src" / "grid.cpp")
    assert places.place(path, "ns::Grid::sum() const", 6) == Place(path, "sum", 6)
    assert places.place(path, "main", 11) == Place(path, "main", 10)
    assert places.place(path, "(anonymous)", 11) == Place(path, "main", 10)
    assert places.place(path, "ns::gone<int>(int)", 99) == Place(path, "gone", 99)
    script = str(places.workspace / "src" / "app.js")
    assert places.place(script, "work", 1) == Place(script, "work", 1)
    assert places.place(script, "(anonymous)", None) == Place(script, "<module>", 1)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("ns::Grid<std::pair<int, int>>::at(std::vector<int> const&) const", "at"),
        ("Grid.fill", "fill"), ("get Grid.size", "size"), ("work.isra.0", "work"),
        ("work.constprop.0.cold", "work"), ("operator<<", "operator<<"),
        ("ns::F::operator()(int) const", "operator()"), ("_start@@GLIBC_2.2", "_start"),
        ("(anonymous namespace)::f(int)", "f"), ("char* ns::f<int>(int)", "f"), ("(anonymous)", ""),
    ],
)  # fmt: skip
def test_bare_names(symbol: str, name: str) -> None:
    assert bare_name(symbol) == name
