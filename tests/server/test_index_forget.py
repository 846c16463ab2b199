"""`hasten index forget`: records and notes go for good, and nothing goes by half."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.errors import InputError
from index.store import Memory
from server.cli.index_forget import forget
from tests.index.conftest import make_record

OWN, SHIPPED = make_record(1), replace(make_record(2), provenance="corpus:two")


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    with Memory() as made:
        made.add_all([replace(OWN, provenance="claim:x"), SHIPPED])
        made.add_note(str(tmp_path / "notes.md"), "sha", [("s", "text", 1)])
        yield made


def test_records_and_notes_go_also_from_the_journal(memory: Memory) -> None:
    assert forget([OWN.id, "notes.md"], as_json=True) == 0
    assert [r.id for r in memory.all()] == [SHIPPED.id]
    assert memory.notes_read() == {}
    path = memory.path
    memory.close()
    path.unlink()
    with Memory() as again:
        assert OWN.id not in {r.id for r in again.all()}
        assert again.notes_read() == {}


@pytest.mark.parametrize(
    ("what", "code"), [("nothing", "forget-unknown"), (SHIPPED.id, "forget-shipped")]
)
def test_what_can_not_be_forgotten_is_told_and_the_rest_stays(
    memory: Memory, what: str, code: str
) -> None:
    with pytest.raises(InputError, match=what) as caught:
        forget([OWN.id, "notes.md", what], as_json=True)
    assert caught.value.code == code
    assert len(memory.all()) == 2
    assert len(memory.notes_read()) == 1
