"""Keys of candidates and groups of changes for C and C++."""

from __future__ import annotations

from analysis.languages import groups
from analysis.languages.native.functions import definition_named
from analysis.languages.native.gate import check_candidate
from analysis.languages.native.syntax import parse
from analysis.text import TextChange


def normalised_key(text: str, qualname: str, path: str) -> str:
    """A hash that is the same for texts that differ only in layout and comments."""
    tree = parse(text, path)
    return groups.key_of(tree, definition_named(tree, text, path, qualname))


def decompose(
    before: str, after: str, qualname: str, path: str
) -> tuple[tuple[TextChange, ...], ...]:
    """See analysis.decompose.decompose."""
    return groups.decompose(
        before, after, lambda text: check_candidate(before, text, qualname, path)
    )
