"""The catalogue of a language whose rules work on ast-grep's nodes: sites, checks, findings.

The contracts are those of `analysis.rules.catalogue`. A check is called with a `Scope` (or the
language's class below it) and the `SgNode` that a pattern of its rule matched in the function.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from ast_grep_py import SgNode

from analysis.edits import AtomicEdit
from analysis.functions import Function, parse_file
from analysis.rules.base import Finding, NoRewriteError, Rewrite, Rule, holds
from analysis.rules.places import Scored, families, is_open, owner, ranked, score
from analysis.rules.tree_scope import Grammar, Scope, Source
from analysis.syntax import walk
from analysis.text import TextChange, apply_changes

_LOG = logging.getLogger(__name__)


def find_in_trees(
    text: str,
    path: str,
    functions: Sequence[Function],
    only: str | None,
    *,
    grammar: Grammar,
    rules: Sequence[Rule],
    scope_class: Callable[[Source, Function], Scope] = Scope,
) -> tuple[Finding, ...]:
    """See analysis.rules.catalogue.find; `rules` are those of the file's language."""
    if not rules or not any(only is None or f.qualname == only for f in functions):
        return ()
    try:
        source = Source(text, path, grammar)
    except Exception:
        _LOG.exception("%s: the rules can't read the file", path)
        return ()
    scored: list[Scored] = []
    grouped = [(rule, [words.split("|") for words in rule.words]) for rule in rules]
    for outer, inner in families(functions):
        if only is not None and not any(f.qualname == only for f in inner):
            continue
        held = text[outer.start : outer.end]
        asked = [r for r, groups in grouped if holds(held, groups)]
        if not asked or all(f.ignored for f in inner):
            continue
        try:
            scope = scope_class(source, outer)
        except NoRewriteError:
            continue
        for rule in asked:
            try:
                scored += _apply(rule, scope, inner, only)
            except Exception:
                _LOG.exception("%s: rule %s failed in %s", path, rule.id, outer.qualname)
    return ranked(scored)


def _apply(
    rule: Rule, scope: Scope, functions: Sequence[Function], only: str | None
) -> Iterator[Scored]:
    seen: set[tuple[TextChange, ...]] = set()
    for node in _sites(rule, scope):
        start, end = scope.start(node), scope.end(node)
        whole = node.kind() in scope.grammar.functions
        if not is_open(functions, start, end, whole=whole):
            continue
        try:
            rewrite: Rewrite | None = rule.check(scope, node)
        except NoRewriteError:
            continue
        if rewrite is None or not rewrite.changes or rewrite.changes in seen:
            continue
        seen.add(rewrite.changes)
        name = owner(functions, start, end, only, _reach(scope, rewrite.changes))
        if name is None:
            continue
        problem = _problem(scope, rewrite.changes)
        if problem:
            _LOG.debug("rule %s at offset %d: %s", rule.id, start, problem)
            continue
        edit = AtomicEdit(rule.title, rule.description, rewrite.changes, "rule", rule.id)
        finding = Finding(rule.id, name, scope.source.index.range(start, end), edit)
        yield score(rule, rewrite, scope.depth(node)), start, finding


def _sites(rule: Rule, scope: Scope) -> list[SgNode]:
    """What the rule's patterns match in the function, each place once, in document order."""
    sites: dict[tuple[int, int], SgNode] = {}
    for pattern in rule.patterns:
        for node in scope.matches(pattern):
            sites.setdefault((scope.start(node), -scope.end(node)), node)
    return [sites[place] for place in sorted(sites)]


def _inside(scope: Scope, change: TextChange) -> bool:
    return scope.first < change.start and change.end <= scope.last


def _reach(scope: Scope, changes: Sequence[TextChange]) -> tuple[int, int]:
    """From where to where an edit changes the function."""
    inside = [c for c in changes if _inside(scope, c)]
    if not inside:
        return scope.last, scope.last
    return min(c.start for c in inside), max(c.end for c in inside)


def _problem(scope: Scope, changes: Sequence[TextChange]) -> str | None:
    """Why an edit must not be offered: it breaks syntax or the bounds of the function."""
    for change in changes:
        if not _inside(scope, change) and not (
            change.start == change.end and scope.grammar.outside.fullmatch(change.new_text.strip())
        ):
            return "edits outside of the function"
    text, path = scope.source.text, scope.source.path
    inside = [
        TextChange(c.start - scope.first, c.end - scope.first, c.new_text)
        for c in changes
        if _inside(scope, c)
    ]
    try:
        after = apply_changes(text[scope.first : scope.last], inside)
        # A method may be no sentence without its class: then the whole file is read.
        if _errors(after, path) and _errors(apply_changes(text, changes), path) > _errors(
            text, path
        ):
            return "does not parse"
    except ValueError as error:
        return str(error)
    return None


def _errors(text: str, path: str) -> int:
    root = parse_file(text, path).root
    return sum(n.is_error or n.is_missing for n in walk(root)) if root.has_error else 0
