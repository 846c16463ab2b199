"""Tables of pandas walked row by row."""

from __future__ import annotations

import ast
import re

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.rules.flow import is_invariant, key, loads, names_in, stores
from analysis.rules.scope import Scope
from analysis.rules.shapes import in_parentheses, leaves, names_stay, outer_loop
from analysis.text import TextChange

_BY_ROW = ([("axis", "1")], [("axis", "'columns'")])


def _has_pandas(scope: Scope) -> bool:
    """Whether the file imports pandas."""
    return any(
        (node.module if isinstance(node, ast.ImportFrom) else alias.name) == "pandas"
        for _, _, node in scope.module.imports
        for alias in node.names
    )


def _column(node: ast.expr, row: str) -> str | None:
    """The name of the column that `row["name"]` reads."""
    if not isinstance(node, ast.Subscript) or key(node.value) != row:
        return None
    value = node.slice.value if isinstance(node.slice, ast.Constant) else None
    return value if isinstance(value, str) and isinstance(node.ctx, ast.Load) else None


@rule(
    "frame-grow-concat",
    title="collect the parts and put them together once",
    description="A table grows in a loop, and all its rows are copied each time. The parts are"
    " collected in a list and put together once after the loop.",
    patterns=[{"kind": "assignment", "regex": r"^\w+ = [\w.]+\(\s*\[\w+,"}],
    node=ast.Assign,
    gain=3,
)
def frame_grow_concat(scope: Scope, node: ast.Assign) -> Proposal:
    """Concatenate the parts of a table once, after the loop.

    Why it is slow: `concat` copies all rows that are there: the time grows with the square of
    their number.

    Example:
        for part in parts:                 table_parts = [table]
            table = pd.concat([table, part])   for part in parts:
                                               table_parts.append(part)
                                           table = pd.concat(table_parts)

    When not to: the loop reads the table (then it is left alone).
    """
    call, target = node.value, node.targets[0]
    if not isinstance(call, ast.Call) or not isinstance(target, ast.Name) or len(node.targets) != 1:
        return None
    if not scope.is_imported(call.func, "pandas", "concat") or len(call.args) != 1:
        return None
    pair = call.args[0]
    if not isinstance(pair, ast.List) or len(pair.elts) != 2 or key(pair.elts[0]) != target.id:
        return None
    outer, name = outer_loop(scope, node), target.id
    if len(loads(outer, name)) != 1 or len(stores(outer, name)) != 1 or leaves(outer):
        return None
    parts = scope.fresh(f"{name}_parts")
    options = "".join(f", {k.arg}={scope.text(k.value)}" for k in call.keywords)
    if any(k.arg is None or not isinstance(k.value, ast.Constant) for k in call.keywords):
        return None
    return Rewrite(
        (
            scope.insert_before(outer, f"{parts} = [{name}]"),
            scope.replace(node, f"{parts}.append({scope.text(pair.elts[1])})"),
            scope.insert_after(outer, f"{name} = {scope.text(call.func)}({parts}{options})"),
        )
    )


@rule(
    "iterrows-zip",
    title="walk the columns side by side",
    description="A loop over the rows of a table makes an object of each row to read a few of its"
    " cells. Walking the columns side by side gives the cells themselves.",
    patterns=[{"kind": "for_statement", "regex": r"^for [^\n]*\.iterrows\(\)"}],
    node=ast.For,
    gain=3,
    words=("iterrows",),
)
def iterrows_zip(scope: Scope, node: ast.For) -> Proposal:
    """Loop over `zip` of columns instead of `iterrows`.

    Why it is slow: `iterrows` makes a Series of each row, which takes some ten microseconds, and
    each cell is looked up by its name.

    Example:
        for i, row in table.iterrows():    for cost, count in zip(table["cost"], table["count"]):
            total += row["cost"] * row["count"]    total += cost * count

    When not to: rows are used whole, or columns of different types must become one type.
    """
    call, target = node.iter, node.target
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.args:
        return None
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2 or not _has_pandas(scope):
        return None
    index, row = target.elts
    table = call.func.value
    if not isinstance(index, ast.Name) or not isinstance(row, ast.Name):
        return None
    if not isinstance(table, ast.Name | ast.Attribute) or not is_invariant(scope, table, node):
        return None
    if len(stores(node, row.id)) != 1 or not names_stay(scope, node, [row.id]):
        return None
    columns: dict[str, str] = {}
    changes: list[TextChange] = []
    for use in sorted(loads(node, row.id), key=scope.start):
        up = scope.parent(use)
        column = _column(up, row.id) if isinstance(up, ast.Subscript) else None
        if column is None or not isinstance(up, ast.Subscript):
            return None
        if column not in columns:
            word = re.sub(r"\W+", "_", column).strip("_").lower()
            usable = word.isidentifier() and word.isascii()
            columns[column] = scope.fresh(word if usable else "cell", *columns.values())
        changes.append(scope.replace(up, columns[column]))
    if not columns:
        return None
    text = scope.text(table)
    names, sources = list(columns.values()), [f"{text}[{c!r}]".replace("'", '"') for c in columns]
    if any(set(c) & set("'\"\\") for c in columns):
        return None
    if loads(node, index.id) or not names_stay(scope, node, [index.id]):
        names, sources = [index.id, *names], [f"{text}.index", *sources]
    changes.append(scope.replace(target, ", ".join(names)))
    source = sources[0] if len(sources) == 1 else f"zip({', '.join(sources)})"
    changes.append(scope.replace(call, source))
    return Rewrite(tuple(changes))


def _arithmetic(node: ast.expr, name: str, cell: str | None) -> ast.expr:
    """The expression of a lambda over a whole column; NoRewriteError where it is more.

    With `cell` the lambda's own name stands for the column of that text; without, `name["c"]`.
    """
    if isinstance(node, ast.BinOp):
        allowed = ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow
        if isinstance(node.op, allowed):
            left = _arithmetic(node.left, name, cell)
            return ast.BinOp(left, node.op, _arithmetic(node.right, name, cell))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return ast.UnaryOp(node.op, _arithmetic(node.operand, name, cell))
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        if not isinstance(node.ops[0], ast.In | ast.NotIn | ast.Is | ast.IsNot):
            left = _arithmetic(node.left, name, cell)
            right = _arithmetic(node.comparators[0], name, cell)
            return ast.Compare(left, node.ops, [right])
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node
    elif isinstance(node, ast.Name) and node.id == name and cell is not None:
        return ast.parse(cell, mode="eval").body
    elif isinstance(node, ast.Subscript) and cell is None:
        column = _column(node, name)
        if column is not None:
            return node
    raise NoRewriteError("more than arithmetic")


def _parameter(node: ast.expr) -> tuple[str, ast.expr]:
    """The name of a lambda's one parameter, and its body."""
    if not isinstance(node, ast.Lambda) or len(node.args.args) != 1 or node.args.defaults:
        raise NoRewriteError("no plain lambda")
    if node.args.vararg or node.args.kwarg or node.args.kwonlyargs or node.args.posonlyargs:
        raise NoRewriteError("no plain lambda")
    return node.args.args[0].arg, node.body


@rule(
    "apply-rows-vector",
    title="compute with whole columns",
    description="A function is called for each row of a table to compute with its cells. The same"
    " arithmetic on whole columns runs in compiled code.",
    patterns=[{"kind": "call", "regex": r"^[\w.]+\.apply\(\s*lambda"}],
    node=ast.Call,
    gain=3,
    words=(".apply", "lambda"),
)
def apply_rows_vector(scope: Scope, node: ast.Call) -> Proposal:
    """Write arithmetic on columns instead of `apply` on rows.

    Why it is slow: each row becomes a Series and is handed to a Python function: some ten
    microseconds a row instead of some nanoseconds.

    Example:
        table.apply(lambda r: r["a"] * r["b"], axis=1)    ->    table["a"] * table["b"]

    When not to: the cells are no numbers.
    """
    if not isinstance(node.func, ast.Attribute) or len(node.args) != 1 or not _has_pandas(scope):
        return None
    if [(k.arg, key(k.value)) for k in node.keywords] not in _BY_ROW:
        return None
    table = node.func.value
    if not isinstance(table, ast.Name | ast.Attribute) or node in scope.formatted:
        return None
    name, body = _parameter(node.args[0])
    made = _arithmetic(body, name, None)
    if name not in names_in(made) or isinstance(made, ast.Subscript):
        return None
    text = re.sub(rf"\b{re.escape(name)}\[", f"{key(table)}[", key(made)).replace("'", '"')
    return Rewrite((scope.replace(node, in_parentheses(scope, node, text)),))


@rule(
    "apply-cells-vector",
    title="compute with the whole column",
    description="A function is called for each cell of a column to compute with it. The same"
    " arithmetic on the whole column runs in compiled code.",
    patterns=[{"kind": "call", "regex": r"^[^()]*\]\.(apply|map)\(\s*lambda"}],
    node=ast.Call,
    gain=3,
    words=(".apply|.map", "lambda"),
)
def apply_cells_vector(scope: Scope, node: ast.Call) -> Proposal:
    """Write arithmetic on a column instead of `apply` on its cells.

    Why it is slow: each cell becomes a Python object and is handed to a Python function.

    Example:
        table["cost"].apply(lambda c: c * 1.19)    ->    table["cost"] * 1.19

    When not to: the cells are no numbers.
    """
    if not isinstance(node.func, ast.Attribute) or len(node.args) != 1 or node.keywords:
        return None
    column = node.func.value
    if node.func.attr not in ("apply", "map"):
        return None
    if not isinstance(column, ast.Subscript) or not isinstance(column.slice, ast.Constant):
        return None
    if not isinstance(column.slice.value, str) or not _has_pandas(scope):
        return None
    name, body = _parameter(node.args[0])
    if isinstance(body, ast.Name | ast.Constant) or node in scope.formatted:
        return None
    if name not in names_in(body):
        return None
    text = key(_arithmetic(body, name, scope.line_text(column))).replace("'", '"')
    return Rewrite((scope.replace(node, in_parentheses(scope, node, text)),))


@rule(
    "loc-at",
    title="reach the single cell directly",
    description="A loop reads or sets single cells of a table through the general lookup for rows,"
    " columns and masks. The lookup for single cells takes the short way.",
    patterns=[{"kind": "subscript", "regex": r"^[\w.]+\.i?loc\["}],
    node=ast.Subscript,
    gain=2,
    words=("loc",),
)
def loc_at(scope: Scope, node: ast.Subscript) -> Proposal:
    """Use `at` and `iat` for single cells in a loop.

    Why it is slow: `loc` finds out at each call whether it is given labels, lists, slices or
    masks, and may make a row on the way.

    Example:
        for i in table.index:              for i in table.index:
            total += table.loc[i, "cost"]      total += table.at[i, "cost"]

    When not to: a label stands for several rows.
    """
    if not isinstance(node.value, ast.Attribute) or not isinstance(node.slice, ast.Tuple):
        return None
    if len(node.slice.elts) != 2 or not _has_pandas(scope) or isinstance(node.ctx, ast.Del):
        return None
    row, column = node.slice.elts
    if not isinstance(row, ast.Name) or not isinstance(column, ast.Constant):
        return None
    wanted, name = (str, "at") if node.value.attr == "loc" else (int, "iat")
    if not isinstance(column.value, wanted) or not _is_label(scope, node, row.id):
        return None
    text = f"{scope.text(node.value.value)}.{name}"
    return Rewrite((scope.replace(node.value, text),))


def _is_label(scope: Scope, node: ast.AST, name: str) -> bool:
    """Whether a name is bound by a loop over single labels or positions."""
    for loop in scope.loops(node):
        if isinstance(loop, ast.For) and stores(loop.target, name):
            source = key(loop.iter)
            first = isinstance(loop.target, ast.Tuple) and key(loop.target.elts[0]) == name
            single = source.startswith("range(") or source.endswith(".index")
            return single or (first and source.endswith(".iterrows()"))
    return False


RULES = (frame_grow_concat, iterrows_zip, apply_rows_vector, apply_cells_vector, loc_at)
