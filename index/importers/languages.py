"""What importers read of code without running it: its language, what it calls, what it is."""

from __future__ import annotations

import re

from analysis.functions import functions_in, parse
from analysis.syntax import statements
from index.importers.rows import Row

_NAMES = {
    "python": "python", "py": "python", "python3": "python", "python 3": "python",
    "c": "c", "c++": "c++", "cpp": "c++", "cxx": "c++", "gnu c++17": "c++",
}  # fmt: skip
_READS = re.compile(r"\b(?:input|raw_input)\s*\(|\bstdin\b|\bopen\s*\(\s*0\s*\)")
_DOCSTRING = re.compile(r'"""(.*?)("""|\Z)|\'\'\'(.*?)(\'\'\'|\Z)', re.DOTALL)
_MOST_PURPOSE = 600


def language_named(row: Row, default: str) -> str:
    """The language of a row by the name that workloads know. Raises ClaimError."""
    told = row.text("language", default)
    language = _NAMES.get(told.strip().lower())
    if language is None:
        raise row.error(f"the language {told[:40]!r} can't be proved here (Python, C and C++ can)")
    return language


def only_function(slow: str, fast: str) -> str:
    """The one top-level Python function that both define and that nothing at top level calls."""
    named = []
    for text in (slow, fast):
        if _READS.search(text):
            return ""
        tree = parse(text)
        if any(s.type not in _QUIET for s in statements(tree.root)):
            return ""
        found = functions_in(text, "slow.py", tree)
        named.append({f.qualname for f in found if f.kind == "function"})
    both = named[0] & named[1]
    return next(iter(both)) if len(both) == 1 == len(named[0]) == len(named[1]) else ""


_QUIET = (
    "import_statement", "import_from_statement", "future_import_statement", "function_definition",
    "comment",
)  # fmt: skip


def purpose_of(text: str) -> str:
    """What a text on a program says first: its paragraphs up to an example, one line, not long."""
    kept: list[str] = []
    for line in text.strip().split("\n"):
        if line.lstrip().startswith(">>>") or re.match(r"\s*(for )?examples?\b", line, re.I):
            break
        kept.append(line.strip())
    joined = " ".join(word for word in " ".join(kept).split(" ") if word)
    if len(joined) <= _MOST_PURPOSE:
        return joined
    return joined[:_MOST_PURPOSE].rsplit(" ", 1)[0] + " ..."


def docstring_of(prompt: str) -> str:
    """The first docstring of a text that may not be whole."""
    match = _DOCSTRING.search(prompt)
    return (match[1] or match[3] or "") if match else ""
