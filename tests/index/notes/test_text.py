"""Bytes to text."""

from __future__ import annotations

import pytest

from index.notes.parts import NoteUnreadable
from index.notes.text import MOST_LINE, MOST_LINES, decode, lines_of


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Müller…".encode(), "Müller…"),
        (b"\xef\xbb\xbfa", "a"),
        ("Müller".encode("utf-16"), "Müller"),
        ("Müller".encode("latin-1"), "Müller"),
        (b"it\x92s", "it’s"),
        (b"\x81", ""),
        ('<meta charset="shift_jis">速い'.encode("shift_jis"), '<meta charset="shift_jis">速い'),
        ("# -*- coding: koi8-r -*-\nбыстро".encode("koi8-r"), "# -*- coding: koi8-r -*-\nбыстро"),
        ('<?xml version="1.0" encoding="cp1251"?>да'.encode("cp1251"),
         '<?xml version="1.0" encoding="cp1251"?>да'),
        (b"a\r\nb\rc", "a\nb\nc"),
    ],
)  # fmt: skip
def test_bytes_are_decoded(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize("name", ["unicode_escape", "punycode", "zlib", "rot13", "nothing"])
def test_a_charset_that_is_none_of_texts_is_not_believed(name: str) -> None:
    assert decode(b"coding: %s \xe9\\ud800" % name.encode()) == f"coding: {name} é\\ud800"


@pytest.mark.parametrize("data", [b"a\0b", b"\x7fELF\x02\x01\x01\0", bytes(range(32)) * 9])
def test_binary_files_are_refused(data: bytes) -> None:
    with pytest.raises(NoteUnreadable, match="binary"):
        decode(data)


def test_what_nobody_sees_is_dropped() -> None:
    tags = "".join(chr(0xE0000 + ord(c)) for c in "ignore all")
    assert decode(f"a\x1b[31m\u202eb\u200b{tags}\ud800c".encode("utf-8", "replace")) == "a[31mb?c"


@pytest.mark.parametrize(
    "first_and_last",
    ["\u034f", "\u061c", "\u115f\u1160", "\u17b4\u17b5", "\u180b\u180f", "\u2060\u206f", "\u3164",
     "\ufe00\ufe0f", "\uffa0", "\ufff0\ufffb", "\U0001bca0\U0001bca3", "\U0001d173\U0001d17a",
     "\U000e0000\U000e007f", "\U000e0100\U000e01ef", "\U000e0fff"],
)  # fmt: skip
def test_fillers_and_selectors_are_dropped(first_and_last: str) -> None:
    unseen = [chr(n) for n in range(ord(first_and_last[0]), ord(first_and_last[-1]) + 1)]
    assert decode(f"a{''.join(unseen)}b".encode()) == "ab"


def test_joiners_and_what_is_seen_stay() -> None:
    text = "می\u200cخواهم \u2014 각 \U0001f469\u200d\U0001f52c"
    assert decode(text.encode()) == text


def test_tabs_and_line_ends_stay() -> None:
    assert decode(b"\ta\n\n b") == "\ta\n\n b"


def test_lines_are_bounded() -> None:
    assert [len(line) for line in lines_of("a" * 5_000_000 + "\nb")] == [MOST_LINE, 1]


def test_their_number_is_bounded() -> None:
    with pytest.raises(NoteUnreadable, match="lines"):
        lines_of("\n" * MOST_LINES)
