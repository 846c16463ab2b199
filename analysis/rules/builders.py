"""Collections built through a second one, or element by element, where one step makes them."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import key, names_in
from analysis.rules.kinds import kind
from analysis.rules.nodes import walk
from analysis.rules.scope import Comprehension, Scope
from analysis.rules.shapes import clause, in_parentheses, mapping_of

_MAKERS = {"kind": "call", "regex": r"^(list|set|dict)\(\s*[\w(\[]"}
_CONSUMERS = ("list", "set", "tuple", "sum", "sorted", "min", "max", "frozenset")
_COPIERS = ("sorted", "set", "frozenset", "sum", "min", "max", "tuple", "list", "any", "all")
_REFUSED = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)


def _single(scope: Scope, node: ast.Call, *names: str) -> ast.expr | None:
    """The one argument of a call of one of the named builtins."""
    if len(node.args) != 1 or not scope.is_builtin(node.func, *names):
        return None
    return None if isinstance(node.args[0], ast.Starred) else node.args[0]


def _one_source(node: Comprehension) -> ast.comprehension | None:
    """The source of a comprehension that takes all elements of one."""
    part = node.generators[0]
    return part if len(node.generators) == 1 and not part.ifs and not part.is_async else None


@rule(
    "constructor-comprehension",
    title="build the collection in a comprehension",
    description="A collection is made by calling its type with a generator or with a list that is"
    " thrown away. A comprehension of the right kind builds it in one go.",
    patterns=[_MAKERS],
    node=ast.Call,
    gain=1,
    words=("list|set|dict",),
)
def constructor_comprehension(scope: Scope, node: ast.Call) -> Proposal:
    """Write a comprehension instead of calling the type with a generator or a list.

    Why it is slow: a generator costs a switch between two frames for each element; a list of
    pairs costs a tuple for each item and is thrown away at once.

    Example:
        set([f(x) for x in xs])            {f(x) for x in xs}
        dict((x, f(x)) for x in xs)        {x: f(x) for x in xs}

    When not to: the name of the type has been given another meaning in a way that is not seen.
    """
    argument = _single(scope, node, "list", "set", "dict")
    if not isinstance(argument, ast.GeneratorExp | ast.ListComp) or node.keywords:
        return None
    if node in scope.formatted or isinstance(argument.elt, _REFUSED):
        return None
    inner = scope.text(argument)[1:-1]
    if key(node.func) == "list":
        return Rewrite((scope.replace(node, f"[{inner}]"),))
    if key(node.func) == "set":
        return Rewrite((scope.replace(node, f"{{{inner}}}"),))
    pair = argument.elt
    if not isinstance(pair, ast.Tuple | ast.List) or len(pair.elts) != 2:
        return None
    if any(isinstance(e, (ast.Starred, *_REFUSED)) for e in pair.elts):
        return None
    name, value = (scope.text(e) for e in pair.elts)
    tail = scope.module.text[scope.end(pair) : scope.end(argument) - 1]
    return Rewrite((scope.replace(node, f"{{{name}: {value}{tail}}}"),))


@rule(
    "identity-comprehension",
    title="copy the collection at once",
    description="A comprehension takes over each element as it is. The type itself copies all of"
    " them in compiled code.",
    patterns=[
        {"kind": "list_comprehension"},
        {"kind": "set_comprehension"},
        {"kind": "dictionary_comprehension"},
    ],
    node=(ast.ListComp, ast.SetComp, ast.DictComp),
    gain=2,
)
def identity_comprehension(
    scope: Scope, node: ast.ListComp | ast.SetComp | ast.DictComp
) -> Proposal:
    """Copy a collection by its type instead of a comprehension that changes nothing.

    Why it is slow: each element goes through several instructions; `list(xs)` copies a block of
    memory, and `dict(d)` takes over the table of a dict without hashing anew.

    Example:
        [x for x in xs]                    list(xs)
        {k: v for k, v in d.items()}       dict(d)

    When not to: the object with `items` is no mapping.
    """
    part = _one_source(node)
    if part is None or isinstance(node, ast.GeneratorExp):
        return None
    source = part.iter
    if isinstance(node, ast.DictComp):
        if not isinstance(part.target, ast.Tuple) or len(part.target.elts) != 2:
            return None
        if [key(e) for e in part.target.elts] != [key(node.key), key(node.value)]:
            return None
        if not all(isinstance(e, ast.Name) for e in part.target.elts):
            return None
        mapping = mapping_of(source)
        if mapping is None and not isinstance(source, ast.Call) and kind(scope, source) != "list":
            return None  # `dict(pairs)` means something else where `pairs` is a mapping
        source = mapping or source
        name = "dict"
    else:
        if not isinstance(part.target, ast.Name) or key(part.target) != key(node.elt):
            return None
        name = "list" if isinstance(node, ast.ListComp) else "set"
    if not scope.is_builtin(ast.Name(name), name):
        return None
    return Rewrite((scope.replace(node, f"{name}({scope.text(source)})"),))


@rule(
    "map-filter-lambda",
    title="write the small function into a comprehension",
    description="A small function is called for each element only to compute one expression. A"
    " comprehension computes the expression without the call.",
    patterns=[{"kind": "call", "regex": r"^\w+\(\s*(map|filter)\(\s*lambda"}],
    node=ast.Call,
    gain=2,
    words=("lambda",),
)
def map_filter_lambda(scope: Scope, node: ast.Call) -> Proposal:
    """Turn `map` and `filter` with a lambda into a comprehension.

    Why it is slow: each element costs a call of a Python function, which takes longer than most
    expressions in it.

    Example:
        list(map(lambda x: x * 2, xs))         [x * 2 for x in xs]
        sum(map(lambda r: r.cost, rows))       sum([r.cost for r in rows])
        list(filter(lambda x: x > 0, xs))      [x for x in xs if x > 0]

    When not to: only the first few results are used.
    """
    lazy = _single(scope, node, *_CONSUMERS)
    if not isinstance(lazy, ast.Call) or not scope.is_builtin(lazy.func, "map", "filter"):
        return None
    if len(lazy.args) < 2 or lazy.keywords:
        return None
    small, sources = lazy.args[0], lazy.args[1:]
    if not isinstance(small, ast.Lambda):
        return None
    names = _plain_parameters(small)
    if len(names) != len(sources) or any(isinstance(s, ast.Starred) for s in sources):
        return None
    if any(isinstance(n, (*_REFUSED, ast.Lambda, ast.GeneratorExp)) for n in walk(small.body)):
        return None
    target = ", ".join(names)
    if len(sources) == 1:
        source = clause(scope, sources[0])
    else:
        source = f"zip({', '.join(scope.line_text(s) for s in sources)})"
    body = scope.line_text(small.body)
    if key(lazy.func) == "map":
        inner = f"{body} for {target} in {source}"
    elif len(sources) == 1:
        inner = f"{target} for {target} in {source} if {clause(scope, small.body)}"
    else:
        return None
    if key(node.func) in ("list", "set") and not node.keywords:
        brackets = "[]" if key(node.func) == "list" else "{}"
        return Rewrite((scope.replace(node, f"{brackets[0]}{inner}{brackets[1]}"),))
    return Rewrite((scope.replace(lazy, f"[{inner}]"),))


def _plain_parameters(small: ast.Lambda) -> list[str]:
    arguments = small.args
    if arguments.defaults or arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
        return []
    return [a.arg for a in [*arguments.posonlyargs, *arguments.args]]


@rule(
    "repeat-list",
    title="repeat the value instead of looping over a range",
    description="A list of one value is built by a loop over a range that does not look at the"
    " position. Multiplying a list of one element fills it in compiled code.",
    patterns=[{"kind": "list_comprehension"}],
    node=ast.ListComp,
    gain=2,
)
def repeat_list(scope: Scope, node: ast.ListComp) -> Proposal:
    """Write `[value] * n` instead of a comprehension over `range(n)`.

    Why it is slow: each element costs several instructions and a number object for the position.

    Example:
        row = [0 for _ in range(n)]    ->    row = [0] * n

    When not to: never for constants and names; lists and calls are left alone, for each element
    must be one of its own.
    """
    part, value = _one_source(node), node.elt
    if part is None or not isinstance(part.target, ast.Name):
        return None
    constant = value.operand if isinstance(value, ast.UnaryOp) else value
    if not isinstance(constant, ast.Constant | ast.Name) or key(constant) == part.target.id:
        return None
    if not isinstance(part.iter, ast.Call) or _single(scope, part.iter, "range") is None:
        return None
    count = part.iter.args[0]
    times = scope.text(count) if isinstance(count, ast.Constant) else scope.operand(count)
    text = f"[{scope.line_text(value)}] * {times}"
    return Rewrite((scope.replace(node, in_parentheses(scope, node, text)),))


@rule(
    "transpose-zip",
    title="turn rows into columns at once",
    description="A table is turned over by looking up each cell by row and column. Walking all rows"
    " side by side gives the columns in compiled code.",
    patterns=[{"kind": "list_comprehension"}],
    node=ast.ListComp,
    gain=2,
)
def transpose_zip(scope: Scope, node: ast.ListComp) -> Proposal:
    """Use `zip(*rows)` to transpose a table.

    Why it is slow: each cell costs an index lookup and several instructions.

    Example:
        [[row[i] for row in m] for i in range(len(m[0]))]
                                           [list(column) for column in zip(*m)]

    When not to: rows differ in length (`zip` stops at the shortest), or the table may be empty
    and the IndexError matters.
    """
    part, inner = _one_source(node), node.elt
    if part is None or not isinstance(inner, ast.ListComp):
        return None
    rows = _one_source(inner)
    if rows is None or not isinstance(rows.iter, ast.Name | ast.Attribute):
        return None
    if key(inner.elt) != f"{key(rows.target)}[{key(part.target)}]":
        return None
    table = scope.text(rows.iter)
    if key(part.iter) != f"range(len({key(rows.iter)}[0]))" or not scope.is_builtin(
        ast.Name("zip"), "zip"
    ):
        return None
    name = scope.fresh("column")
    return Rewrite((scope.replace(node, f"[list({name}) for {name} in zip(*{table})]"),))


@rule(
    "flatten-chain",
    title="chain the inner lists",
    description="Lists in a list are flattened element by element. Chaining them does the same walk"
    " in compiled code.",
    patterns=[{"kind": "list_comprehension"}],
    node=ast.ListComp,
    gain=1,
)
def flatten_chain(scope: Scope, node: ast.ListComp) -> Proposal:
    """Flatten with `itertools.chain.from_iterable` instead of two loops.

    Why it is slow: each element goes through several instructions of the interpreter. The gain is
    large before Python 3.12, and small since.

    Example:
        [x for row in rows for x in row]    ->    list(chain.from_iterable(rows))

    When not to: there are a few elements only.
    """
    if len(node.generators) != 2 or not isinstance(node.elt, ast.Name):
        return None
    outer, inner = node.generators
    if outer.ifs or inner.ifs or outer.is_async or inner.is_async:
        return None
    if not isinstance(outer.target, ast.Name) or key(inner.target) != node.elt.id:
        return None
    if key(inner.iter) != outer.target.id or node.elt.id == outer.target.id:
        return None
    if outer.target.id in names_in(outer.iter):
        return None
    if not isinstance(outer.iter, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
        return None
    chain, changes = scope.need("itertools", "chain")
    text = f"list({chain}.from_iterable({scope.text(outer.iter)}))"
    return Rewrite((*changes, scope.replace(node, text)))


@rule(
    "needless-copy",
    title="hand the collection over without copying it",
    description="A collection is copied into a list only to be handed to a function that walks it"
    " once. The function takes the collection itself.",
    patterns=[{"kind": "call", "regex": r"^\w+\(\s*(list|tuple|sorted)\("}],
    node=ast.Call,
    gain=1,
    words=("list|tuple|sorted",),
)
def needless_copy(scope: Scope, node: ast.Call) -> Proposal:
    """Leave out `list(...)` around what is only walked once.

    Why it is slow: the copy takes memory and time for each element, and is thrown away at once.

    Example:
        sorted(list(table))    ->    sorted(table)
        list(sorted(xs))       ->    sorted(xs)

    When not to: the copy guards against a change during the walk.
    """
    inner = _single(scope, node, *_COPIERS)
    if not isinstance(inner, ast.Call) or not inner.args or isinstance(inner.args[0], ast.Starred):
        return None
    if scope.is_builtin(inner.func, "sorted"):
        whole = key(node.func) == "list" and not node.keywords
        return Rewrite((scope.replace(node, scope.text(inner)),)) if whole else None
    source = _single(scope, inner, "list", "tuple")
    if source is None or inner.keywords or isinstance(source, ast.GeneratorExp):
        return None
    if isinstance(source, ast.Call) and key(source.func) in ("map", "filter", "zip", "reversed"):
        return None
    return Rewrite((scope.replace(inner, scope.line_text(source)),))


@rule(
    "collection-literal",
    title="write the empty collection as a display",
    description="An empty collection is made in a loop by calling its type. Its display makes it"
    " with one instruction.",
    patterns=[{"kind": "call", "regex": r"^(list|dict|tuple)\(\s*\)$"}],
    node=ast.Call,
    gain=1,
    words=("list|dict|tuple",),
)
def collection_literal(scope: Scope, node: ast.Call) -> Proposal:
    """Write `[]` and `{}` instead of `list()` and `dict()` in a loop.

    Why it is slow: the name is looked up among the module's and the builtin names, and a call is
    made; the display is one instruction.

    Example:
        groups[k] = list()    ->    groups[k] = []

    When not to: outside of hot loops it does not matter.
    """
    if node.args or node.keywords or not scope.loops(node):
        return None
    if not scope.is_builtin(node.func, "list", "dict", "tuple"):
        return None
    display = {"list": "[]", "dict": "{}", "tuple": "()"}[key(node.func)]
    return Rewrite((scope.replace(node, display),))


RULES = (
    constructor_comprehension,
    identity_comprehension,
    map_filter_lambda,
    repeat_list,
    transpose_zip,
    flatten_chain,
    needless_copy,
    collection_literal,
)
