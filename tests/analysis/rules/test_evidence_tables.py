"""The tables of what was measured: read, written, put together, and what follows for a rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.rules import evidence
from analysis.rules.cases import all_cases
from analysis.rules.evidence import (
    Evidence,
    Gain,
    Precision,
    Short,
    Table,
    load_evidence,
    load_gains,
    read_table,
    write_table,
)

FASTER = Gain("r", "r", "cpython-3.11", 4, 2.0, 1.9, 2.1, True, "d1")
SLOWER = replace(FASTER, size=5, ratio=0.5, low=0.4, high=0.6)
OPEN = replace(FASTER, size=6, ratio=1.1, low=0.9, high=1.3)
SLIGHT = replace(FASTER, size=7, ratio=1.01, low=1.005, high=1.015)
GOOD = Precision("r", 10, 10, 10, 10, 10)


@pytest.mark.parametrize(
    ("gains", "standing"),
    [
        ([], "unknown"),
        ([FASTER], "wins"),
        ([FASTER, OPEN], "wins"),
        ([FASTER, SLOWER], "mixed"),
        ([SLOWER], "loses"),
        ([OPEN], "loses"),
        ([SLIGHT], "loses"),
        ([FASTER, replace(SLIGHT, ratio=0.99, low=0.985, high=0.995)], "wins"),
        ([replace(FASTER, equal=False)], "loses"),
    ],
)
def test_standing(gains: list[Gain], standing: str) -> None:
    assert Evidence(gains, ()).standing("r") == standing


def test_hints() -> None:
    assert Evidence([FASTER], [GOOD]).hints("r", hot=False)
    assert not Evidence([FASTER], [replace(GOOD, good=6)]).hints("r", hot=False)
    assert not Evidence([FASTER], [replace(GOOD, tried=4, good=4)]).hints("r", hot=False)
    assert Evidence([FASTER], ()).hints("r", hot=True)
    assert not Evidence([FASTER], ()).hints("r", hot=False)
    assert not Evidence([SLOWER], [GOOD]).hints("r", hot=True)


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    table = Table({"cpu": "x", "cores": 2}, {"cpython-3.11": "3.11.7"}, "2026-01-02",
                  (FASTER, SLOWER), (Short("c", "g++-12", 3, "d2"),))  # fmt: skip
    write_table(path, table)
    assert read_table(path) == table
    assert path.read_text("utf-8").count("\n  {") == 3
    write_table(path, Table())
    assert read_table(path) == Table()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        '{"schema": 2, "gains": []}',
        '{"schema": 1, "gains": 3}',
        '{"schema": 1, "machine": {}, "measured": "", "gains": [{"rule": "r"}]}',
        '{"schema": 1, "machine": {}, "measured": "", "gains": [{"rule": "r", "case": "c", '
        '"target": "t", "size": 1, "ratio": "2", "low": 1, "high": 3}]}',
        '{"schema": 1, "machine": {}, "measured": "", "gains": [{"rule": "r", "case": "c", '
        '"target": "t", "size": 1, "ratio": 1, "low": -1, "high": 3}]}',
    ],
)
def test_a_damaged_table_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(AnalysisError, match=r"table\.json") as error:
        read_table(path)
    assert error.value.code == "evidence-damaged"


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="can't be read"):
        read_table(tmp_path / "none.json")
    load_gains(tmp_path / "none.json")


def test_what_was_measured_here_counts_before_what_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped, own = tmp_path / "evidence.json", tmp_path / "rules.json"
    monkeypatch.setattr(evidence, "SHIPPED", shipped)
    write_table(shipped, Table(gains=(FASTER, SLOWER, replace(FASTER, target="cpython-3.9"))))
    here = replace(FASTER, ratio=0.5, low=0.4, high=0.6)
    write_table(own, Table(gains=(here,)))
    assert load_evidence("cpython-3.11", own).gains("r") == (here, SLOWER)
    assert load_evidence("cpython-3.9", own).standing("r") == "wins"
    assert load_evidence("cpython-3.8", own).standing("r") == "unknown"
    write_table(own, Table(gains=(replace(here, digest="of another text"),)))
    assert load_evidence("cpython-3.11", own).gains("r") == (FASTER, SLOWER)


def test_the_shipped_table_is_of_the_cases_as_they_are() -> None:
    digests = {case.name: case.digest for case in all_cases()}
    shipped = read_table(evidence.SHIPPED).gains if evidence.SHIPPED.exists() else ()
    old = {gain.case for gain in shipped if digests.get(gain.case) != gain.digest}
    assert not old, "run `make rules-table`"
