"""Arrays of numpy worked on element by element."""

from __future__ import annotations

import ast
from collections.abc import Callable

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule, words
from analysis.rules.flow import key, loads, names_in, stores
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope
from analysis.rules.shapes import (
    has_comments,
    in_parentheses,
    leaves,
    names_stay,
    only_step,
    outer_loop,
)

_MAKERS = words(
    """
    array asarray arange linspace zeros ones full empty zeros_like ones_like full_like
    empty_like fromiter loadtxt cumsum sort concatenate hstack
    """
)
_DRAWN = words("rand randn random standard_normal permutation")
_FUNCTIONS = words("sqrt exp log log2 log10 sin cos tan fabs")
_Element = Callable[[ast.expr], str | None]


def _numpy(scope: Scope) -> str:
    """The name by which the file calls numpy. Raises NoRewriteError where it has none."""
    for _, _, node in scope.module.imports:
        for alias in node.names if isinstance(node, ast.Import) else []:
            name = alias.asname or alias.name
            if alias.name == "numpy" and name not in scope.own_names:
                return name
    raise NoRewriteError("no numpy")


def _is_array(scope: Scope, node: ast.expr, depth: int = 3) -> bool:
    """Whether a name is evidently an array wherever its function binds it."""
    if not isinstance(node, ast.Name) or depth == 0:
        return False
    numpy, function = _numpy(scope), scope.inner_function(node)
    bound = stores(function, node.id)
    arguments = [a for a in walk(function.args) if isinstance(a, ast.arg) and a.arg == node.id]
    for argument in arguments:
        text = key(argument.annotation) if argument.annotation else ""
        if not text.startswith((f"{numpy}.ndarray", "ndarray", "NDArray", f"{numpy}.typing.ND")):
            return False
    values = [up.value for n in bound if isinstance(up := scope.parent(n), ast.Assign)]
    made = len(values) == len(bound) and all(_makes(scope, v, numpy, depth) for v in values)
    return made and bool(bound or arguments)


def _makes(scope: Scope, value: ast.expr, numpy: str, depth: int) -> bool:
    """Whether an expression evidently gives an array: a call of numpy, or arithmetic with one."""
    if isinstance(value, ast.BinOp):
        sides = value.left, value.right
        return any(_is_array(scope, s, depth - 1) or _makes(scope, s, numpy, depth) for s in sides)
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    owner, word = key(value.func.value), value.func.attr
    drawn = owner == f"{numpy}.random" and word in _DRAWN and bool(value.args)
    return drawn or (owner == numpy and word in _MAKERS)


def _vector(scope: Scope, node: ast.expr, element: _Element) -> str:
    """An expression over elements, written for whole arrays. Raises NoRewriteError for others.

    `element` says which expressions are elements, and what array they are of.
    """
    found = element(node)
    if found is not None:
        return found
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return scope.text(node)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return f"-{_tight(scope, node.operand, element)}"
    if isinstance(node, ast.BinOp):
        signs = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
        sign = signs.get(type(node.op))
        if sign is not None:
            left, right = (_tight(scope, n, element) for n in (node.left, node.right))
            return f"{left} {sign} {right}"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        compared = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}
        sign = compared.get(type(node.ops[0]))
        if sign is not None:
            left, right = (_tight(scope, n, element) for n in (node.left, node.comparators[0]))
            return f"{left} {sign} {right}"
    if isinstance(node, ast.IfExp):
        parts = (_vector(scope, n, element) for n in (node.test, node.body, node.orelse))
        return f"{_numpy(scope)}.where({', '.join(parts)})"
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        inner = _vector(scope, node.args[0], element)
        if scope.is_builtin(node.func, "abs"):
            return f"abs({inner})"
        for name in _FUNCTIONS:
            if scope.is_imported(node.func, "math", name):
                return f"{_numpy(scope)}.{name}({inner})"
            if key(node.func) == f"{_numpy(scope)}.{name}":
                return f"{key(node.func)}({inner})"
    raise NoRewriteError("more than arithmetic")


def _tight(scope: Scope, node: ast.expr, element: _Element) -> str:
    text = _vector(scope, node, element)
    return f"({text})" if isinstance(node, ast.BinOp | ast.Compare | ast.UnaryOp) else text


def _items_of(scope: Scope, index: str, cut: str) -> _Element:
    """Elements `a[i]` of arrays; a bare `i` is none."""

    def element(node: ast.expr) -> str | None:
        if isinstance(node, ast.Subscript) and key(node.slice) == index:
            if not _is_array(scope, node.value):
                raise NoRewriteError("not evidently an array")
            return key(node.value) + cut
        if index in names_in(node) and isinstance(node, ast.Name | ast.Subscript):
            raise NoRewriteError("the position itself is used")
        return None

    return element


def _range(scope: Scope, node: ast.For) -> tuple[str, str]:
    """The name of a loop's position, and the slice that its range stands for."""
    call = node.iter
    if not isinstance(call, ast.Call) or not scope.is_builtin(call.func, "range"):
        raise NoRewriteError("no range")
    if len(call.args) != 1 or not isinstance(node.target, ast.Name):
        raise NoRewriteError("not from the start")
    limit = call.args[0]
    owner: ast.expr | None = None
    if isinstance(limit, ast.Call) and scope.is_builtin(limit.func, "len"):
        owner = limit.args[0]
    elif isinstance(limit, ast.Attribute) and limit.attr == "size":
        owner = limit.value
    elif isinstance(limit, ast.Subscript) and key(limit).endswith(".shape[0]"):
        assert isinstance(limit.value, ast.Attribute)
        owner = limit.value.value
    if owner is not None:
        if not _is_array(scope, owner):
            raise NoRewriteError("not evidently an array")
        return node.target.id, ""
    if not isinstance(limit, ast.Name | ast.Constant):
        raise NoRewriteError("a computed length")
    return node.target.id, f"[:{key(limit)}]"


@rule(
    "array-loop-vector",
    title="compute with whole arrays",
    description="A loop computes with the elements of arrays one by one, and each becomes an object"
    " of the interpreter. The same arithmetic on whole arrays runs in compiled code.",
    patterns=[{"kind": "for_statement"}],
    node=ast.For,
    gain=3,
)
def array_loop_vector(scope: Scope, node: ast.For) -> Proposal:
    """Write arithmetic on whole arrays instead of a loop over positions.

    Why it is slow: each `a[i]` makes an object, and each operation on it goes through the checks
    for arrays: some hundred nanoseconds instead of one.

    Example:
        for i in range(len(a)):            total += (a * b).sum(axis=0)
            total += a[i] * b[i]

    When not to: the arrays have a few elements, or the last digits of a sum of floats matter.
    """
    step = only_step(node)
    if has_comments(scope, node, node):
        return None
    if isinstance(step, ast.Assign) and len(step.targets) == 1:
        place = step.targets[0]
        if not isinstance(place, ast.Subscript) or not _is_array(scope, place.value):
            return None
        index, cut = _range(scope, node)
        if key(place.slice) != index or not names_stay(scope, node, [index]):
            return None
        text = _vector(scope, step.value, _items_of(scope, index, cut))
        if index in names_in(step.value):
            return Rewrite((scope.replace(node, f"{key(place.value)}{cut or '[:]'} = {text}"),))
        return None
    if not isinstance(step, ast.AugAssign) or not isinstance(step.op, ast.Add | ast.Sub):
        return None
    if not isinstance(step.target, ast.Name) or step.target.id in names_in(step.value):
        return None
    index, cut = _range(scope, node)
    if index not in names_in(step.value) or not names_stay(scope, node, [index]):
        return None
    text = _vector(scope, step.value, _items_of(scope, index, cut))
    sign = "+=" if isinstance(step.op, ast.Add) else "-="
    if isinstance(step.value, ast.BinOp | ast.UnaryOp | ast.Compare):
        text = f"({text})"
    return Rewrite((scope.replace(node, f"{step.target.id} {sign} {text}.sum(axis=0)"),))


@rule(
    "array-comprehension-vector",
    title="compute with the whole array",
    description="An array is made from a list that computes with the elements of another one by"
    " one. The same arithmetic on the whole array runs in compiled code.",
    patterns=[{"kind": "call", "regex": r"^\w+\.(as)?array\(\s*\["}],
    node=ast.Call,
    gain=3,
    words=("array",),
)
def array_comprehension_vector(scope: Scope, node: ast.Call) -> Proposal:
    """Write arithmetic on a whole array instead of a list of its elements.

    Why it is slow: each element becomes an object, each operation goes through the checks for
    arrays, and the list is copied into an array.

    Example:
        np.array([x * 2 for x in xs])    ->    xs * 2

    When not to: the array has a few elements only.
    """
    made = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if not isinstance(made, ast.ListComp) or len(made.generators) != 1:
        return None
    part = made.generators[0]
    if part.ifs or part.is_async or not isinstance(part.target, ast.Name):
        return None
    if not isinstance(node.func, ast.Attribute) or key(node.func.value) != _numpy(scope):
        return None
    name = part.target.id
    if not _is_array(scope, part.iter) or name not in names_in(made.elt):
        return None
    source = key(part.iter)
    if isinstance(made.elt, ast.Name) or source == name or node in scope.formatted:
        return None

    def element(inner: ast.expr) -> str | None:
        return source if isinstance(inner, ast.Name) and inner.id == name else None

    text = _vector(scope, made.elt, element)
    return Rewrite((scope.replace(node, in_parentheses(scope, node, text)),))


@rule(
    "array-builtin-method",
    title="ask the array itself",
    description="A builtin function walks an array, and each element becomes an object of the"
    " interpreter. The array's own method does it in compiled code.",
    patterns=[{"kind": "call", "regex": r"^(sum|min|max|any|all)\(\w+\)$"}],
    node=ast.Call,
    gain=3,
    words=("sum|min|max|any|all",),
)
def array_builtin_method(scope: Scope, node: ast.Call) -> Proposal:
    """Use the methods of an array instead of `sum`, `min` and `max`.

    Why it is slow: each element becomes an object, and each addition or comparison goes through
    the checks for arrays.

    Example:
        total = sum(values)    ->    total = values.sum(axis=0)

    When not to: the array has a few elements, or the last digits of a sum of floats matter.
    """
    if not scope.is_builtin(node.func, "sum", "min", "max", "any", "all") or node.keywords:
        return None
    if len(node.args) != 1 or not _is_array(scope, node.args[0]):
        return None
    name = key(node.func)
    arguments = "axis=0" if name == "sum" else ""
    return Rewrite((scope.replace(node, f"{key(node.args[0])}.{name}({arguments})"),))


@rule(
    "array-grow-parts",
    title="collect the parts and make the array once",
    description="An array grows in a loop, and all its elements are copied each time. The parts are"
    " collected in a list and put together once after the loop.",
    patterns=[{"kind": "assignment", "regex": r"^\w+ = \w+\.(append|[hv]stack|concatenate)\("}],
    node=ast.Assign,
    gain=3,
    words=("append|stack|concatenate",),
)
def array_grow_parts(scope: Scope, node: ast.Assign) -> Proposal:
    """Put an array together once, after the loop.

    Why it is slow: an array can't grow: each step makes a new one and copies all elements.

    Example:
        for x in xs:                       found_parts = [found]
            found = np.append(found, x)    for x in xs:
                                               found_parts.append(x)
                                           found = np.hstack(found_parts)

    When not to: the loop reads the array (then it is left alone), or it has several dimensions.
    """
    call, target = node.value, node.targets[0]
    if not isinstance(call, ast.Call) or not isinstance(target, ast.Name) or call.keywords:
        return None
    if not isinstance(call.func, ast.Attribute) or len(node.targets) != 1:
        return None
    numpy, word = _numpy(scope), call.func.attr
    if key(call.func.value) != numpy:
        return None
    if word == "append" and len(call.args) == 2:
        parts, word = call.args, "hstack"
    elif word in ("hstack", "vstack", "concatenate") and len(call.args) == 1:
        pair = call.args[0]
        parts = pair.elts if isinstance(pair, ast.Tuple | ast.List) else []
    else:
        return None
    if len(parts) != 2 or key(parts[0]) != target.id or isinstance(parts[1], ast.Starred):
        return None
    outer, name = outer_loop(scope, node), target.id
    if len(loads(outer, name)) != 1 or len(stores(outer, name)) != 1 or leaves(outer):
        return None
    collected = scope.fresh(f"{name}_parts")
    return Rewrite(
        (
            scope.insert_before(outer, f"{collected} = [{name}]"),
            scope.replace(node, f"{collected}.append({scope.text(parts[1])})"),
            scope.insert_after(outer, f"{name} = {numpy}.{word}({collected})"),
        )
    )


RULES = (
    array_loop_vector,
    array_comprehension_vector,
    array_builtin_method,
    array_grow_parts,
)
