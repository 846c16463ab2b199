"""What languages beside Python share: tokens, and comments that silence hasten."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tree_sitter import Node

from analysis.functions import Function
from analysis.syntax import Tree, comment_lines, walk

MAX_ADDED = 30_000
MAX_DEPTH = 200
MAX_ERRORS_SEEN = 1_000
UNCHANGED = "it changes nothing"

_IGNORE = re.compile(r"(?://|/\*)[ \t]*hasten:[ \t]*ignore\b")
_FILE_WIDE_LINES = 5


def tokens(tree: Tree, node: Node) -> Iterator[tuple[str, str]]:
    """Type and text of each leaf below a node but comments, in document order."""
    stack = [node]
    while stack:
        at = stack.pop()
        if at.type == "comment":
            continue
        if at.child_count == 0:
            text = tree.source(at).strip()
            if text:
                yield at.type, text
        else:
            stack.extend(reversed(at.children))


def form(tree: Tree, node: Node) -> str:
    """The node's tokens: what is the same for texts that differ in layout and comments only."""
    return "\x1f".join(text for _, text in tokens(tree, node))


def ignored_lines(tree: Tree) -> frozenset[int]:
    """The lines with a comment `// hasten: ignore`; the words inside a string do not count."""
    return comment_lines(tree, _IGNORE)


def is_silenced(tree: Tree, silenced: frozenset[int], first_line: int, last_line: int) -> bool:
    """Whether the comment stands on the lines of the head, or alone on the line above it."""
    if not silenced:
        return False
    head_end = first_line
    while head_end < last_line and "{" not in tree.lines.line_text(head_end):
        head_end += 1
    if any(n in silenced for n in range(first_line, head_end + 1)):
        return True
    above = first_line - 1
    return above in silenced and bool(_IGNORE.match(tree.lines.line_text(above).lstrip()))


def silence_file(found: Sequence[Function], silenced: frozenset[int]) -> tuple[Function, ...]:
    """The functions, all of them ignored where a comment speaks for the whole file."""
    if silenced and _file_is_ignored(silenced, {f.first_line for f in found}):
        return tuple(replace(f, ignored=True) for f in found)
    return tuple(found)


def _file_is_ignored(silenced: frozenset[int], heads: set[int]) -> bool:
    """Whether a comment among the first lines speaks for the file, and not for a function."""
    first = min(heads, default=_FILE_WIDE_LINES)
    return any(n < min(first - 1, _FILE_WIDE_LINES) for n in silenced)


def errors(tree: Tree) -> list[Node]:
    """What the grammar could not read, or had to add."""
    if not tree.root.has_error:
        return []
    return [n for n in walk(tree.root) if n.is_error or n.is_missing][:MAX_ERRORS_SEEN]


def new_error(old: Tree, new: Tree) -> int | None:
    """The 1-based line of an error that the old tree has not; None where there is none."""
    if not new.root.has_error:
        return None
    known = Counter(form(old, n) for n in errors(old))
    for node in errors(new):
        text = form(new, node)
        if not known[text]:
            return int(node.start_point.row) + 1
        known[text] -= 1
    return None


def unfit(before: str, after: str) -> str | None:
    """Why a text is no candidate before anything is read of it."""
    if after == before:
        return UNCHANGED
    if len(after) > len(before) + MAX_ADDED:
        return f"it is too long: {len(after) - len(before)} characters more than before"
    if "\0" in after or re.search("[\ud800-\udfff]", after):
        return "it holds characters that source can't have"
    return None


def short(text: str) -> str:
    """A piece of code, or of `form`, as a message shows it."""
    line = " ".join(text.replace("\x1f", " ").split())
    return line if len(line) <= 60 else line[:57] + "..."
