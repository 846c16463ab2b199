"""A file with a syntax error, made loadable by leaving out the broken top-level statements.

An editor's text is often broken somewhere while the rest of it is fine. What is left out becomes
blank lines of the same length, so that every position in the file stays what it was.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from analysis.functions import Function, parse
from analysis.languages import PYTHON, language_of
from analysis.text import LineIndex

_MOST = 20
_STARTS = re.compile(r"[^\W\d]|@|\*|\[|\(|\{|['\"]|\d")
_CONTINUES = re.compile(r"(elif|else|except|finally)\b")
_NO_BODY = "expected an indented block"  # tree-sitter takes an empty body
_ON_LINE = re.compile(r"\bon line (\d+)")


@dataclass(frozen=True)
class Repaired:
    """`text` loads; `broken` are the 0-based first lines of the statements that were left out."""

    text: str
    broken: tuple[int, ...]


def repair(text: str, path: str = "") -> Repaired | None:
    """The text without its broken statements; the same text when nothing is broken.

    None when it can't be made to parse. A text that only this interpreter can't read (a newer
    syntax) is left as it is: tree-sitter decides whether something is broken. Of other languages
    than Python all texts are left: their compilers say what is wrong.
    """
    if language_of(path) is not PYTHON:
        return Repaired(text, ())
    error = _syntax_error(text)
    if error is None or not (parse(text).root.has_error or _NO_BODY in (error.msg or "")):
        return Repaired(text, ())
    broken: list[int] = []
    for _ in range(_MOST):
        error = _syntax_error(text)
        if error is None:
            return Repaired(text, tuple(sorted(broken)))
        index = LineIndex(text)
        starts = _chunks(index)
        named = _ON_LINE.search(error.msg or "")
        line = int(named[1]) if named else error.lineno or 1
        chunk = max((s for s in starts if s <= line - 1), default=None)
        if chunk is None or chunk in broken:
            return None
        after = next((s for s in starts if s > chunk), len(index.starts))
        end = index.starts[after] if after < len(index.starts) else len(text)
        text = text[: index.starts[chunk]] + _blank(text[index.starts[chunk] : end]) + text[end:]
        broken.append(chunk)
    return None


def is_left_out(function: Function, repaired: Repaired) -> bool:
    """Whether a function of the broken text is among what was left out."""
    return not repaired.text[function.start : function.end].strip()


def _syntax_error(text: str) -> SyntaxError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError) as error:
        return SyntaxError(str(error))
    return None


def _chunks(index: LineIndex) -> list[int]:
    """The lines on which top-level statements start, decorators counted to what they decorate."""
    starts: list[int] = []
    decorated = False
    for line in range(len(index.starts)):
        first = index.line_text(line)
        if not _STARTS.match(first) or _CONTINUES.match(first):
            continue
        if not decorated:
            starts.append(line)
        decorated = first.startswith("@")
    return starts


def _blank(text: str) -> str:
    """As many UTF-16 units of blanks, with the same line ends."""
    return "".join(c if c in "\r\n" else "  " if ord(c) > 0xFFFF else " " for c in text)
