"""Facts that are made anew, a few records at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis import functions
from analysis.errors import Cancelled
from analysis.facts import facts_version
from index import derived
from index.derived import derive, fill_facts
from index.record import Record
from index.store import Memory
from tests.index.conftest import make_record

LOOP = "def f(x):\n    while x:\n        x -= 1\n"


def looping(number: int) -> Record:
    return replace(make_record(number), slow=LOOP)


def test_filling_can_be_cancelled_between_records_and_goes_on(memory: Memory) -> None:
    memory.add_all(looping(n) for n in range(9))
    told: list[str] = []

    def progress(message: str, share: float | None = None) -> None:
        told.append(message)
        if len(told) == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        fill_facts(memory, progress)
    assert sum("while" in record.facts for record in memory.all()) == 4
    assert fill_facts(memory) == 5


def test_what_was_read_before_a_kill_stays(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.add_all(looping(n) for n in range(50))
    read: list[Record] = []

    def killed(record: Record) -> tuple[str, str]:
        read.append(record)
        if len(read) == 35:
            monkeypatch.setattr(memory, "put_facts", lambda *given: None)  # as if all were gone
            raise KeyboardInterrupt
        return derive(record)

    monkeypatch.setattr(derived, "derive", killed)
    with pytest.raises(KeyboardInterrupt):
        fill_facts(memory)
    assert len(memory.lacking_facts(facts_version(), 99)) <= 25


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("c", "int f(){}" * 2000),
        ("c++", "namespace a{\n" * 600 + "int f(){}" + "}" * 600),
        ("javascript", "a=" + "()=>\n" * 2000 + "1"),
    ],
)
def test_functions_in_one_line_or_in_each_other_are_not_listed(
    language: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    monkeypatch.setattr(derived, "facts_of_text", lambda *given: listed.append("facts"))
    record = replace(make_record(1, language=language), slow=code, receipt={"function": "f"})
    facts, shape = derive(record)
    assert (facts, listed) == ("", [])
    assert shape


@pytest.mark.parametrize(
    ("path", "code", "plain"),
    [
        ("m.py", LOOP * 400, True),
        ("m.py", "x = [" + "0, " * 9000 + "]", True),
        ("m.c", "int f() { return 1; }\n" * 2000, True),
        ("m.c", "int f() { return 1; }" * 2000, False),
    ],
)
def test_what_can_be_listed(path: str, code: str, plain: bool) -> None:
    assert functions.is_listable(code, path) == plain
