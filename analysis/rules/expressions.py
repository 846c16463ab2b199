"""Single expressions that have a faster form."""

from __future__ import annotations

import ast
from collections.abc import Callable

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import is_plain, key, names_in
from analysis.rules.kinds import kind
from analysis.rules.lists import is_simple
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope
from analysis.rules.shapes import in_parentheses, is_test, within_try

_SIZED = ("list", "tuple", "dict", "set", "frozenset", "str", "bytes")
_NONE = ("n == 0", "n > 0", "n != 0", "n >= 1", "n < 1")
_REFUSED = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)


def _runs(node: ast.BoolOp, part: Callable[[ast.expr], str | None]) -> list[list[ast.expr]]:
    """Values of an `and` or `or` that stand side by side and for which `part` says the same."""
    runs: list[list[ast.expr]] = []
    last: str | None = None
    for value in node.values:
        word = part(value)
        if word is not None and word == last:
            runs[-1].append(value)
        elif word is not None:
            runs.append([value])
        last = word
    return runs


def _affix(node: ast.expr) -> ast.Call | None:
    """The call `s.startswith("x")` or `s.endswith("x")` that an expression is."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr not in ("startswith", "endswith") or len(node.args) != 1 or node.keywords:
        return None
    value = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
    return node if isinstance(value, str | bytes) and is_simple(node.func.value) else None


@rule(
    "startswith-tuple",
    title="ask for several beginnings or endings at once",
    description="A text is asked for one beginning (or ending) after the other. One call with a"
    " tuple asks for all of them.",
    patterns=[{"kind": "boolean_operator", "regex": r"\.(startswith|endswith)\("}],
    node=ast.BoolOp,
    gain=1,
    words=("startswith|endswith",),
)
def startswith_tuple(scope: Scope, node: ast.BoolOp) -> Proposal:
    """Hand `startswith` and `endswith` a tuple.

    Why it is slow: each further beginning costs the lookup and the call of the method again.

    Example:
        line.startswith("#") or line.startswith(";")
                                           line.startswith(("#", ";"))

    When not to: the first one nearly always fits.
    """
    negative = isinstance(node.op, ast.And)

    def part(value: ast.expr) -> str | None:
        if negative:
            if not isinstance(value, ast.UnaryOp) or not isinstance(value.op, ast.Not):
                return None
            value = value.operand
        call = _affix(value)
        return key(call.func) if call else None

    for run in _runs(node, part):
        if len(run) < 2:
            continue
        calls = [c for v in run for c in walk(v) if isinstance(c, ast.Call) and _affix(c)]
        texts = ", ".join(scope.text(c.args[0]) for c in calls)
        text = f"{'not ' if negative else ''}{scope.text(calls[0].func)}(({texts}))"
        return _replace_run(scope, node, run, text)
    return None


def _replace_run(scope: Scope, node: ast.BoolOp, run: list[ast.expr], text: str) -> Proposal:
    """Put one text in the place of values that stand side by side."""
    if node in scope.formatted or scope.module.has_comment(scope.start(run[0]), scope.end(run[-1])):
        return None
    change = scope.replace(run[0], text)
    whole = type(change)(change.start, scope.end(run[-1]), change.new_text)
    return Rewrite((whole,))


@rule(
    "equality-chain-set",
    title="compare with all constants at once",
    description="A value is compared with one constant after the other. It is looked up in a set of"
    " constants by its hash, and the set is made when the code is compiled.",
    patterns=[{"kind": "boolean_operator", "regex": r"(==|!=)[^=]*(==|!=)"}],
    node=ast.BoolOp,
    gain=1,
)
def equality_chain_set(scope: Scope, node: ast.BoolOp) -> Proposal:
    """Write a chain of comparisons with constants as membership in a set.

    Why it is slow: each comparison loads both sides, compares and jumps; a lookup in a set takes
    as long as one of them.

    Example:
        if c == "a" or c == "e" or c == "i":    ->    if c in {"a", "e", "i"}:

    When not to: the value may be unhashable, or the first constant nearly always fits.
    """
    wanted: type[ast.cmpop] = ast.Eq if isinstance(node.op, ast.Or) else ast.NotEq

    def part(value: ast.expr) -> str | None:
        if not isinstance(value, ast.Compare) or len(value.ops) != 1:
            return None
        constant = value.comparators[0]
        known = isinstance(constant, ast.Constant) and isinstance(constant.value, str | int)
        if not isinstance(value.ops[0], wanted) or not known or not is_simple(value.left):
            return None
        return key(value.left)

    for run in _runs(node, part):
        compared = [v for v in run if isinstance(v, ast.Compare)]
        texts = [scope.text(v.comparators[0]) for v in compared]
        if len(set(texts)) >= 3:
            sign = "in" if wanted is ast.Eq else "not in"
            text = f"{scope.text(compared[0].left)} {sign} {{{', '.join(texts)}}}"
            return _replace_run(scope, node, run, text)
    return None


@rule(
    "len-truth",
    title="ask the collection whether it is empty",
    description="The length of a collection is computed and compared with zero in a loop. The"
    " collection itself is true when it is not empty.",
    patterns=[{"kind": "comparison_operator", "regex": r"^len\(\w+\)"}],
    node=ast.Compare,
    gain=1,
    words=("len",),
)
def len_truth(scope: Scope, node: ast.Compare) -> Proposal:
    """Test a collection for emptiness by its truth.

    Why it is slow: the call of `len`, a number object and a comparison at each turn; the truth of
    a builtin collection is one look at its size.

    Example:
        while len(queue) > 0:    ->    while queue:

    When not to: the object has another idea of truth, as arrays do.
    """
    call = node.left
    if not isinstance(call, ast.Call) or not scope.is_builtin(call.func, "len"):
        return None
    if (
        len(call.args) != 1
        or key(ast.Compare(ast.Name("n"), node.ops, node.comparators)) not in _NONE
    ):
        return None
    if not scope.loops(node) or not is_test(scope, node):
        return None
    if not isinstance(call.args[0], ast.Name) or kind(scope, call.args[0]) not in _SIZED:
        return None
    empty = isinstance(node.ops[0], ast.Eq | ast.Lt)
    return Rewrite((scope.replace(node, f"{'not ' if empty else ''}{call.args[0].id}"),))


@rule(
    "members-superset",
    title="ask the set for all members at once",
    description="A generator looks one element after the other up in a set. The set compares itself"
    " with the whole collection in compiled code.",
    patterns=[{"kind": "call", "regex": r"^(any|all)\("}],
    node=ast.Call,
    gain=2,
    words=("any|all",),
)
def members_superset(scope: Scope, node: ast.Call) -> Proposal:
    """Use `issuperset` and `isdisjoint` instead of `all` and `any` over lookups.

    Why it is slow: the generator is entered for each element and runs several instructions.

    Example:
        all(x in known for x in xs)        known.issuperset(xs)
        any(x in known for x in xs)        not known.isdisjoint(xs)

    When not to: the collection is a set of its own kind.
    """
    if not scope.is_builtin(node.func, "all", "any") or len(node.args) != 1 or node.keywords:
        return None
    argument = node.args[0]
    if not isinstance(argument, ast.GeneratorExp | ast.ListComp) or len(argument.generators) != 1:
        return None
    part, test = argument.generators[0], argument.elt
    if part.ifs or part.is_async or not isinstance(part.target, ast.Name):
        return None
    if not isinstance(test, ast.Compare) or key(test.left) != part.target.id:
        return None
    known = test.comparators[0]
    if len(test.ops) != 1 or not isinstance(test.ops[0], ast.In):
        return None
    if not isinstance(known, ast.Name) or kind(scope, known) not in ("set", "frozenset"):
        return None
    if part.target.id == known.id or part.target.id in names_in(part.iter):
        return None
    source = scope.line_text(part.iter)
    if key(node.func) == "all":
        return Rewrite((scope.replace(node, f"{known.id}.issuperset({source})"),))
    text = f"not {known.id}.isdisjoint({source})"
    tested = is_test(scope, node)
    return Rewrite((scope.replace(node, text if tested else in_parentheses(scope, node, text)),))


@rule(
    "first-of-list",
    title="take the first element without a list",
    description="A list of all elements is made only to take the first. An iterator gives the first"
    " without walking on.",
    patterns=[{"kind": "subscript", "regex": r"^(list|tuple)\("}],
    node=ast.Subscript,
    gain=3,
    words=("list|tuple",),
)
def first_of_list(scope: Scope, node: ast.Subscript) -> Proposal:
    """Take the first element with `next(iter(...))`.

    Why it is slow: all elements are copied, whatever their number, to look at one.

    Example:
        key = list(table.keys())[0]    ->    key = next(iter(table.keys()))

    When not to: the collection may be empty and callers expect IndexError (`next` raises
    StopIteration).
    """
    call = node.value
    if not isinstance(call, ast.Call) or not scope.is_builtin(call.func, "list", "tuple"):
        return None
    if len(call.args) != 1 or isinstance(call.args[0], ast.Starred) or key(node.slice) != "0":
        return None
    if not isinstance(node.ctx, ast.Load) or within_try(scope, node):
        return None
    if not scope.is_builtin(ast.Name("next"), "next"):
        return None
    source = call.args[0]
    text = scope.text(source)
    new = f"next({text})" if isinstance(source, ast.GeneratorExp) else f"next(iter({text}))"
    return Rewrite((scope.replace(node, new),))


@rule(
    "first-match-next",
    title="stop at the first element that fits",
    description="A list of all elements that fit is built only to take the first. A generator stops"
    " there.",
    patterns=[{"kind": "subscript", "regex": r"(?s)^\[.*\]\[0\]$"}],
    node=ast.Subscript,
    gain=2,
    words=("[0]",),
)
def first_match_next(scope: Scope, node: ast.Subscript) -> Proposal:
    """Take the first element that fits with `next` of a generator.

    Why it is slow: the list tests and keeps all elements after the first that fits.

    Example:
        [r for r in rows if r.id == n][0]    ->    next(r for r in rows if r.id == n)

    When not to: there are a few elements only, or none may fit and callers expect IndexError
    (`next` raises StopIteration).
    """
    made = node.value
    if not isinstance(made, ast.ListComp) or key(node.slice) != "0":
        return None
    if not any(part.ifs for part in made.generators) or within_try(scope, node):
        return None
    if any(isinstance(n, _REFUSED) for n in walk(made)) or not is_plain(scope, made):
        return None
    if not isinstance(node.ctx, ast.Load) or not scope.is_builtin(ast.Name("next"), "next"):
        return None
    return Rewrite((scope.replace(node, f"next({scope.text(made)[1:-1]})"),))


@rule(
    "reversed-copy",
    title="reverse while copying",
    description="A list, text or sorted result is reversed through an iterator or a second copy. A"
    " slice (or the sort itself) does it in one step.",
    patterns=[
        {"kind": "call", "regex": r"^(list|''\.join|\"\"\.join)\(reversed\("},
        {"kind": "subscript", "regex": r"^sorted\("},
    ],
    node=(ast.Call, ast.Subscript),
    gain=1,
    words=("reversed|sorted",),
)
def reversed_copy(scope: Scope, node: ast.Call | ast.Subscript) -> Proposal:
    """Reverse by a slice, or sort in reverse.

    Why it is slow: the iterator hands over one element after the other; a slice copies a block,
    and a text stays a text.

    Example:
        list(reversed(xs))                 xs[::-1]
        "".join(reversed(text))            text[::-1]
        sorted(xs)[::-1]                   sorted(xs, reverse=True)

    When not to: equal elements differ otherwise and their order matters (`reverse` keeps it).
    """
    if isinstance(node, ast.Subscript):
        call = node.value
        if not isinstance(call, ast.Call) or not scope.is_builtin(call.func, "sorted"):
            return None
        if key(node.slice) != "::-1" or len(call.args) != 1:
            return None
        if isinstance(call.args[0], ast.GeneratorExp | ast.Starred) or call.keywords:
            return None
        return Rewrite((scope.replace(node, f"sorted({scope.text(call.args[0])}, reverse=True)"),))
    inner = node.args[0]
    if not isinstance(inner, ast.Call) or not scope.is_builtin(inner.func, "reversed"):
        return None
    if len(inner.args) != 1 or node.keywords or len(node.args) != 1:
        return None
    wanted = "list" if scope.is_builtin(node.func, "list") else "str"
    source = inner.args[0]
    if kind(scope, source) != wanted:
        return None
    return Rewrite((scope.replace(node, f"{scope.operand(source)}[::-1]"),))


RULES = (
    first_of_list,
    members_superset,
    first_match_next,
    startswith_tuple,
    equality_chain_set,
    len_truth,
    reversed_copy,
)
