"""Takes a rewritten function apart: hunks of lines that need each other are one group.

What one hunk names first, or gives up, ties it to the others that name it too: a variable and its
uses come together. Whatever else belongs together shows when a group does not compile alone; the
ladder then waits for the next one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

from tree_sitter import Node

from analysis.languages.common import MAX_DEPTH, UNCHANGED, form
from analysis.syntax import Tree, depth
from analysis.text import TextChange, apply_changes, changes_between

MAX_GROUPS = 6
"""Each group costs a build and a proof, so that there are fewer than of Python's."""

Check = Callable[[str], str | None]

_NAME = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)


def key_of(tree: Tree, node: Node | None) -> str:
    """A hash of the function's tokens, and of the file's other parts in any order."""
    if node is None or depth(node) > MAX_DEPTH:
        return hashlib.sha256(tree.text.encode("utf-8", "replace")).hexdigest()
    outside = sorted(
        form(tree, n)
        for n in tree.root.named_children
        if n.type != "comment" and not n.start_byte <= node.start_byte < n.end_byte
    )
    whole = "\x1e".join([form(tree, node), *outside])
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()


def decompose(before: str, after: str, check: Check) -> tuple[tuple[TextChange, ...], ...]:
    """See analysis.decompose.decompose; `check` is the language's gate for a text in between."""
    hunks = changes_between(before, after)
    if len(hunks) < 2:
        return (hunks,) if hunks else ()
    groups = _merged_until_sound(_tied(hunks, before, after), before, check)
    return _in_turn(groups)


def _tied(hunks: Sequence[TextChange], before: str, after: str) -> list[list[TextChange]]:
    """Hunks by what they name: new names, and names that are gone, tie hunks together."""
    old, new = _names(before), _names(after)
    lone = (new - old) | (old - new)
    groups: list[tuple[set[str], list[TextChange]]] = []
    for hunk in hunks:
        mine = (_names(hunk.new_text) | _names(before[hunk.start : hunk.end])) & lone
        if not mine and not _code(hunk.new_text) and not _code(before[hunk.start : hunk.end]):
            mine = {"\0"}  # comments and blank lines: one group of their own
        tied = [g for g in groups if g[0] & mine]
        groups = [g for g in groups if not g[0] & mine]
        names, members = set(mine), [hunk]
        for other_names, others in tied:
            names |= other_names
            members += others
        groups.append((names, sorted(members, key=lambda c: c.start)))
    groups.sort(key=lambda g: ("\0" in g[0], g[1][0].start))
    made = [members for _, members in groups]
    while len(made) > MAX_GROUPS:
        made[-2:] = [sorted(made[-2] + made[-1], key=lambda c: c.start)]
    return made


def _merged_until_sound(
    groups: list[list[TextChange]], before: str, check: Check
) -> list[list[TextChange]]:
    """Each group merged with the next until the text after it passes the gate."""
    kept: list[list[TextChange]] = []
    done: list[TextChange] = []
    for index, group in enumerate(groups):
        done += group
        is_last = index == len(groups) - 1
        kept.append(group)
        if not is_last:
            reason = check(apply_changes(before, done))
            if reason is not None and reason != UNCHANGED:
                groups[index + 1] = sorted(kept.pop() + groups[index + 1], key=lambda c: c.start)
                done = done[: len(done) - len(group)]
    return kept


def _in_turn(groups: Sequence[Sequence[TextChange]]) -> tuple[tuple[TextChange, ...], ...]:
    """The groups, each as changes to the text after the group before it."""
    done: list[TextChange] = []
    out: list[tuple[TextChange, ...]] = []
    for group in groups:
        moved = []
        for change in group:
            shift = sum(len(d.new_text) - (d.end - d.start) for d in done if d.start < change.start)
            moved.append(TextChange(change.start + shift, change.end + shift, change.new_text))
        out.append(tuple(moved))
        done += group
    return tuple(out)


def _names(text: str) -> set[str]:
    return set(_NAME.findall(_COMMENT.sub(" ", text)))


def _code(text: str) -> bool:
    return bool(_COMMENT.sub(" ", text).strip())
