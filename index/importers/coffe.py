"""COFFE (Peng et al., FSE 2025, github.com/JohnnyPeng18/Coffe): programs of CodeContests and APPS.

JSON lines: `slow` and `fast` human solutions, `tests` (objects with `input` and `output`, lists of
texts), `stress_generators` (sources that define ``generate_input()``, which returns a text for
standard input). The given tests are mostly too short to be timed; equality is judged on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.importers.cases import spread
from index.importers.claim import Claim
from index.importers.languages import language_named
from index.importers.rows import MAX_CODE, Row, digest_of, rows_of, word_of

MOST_GENERATORS = 10
_INPUTS = """\
_SOURCES = {sources!r}


def inputs():
    for number, source in enumerate(_SOURCES):
        space = {{"__name__": f"generator_{{number}}"}}
        try:
            exec(compile(source, f"generator_{{number}}", "exec"), space)
            text = space["generate_input"]()
        except Exception:
            continue
        if isinstance(text, str):
            yield text
"""


def recognises(first: dict[str, Any]) -> bool:
    """Whether a file's first object is of this shape."""
    return {"slow", "fast", "tests", "stress_generators"} <= first.keys()


def read(path: Path) -> Iterator[Claim]:
    """The claims of a file, in order. Raises ClaimError."""
    for row in rows_of(path):
        told, slow, fast = row.data.get("measured"), row.code("slow"), row.code("fast")
        ratio = told.get("ratio") if isinstance(told, dict) else None
        sources, cases = _sources(row), _cases(row)
        name = row.text("id", "") or digest_of(slow, fast, repr(cases), *sources)
        yield Claim(
            language=language_named(row, "python"),
            slow=slow,
            fast=fast,
            origin=f"coffe:{word_of(name.removeprefix('coffe/'))}",
            licence=row.words("license", "Apache-2.0"),
            notice=row.words("source", "COFFE (JohnnyPeng18/Coffe)"),
            reported_ratio=Row({"ratio": ratio}, row.where).number("ratio"),
            cases=spread(cases),
            inputs_source=_INPUTS.format(sources=sources) if sources else "",
        )


def _cases(row: Row) -> list[tuple[str, str]]:
    found = []
    for test in row.items("tests"):
        if not isinstance(test, dict):
            raise row.error("a test is no object")
        found.append((_joined(row, test.get("input")), _joined(row, test.get("output"))))
    return found


def _joined(row: Row, value: Any) -> str:
    lines = [value] if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise row.error("a test's input and output are lists of texts")
    return row.sound("\n".join(lines), "a test")


def _sources(row: Row) -> tuple[str, ...]:
    found = row.items("stress_generators")[:MOST_GENERATORS]
    for source in found:
        if not isinstance(source, str):
            raise row.error("a stress generator is no text")
        row.sound(source, "a stress generator")
    return tuple(source for source in found if len(source) <= MAX_CODE)
