"""A file's bytes as text: decoded, with one kind of line end and nothing that nobody can see."""

from __future__ import annotations

import codecs
import contextlib
import re

from index.notes.parts import NoteUnreadable

MOST_LINE = 20_000
"""Characters of a line of prose; a longer one is data, and what is behind them is left out."""
MOST_LINES = 100_000
"""Of a note: more than a book has. What a line takes to read bounds what the note takes."""

_HEAD = 8192
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\f\r\x1b"))
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = (
    re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([\w.:-]{2,40})", re.IGNORECASE),
    re.compile(rb"\A<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}[\"']([\w.:-]{2,40})"),
    re.compile(rb"\A(?:[^\n]{0,200}\n)?[^\n]{0,80}?coding[:=][ \t]{0,9}([\w.-]{2,40})"),
)
# Some codecs of Python are no encodings of texts (punycode and unicode_escape take long, or make
# what is no text of what is harmless), so only these are believed.
_BELIEVED = re.compile(
    r"utf-(8|16|32)|iso8859-\d+|cp(125\d|437|85\d|86\d|932|949|950)|koi8-[rut]|mac-\w+|ascii"
    r"|shift_jis|euc_(jp|kr)|iso2022_(jp|kr)|gb(k|2312|18030)|big5(hkscs)?|tis-620"
)
# Control characters; those that turn the direction of writing; those that a reader never sees and
# a model does (Unicode's Default_Ignorable_Code_Point: fillers, tags, variation selectors, what is
# not assigned yet); halves of characters. Joiners stay: scripts and emoji are written with them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    """`text` with line ends as "\\n" and without characters that nobody can see."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def decode(data: bytes) -> str:
    """The clean text of a file: UTF-8, else by its declared charset, else Latin-1 (cp1252).

    Raises NoteUnreadable for what is no text.
    """
    head = data[:_HEAD]
    mark = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    names = (mark,) if mark else () if _is_binary(head) else ("utf-8", _declared(head), "cp1252")
    for name in filter(None, names):
        with contextlib.suppress(UnicodeDecodeError):
            return clean(data.decode(name))
    if _is_binary(head):
        raise NoteUnreadable("it is a binary file")
    return clean(data.decode("latin-1"))


def lines_of(text: str) -> list[str]:
    """The lines of a text as an editor counts them, each cut at `MOST_LINE`.

    Raises NoteUnreadable where there are more than `MOST_LINES`.
    """
    if text.count("\n") >= MOST_LINES:
        raise NoteUnreadable(f"it has more than {MOST_LINES} lines")
    return [line if len(line) <= MOST_LINE else line[:MOST_LINE] for line in text.split("\n")]


def _is_binary(head: bytes) -> bool:
    return b"\0" in head or len(head.translate(None, _CONTROLS)) < 0.9 * len(head)


def _declared(head: bytes) -> str | None:
    for pattern in _DECLARED:
        if match := pattern.search(head):
            try:
                name = codecs.lookup(match[1].decode("ascii", "replace")).name
            except LookupError:
                continue
            if _BELIEVED.fullmatch(name):
                return name
    return None
