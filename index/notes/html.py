"""A page of HTML: its headings and the text that a reader of the page sees."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from index.notes.parts import Block, Heading, NoteUnreadable, Part
from index.notes.text import clean

_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLOCKS = _names(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure footer form header hr html legend li main ol p pre section summary table "
    "tbody tfoot thead tr ul"
)
_UNSEEN = _names(
    "button canvas datalist head iframe math nav noscript object script select style svg template "
    "textarea title"
)
_WITHOUT_END = _names("area base br col embed hr img input link meta param source track wbr")
_ENDED_BY_NEXT = _names("dd dt li option p td th tr")
_TIGHT = _names("dd li tr")
_LISTS = _names("dl ol table ul")
_CELLS = _names("td th")
_IN_HEADINGS = _names("center div")
_ITEM = "- "
_BREAK = "\n\0"  # a line's end that is none in the file
_HIDDEN = re.compile(r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden", re.IGNORECASE)
_ANCHORS = " ¶§🔗"  # links to a heading itself, at its end
# Python refuses to read a number of some thousand digits, as a character's number may be.
_NO_CHARACTER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")
_MOST_DEPTH = 256  # elements inside of each other; deeper ones are text of the one above
_MOST_TITLE = 200
_MOST_RESCANS = 4  # of the whole page
_FEW = 1 << 20  # characters
_MOST_PARTS = 100_000


def read_html(text: str) -> tuple[Part, ...]:
    """The headings and blocks of a page or of a piece of one.

    Left out is what a reader does not see: scripts, styles, navigation, hidden elements. A page
    without headings has its title as the only one. Raises NoteUnreadable for markup that is broken
    in so many places that reading it takes forever, and for one of too many paragraphs.
    """
    page = _Page(len(text))
    try:
        page.feed(_NO_CHARACTER.sub("\ufffd", text))
        page.close()
    except NoteUnreadable:
        raise
    except Exception as error:  # which others' markup makes a parser raise is not ours to know
        raise NoteUnreadable(f"its markup can't be read: {type(error).__name__}") from error
    return page.finished()


class _Page(HTMLParser):
    def __init__(self, size: int) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[Part] = []
        self._open: list[str] = []
        self._deeper = 0
        self._unseen_from: int | None = None
        self._text: list[str] = []
        self._line = 1
        self._tight = self._first = False
        self._title: list[str] = []
        self._rescans = _MOST_RESCANS * size + _FEW

    def finished(self) -> tuple[Part, ...]:
        """All parts, when everything was fed."""
        self._end_block()
        title = " ".join("".join(self._title).split())
        if title and not any(isinstance(part, Heading) for part in self._parts):
            return (Heading(1, title, 1), *self._parts)
        return tuple(self._parts)

    # -- what the parser calls

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._close_implied(tag)
        seen = self._unseen_from is None
        if seen:
            self._begin(tag)
        if tag in _WITHOUT_END:
            return
        if len(self._open) >= _MOST_DEPTH:
            self._deeper += 1
            return
        self._open.append(tag)
        if seen and (tag in _UNSEEN or _is_hidden(attrs)):
            self._unseen_from = len(self._open) - 1
        elif seen and tag == "li":
            self._write(_ITEM)

    def handle_endtag(self, tag: str) -> None:
        if self._deeper:
            self._deeper -= 1
        elif tag in self._open:
            if self._unseen_from is None and (tag in _BLOCKS or tag in _HEADINGS):
                self._end_block()
            self._pop_to(self._last(tag))

    def handle_data(self, data: str) -> None:
        if self._unseen_from is None and self.cdata_elem is None:
            self._write(data)
        elif self._open[-2:] == ["head", "title"] or self._open == ["title"]:
            self._title.append(data)

    # -- the parser's own methods, watched: each failure makes it look at the rest again

    def parse_starttag(self, i: int) -> int:
        return self._watched(i, super().parse_starttag(i))

    def parse_endtag(self, i: int) -> int:
        return self._watched(i, super().parse_endtag(i))

    def parse_comment(self, i: int, report: bool = True) -> int:
        return self._watched(i, super().parse_comment(i, report))

    def parse_pi(self, i: int) -> int:
        return self._watched(i, super().parse_pi(i))

    def parse_html_declaration(self, i: int) -> int:
        if self.rawdata.startswith("<![", i):  # which some versions of the parser take for SGML
            return self._watched(i, self.parse_bogus_comment(i))
        return self._watched(i, super().parse_html_declaration(i))

    def _watched(self, start: int, end: int) -> int:
        if end < 0:
            self._rescans -= len(self.rawdata) - start
            if self._rescans < 0:
                raise NoteUnreadable("its markup is broken in too many places")
        return end

    # -- inside

    def _close_implied(self, tag: str) -> None:
        """Close what the start of `tag` closes without an end tag of its own."""
        if not self._open:
            return
        if tag in _ENDED_BY_NEXT and self._open[-1] == tag:
            self._pop_to(len(self._open) - 1)
        elif tag in _BLOCKS or tag in _HEADINGS:
            if self._open[-1] == "head":
                self._pop_to(len(self._open) - 1)
            elif tag not in _IN_HEADINGS and (heading := self._heading()):
                if self._unseen_from is None:
                    self._end_block()
                self._pop_to(self._last(heading))

    def _begin(self, tag: str) -> None:
        """What the start of `tag` does to the text before it."""
        if tag == "br" and "pre" in self._open:
            self._text.append(_BREAK)
        elif tag == "br" and self._heading():
            self._text.append(" ")
        elif tag in _CELLS and self._text:
            self._text.append(" | ")
        elif tag in ("p", "div") and self._text == [_ITEM]:
            pass  # the text of the item, which has just begun
        elif tag == "br" or tag in _BLOCKS or tag in _HEADINGS:
            self._end_block()
            self._tight = tag == "br" or (tag in _TIGHT and not self._first)
            if tag in _LISTS:
                self._first = "li" not in self._open
            elif tag in _ENDED_BY_NEXT:
                self._first = False

    def _heading(self) -> str | None:
        return next((tag for tag in reversed(self._open) if tag in _HEADINGS), None)

    def _last(self, tag: str) -> int:
        return len(self._open) - 1 - self._open[::-1].index(tag)

    def _pop_to(self, depth: int) -> None:
        del self._open[depth:]
        if self._unseen_from is not None and depth <= self._unseen_from:
            self._unseen_from = None

    def _write(self, data: str) -> None:
        if not self._text:
            bare = data if "pre" in self._open else data.lstrip()
            if not bare:
                return
            self._line = self.getpos()[0] + data[: len(data) - len(bare)].count("\n")
        self._text.append(data)

    def _end_block(self) -> None:
        by_lines = _BREAK not in self._text
        text, tight = clean("".join(self._text)), self._tight
        self._text.clear()
        self._tight = False
        if not text.strip(" -|\n\t"):
            return
        if len(self._parts) >= _MOST_PARTS:
            raise NoteUnreadable(f"it has more than {_MOST_PARTS} paragraphs")
        if "pre" in self._open:
            line = self._line + (len(text) - len(text.lstrip("\n"))) * by_lines
            code = text.strip("\n").rstrip()
            self._parts.append(Block(code, line, code=True, tight=tight, by_lines=by_lines))
            return
        text = " ".join(text.split())
        heading = self._heading()
        if heading:
            text = text.rstrip(_ANCHORS).removesuffix(" #")
            self._parts.append(Heading(_HEADINGS[heading], text, self._line))
        if not heading or len(text) > _MOST_TITLE:  # a heading that was never closed
            self._parts.append(Block(text, self._line, tight=tight, by_lines=False))


def _is_hidden(attrs: list[tuple[str, str | None]]) -> bool:
    return any(
        name == "hidden"
        or (name == "aria-hidden" and value == "true")
        or (name == "role" and value == "navigation")
        or (name == "style" and value is not None and _HIDDEN.search(value[:2000]) is not None)
        for name, value in attrs
    )
