"""Macros that no grammar can read where they are used: loops and whole statements.

`#define rep(i, n) for (int i = 0; i < (n); i++)` makes `rep(i, n) x++;` a syntax error to a parser
that does not run the preprocessor. To tell such places from real errors, uses of a file's own
macros are put as plain statements before the text is checked.
"""

from __future__ import annotations

import re

_DEFINE = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)\n]*\))?((?:\\\r?\n|[^\r\n\\]|\\(?!\r?\n))*)",
    re.MULTILINE,
)
_LOOPS = ("for", "while", "if")
_FIRST_WORD = re.compile(r"\W*(\w+)")
_MOST_ARGUMENTS = 400


def readable(text: str, defined_in: str | None = None) -> str:
    """The text with uses of loop and statement macros put as plain C, lines staying lines.

    The macros are those that `defined_in` (default: the text itself) defines.
    """
    loops, statements = _kinds(text if defined_in is None else defined_in)
    if not loops and not statements:
        return text
    names = "|".join(map(re.escape, sorted(loops | statements)))
    out: list[str] = []
    at = 0
    defines = [m.span() for m in _DEFINE.finditer(text)]
    for use in re.finditer(rf"\b(?:{names})\b", text):
        inside = any(a <= use.start() < b for a, b in defines)
        if use.start() < at or inside:
            continue
        end = _end_of_arguments(text, use.end()) if use[0] in loops else use.end()
        if end is None:
            continue
        lines = text.count("\n", use.start(), end)
        out += [text[at : use.start()], "for(;;)" if use[0] in loops else ";", "\n" * lines]
        at = end
    return "".join([*out, text[at:]])


def _kinds(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names of macros that begin a loop, and of those that are whole statements."""
    bodies = {m[1]: (bool(m[2]), m[3].strip()) for m in _DEFINE.finditer(text)}
    loops: set[str] = set()
    while True:
        more = {
            name
            for name, (takes, body) in bodies.items()
            if takes and (first := _FIRST_WORD.match(body)) and first[1] in (*_LOOPS, *loops)
        }
        if more <= loops:
            break
        loops |= more
    statements = {
        n for n, (takes, body) in bodies.items() if not takes and ";" in body and "(" in body
    }
    return frozenset(loops), frozenset(statements)


def _end_of_arguments(text: str, start: int) -> int | None:
    """Where the brackets that open at `start` close; None where there are none."""
    opening = re.compile(r"[ \t]*\(").match(text, start)
    if opening is None:
        return None
    level = 0
    for at in range(opening.end() - 1, min(len(text), opening.end() + _MOST_ARGUMENTS)):
        level += {"(": 1, ")": -1}.get(text[at], 0)
        if level == 0:
            return at + 1
    return None
