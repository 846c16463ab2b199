"""JSON piece by piece: what is read, and that nothing hostile costs more than it should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_stream import items, paths_in


def file_of(folder: Path, data: bytes) -> ProfileFile:
    path = folder / "profile.json"
    path.write_bytes(data)
    return ProfileFile(path)


def test_items_at_a_path(tmp_path: Path) -> None:
    data = json.dumps({"a": [{"b": [1, 2.5, "]}{["]}, {"b": [True, None]}]}).encode()
    for bom in (b"", b"\xef\xbb\xbf"):
        assert list(items(file_of(tmp_path, bom + data), "a.item.b.item")) == [
            1, 2.5, "]}{[", True, None,
        ]  # fmt: skip


def test_paths_of_a_cut_off_head() -> None:
    head = b'{"shared": {"frames": [{"name": "f'
    assert {"shared.frames.item.name", "shared.frames"} - paths_in(head) == {
        "shared.frames.item.name"
    }
    assert paths_in(b"no json at all") == frozenset()


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 10_000_000,
        b'{"a": ' * 1_000_000,
        b"[0," * 3_000_000,
        b'["\\\\",' * 1_000_000,
        b'["\\"[",' * 1_000_000,
    ],
)
def test_deep_nesting_is_damage(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Damaged, match="nested too deeply"):
        list(items(file_of(tmp_path, data), "x"))


def test_brackets_in_strings_do_not_nest(tmp_path: Path) -> None:
    text = "[{" * 200_000 + '\\"[' * 1000
    data = json.dumps({"pad": "x" * 262_100, "a": [text, "\\", '"[']}).encode()
    assert list(items(file_of(tmp_path, data), "a.item")) == [text, "\\", '"[']


@pytest.mark.parametrize("data", [b"", b'{"a": [1,', b'{"a": "x', b'{"a'])
def test_cut_off(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Truncated):
        list(items(file_of(tmp_path, data), "a.item"))


@pytest.mark.parametrize(
    "data", [b'{"a": [NaN]}', b'{"a": [1e999]}', b'{"a": [' + b"9" * 60 + b"]}", b"{a}", b"[1] 2"]
)
def test_what_is_no_json(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Damaged):
        list(items(file_of(tmp_path, data), "a.item"))
