"""Rows of a file that comes from anyone: refused with file, line and mend, or harmless."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from index.importers import ClaimError, importer_of, read_claims
from index.importers import rows as rows_module
from tests.index.importers.samples import (
    COFFE,
    ENAMEL,
    FASTERPY,
    MERCURY,
    PIE_DESCRIBED,
    write_rows,
)

WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no text": (FASTERPY, {"input": 5}, "input is no text"),
    "missing": (COFFE, {"fast": None}, "fast is no text"),
    "too long": (FASTERPY, {"target": "x" * 200_001}, "200001 characters"),
    "half a pair": (FASTERPY, {"summary": "\ud800"}, "surrogate"),
    "rate": (FASTERPY, {"rate": "fast"}, "rate is no number"),
    "rate is a truth": (FASTERPY, {"rate": True}, "rate is no number"),
    "tests": (COFFE, {"tests": {"input": "1"}}, "tests is no list"),
    "a test": (COFFE, {"tests": [[1, 2]]}, "a test is no object"),
    "a test's input": (COFFE, {"tests": [{"input": [1], "output": ["x"]}]}, "lists of texts"),
    "generator": (COFFE, {"stress_generators": [1]}, "generator is no text"),
    "levels": (ENAMEL, {"levels": "ten twenty"}, "levels are no numbers"),
    "huge level": (ENAMEL, {"levels": "9" * 5000}, "levels are no numbers"),
    "solutions": (MERCURY, {"solutions": ["a", "b"]}, "a solution is no object"),
    "entry point": (MERCURY, {"entry_point": "f(); import os"}, "entry_point is no name"),
    "test cases": (MERCURY, {"test_cases": "[" * 100_000}, "test_cases is no JSON"),
    "edits": (PIE_DESCRIBED, {"atomic_edits": {"m": {"1": 2}}}, "no list of texts"),
    "edit keys": (PIE_DESCRIBED, {"atomic_edits": {"m": {"-1": "x"}}}, "no numbers"),
    "models": (PIE_DESCRIBED, {"atomic_edits": ["x"]}, "atomic_edits is no object"),
    "many edits": (PIE_DESCRIBED, {"atomic_edits": {"m": ["x"] * 101}}, "more than 100"),
    "language": (PIE_DESCRIBED, {"language": "cobol"}, "'cobol' can't be proved"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_row_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    row, change, message = WRONG[name]
    path = write_rows(tmp_path / "claims.jsonl", row, {**row, **change})
    found = read_claims(path)
    next(found)  # the first row is good
    with pytest.raises(ClaimError, match=message) as caught:
        list(found)
    assert caught.value.message.startswith(f"{path}:2: ")
    assert caught.value.mend


LINES = {
    "no JSON": "{",
    "no object": "[1, 2]",
    "a number": "7",
    "deep": "[" * 200_000,
    "deep object": '{"a":' * 100_000,
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_is_no_object_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "claims.jsonl"
    path.write_text(f"{json.dumps(FASTERPY)}\n\n{LINES[name]}\n")
    with pytest.raises(ClaimError, match=r"claims\.jsonl:3: "):
        list(read_claims(path))


def test_a_line_without_end_is_not_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "MAX_LINE", 1 << 20)
    path = tmp_path / "claims.jsonl"
    path.write_text(json.dumps(FASTERPY) + "\n" + "x" * (2 << 20))
    with pytest.raises(ClaimError, match="longer than 1 MB"):
        list(read_claims(path))


def test_an_array_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "MAX_ARRAY", 1 << 20)
    path = tmp_path / "claims.json"
    path.write_text("[" + " " * (2 << 20) + "]")
    with pytest.raises(ClaimError, match="more than 1 MB"):
        importer_of(path)


@pytest.mark.parametrize("text", ["[1, 2", '[{"a": 1} {"b"', "[nonsense]", "[[[["])
def test_a_broken_array_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "claims.json"
    path.write_text(text)
    with pytest.raises(ClaimError):
        list(read_claims(path, "fasterpy"))


def test_a_broken_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "enamel.csv"
    path.write_text("a,b\n1,2,3\n")
    with pytest.raises(ClaimError, match=r"enamel\.csv:2: "):
        importer_of(path)


def test_an_unknown_format_is_told_with_the_known_ones(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "claims.jsonl", {"question": "?"})
    with pytest.raises(ClaimError, match="no known format") as caught:
        read_claims(path)
    assert "mercury" in caught.value.mend


def test_a_format_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClaimError, match="no format"):
        read_claims(tmp_path / "claims.jsonl", "nonsense")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "claims.jsonl").write_text("\n")
    with pytest.raises(ClaimError, match="it is empty"):
        read_claims(tmp_path / "claims.jsonl")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.jsonl"
    path.write_bytes(b'{"a": "\xff"}\n')
    with pytest.raises(ClaimError, match="UTF-8"):
        read_claims(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClaimError, match="can't be read"):
        read_claims(tmp_path / "nowhere.jsonl")


def test_nan_and_infinity_are_no_ratios(tmp_path: Path) -> None:
    path = tmp_path / "claims.jsonl"
    rows = [json.dumps({**FASTERPY, "rate": value}) for value in (float("nan"), float("inf"), -2)]
    path.write_text("\n".join([*rows, json.dumps(FASTERPY).replace("0.75", "1e999")]))
    assert [claim.reported_ratio for claim in read_claims(path)] == [None] * 4


def test_an_origin_is_printable_and_short(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "claims.jsonl", {**COFFE, "id": "coffe/\x1b[31m\n" + "x" * 999})
    (claim,) = read_claims(path)
    assert claim.origin.isprintable()
    assert len(claim.origin) < 150
