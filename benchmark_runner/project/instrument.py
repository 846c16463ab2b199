"""How to have a project's own commands leave results that can be read, and where they are."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark_runner.errors import WorkloadError
from benchmark_runner.project.metrics import (
    MOST_BYTES,
    READERS,
    Reading,
    read_json,
    read_numbers,
)

_SHELL = frozenset(";&|<>()$`*?~\n{}[]")
_OUTPUTS = ("--benchmark-json", "--export-json", "--benchmark_out", "--output", "-o")
_METRIC = "metric.json"
_GOOGLE = "google.json"
_JUNIT = "junit.xml"
_GTEST = "gtest"
_MOST_SCRIPT = 1 << 20


def words_of(text: str) -> tuple[str, ...]:
    """A command line as words; one that needs a shell (&&, |, $X, A=b ...) becomes sh -c.

    Raises WorkloadError for an empty one or an open quote.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise WorkloadError(
            f"command {text!r}: {error}", code="command-unusable", mend="close its quotes"
        ) from error
    if not words:
        raise WorkloadError(
            "the command is empty", code="command-unusable", mend="give a command line"
        )
    if _SHELL & set(text) or "=" in words[0]:
        return ("sh", "-c", text)
    return tuple(words)


def shown(words: Sequence[str]) -> str:
    """The command as a person wrote it."""
    return words[2] if tuple(words[:2]) == ("sh", "-c") and len(words) == 3 else shlex.join(words)


@dataclass(frozen=True)
class Instrumented:
    """A command line, and what is added to its environment."""

    words: tuple[str, ...]
    environment: Mapping[str, str]


def for_tests(words: Sequence[str], outbox: Path) -> Instrumented:
    """Have pytest and GoogleTest write the outcome of every test, however they are started."""
    return Instrumented(
        tuple(words),
        {
            "PYTEST_ADDOPTS": f"--junitxml={outbox / _JUNIT} -p no:cacheprovider",
            "GTEST_OUTPUT": f"xml:{outbox / _GTEST}/",
        },
    )


def test_reports(outbox: Path) -> list[bytes]:
    """The JUnit documents that a run of the tests left."""
    found = []
    for path in [outbox / _JUNIT, *sorted((outbox / _GTEST).glob("*.xml"))[:1000]]:
        data = read_file(outbox, path)
        if data is not None:
            found.append(data)
    return found


def for_benchmark(
    words: Sequence[str], place: Path, outbox: Path, metric: str = "auto"
) -> Instrumented:
    """Have the benchmark's tool write JSON where it does not already.

    `place` is the copy that it runs in. Google Benchmark takes its output's name from the
    environment, pytest takes options from there; pyperf and hyperfine get an option.
    """
    out = outbox / _METRIC
    values = {"BENCHMARK_OUT": str(outbox / _GOOGLE), "BENCHMARK_OUT_FORMAT": "json"}
    text = " ".join(words)
    if ("pytest" in text or "py.test" in text or metric == "pytest-benchmark") and (
        "--benchmark-json" not in text
    ):
        values["PYTEST_ADDOPTS"] = f"--benchmark-json={out} -p no:cacheprovider"
    changed = list(words)
    if Path(words[0]).name == "hyperfine" and "--export-json" not in text:
        changed[1:1] = ["--export-json", str(out)]
    at = _pyperf_options_at(words, place)
    if at is not None and not {"-o", "--output"} & {word.split("=")[0] for word in words[at:]}:
        changed[at:at] = ["-o", str(out)]
    return Instrumented(tuple(changed), values)


def _pyperf_options_at(words: Sequence[str], place: Path) -> int | None:
    """Where pyperf's own options may stand; None where the command is no pyperf benchmark."""
    for at, word in enumerate(words):
        name = Path(word).name
        if name == "pyperf" and words[at + 1 : at + 2] and words[at + 1] in ("timeit", "command"):
            return at + 2
        if name.endswith(".py"):
            data = read_file(place, place / word, _MOST_SCRIPT)
            return at + 1 if data is not None and b"import pyperf" in data else None
    return None


def reading_of(
    words: Sequence[str], place: Path, outbox: Path, stdout: str, metric: str
) -> Reading | None:
    """What a run told. `metric` "auto" takes the first of: a tool's JSON in our outbox, in a file
    that the command names, on standard output; then plain numbers on standard output. The name of
    a tool asks for that one; any other text is a file in the tree that the benchmark writes.
    """
    texts = _texts(words, place, outbox, metric)
    for text in texts:
        found = read_json(text)
        if found is None and metric not in ("auto", *READERS):
            found = read_numbers(text)
        if found is not None and (metric == found.tool or metric not in READERS):
            return found
    if metric not in ("auto", *READERS):
        return None
    at = stdout.find("{")
    found = read_json(stdout[at:].rstrip()) if at >= 0 else None
    if found is not None and metric in ("auto", found.tool):
        return found
    return read_numbers(stdout) if metric in ("auto", "number") else None


def _texts(words: Sequence[str], place: Path, outbox: Path, metric: str) -> Iterator[str]:
    if metric in ("auto", *READERS):
        paths = [(outbox, outbox / _METRIC), (outbox, outbox / _GOOGLE)]
        paths += [(place, place / name) for name in _named_outputs(words)]
    else:
        paths = [(place, place / metric)]
    for root, path in paths:
        data = read_file(root, path)
        if data:
            yield data.decode("utf-8", "replace")


def _named_outputs(words: Sequence[str]) -> list[str]:
    """Files that the command line itself names as output."""
    found = []
    pieces = shown(words).split() if tuple(words[:2]) == ("sh", "-c") else list(words)
    for at, word in enumerate(pieces):
        option, sign, value = word.partition("=")
        if option in _OUTPUTS:
            found += [value] if sign else pieces[at + 1 : at + 2]
    return found


def read_file(root: Path, path: Path, most: int = MOST_BYTES) -> bytes | None:
    """A regular file below a folder that others wrote; None for a link out, a pipe, a huge one."""
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            return None
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError, RuntimeError):
        return None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_size > most:
            return None
        return file.read(most)
