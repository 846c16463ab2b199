"""The page of what the rules gain is the one that the shipped table gives."""

from __future__ import annotations

from analysis.rules.evidence import SHIPPED, Gain, Table, read_table
from benchmarks import rules


def test_the_page_is_current() -> None:
    table = read_table(SHIPPED) if SHIPPED.exists() else Table()
    page = rules.PAGE.read_text("utf-8")
    assert page == rules.render(table), "run `python -m benchmarks.rules --page`"


def test_a_table_as_a_page() -> None:
    def gain(target: str, size: int, ratio: float, *, equal: bool = True) -> Gain:
        return Gain("r", "r.case", target, size, ratio, ratio - 0.01, ratio + 0.01, equal)

    gains = (
        gain("cpython-3.9", 4, 1.5), gain("cpython-3.10", 4, 0.5), gain("cpython-3.10", 8, 1.001),
        gain("g++-12", 9, 12.345), gain("node-20", 5, 1.0, equal=False),
    )  # fmt: skip
    machine: dict[str, str | int] = {
        "cpu": "A CPU", "cores": 2, "platform": "Linux x86_64", "kernel": "6",
    }  # fmt: skip
    page = rules.render(Table(machine, {"cpython-3.9": "3.9.1"}, "2026-01-02", gains))
    assert "until 2026-01-02 on 2 cores of A CPU" in page
    assert "| case | n | 3.9 | 3.10 |" in page
    assert "| r.case | 4 | **1.50** | ~~0.50~~ |\n| r.case | 8 |  | 1.00 |\n" in page
    assert "| r.case | 9 | **12.3** |" in page
    assert "| cpython-3.10 | 0 |  | r |" in page
    assert "| cpython-3.9 | 1 |  | none |" in page
    assert "not equal" in page
