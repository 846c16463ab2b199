"""Dicts that are asked twice, by errors, or that make their groups by hand."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import is_invariant, is_plain, key, loads, stores
from analysis.rules.kinds import kind
from analysis.rules.lists import is_simple
from analysis.rules.nodes import walk
from analysis.rules.scope import Comprehension, Scope
from analysis.rules.shapes import has_comments, names_stay

_EMPTY = {
    "[]": "list",
    "list()": "list",
    "set()": "set",
    "{}": "dict",
    "dict()": "dict",
    "0": "int",
}


def _item(scope: Scope, node: ast.AST) -> ast.Subscript | None:
    """`d[k]` of something that may be a dict."""
    if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
        return None
    if not isinstance(node.value, ast.Name | ast.Attribute) or key(node.value) in ("self", "cls"):
        return None
    if kind(scope, node.value) not in (None, "dict") or not is_plain(scope, node.slice):
        return None
    return node


@rule(
    "try-miss-get",
    title="ask for a default instead of catching the error",
    description="A missing key of a dict is dealt with by catching the error. Where keys are often"
    " missing, asking with a default is far faster than raising and catching.",
    patterns=[{"kind": "try_statement"}],
    node=ast.Try,
    gain=2,
)
def try_miss_get(scope: Scope, node: ast.Try) -> Proposal:
    """Use `get`, or `in`, instead of catching KeyError.

    Why it is slow: raising an error makes an object and unwinds the stack: a miss takes four to
    eight times as long as `get`. A hit is a little faster with `try`.

    Example:
        try:                               return table.get(word, 0)
            return table[word]
        except KeyError:
            return 0

    When not to: keys are nearly always there.
    """
    if len(node.handlers) != 1 or node.orelse or node.finalbody or len(node.body) != 1:
        return None
    handler, step = node.handlers[0], node.body[0]
    if handler.name or handler.type is None or key(handler.type) != "KeyError":
        return None
    if len(handler.body) != 1 or has_comments(scope, node, node) or not scope.owns_line(node):
        return None
    text = _with_get(scope, step, handler.body[0]) or _with_test(scope, step, handler.body[0])
    return Rewrite((scope.replace(node, text),)) if text else None


def _with_get(scope: Scope, step: ast.stmt, other: ast.stmt) -> str | None:
    """`x = d[k]` or `return d[k]`, and the same with a default, as one `get`."""
    head = ""
    if isinstance(step, ast.Assign) and isinstance(other, ast.Assign):
        if [key(t) for t in step.targets] != [key(t) for t in other.targets]:
            return None
        if len(step.targets) != 1 or not isinstance(step.targets[0], ast.Name):
            return None
        head = f"{step.targets[0].id} = "
    elif isinstance(step, ast.Return) and isinstance(other, ast.Return):
        head = "return "
    if not head or not isinstance(step, ast.Assign | ast.Return):
        return None
    assert isinstance(other, ast.Assign | ast.Return)
    item = _item(scope, step.value) if step.value is not None else None
    if item is None:
        return None
    default = other.value or ast.Constant(None)
    if not is_simple(default) and key(default) not in _EMPTY:
        return None
    asked = f"{scope.text(item.value)}.get({scope.line_text(item.slice)}"
    if isinstance(default, ast.Constant) and default.value is None:
        return f"{head}{asked})"
    return f"{head}{asked}, {scope.text(default)})"


def _with_test(scope: Scope, step: ast.stmt, other: ast.stmt) -> str | None:
    """`d[k] += x` or `d[k].append(x)`, and what makes the item, as an `if`."""
    place: ast.AST | None = None
    if isinstance(step, ast.AugAssign) and is_plain(scope, step.value):
        place = step.target
    elif isinstance(step, ast.Expr) and isinstance(step.value, ast.Call):
        call = step.value
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("append", "add", "extend"):
            place = call.func.value if all(is_plain(scope, a) for a in call.args) else None
    item = _item(scope, place) if place is not None else None
    if item is None or not is_simple(item.slice) or not isinstance(other, ast.Assign):
        return None
    if [key(t) for t in other.targets] != [key(item)] or not is_plain(scope, other.value):
        return None
    indent = f"\n{scope.indent(scope.statement(step))}"
    outer = f"\n{scope.indent(scope.statement(step))[: -len(scope.unit)]}"
    test = f"if {scope.text(item.slice)} in {scope.text(item.value)}:"
    return f"{test}{indent}{scope.text(step)}{outer}else:{indent}{scope.text(other)}"


@rule(
    "dict-loop-items",
    title="walk the items of the dict",
    description="A loop over the keys of a dict looks each value up by its key. Walking the items"
    " (or the values) gives them without the lookup.",
    patterns=[
        {"kind": "for_statement"},
        {"kind": "list_comprehension"},
        {"kind": "set_comprehension"},
        {"kind": "generator_expression"},
        {"kind": "dictionary_comprehension"},
    ],
    node=(ast.For, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp),
    gain=1,
)
def dict_loop_items(scope: Scope, node: ast.For | Comprehension) -> Proposal:
    """Loop over `items()` or `values()` instead of keys and lookups.

    Why it is slow: each lookup hashes the key and compares it, though the walk has the value at
    hand.

    Example:
        for name in prices:                for price in prices.values():
            total += prices[name]              total += price

    When not to: the loop changes the dict (then it is left alone).
    """
    if isinstance(node, ast.For):
        target, source = node.target, node.iter
    else:
        if len(node.generators) != 1 or node.generators[0].is_async:
            return None
        target, source = node.generators[0].target, node.generators[0].iter
    asked = source
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute):
        if source.func.attr != "keys" or source.args:
            return None
        source = source.func.value
    if not isinstance(source, ast.Name | ast.Attribute) or not isinstance(target, ast.Name):
        return None
    table, name = key(source), target.id
    if not any(
        isinstance(up := scope.parent(use), ast.Subscript) and up.slice is use
        for use in loads(node, name)
    ):
        return None
    if asked is source and kind(scope, source) != "dict":
        return None
    if len(stores(node, name)) != 1 or not is_invariant(scope, source, node):
        return None
    items, other = [], False
    for use in loads(node, name):
        up = scope.parent(use)
        if isinstance(up, ast.Subscript) and up.slice is use and key(up.value) == table:
            if not isinstance(up.ctx, ast.Load):
                return None
            items.append(up)
        else:
            other = True
    if not items or any(isinstance(n, ast.Delete) for n in walk(node)):
        return None
    other = other or (isinstance(node, ast.For) and not names_stay(scope, node, [name]))
    stem = scope.stem(source, "value")
    word = stem[:-1] if stem.endswith("s") and not stem.endswith("ss") and len(stem) > 2 else stem
    value = scope.fresh(word if word != stem and word != name else f"{name}_value")
    changes = [scope.replace(i, value) for i in items]
    changes.append(scope.replace(target, f"{name}, {value}" if other else value))
    method = "items" if other else "values"
    changes.append(scope.replace(asked, f"{scope.text(source)}.{method}()"))
    return Rewrite(tuple(changes))


@rule(
    "setdefault-group",
    title="make a group only for a new key",
    description="A loop sorts values into groups, and makes an empty group for each value, often to"
    " throw it away. A test for the key makes one only where it is needed.",
    patterns=["$D.setdefault($K, $E).$M($V)"],
    node=ast.Expr,
    gain=1,
)
def setdefault_group(scope: Scope, node: ast.Expr) -> Proposal:
    """Test for the key instead of calling `setdefault` for each value.

    Why it is slow: `setdefault(key, [])` makes a list for each value, and the method is looked up
    and called, though the key is nearly always there.

    Example:
        groups.setdefault(k, []).append(v)    if k in groups:
                                                  groups[k].append(v)
                                              else:
                                                  groups[k] = [v]

    When not to: nearly each value makes a group of its own.
    """
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    made = call.func.value
    if not isinstance(made, ast.Call) or not isinstance(made.func, ast.Attribute):
        return None
    if made.func.attr != "setdefault" or len(made.args) != 2 or made.keywords or call.keywords:
        return None
    table, word, empty = made.func.value, made.args[0], key(made.args[1])
    brackets = {"append": ("[]", "[]", "list()"), "add": ("{}", "set()", "set()")}
    shape = brackets.get(call.func.attr)
    if shape is None or empty not in shape[1:] or len(call.args) != 1 or not scope.loops(node):
        return None
    if not is_simple(word) or not isinstance(table, ast.Name | ast.Attribute):
        return None
    if isinstance(call.args[0], ast.Starred) or not scope.owns_line(node):
        return None
    if has_comments(scope, node, node) or kind(scope, table) not in (None, "dict"):
        return None
    owner, name, value = scope.text(table), scope.text(word), scope.line_text(call.args[0])
    outer, inner = f"\n{scope.indent(node)}", f"\n{scope.indent(node)}{scope.unit}"
    item = f"{owner}[{name}]"
    text = (
        f"if {name} in {owner}:{inner}{item}.{call.func.attr}({value})"
        f"{outer}else:{inner}{item} = {shape[0][0]}{value}{shape[0][1]}"
    )
    return Rewrite((scope.replace(node, text),))


RULES = (try_miss_get, setdefault_group, dict_loop_items)
