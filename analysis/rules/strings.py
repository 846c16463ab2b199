"""Strings built piece by piece."""

from __future__ import annotations

import ast

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.rules.flow import loads, stores
from analysis.rules.kinds import kind
from analysis.rules.nodes import text_of, walk
from analysis.rules.scope import Scope
from analysis.text import TextChange

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _start(scope: Scope, loop: ast.stmt, name: str) -> ast.Assign:
    """The assignment of a constant string before a loop, with no use of the name between."""
    before = scope.neighbour(loop, -1)
    while before is not None and not loads(before, name) and not stores(before, name):
        before = scope.neighbour(before, -1)
    if (
        isinstance(before, ast.Assign)
        and len(before.targets) == 1
        and isinstance(before.targets[0], ast.Name)
        and kind(scope, before.value) == "str"
        and not loads(before, name)
    ):
        return before
    raise NoRewriteError("no string before the loop")


def _loop(scope: Scope, node: ast.stmt) -> ast.For | ast.While:
    """The outermost loop around a statement; all loops around it are statements."""
    loops = scope.loops(node)
    if not loops or not isinstance(loops[-1], ast.For | ast.While):
        raise NoRewriteError("no loop")
    return loops[-1]


def _appended(node: ast.AST, name: str) -> ast.expr | None:
    """x of `name += x` or `name = name + x`."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        if isinstance(node.target, ast.Name) and node.target.id == name:
            return node.value
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        value = node.value
        sum_of = value.left if isinstance(value, ast.BinOp) else None
        if isinstance(sum_of, ast.Name) and sum_of.id == name and isinstance(value, ast.BinOp):
            return value.right if isinstance(value.op, ast.Add) else None
    return None


@rule(
    "string-join",
    title="collect the pieces and join them once",
    description="A string grows piece by piece in a loop, and each step may copy all of it. The"
    " pieces are collected in a list and joined once after the loop.",
    patterns=["$S += $X", "$S = $S + $X"],
    node=(ast.AugAssign, ast.Assign),
    gain=2,
)
def string_join(scope: Scope, node: ast.AugAssign | ast.Assign) -> Proposal:
    """Append the pieces of a string to a list and join them after the loop.

    Why it is slow: strings can't be changed, so `text += piece` makes a new one. CPython can often
    grow a local string in place, but not when another name or an object holds it, and other
    interpreters never do: then the time grows with the square of the length.

    Example:
        text = ""                          parts = []
        for row in rows:                   for row in rows:
            text += format_row(row)            parts.append(format_row(row))
        return text                        text = "".join(parts)
                                           return text

    When not to: there are few pieces, or the string is read inside the loop (then it is left
    alone).
    """
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    if not isinstance(target, ast.Name):
        return None
    name, loop = target.id, _loop(scope, node)
    first = _start(scope, loop, name)
    steps = [n for n in walk(loop) if isinstance(n, ast.stmt) and _appended(n, name)]
    reads = sum(1 for n in steps if isinstance(n, ast.Assign))
    if len(stores(loop, name)) != len(steps) or len(loads(loop, name)) != reads:
        return None
    parts = scope.fresh(f"{name}_parts")
    empty = isinstance(first.value, ast.Constant) and first.value.value == ""
    start = "[]" if empty else f"[{scope.text(first.value)}]"
    changes = [scope.replace(first, f"{parts} = {start}")]
    for step in steps:
        piece = _appended(step, name)
        assert piece is not None
        changes.append(scope.replace(step, f"{parts}.append({scope.text(piece)})"))
    changes.append(scope.insert_after(loop, f'{name} = "".join({parts})'))
    return Rewrite(tuple(changes))


@rule(
    "string-prepend-join",
    title="collect the pieces, reverse and join them once",
    description="A string grows at its front in a loop, and each step copies all of it. The pieces"
    " are collected in a list that is reversed and joined once after the loop.",
    patterns=["$S = $X + $S"],
    node=ast.Assign,
    gain=3,
)
def string_prepend_join(scope: Scope, node: ast.Assign) -> Proposal:
    """Append the pieces to a list, and join them in reverse after the loop.

    Why it is slow: `text = piece + text` always copies the whole string: the time grows with the
    square of its length.

    Example:
        digits = ""                        digits_parts = []
        while n:                           while n:
            digits = str(n % 2) + digits       digits_parts.append(str(n % 2))
            n //= 2                            n //= 2
        return digits                      digits = "".join(reversed(digits_parts))
                                           return digits

    When not to: there are few pieces, or the string is read inside the loop (then it is left
    alone).
    """
    target, value = node.targets[0], node.value
    if not isinstance(target, ast.Name) or not isinstance(value, ast.BinOp):
        return None
    if not isinstance(value.right, ast.Name) or value.right.id != target.id:
        return None
    name, loop = target.id, _loop(scope, node)
    first = _start(scope, loop, name)
    if len(stores(loop, name)) != 1 or len(loads(loop, name)) != 1:
        return None
    parts = scope.fresh(f"{name}_parts")
    empty = isinstance(first.value, ast.Constant) and first.value.value == ""
    start = "[]" if empty else f"[{scope.text(first.value)}]"
    changes = [
        scope.replace(first, f"{parts} = {start}"),
        scope.replace(node, f"{parts}.append({scope.text(value.left)})"),
        scope.insert_after(loop, f'{name} = "".join(reversed({parts}))'),
    ]
    return Rewrite(tuple(changes))


@rule(
    "attribute-string-join",
    title="collect the pieces of an attribute's string and join them once",
    description="A string held by an object grows piece by piece in a loop; the object's reference"
    " forces a copy of the whole string at each step. The pieces are collected in a list and added"
    " once after the loop.",
    patterns=["$O.$A += $X"],
    node=ast.AugAssign,
    gain=2,
)
def attribute_string_join(scope: Scope, node: ast.AugAssign) -> Proposal:
    """Collect the pieces of a string that an attribute holds, and add them after the loop.

    Why it is slow: CPython grows a string in place only while one local name holds it. An
    attribute's string is copied as a whole at each `+=`: the time grows with the square of its
    length.

    Example:
        for row in rows:                   body_parts = []
            self.body += str(row)          for row in rows:
                                               body_parts.append(str(row))
                                           self.body += "".join(body_parts)

    When not to: something that the loop calls reads the attribute.
    """
    target = node.target
    if not isinstance(target, ast.Attribute) or not isinstance(node.op, ast.Add):
        return None
    if not isinstance(target.value, ast.Name) or kind(scope, node.value) != "str":
        return None
    loop, text = _loop(scope, node), text_of(target)
    uses = [n for n in walk(loop) if isinstance(n, ast.Attribute) and text_of(n) == text]
    steps = [n for n in walk(loop) if isinstance(n, ast.AugAssign) and text_of(n.target) == text]
    if len(uses) != len(steps) or stores(loop, target.value.id):
        return None
    if any(isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in walk(loop)):
        return None
    parts = scope.fresh(f"{scope.stem(target)}_parts")
    changes = [scope.insert_before(loop, f"{parts} = []")]
    changes += [scope.replace(s, f"{parts}.append({scope.text(s.value)})") for s in steps]
    changes.append(scope.insert_after(loop, f'{text} += "".join({parts})'))
    return Rewrite(tuple(changes), sure=False)


@rule(
    "inner-string-join",
    title="collect the pieces of an inner function and join them once",
    description="A function made inside of another one adds to a string at each of its calls, and"
    " each step copies all of the string. The pieces are collected in a list and joined once after"
    " the last use of the inner function.",
    patterns=["$S += $X"],
    node=ast.AugAssign,
    gain=3,
)
def inner_string_join(scope: Scope, node: ast.AugAssign) -> Proposal:
    """Let an inner function collect pieces, and join them where it has done its work.

    Why it is slow: a string that an object or an outer function holds can't grow in place: each
    `+=` copies all of it, and the time grows with the square of its length.

    Example:
        self.text = ""                     text_parts = []
        def write(line):                   def write(line):
            self.text += line + "\\n"          text_parts.append(line + "\\n")
        self.walk(write)                   self.walk(write)
        return self.text                   self.text = "".join(text_parts)
                                           return self.text

    When not to: something that is called meanwhile reads the string, or calls the inner function
    later on.
    """
    inner, target = scope.inner_function(node), node.target
    if inner is scope.root or not isinstance(inner, ast.FunctionDef):
        return None
    if not isinstance(node.op, ast.Add) or not isinstance(scope.parent(inner), _FUNCTIONS):
        return None
    changes = _free_of_binding(scope, inner, target)
    text = text_of(target)
    first, last = _filled_between(scope, inner, text)
    steps = [
        n
        for n in scope.find(inner, ast.AugAssign)
        if isinstance(n.op, ast.Add) and text_of(n.target) == text
    ]
    if len(_uses(inner, text)) != len(steps) or any(scope.loops(s) for s in steps):
        return None
    parts = scope.fresh(f"{scope.stem(target)}_parts")
    empty = isinstance(first.value, ast.Constant) and first.value.value == ""
    start = "[]" if empty else f"[{scope.text(first.value)}]"
    changes.append(scope.replace(first, f"{parts} = {start}"))
    changes += [scope.replace(s, f"{parts}.append({scope.text(s.value)})") for s in steps]
    changes.append(scope.insert_after(last, f'{text} = "".join({parts})'))
    return Rewrite(tuple(changes), sure=False)


def _uses(tree: ast.AST, text: str) -> list[ast.AST]:
    """The places in a tree that read or bind a name or an attribute."""
    return [n for n in walk(tree) if isinstance(n, ast.Name | ast.Attribute) and text_of(n) == text]


def _free_of_binding(scope: Scope, inner: ast.AST, target: ast.expr) -> list[TextChange]:
    """What must go so that an inner function need no longer bind its target."""
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        if stores(inner, target.value.id) or target.value.id in _arguments(inner):
            raise NoRewriteError("the object is the inner function's own")
        return []
    if isinstance(target, ast.Name):
        for declared in scope.find(inner, ast.Nonlocal):
            if declared.names == [target.id]:
                return [scope.remove(declared)]
    raise NoRewriteError("no string of the outer function")


def _arguments(function: ast.AST) -> set[str]:
    return {n.arg for n in walk(function) if isinstance(n, ast.arg)}


def _filled_between(scope: Scope, inner: ast.FunctionDef, text: str) -> tuple[ast.Assign, ast.stmt]:
    """The string's start before an inner function, and the last statement that uses this one."""
    block = scope.block(inner)
    at = block.index(inner)
    first = next((s for s in reversed(block[:at]) if _uses(s, text)), None)
    if not isinstance(first, ast.Assign) or [text_of(t) for t in first.targets] != [text]:
        raise NoRewriteError("the string does not start beside the inner function")
    if kind(scope, first.value) != "str" or _uses(first.value, text):
        raise NoRewriteError("no string")
    using = [s for s in block[at + 1 :] if loads(s, inner.name)]
    if not using or stores(scope.root, inner.name):
        raise NoRewriteError("the inner function has no use beside it")
    between = block[at + 1 : block.index(using[-1]) + 1]
    leaves = (ast.Return, ast.Yield, ast.YieldFrom, ast.Await)
    for statement in between:
        if _uses(statement, text) or any(isinstance(n, leaves) for n in walk(statement)):
            raise NoRewriteError("the string is used, or the function left, meanwhile")
    return first, using[-1]


RULES = (string_join, string_prepend_join, attribute_string_join, inner_string_join)
