"""How commands are told to leave results, and where these are found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmark_runner.errors import WorkloadError
from benchmark_runner.project.instrument import (
    for_benchmark,
    read_file,
    reading_of,
    shown,
    words_of,
)

HYPERFINE = '{"results": [{"command": "x", "median": 2.0}]}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pytest -q tests", ("pytest", "-q", "tests")),
        ('pytest -k "a or b"', ("pytest", "-k", "a or b")),
        ("make && ./run", ("sh", "-c", "make && ./run")),
        ("A=1 ./run", ("sh", "-c", "A=1 ./run")),
    ],
)
def test_a_command_is_split_or_given_to_the_shell(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words
    assert words_of(shown(words)) == words


@pytest.mark.parametrize("text", ["", "  ", "pytest 'open"])
def test_a_command_that_can_not_be_split_is_told(text: str) -> None:
    with pytest.raises(WorkloadError):
        words_of(text)


def test_each_tool_is_asked_for_json_once(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("import pyperf\n")
    (tmp_path / "c.py").write_text("print(1)\n")
    out = str(tmp_path / "out" / "metric.json")

    def line(text: str) -> tuple[str, ...]:
        return for_benchmark(words_of(text), tmp_path, tmp_path / "out").words

    assert line("hyperfine -N true") == ("hyperfine", "--export-json", out, "-N", "true")
    assert line("python b.py --fast") == ("python", "b.py", "-o", out, "--fast")
    assert line("python -m pyperf timeit 1") == ("python", "-m", "pyperf", "timeit", "-o", out, "1")
    for text in ("python b.py -o mine.json", "python c.py", "hyperfine --export-json m true"):
        assert line(text) == words_of(text)
    own = for_benchmark(words_of("pytest b"), tmp_path, tmp_path / "out").environment
    assert f"--benchmark-json={out}" in own["PYTEST_ADDOPTS"]


def test_a_file_that_the_command_names_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(HYPERFINE)
    words = words_of("hyperfine --export-json m.json x")
    reading = reading_of(words, tmp_path, tmp_path / "out", "5\n", "auto")
    assert reading is not None and reading.tool == "hyperfine"


def test_the_metric_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "speed.txt").write_text("rate: 7 MB/s\n")

    def names(metric: str) -> list[str] | None:
        found = reading_of(("x",), tmp_path, tmp_path / "out", f"{HYPERFINE}\n", metric)
        return None if found is None else [m.name for m in found.metrics]

    assert names("auto") == names("hyperfine") == ["x"]
    assert names("speed.txt") == ["rate"]
    assert names("pyperf") is None and names("number") is None and names("missing.txt") is None


def test_only_regular_files_of_the_copy_are_read(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (tmp_path / "secret").write_text("5")
    (place / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(place / "pipe")
    (place / "large").write_bytes(b"x" * 100)
    (place / "fine").write_bytes(b"5")
    assert [
        read_file(place, place / name, 50)
        for name in ("link", "pipe", "large", "../secret", "none", "fine")
    ] == [None, None, None, None, None, b"5"]
