"""JSON of any size read by pulling: a reader walks the document and takes what it needs.

Much faster than events where a document is a few long arrays of small values, as profiles are: each
value is decoded as a whole by `json`'s C scanner, out of a window that slides over the file. What
is not asked for is skipped without being built. Bounded: the nesting, the size of one value, and so
the window.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from json.decoder import JSONDecoder
from typing import Any, NoReturn

from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile

MAX_DEPTH = 2_000
"""Of what is walked or skipped; a value that is taken as a whole has the scanner's own bound."""

MAX_VALUE_CHARS = 4_000_000
_PIECE = 1 << 19
_BLANK = re.compile(r"[ \t\r\n]*")
_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}"]', re.DOTALL)
# What is skipped at one go: no brackets, and lists and objects with none inside of them. Written so
# that no text is looked at twice.
_PLAIN, _SIMPLE = r'[^\[\]{}"]', r'"[^"\\]*"'
_FLAT = re.compile(
    rf"(?:{_PLAIN}+|{_SIMPLE}|\[{_PLAIN}*\]|\{{{_PLAIN}*(?:{_SIMPLE}{_PLAIN}*)*\}}){{1,5000}}"
)
_WORD_BEGUN = re.compile(r"-|t(?:r(?:u)?)?|f(?:a(?:ls?)?)?|n(?:ul?)?")
_BLANK_OR_END = frozenset(["", " ", "\n", "\t", "\r"])
_MISSING = object()


def _no_constant(name: str) -> NoReturn:
    raise Damaged(f"{name} is no number")


_SCAN: Callable[[str, int], tuple[Any, int]]
_SCAN = JSONDecoder(parse_constant=_no_constant).scan_once  # type: ignore[attr-defined]


class Cursor:
    """A place in a JSON document; it only moves on. Every method raises Truncated or Damaged.

    While an object or an array is walked (`members`, `elements`), each value in it may be read once
    by one of the other methods, or left, which skips it. A walk must not be left half-way.
    """

    def __init__(self, file: ProfileFile) -> None:
        self._stream = file.open()
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text, self._at, self._before = "", 0, 0
        self._ended = False
        self._depth = 0

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def kind(self) -> str:
        """The first character of the value here: ``{``, ``[``, ``"``, or that of a scalar."""
        return self._peek()

    def value(self) -> Any:
        """The whole value here, decoded."""
        self._peek()
        while True:
            try:
                value, end = _SCAN(self._text, self._at)
            except StopIteration:
                wrong: str | None = "no value where one is due"
            except json.JSONDecodeError as error:
                wrong = error.msg
            except (ValueError, RecursionError) as error:
                raise Damaged(f"a value that is beyond measure: {type(error).__name__}") from error
            else:
                # A number may go on behind the window, by up to two signs that are in it: "1e+".
                if end + 2 < len(self._text) or self._ended:
                    self._at = end
                    return value
                wrong = None
            if len(self._text) - self._at > MAX_VALUE_CHARS:
                raise Damaged(f"a value of more than {MAX_VALUE_CHARS} characters")
            if not self._more():
                if wrong is None:
                    continue  # the file ends behind it
                raise Truncated if _is_cut_off(self._text[self._at :]) else Damaged(wrong)

    def members(self) -> Iterator[str]:
        """The keys of the object here; at each the cursor is at its value."""
        self._open("{", "no object where one is due")
        if self._peek() == "}":
            self._close()
            return
        while True:
            if self._peek() != '"':
                raise Damaged("no key where one is due")
            key = self.value()
            if self._peek() != ":":
                raise Damaged("no value behind a key")
            self._at += 1
            self._peek()
            place = self._before + self._at
            yield key
            if self._before + self._at == place:
                self.skip()
            if self._is_last("}"):
                return

    def elements(self) -> Iterator[int]:
        """The places in the array here, 0 first; at each the cursor is at the element."""
        self._open("[", "no list where one is due")
        if self._peek() == "]":
            self._close()
            return
        number = 0
        while True:
            self._peek()
            place = self._before + self._at
            yield number
            if self._before + self._at == place:
                self.skip()
            number += 1
            if self._is_last("]"):
                return

    def values(self) -> Iterator[Any]:
        """The elements of the array here, each decoded as a whole."""
        self._open("[", "no list where one is due")
        if self._peek() == "]":
            self._close()
            return
        while True:
            # The common case without a call: a value and a comma, far from the window's end.
            try:
                found, end = _SCAN(self._text, self._at)
                if self._text[end : end + 1] != ",":
                    found = _MISSING
            except (StopIteration, ValueError, RecursionError):
                found = _MISSING
            if found is _MISSING:
                yield self.value()
                if self._is_last("]"):
                    return
            else:
                self._at = end + 1
                yield found
            if self._text[self._at : self._at + 1] in _BLANK_OR_END:
                self._peek()

    def skip(self) -> None:
        """Go behind the value here. Of a list or an object only the brackets are looked at."""
        if self._peek() not in ("[", "{"):
            self.value()
            return
        depth = 0
        while True:
            text, at = self._text, self._at
            while True:
                if depth and (flat := _FLAT.match(text, at)):
                    at = flat.end()
                mark = _MARK.search(text, at)
                if mark is None:
                    at = len(text)
                    break
                sign = mark.group()
                if sign == '"':  # a string that goes on behind the window
                    at = mark.start()
                    break
                at = mark.end()
                if sign in ("[", "{"):
                    depth += 1
                    if depth + self._depth > MAX_DEPTH:
                        raise Damaged("nested too deeply")
                elif sign in ("]", "}"):
                    depth -= 1
                    if not depth:
                        self._at = at
                        return
            self._at = at
            if len(text) - at > MAX_VALUE_CHARS:
                raise Damaged(f"a string of more than {MAX_VALUE_CHARS} characters")
            if not self._more():
                raise Truncated

    def end(self) -> None:
        """See that nothing but white space is left."""
        while True:
            self._skip_blank()
            if self._at < len(self._text):
                raise Damaged("something stands behind the document")
            if not self._more():
                return

    # -- the window -----------------------------------------------------------------------------

    def _peek(self) -> str:
        while True:
            self._skip_blank()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                raise Truncated

    def _skip_blank(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at

    def _open(self, bracket: str, wrong: str) -> None:
        if self._peek() != bracket:
            raise Damaged(wrong)
        self._at += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Damaged("nested too deeply")

    def _close(self) -> None:
        self._at += 1
        self._depth -= 1

    def _is_last(self, closing: str) -> bool:
        sign = self._peek()
        if sign == closing:
            self._close()
            return True
        if sign != ",":
            raise Damaged("neither a comma nor an end behind a value")
        self._at += 1
        return False

    def _more(self) -> bool:
        """Slide the window on; whether anything came."""
        if self._ended:
            return False
        # At least as much again as is held, so that a long value is not scanned too often.
        data = self._stream.read(max(_PIECE, len(self._text) - self._at))
        self._ended = not data
        try:
            more = self._decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                raise Truncated from error
            raise Damaged("bytes that are no UTF-8") from error
        self._before += self._at
        self._text, self._at = self._text[self._at :] + more, 0
        return bool(data)


def _is_cut_off(text: str) -> bool:
    """Whether a text that is no value ends before it could be one."""
    depth = end = 0
    for mark in _MARK.finditer(text):
        sign = mark.group()
        if sign == '"':  # it is never closed
            return True
        depth += sign in ("[", "{")
        depth -= sign in ("]", "}")
        end = mark.end()
        if depth <= 0:
            return False
    return depth > 0 or not text[end:] or _WORD_BEGUN.fullmatch(text[end:]) is not None
