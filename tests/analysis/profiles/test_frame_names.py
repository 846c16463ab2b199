"""Frames written as texts, by the many who write them."""

from __future__ import annotations

import pytest

from analysis.profiles.frame_names import is_library, parse_frame


@pytest.mark.parametrize(
    ("text", "path", "name", "line"),
    [
        ("work (app.py:12)", "app.py", "work", 12),
        ("work (app.py)", "app.py", "work", None),
        ("<module> (/a b/app (1).py:3)", "/a b/app (1).py", "<module>", 3),
        ("<lambda> (<string>:1)", "<string>", "<lambda>", 1),
        ("Grid.fill (C:\\work\\grids.py:9)", "C:\\work\\grids.py", "Grid.fill", 9),
        ("ns::Grid::at(int) (grid.cpp:40)", "grid.cpp", "ns::Grid::at(int)", 40),
        ("f (file:///home/a/app.js:3:14)", "file:///home/a/app.js", "f", 3),
        ("app.py:work", "app.py", "work", None),
        ("/srv/app.py:work:12", "/srv/app.py", "work", 12),
        ("/srv/app.py:12(work)", "/srv/app.py", "work", 12),
        ("/srv/app.py(12): work", "/srv/app.py", "work", 12),
        ("py::work:/srv/app.py", "/srv/app.py", "work", None),
        ("py::Grid.fill:/srv/a:b.py", "/srv/a:b.py", "Grid.fill", None),
        ("JS:*work /srv/app.js:3:14", "/srv/app.js", "work", 3),
        ("LazyCompile:~ file:///srv/app.mjs:3:14", "file:///srv/app.mjs", "", 3),
        ("ns::Grid::at(int)", "", "ns::Grid::at(int)", None),
        ("std::map<int, f (*)(int)>::at", "", "std::map<int, f (*)(int)>::at", None),
        ("main", "", "main", None),
    ],
)
def test_frames(text: str, path: str, name: str, line: int | None) -> None:
    assert parse_frame(text) == (path, name, line, False)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("do_syscall_64_[k]", "do_syscall_64"),
        ("_PyEval_EvalFrameDefault (/usr/lib/libpython3.12.so.1.0)", "_PyEval_EvalFrameDefault"),
        ("[unknown]", "[unknown]"),
        ("thread (0x7F00)", "thread (0x7F00)"),
        ('process 12:"python app.py"', 'process 12:"python app.py"'),
    ],
)
def test_frames_of_no_source(text: str, name: str) -> None:
    assert parse_frame(text) == ("", name, None, True)


@pytest.mark.parametrize("text", ["(" * 100_000, "a (" * 50_000, "x.py:" * 40_000 + "(", "::" * 9])
def test_any_text_is_a_name_in_little_time(text: str) -> None:
    assert parse_frame(text).name


@pytest.mark.parametrize(
    ("module", "library"),
    [
        ("/usr/lib/libc.so.6", True), ("[kernel.kallsyms]", True), ("/usr/bin/python3.12", True),
        ("/home/user/venv/lib/libz.so", True), ("node", True), ("/home/user/app", False),
        ("app", False), ("", False), ("/home/user/python/app", False),
    ],
)  # fmt: skip
def test_libraries(module: str, library: bool) -> None:
    assert is_library(module) is library
