"""Entries of a journal that make no sense: left out whole, said, and nothing else is lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.entries import noun_of
from index.journal import Entry, Journal, _sum
from index.store import Memory
from tests.index.durable import (
    Held,
    edit,
    expected_note,
    held,
    learnt_record,
    passages,
    refusal,
)

GOOD = {
    "record": asdict(learnt_record(900)),
    "accepted": asdict(edit(900)),
    "refusal": asdict(refusal(900)),
    "note": {
        "source": "note900",
        "sha256": "sha900",
        "added": "2026-01-01",
        "passages": [{"section": s, "text": t, "line": n} for s, t, n in passages(900)],
    },
    "forgotten": {"ids": ["nothing"]},
    "undone": {"sum": "nothing", "undone": "2026-01-01"},
    "note forgotten": {"source": "nothing"},
}


def line(text: str) -> bytes:
    """A line of a journal as whoever can count checksums may write it."""
    data = text.encode("utf-8", "surrogatepass")
    return _sum(data) + b" " + data + b"\n"


def whole(folder: Path) -> tuple[list[bytes], Held]:
    """Lines of a good journal, and what they say."""
    with Memory(folder / "memory.db") as memory:
        memory.add(learnt_record(1))
        memory.accept(edit(2))
        memory.record_outcome(refusal(3))
        memory.add_note("note4", "sha4", passages(4))
        state = held(memory)
    assert state.notes == {"note4": expected_note(4)}
    return (folder / "memory.journal").read_bytes().splitlines(keepends=True), state


def put(folder: Path, lines: Iterable[bytes], *, apart: bool) -> None:
    """A folder with this journal: alone, or beside the file of another memory."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if apart:
        with Memory(folder / "memory.db") as memory:
            memory.add(learnt_record(50))
    (folder / "memory.journal").write_bytes(b"".join(lines))


def check(folder: Path, state: Held, *, apart: bool) -> tuple[str, ...]:
    """All that was good is there, and it is said once what was not."""
    with Memory(folder / "memory.db") as memory:
        found, notes = held(memory), memory.notes
        assert state.records.items() <= found.records.items()
        assert state.accepted.items() <= found.accepted.items()
        assert state.refusals.items() <= found.refusals.items()
        assert state.notes.items() <= found.notes.items()
        assert (learnt_record(50).id in found.records) == apart
        memory.accept(edit(60))
        assert memory.damage() is None
        found.accepted["s60"] = (edit(60), False)
    with Memory(folder / "memory.db") as memory:
        assert held(memory) == found
        assert memory.notes == ()
    return notes


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "an id that no file can have": ("accepted", {"id": 2**70}),
    "an id with nothing behind it": ("accepted", {"id": 2**63 - 1}),
    "a path that is an object": ("accepted", {"path": {}}),
    "a ratio beyond all numbers": ("record", {"ratio": 10**400}),
    "a ratio that is no number": ("record", {"ratio": float("nan")}),
    "a ratio that is a text": ("record", {"ratio": "two"}),
    "a size without end": ("record", {"sizes": [[float("inf"), 1]]}),
    "a size too many": ("record", {"sizes": [[1, 2, 3]]}),
    "no language": ("record", {"language": None}),
    "a title that is a list": ("record", {"title": [1]}),
    "an id that is a list": ("record", {"id": [1]}),
    "a provenance that is a number": ("record", {"provenance": 5}),
    "half of a surrogate pair": ("record", {"title": "\ud800"}),
    "a step that is a text": ("record", {"steps": ["a"]}),
    "requirements that are a text": ("record", {"requires": "numpy"}),
    "a receipt that is a list": ("record", {"receipt": []}),
    "a key that nobody knows": ("record", {"colour": "red"}),
    "an outcome that is none": ("refusal", {"outcome": None}),
    "a key that is an object": ("refusal", {"edit_key": {}}),
    "passages that are a number": ("note", {"passages": 5}),
    "a passage that is none": ("note", {"passages": [None]}),
    "a passage without its text": ("note", {"passages": [{"section": "a"}]}),
    "a line beyond all": ("note", {"passages": [{"section": "a", "text": "b", "line": 2**70}]}),
    "a date that is an object": ("note", {"added": {}}),
    "ids that are a text": ("forgotten", {"ids": "abc"}),
    "a sum that is a list": ("undone", {"sum": []}),
    "a source that is null": ("note forgotten", {"source": None}),
}  # fmt: skip


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("name", WRONG)
def test_an_entry_that_makes_no_sense_is_left_out_and_said(
    tmp_path: Path, name: str, apart: bool
) -> None:
    kind, change = WRONG[name]
    lines, state = whole(tmp_path / "whole")
    wrong = line(json.dumps([kind, {**GOOD[kind], **change}]))
    put(tmp_path / "m", [*lines[:2], wrong, *lines[2:]], apart=apart)
    notes = check(tmp_path / "m", state, apart=apart)
    assert any("1 damaged lines were left out" in note for note in notes)


@pytest.mark.parametrize("left_out", ["passages", "added"])
def test_a_note_that_makes_no_sense_takes_nothing_of_the_one_before(
    tmp_path: Path, left_out: str
) -> None:
    lines, state = whole(tmp_path / "whole")
    values = {**GOOD["note"], "source": "note4"}
    del values[left_out]
    put(tmp_path / "m", [*lines, line(json.dumps(["note", values]))], apart=False)
    check(tmp_path / "m", state, apart=False)


def test_a_receipt_nested_too_deep_is_left_out(tmp_path: Path) -> None:
    lines, state = whole(tmp_path / "whole")
    for depth in (150, 300, 900, 5000):
        nested = '{"a":' * depth + "1" + "}" * depth
        text = json.dumps(["record", {**GOOD["record"], "receipt": "HERE"}])
        put(tmp_path / "m", [*lines, line(text.replace('"HERE"', nested))], apart=False)
        check(tmp_path / "m", state, apart=False)


@pytest.mark.parametrize(
    "first",
    [
        '["journal", {"name": [1], "before": 5}]',
        '["journal", {"name": "a b 7", "before": [null, {}, "a b"]}]',
        '["journal", {"name": "\\ud800"}]',
        '["journal", {"name": "a", "before": ["b"], "ends": [5, "b ' + "9" * 5000 + '", "b 7"]}]',
        '["record", {}]',
        "[]",
    ],
)
def test_a_first_line_of_any_kind_names_a_journal(tmp_path: Path, first: str) -> None:
    lines, state = whole(tmp_path / "whole")
    put(tmp_path / "m", [line(first), *lines[1:]], apart=False)
    check(tmp_path / "m", state, apart=False)


def test_what_is_good_is_understood() -> None:
    for kind in ("record", "accepted", "refusal", "note"):
        assert noun_of(Entry(kind, json.loads(json.dumps(GOOD[kind])))) is not None


# -- whatever it says

ANY = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.floats(),
        st.text(max_size=4),
        st.sampled_from([0, -1, 2**53, 2**63, 10**400, "\ud800", "nothing", "rejected"]),
    ),
    lambda part: st.one_of(
        st.lists(part, max_size=3), st.dictionaries(st.text(max_size=3), part, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def entries(draw: st.DrawFn) -> Any:
    """An entry that is nearly right: some of its values are anything, or missing."""
    kind = draw(st.sampled_from(list(GOOD)))
    values = dict(GOOD[kind])
    for name in draw(st.lists(st.sampled_from(list(values)), max_size=3)):
        values[name] = draw(ANY)
    for name in draw(st.lists(st.sampled_from(list(values)), max_size=1)):
        del values[name]
    return [kind, values]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(entries(), ANY), min_size=1, max_size=12), st.booleans())
def test_any_line_may_stand_in_a_journal(said: list[Any], apart: bool) -> None:
    with TemporaryDirectory(prefix="hasten-test-") as made:
        folder = Path(made)
        lines, state = whole(folder / "whole")
        strange = [line(json.dumps(one)) for one in said]
        put(folder / "m", [*lines[:2], *strange, *lines[2:]], apart=apart)
        check(folder / "m", state, apart=apart)
        assert Journal(folder / "m" / "memory.journal").damage() is None


def test_a_damaged_line_is_counted_once_also_where_rows_are_damaged(tmp_path: Path) -> None:
    lines, state = whole(tmp_path / "m")
    connection = sqlite3.connect(tmp_path / "m" / "memory.db")
    connection.execute("UPDATE records SET title = 'other'")
    connection.commit()
    connection.close()
    (tmp_path / "m" / "memory.journal").write_bytes(b"".join([lines[0], b"nothing\n", *lines[1:]]))
    with Memory(tmp_path / "m" / "memory.db") as memory:
        assert held(memory) == state
        assert any(": 1 damaged lines were left out" in note for note in memory.notes)
