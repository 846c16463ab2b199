"""Loops in loops over positions: pairs of elements, and tables walked against their rows."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.effects import mutated_in
from analysis.rules.flow import is_invariant, is_plain, key, loads, names_in, stores
from analysis.rules.names import bound_in
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope
from analysis.rules.shapes import has_comments, names_stay, only_step
from analysis.text import TextChange

_FOR = {"kind": "for_statement"}


def _inner(node: ast.For) -> tuple[ast.For, str, str] | None:
    """The one loop that a loop consists of, and the positions that both count."""
    if node.orelse or len(node.body) != 1 or not isinstance(node.body[0], ast.For):
        return None
    inner = node.body[0]
    if inner.orelse or not isinstance(node.target, ast.Name):
        return None
    return (inner, node.target.id, inner.target.id) if isinstance(inner.target, ast.Name) else None


def _is_range(scope: Scope, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and scope.is_builtin(node.func, "range")


@rule(
    "pairs-combinations",
    title="walk the pairs of elements themselves",
    description="Two loops count the positions of all pairs of a sequence and look both elements"
    " up. A ready-made walk over the pairs gives the elements without the lookups.",
    patterns=[_FOR],
    node=ast.For,
    gain=1,
)
def pairs_combinations(scope: Scope, node: ast.For) -> Proposal:
    """Use `itertools.combinations` for all pairs of a sequence.

    Why it is slow: each pair costs two index lookups and a number object for the position.

    Example:
        for i in range(len(xs)):           for x, other_x in combinations(xs, 2):
            for j in range(i + 1, len(xs)):    total += x * other_x
                total += xs[i] * xs[j]

    When not to: the positions are used otherwise, or the loop leaves early (then it is left
    alone).
    """
    found = _inner(node)
    if found is None or not _is_range(scope, node.iter):
        return None
    inner, first, second = found
    text = key(inner.iter)
    uses = loads(inner, second)
    place = scope.parent(uses[0]) if uses else None
    sequence = place.value if isinstance(place, ast.Subscript) else None
    if not isinstance(sequence, ast.Name | ast.Attribute):
        return None
    name = key(sequence)
    if key(node.iter) not in (f"range(len({name}))", f"range(len({name}) - 1)"):
        return None
    if text != f"range({first} + 1, len({name}))" or not is_invariant(scope, sequence, node):
        return None
    if any(isinstance(n, ast.Break) for n in walk(inner)):
        return None
    if len(stores(node, first)) != 1 or len(stores(node, second)) != 1:
        return None
    if not names_stay(scope, node, [first, second]):
        return None
    stem = scope.stem(sequence, "item")
    word = stem[:-1] if stem.endswith("s") and not stem.endswith("ss") and len(stem) > 1 else stem
    one = scope.fresh(word if word != stem else f"{stem}_item")
    other = scope.fresh(f"other_{one}", one)
    combinations, changes = scope.need("itertools", "combinations")
    for index, new in ((first, one), (second, other)):
        for use in loads(inner, index):
            up = scope.parent(use)
            if up is not None and isinstance(up, ast.BinOp) and scope.inside(up, inner.iter):
                continue
            if not isinstance(up, ast.Subscript) or key(up.value) != name or up.slice is not use:
                return None
            changes.append(scope.replace(up, new))
    head = f"for {one}, {other} in {combinations}({scope.text(sequence)}, 2):"
    return _with_head(scope, node, inner, head, changes)


def _with_head(
    scope: Scope, node: ast.For, inner: ast.For, head: str, changes: list[TextChange]
) -> Proposal:
    """One loop in the place of two: the heads become one, the body moves out by one step."""
    if not scope.owns_line(inner) or not all(scope.owns_line(s) for s in inner.body):
        return None
    start, first = scope.start(node), scope.module.line_start(scope.start(inner.body[0]))
    end = scope.module.next_line(scope.end(inner) - 1)
    if has_comments(scope, node, node) or any(
        isinstance(n, ast.Constant) and "\n" in str(n.value) for n in walk(inner)
    ):
        return None
    inside = [c for c in changes if start <= c.start < end]
    body = scope.module.text[first:end]
    for change in sorted(inside, key=lambda c: -c.start):
        body = body[: change.start - first] + change.new_text + body[change.end - first :]
    step = len(scope.indent(inner)) - len(scope.indent(node))
    lines = [line[step:] if line[:step].isspace() else line for line in body.splitlines(True)]
    rest = [c for c in changes if c not in inside]
    whole = TextChange(start, end, head + scope.newline + "".join(lines))
    return Rewrite((*rest, whole))


@rule(
    "loop-interchange",
    title="walk the table row by row",
    description="Two loops walk a table column by column, and each cell is looked up in another"
    " row. With the loops exchanged, each row is looked up once.",
    patterns=[_FOR],
    node=ast.For,
    gain=1,
)
def loop_interchange(scope: Scope, node: ast.For) -> Proposal:
    """Exchange two loops that walk a table against its rows.

    Why it is slow: `table[r][c]` looks the row up for each cell, and cells of one column lie far
    apart in memory.

    Example:
        for c in range(width):             for r in range(height):
            for r in range(height):            table_row = table[r]
                total += table[r][c]           for c in range(width):
                                                   total += table_row[c]

    When not to: the order of the steps matters, as it does for sums of floats.
    """
    found = _inner(node)
    if found is None or not _is_range(scope, node.iter):
        return None
    inner, column, row = found
    if not _is_range(scope, inner.iter) or column in names_in(inner.iter):
        return None
    if row in names_in(node.iter) or not all(is_plain(scope, x.iter) for x in (node, inner)):
        return None
    step = only_step(inner)
    if not isinstance(step, ast.AugAssign) or not isinstance(step.op, ast.Add | ast.Sub):
        return None
    if not isinstance(step.target, ast.Name) or not is_plain(scope, step.value):
        return None
    total = step.target.id
    if total in names_in(step.value) | names_in(node.iter) | names_in(inner.iter):
        return None
    if bound_in(node) != {column, row, total} or mutated_in(node) - {total}:
        return None
    cells = [
        n
        for n in walk(step.value)
        if isinstance(n, ast.Subscript)
        and isinstance(n.value, ast.Subscript)
        and key(n.slice) == column
        and key(n.value.slice) == row
    ]
    tables = {key(c.value) for c in cells}
    against = [n for n in walk(step.value) if isinstance(n, ast.Subscript)]
    if len(tables) != 1 or any(key(n.slice) == column and n not in cells for n in against):
        return None
    if not names_stay(scope, node, [column, row]) or has_comments(scope, node, node):
        return None
    line = cells[0].value
    name = scope.fresh(f"{scope.stem(line)}_row")
    return Rewrite(
        (
            scope.replace(node.target, scope.text(inner.target)),
            scope.replace(node.iter, scope.line_text(inner.iter)),
            scope.insert_before(inner, f"{name} = {scope.text(line)}"),
            scope.replace(inner.target, scope.text(node.target)),
            scope.replace(inner.iter, scope.line_text(node.iter)),
            *(scope.replace(c.value, name) for c in cells),
        )
    )


RULES = (pairs_combinations, loop_interchange)
