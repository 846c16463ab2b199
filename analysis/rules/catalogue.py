"""All rules, and what they find in a file."""

from __future__ import annotations

import ast
import builtins
import logging
import re
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Sequence
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
from analysis.rules.module import Module, bindings, bound_in
from analysis.rules.places import Scored, families, is_open, owner, ranked, score
from analysis.rules.scope import Scope
from analysis.text import TextChange, apply_changes

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
_BUILTINS = frozenset(dir(builtins))
_CONSTANT = re.compile(r"_[A-Z0-9_]+ = ")


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
        module = Module(text)
    except Exception:
        _LOG.exception("%s: the rules can't read the file", path)
        return ()
    scored: list[Scored] = []
    for outer, inner in families(functions):
        if only is not None and not any(f.qualname == only for f in inner):
            continue
        try:
            scope = Scope(module, outer)
        except NoRewriteError:
            continue
        for rule in python_rules():
            try:
                scored += _apply(rule, scope, inner, only)
            except Exception:
                _LOG.exception("%s: rule %s failed in %s", path, rule.id, outer.qualname)
    return ranked(scored)


def _apply(
    rule: Rule, scope: Scope, functions: Sequence[Function], only: str | None
) -> Iterator[Scored]:
    seen: set[tuple[TextChange, ...]] = set()
    for start, end in _sites(rule, scope):
        node = scope.node_at(start, end, rule.node)
        if node is None:
            continue
        if not is_open(functions, start, end, whole=isinstance(node, ast.FunctionDef)):
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
        finding = Finding(rule.id, name, scope.module.index.range(start, end), edit)
        yield score(rule, rewrite, scope.depth(node)), start, finding


def _sites(rule: Rule, scope: Scope) -> list[tuple[int, int]]:
    sites: set[tuple[int, int]] = set()
    for pattern in rule.patterns:
        places = scope.module.matches(pattern)
        first, last = bisect_left(places, (scope.first,)), bisect_left(places, (scope.last,))
        sites.update(p for p in places[first:last] if p[1] <= scope.last)
    return sorted(sites)


def _reach(scope: Scope, changes: Sequence[TextChange]) -> tuple[int, int]:
    """From where to where an edit changes the function; lines added below it do not count."""
    last = scope.module.next_line(scope.last - 1)
    inside = [c for c in changes if scope.first < c.start <= last]
    if not inside:
        return scope.last, scope.last
    return min(c.start for c in inside), min(scope.last, max(c.end for c in inside))


def _problem(scope: Scope, changes: Sequence[TextChange]) -> str | None:
    """Why an edit must not be offered: it breaks syntax, names or the bounds of the function."""
    inside, known = [], set(_BUILTINS) | set(scope.module.constants)
    last = scope.module.next_line(scope.last - 1)
    for change in changes:
        above = change.start == change.end == scope.first
        if scope.first <= change.start and change.end <= last and not above:
            inside.append(change)
            continue
        code = change.new_text.strip()
        if change.start != change.end or not (
            code.startswith(("import ", "from ")) or _CONSTANT.match(code)
        ):
            return "edits outside of the function"
        known |= set(bindings(ast.parse(code)))
    shift = -scope.first
    source = scope.module.text[scope.first : last]
    moved = [TextChange(c.start + shift, c.end + shift, c.new_text) for c in inside]
    try:
        after = apply_changes(source, moved)
        tree = _compiled(after)
    except (SyntaxError, ValueError) as error:
        return f"does not compile: {error}"
    loaded = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    missing = loaded - bound_in(tree) - known - scope.free_names
    return f"unknown names: {sorted(missing)}" if missing else None


def _compiled(source: str) -> ast.AST:
    indented = source[:1] in (" ", "\t") or (source[:1] == "\f" and source[1:2] in (" ", "\t"))
    tree = ast.parse("if 1:\n" + source if indented else source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(tree, "<edit>", "exec", dont_inherit=True)
    return tree
