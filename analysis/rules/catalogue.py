"""All rules, and what they find in a file."""

from __future__ import annotations

import ast
import logging
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from functools import cache

from analysis.edits import AtomicEdit
from analysis.functions import Function
from analysis.languages import LANGUAGES, dialect_of
from analysis.rules import (
    aggregates,
    arithmetic,
    arrays,
    builders,
    bulk,
    calls,
    comprehensions,
    console,
    copies,
    counting,
    expressions,
    formatting,
    frames,
    functions,
    growth,
    heaps,
    hoisting,
    indexing,
    joins,
    lookups,
    loops,
    membership,
    nests,
    queues,
    recursion,
    regex,
    sorting,
    strings,
    texts,
)
from analysis.rules.base import Finding, NoRewriteError, Rewrite, Rule
from analysis.rules.edits import EditCheck
from analysis.rules.module import Module
from analysis.rules.patterns import Place, Plan, make_plan, matches_any
from analysis.rules.places import Scored, is_open, owner, ranked, score
from analysis.rules.scope import Scope
from analysis.text import TextChange

_LOG = logging.getLogger(__name__)
_FAMILIES = (
    membership,
    joins,
    recursion,
    aggregates,
    counting,
    queues,
    growth,
    strings,
    sorting,
    regex,
    copies,
    calls,
    comprehensions,
    indexing,
    hoisting,
    builders,
    loops,
    nests,
    bulk,
    console,
    lookups,
    expressions,
    arithmetic,
    functions,
    texts,
    formatting,
    heaps,
    frames,
    arrays,
)
_PLANS: list[tuple[tuple[Rule, ...], Plan]] = []


@cache
def python_rules() -> tuple[Rule, ...]:
    """Every rule for Python, in the order of its documentation."""
    return tuple(rule for family in _FAMILIES for rule in family.RULES)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of every language, in the order of the documentation."""
    rules = {rule.id: rule for rule in python_rules()}
    for language in LANGUAGES:
        dialect = dialect_of(f"x{language.suffixes[0]}")
        rules.update({rule.id: rule for rule in dialect.rules()} if dialect else {})
    return tuple(rules.values())


def find(
    text: str, path: str, functions: Sequence[Function], only: str | None = None
) -> tuple[Finding, ...]:
    """What the rules would change in a file's functions, the likely largest gains first.

    `functions` are those of `text`; ignored ones give nothing. With `only` (a qualified name) that
    function is looked at, with all that is nested in it; findings then carry its name. Each
    finding stands alone: its changes refer to `text`. A rule that fails is logged and skipped.
    """
    dialect = dialect_of(path)
    if dialect is not None:
        return dialect.find_rules(text, path, functions, only)
    try:
        module = Module(text, functions, whole=only is None)
    except Exception:
        _LOG.exception("%s: the rules can't read the file", path)
        return ()
    scored: list[Scored] = []
    for outer, inner in module.groups:
        if only is None or any(f.qualname == only for f in inner):
            scored += find_in(module, path, outer, inner, only)
    return ranked(scored)


def find_in(
    module: Module,
    path: str,
    outer: Function,
    inner: Sequence[Function],
    only: str | None = None,
    without: Collection[str] = (),
) -> list[Scored]:
    """What the rules find in one outermost function, `inner` being itself and all nested in it.

    `without` are ids of rules that are not asked.
    """
    if outer.ignored:
        return []
    try:
        scope = Scope(module, outer)
    except NoRewriteError:
        return []
    edits = EditCheck(scope)
    rules, found = python_rules(), list[Scored]()
    for number, nodes in sorted(_plan(rules).sites(scope).items()):
        if rules[number].id in without:
            continue
        try:
            found += _apply(rules[number], scope, edits, nodes, inner, only)
        except Exception:
            _LOG.exception("%s: rule %s failed in %s", path, rules[number].id, outer.qualname)
    return found


def _plan(rules: tuple[Rule, ...]) -> Plan:
    if not _PLANS or _PLANS[0][0] is not rules:
        _PLANS[:] = [(rules, make_plan(rules))]
    return _PLANS[0][1]


def _apply(
    rule: Rule,
    scope: Scope,
    edits: EditCheck,
    nodes: Sequence[Place],
    functions: Sequence[Function],
    only: str | None,
) -> Iterator[Scored]:
    seen: set[tuple[TextChange, ...]] = set()
    for node in sorted(nodes, key=_position):
        try:
            rewrite: Rewrite | None = rule.check(scope, node)
        except NoRewriteError:
            continue
        except Exception:
            if _confirmed(rule, scope, node) is None:
                continue  # a node of another shape, which the pattern would have left out
            raise
        if rewrite is None or not rewrite.changes or rewrite.changes in seen:
            continue
        place = _confirmed(rule, scope, node)
        if place is None or not is_open(functions, *place, whole=isinstance(node, ast.FunctionDef)):
            continue
        seen.add(rewrite.changes)
        name = owner(functions, *place, only, edits.reach(rewrite.changes))
        if name is None:
            continue
        problem = edits.problem(rewrite.changes)
        if problem:
            _LOG.debug("rule %s at offset %d: %s", rule.id, place[0], problem)
            continue
        edit = AtomicEdit(rule.title, rule.description, rewrite.changes, "rule", rule.id)
        finding = Finding(rule.id, name, scope.module.index.range(*place), edit)
        yield score(rule, rewrite, scope.depth(node)), place[0], finding


def _is_usual(scope: Scope, node: Place) -> bool:
    """Whether ast-grep sees a call or attribute as Python does; see `matches_any`."""
    bare = isinstance(node, ast.Call) and any(isinstance(a, ast.GeneratorExp) for a in node.args)
    return not bare and "#" not in scope.text(node) and node not in scope.formatted


def _position(node: Place) -> tuple[int, int, int, int]:
    return node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0


def _confirmed(rule: Rule, scope: Scope, node: Place) -> tuple[int, int] | None:
    """Where ast-grep says that a pattern of the rule matches the node; None if it does not."""
    found, start, piece = [], scope.start(node), scope.piece_around(node)
    for pattern in rule.patterns:
        if isinstance(pattern, str) and matches_any(pattern, node) and _is_usual(scope, node):
            return start, scope.end(node)
        matches = piece.matches(pattern)
        for at in range(bisect_left(matches, (start,)), len(matches)):
            if matches[at][0] != start:
                break
            if isinstance(node, ast.stmt) or matches[at][1] == scope.end(node):
                found.append(matches[at])
    return min(found, default=None)
