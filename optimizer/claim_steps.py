"""The way from a claim's slow side to its fast one: texts in between, and words for them.

The edits come from the difference of the syntax (AEGIS, with a parser in the place of the model: of
a model's own decompositions a quarter broke the program). Where a claim tells its edits in words
and there are as many as steps were proved, those are the steps' titles; they stay claims.
"""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Sequence

from analysis.decompose import decompose
from analysis.facts import VOCABULARY, facts_of_text
from analysis.functions import functions_in, parse
from analysis.syntax import walk
from analysis.text import TextChange, apply_changes
from index.importers.claim import Claim

logger = logging.getLogger(__name__)

SUFFIXES = {"python": ".py", "c": ".c", "c++": ".cpp"}
OTHER_FORM = "Another form of the same computation"
_SCRIPT = "whole_program"
_HEAD = f"def {_SCRIPT}():\n"
_INDENT = "    "
_MOST_TITLE = 100
_SHOWN = 2
_MEANS = (
    "dict-counting", "dict", "set", "deque", "heap", "sort", "comprehension", "generator",
)  # fmt: skip
"""Facts that may be what makes code fast; the others only cost."""


def texts_between(claim: Claim) -> tuple[str, ...]:
    """The slow side and the text after each atomic edit, the last of which is the fast side."""
    whole = (claim.slow, claim.fast)
    try:
        made = _texts(claim)
    except (RecursionError, ValueError, IndexError, AttributeError):
        logger.exception("%s could not be taken apart", claim.origin)  # it is code of anyone
        return whole
    return made if made[-1] == claim.fast else whole


def _texts(claim: Claim) -> tuple[str, ...]:
    slow, fast, path = claim.slow, claim.fast, file_name(claim.language)
    name = changed_function(slow, fast, path) or claim.function
    if claim.language != "python":
        return _applied(slow, decompose(slow, fast, name or "main", path))
    if name:
        return _applied(slow, decompose(slow, fast, name, path))
    old, new = _wrapped(slow), _wrapped(fast)
    if old is None or new is None:
        return slow, fast
    texts = _applied(old, decompose(old, new, _SCRIPT, path))
    return (slow, *map(_unwrapped, texts[1:-1]), fast)


def file_name(language: str) -> str:
    """What the code of a claim goes by where a file's name tells the language."""
    return f"claimed{SUFFIXES[language]}"


def _applied(text: str, groups: Sequence[Sequence[TextChange]]) -> tuple[str, ...]:
    texts = [text]
    for group in groups:
        texts.append(apply_changes(texts[-1], group))
    return tuple(texts)


def changed_function(before: str, after: str, path: str) -> str:
    """The qualified name of the one function that differs, "" where it is none or several.

    A nested one is a part of the function around it.
    """
    old, new = (
        {f.qualname: f.fingerprint for f in functions_in(text, path) if f.kind != "nested"}
        for text in (before, after)
    )
    changed = [name for name in old if name in new and old[name] != new[name]]
    return changed[0] if len(changed) == 1 and old.keys() == new.keys() else ""


def _wrapped(script: str) -> str | None:
    """A script as the body of one function, so that its statements can be told apart.

    None where more lines than those of code would move: in strings of several lines.
    """
    tree = parse(script)
    if tree.root.has_error or "\r" in script:
        return None
    if any(n.type == "string" and n.start_point.row < n.end_point.row for n in walk(tree.root)):
        return None
    made = _HEAD + textwrap.indent(script, _INDENT)
    return made if _unwrapped(made) == script else None


def _unwrapped(text: str) -> str:
    lines = text.removeprefix(_HEAD).splitlines(keepends=True)
    return "".join(line.removeprefix(_INDENT) for line in lines)


def title_between(before: str, after: str, language: str, function: str = "") -> str:
    """A title that only says what the syntax shows: which costs are gone, or by what means."""
    old, new = (_facts(text, language, function) for text in (before, after))
    gone = [VOCABULARY[word] for word in old if word not in new]
    come = [VOCABULARY[word] for word in new if word not in old and word in _MEANS]
    if gone:
        return f"Without: {'; '.join(gone[:_SHOWN])}"
    return f"With: {'; '.join(come[:_SHOWN])}" if come else OTHER_FORM


def _facts(text: str, language: str, function: str) -> tuple[str, ...]:
    path = file_name(language)
    if not function and language == "python" and (script := _wrapped(text)) is not None:
        text, function = script, _SCRIPT
    try:
        return facts_of_text(text, path, function).words
    except (RecursionError, ValueError, IndexError, AttributeError):
        logger.exception("no facts of a claim's code")
        return ()


def words_for(edits: Sequence[str], made: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Title and text of each step: the claim's own words where they are as many, else `made`."""
    if len(edits) == len(made) and all(edits):
        return tuple((short(edit), edit) for edit in edits)
    return tuple((title, title) for title in made)


def short(text: str) -> str:
    """A sentence as a title: one line, not long."""
    line = " ".join(text.split())
    first, stop, _ = line.partition(". ")
    line = first if stop else line.rstrip(".")
    if len(line) <= _MOST_TITLE:
        return line
    return line[: _MOST_TITLE - 4].rsplit(" ", 1)[0] + " ..."
