"""Keys of candidates and groups of changes for JavaScript and TypeScript."""

from __future__ import annotations

from analysis.languages import groups
from analysis.languages.javascript.functions import definition_named
from analysis.languages.javascript.gate import check_candidate
from analysis.languages.javascript.syntax import parse
from analysis.text import TextChange


def normalised_key(text: str, qualname: str, path: str) -> str:
    """A hash that is the same for texts that differ only in layout and comments."""
    tree = parse(text, path)
    found = definition_named(tree, path, qualname)
    return groups.key_of(tree, found[1] if found is not None else None)


def decompose(
    before: str, after: str, qualname: str, path: str
) -> tuple[tuple[TextChange, ...], ...]:
    """See analysis.decompose.decompose."""
    return groups.decompose(
        before, after, lambda text: check_candidate(before, text, qualname, path)
    )
