"""JSON that is pulled: what is read, skipped and refused, wherever the window ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.profiles import json_cursor
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_cursor import Cursor

TOLD = {
    "numbers": [1, 2.5, -3e2, 12345678901, 0],
    "texts": ["", "a\"b\\", "]}[{", "ü\u2028€", "\\\\"],
    "empty": [[], {}],
    "nested": {"a": [{"b": [None, True, False]}], "c": {}},
    "last": -1,
}  # fmt: skip


def cursor_of(folder: Path, data: bytes) -> Cursor:
    path = folder / "profile.json"
    path.write_bytes(data)
    return Cursor(ProfileFile(path))


def walked(cursor: Cursor) -> Any:
    """The value here, by the walks alone where it is a list or an object."""
    if cursor.kind() == "{":
        return {key: walked(cursor) for key in cursor.members()}
    if cursor.kind() == "[":
        return [walked(cursor) for _ in cursor.elements()]
    return cursor.value()


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 1 << 19])
@pytest.mark.parametrize("indent", [None, 1])
def test_wherever_the_window_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, indent: int | None
) -> None:
    monkeypatch.setattr(json_cursor, "_PIECE", piece)
    data = json.dumps(TOLD, ensure_ascii=False, indent=indent).encode()
    cursor = cursor_of(tmp_path, b"\xef\xbb\xbf" + data + b"\n ")
    assert walked(cursor) == TOLD
    cursor.end()
    assert cursor_of(tmp_path, data).value() == TOLD
    by_values = cursor_of(tmp_path, data)
    found = {
        key: list(by_values.values()) for key in by_values.members() if by_values.kind() == "["
    }
    assert found == {key: TOLD[key] for key in ("numbers", "texts", "empty")}
    by_values.end()


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6)
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=20,
    ),
    st.integers(1, 9),
)  # fmt: skip
def test_it_reads_what_json_writes(
    tmp_path_factory: pytest.TempPathFactory, value: Any, piece: int
) -> None:
    folder, before = tmp_path_factory.getbasetemp(), json_cursor._PIECE
    json_cursor._PIECE = piece
    try:
        assert walked(cursor_of(folder, json.dumps(value).encode())) == value
        skipped = cursor_of(folder, json.dumps([value, 7]).encode())
        assert [n for n in skipped.elements() if n == 0 or skipped.value() == 7] == [0, 1]
        skipped.end()
    finally:
        json_cursor._PIECE = before


@pytest.mark.parametrize("piece", [1, 5, 1 << 19])
def test_each_cut_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(json_cursor, "_PIECE", piece)
    data = json.dumps({"a": [1, "x\\", {"b": True}], "c": "ü"}, ensure_ascii=False).encode()
    for size in range(len(data)):
        for read in (walked, Cursor.skip, Cursor.value):
            with pytest.raises(Truncated):
                read(cursor_of(tmp_path, data[:size]))


@pytest.mark.parametrize(
    "data",
    [
        b"{a: 1}", b"[1 2]", b"[1,]", b'{"a" 1}', b'{"a": 1,}', b"[NaN]", b"[-Infinity]", b"[01]",
        b'["a\nb"]', b"[\xff]", b"[" + b"9" * 5_000 + b"]", b"{1: 2}", b"[tru]", b'["\\x"]',
    ],
)  # fmt: skip
def test_what_is_no_json(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Damaged):
        walked(cursor_of(tmp_path, data))
    with pytest.raises(Damaged):
        cursor_of(tmp_path, data).value()


def test_what_is_due_is_named(tmp_path: Path) -> None:
    for walk in (Cursor.members, Cursor.elements, Cursor.values):
        with pytest.raises(Damaged, match="where one is due"):
            list(walk(cursor_of(tmp_path, b"1")))
    cursor = cursor_of(tmp_path, b"[1] x")
    cursor.skip()
    with pytest.raises(Damaged, match="behind the document"):
        cursor.end()


@pytest.mark.parametrize("opened", [b"[", b'{"a":', b'[0,{"":'])
def test_deep_nesting_is_damage(tmp_path: Path, opened: bytes) -> None:
    for read in (Cursor.skip, Cursor.value):
        with pytest.raises(Damaged):
            read(cursor_of(tmp_path, opened * 200_000 + b"1"))


def test_one_value_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_cursor, "MAX_VALUE_CHARS", 1_000)
    monkeypatch.setattr(json_cursor, "_PIECE", 100)
    for data in (b'"' + b"x" * 5_000 + b'"', b"[" + b"1," * 3_000 + b"1]"):
        with pytest.raises(Damaged, match="more than 1000 characters"):
            cursor_of(tmp_path, data).value()
    with pytest.raises(Damaged, match="more than 1000 characters"):
        cursor_of(tmp_path, b'["' + b"x" * 5_000 + b'"]').skip()
    many = cursor_of(tmp_path, b"[" + b"1," * 3_000 + b"1]")
    assert sum(many.values()) == 3_001


@pytest.mark.parametrize("begun", [b"[", b"{", b"[{", b'[["'])
@pytest.mark.parametrize("piece", [b"x", b'"x" ', b"x ,", b'{"x', b"{x}", b'["x\\"'])
def test_skipping_looks_at_no_text_twice(tmp_path: Path, begun: bytes, piece: bytes) -> None:
    """An expression that goes back over what it has read would not end within a life."""
    with pytest.raises((Damaged, Truncated)):
        cursor_of(tmp_path, begun + piece * 100_000).skip()
