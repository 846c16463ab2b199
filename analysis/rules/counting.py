"""Counting and finding positions by walking a sequence each time."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import hoist, key, loads
from analysis.rules.kinds import kind
from analysis.rules.nodes import text_of, walk
from analysis.rules.scope import Scope


def _calls(tree: ast.AST, method: str, receiver: str) -> list[ast.Call]:
    return [
        n
        for n in walk(tree)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == method
        and key(n.func.value) == receiver
        and len(n.args) == 1
        and not n.keywords
    ]


@rule(
    "count-in-loop",
    title="count all elements once",
    description="Inside a loop a sequence is walked to count one value at a time. All values are"
    " counted in one pass before the loop.",
    patterns=["$XS.count($X)"],
    node=ast.Call,
    gain=3,
)
def count_in_loop(scope: Scope, node: ast.Call) -> Proposal:
    """Count all values once with `collections.Counter`.

    Why it is slow: `xs.count(x)` compares `x` with every element, and the loop repeats that for
    each value: the time grows with the product of both.

    Example:
        for c in set(text):                text_counts = Counter(text)
            out[c] = text.count(c)         for c in set(text):
                                               out[c] = text_counts[c]

    When not to: substrings of more than one character are counted, elements can't be hashed, or
    only a few values are asked for.
    """
    if not isinstance(node.func, ast.Attribute):
        return None
    sequence = node.func.value
    if not isinstance(sequence, ast.Name | ast.Attribute) or key(sequence) in ("self", "cls"):
        return None  # a class with a method of that name
    place = hoist(scope, sequence, node)
    calls = _calls(place.loop, "count", key(sequence))
    for call in calls:
        value = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        if isinstance(value, str) and kind(scope, sequence) == "str" and len(value) != 1:
            return None
    if all(isinstance(c.args[0], ast.Constant) for c in calls):
        return None
    counter, changes = scope.need("collections", "Counter")
    name = scope.fresh(f"{scope.stem(sequence)}_counts")
    code = f"{name} = {counter}({scope.line_text(sequence)})"
    changes.append(scope.insert_before(place.statement, code))
    changes += [scope.replace(c, f"{name}[{scope.text(c.args[0])}]") for c in calls]
    return Rewrite(tuple(changes), sure=place.sure)


@rule(
    "count-key",
    title="count all elements once",
    description="A sequence is walked to count each candidate while the most frequent one is looked"
    " for. All values are counted in one pass and looked up.",
    patterns=["max($C, key=$XS.count)", "min($C, key=$XS.count)", "sorted($C, key=$XS.count)"],
    node=ast.Call,
    gain=3,
)
def count_key(scope: Scope, node: ast.Call) -> Proposal:
    """Use the counts of a `collections.Counter` as the key.

    Why it is slow: `key=xs.count` walks the whole sequence for each candidate.

    Example:
        max(set(xs), key=xs.count)    ->    max(set(xs), key=Counter(xs).__getitem__)

    When not to: the sequence is short, or its elements can't be hashed.
    """
    value = node.keywords[0].value if len(node.keywords) == 1 else None
    if not isinstance(value, ast.Attribute) or not isinstance(value.value, ast.Name):
        return None
    counter, changes = scope.need("collections", "Counter")
    text = f"{counter}({scope.text(value.value)}).__getitem__"
    return Rewrite((*changes, scope.replace(value, text)))


@rule(
    "index-in-loop",
    title="look positions up in a dict",
    description="Inside a loop a sequence is walked to find the position of a value. A dict from"
    " value to first position, made once before the loop, holds them all.",
    patterns=["$XS.index($X)"],
    node=ast.Call,
    gain=3,
)
def index_in_loop(scope: Scope, node: ast.Call) -> Proposal:
    """Make a dict from value to first position once.

    Why it is slow: `xs.index(x)` compares `x` with one element after the other, and the loop
    repeats that.

    Example:
        sorted(names, key=lambda n: order.index(n))
                                           order_at = {}
                                           for at, item in enumerate(order):
                                               order_at.setdefault(item, at)
                                           sorted(names, key=lambda n: order_at[n])

    When not to: a missing value is expected (the dict raises KeyError instead of ValueError), the
    sequence is a string, elements can't be hashed, or it has a few elements only.
    """
    if not isinstance(node.func, ast.Attribute):
        return None
    sequence = node.func.value
    if not isinstance(sequence, ast.Name | ast.Attribute) or kind(scope, sequence) == "str":
        return None
    if any(isinstance(up, ast.Try) for up in scope.ancestors(node)):
        return None
    place = hoist(scope, sequence, node)
    calls = _calls(place.loop, "index", key(sequence))
    if not calls:
        return None
    name = scope.fresh(f"{scope.stem(sequence)}_at")
    at, item = scope.fresh("at"), scope.fresh("item")
    code = (
        f"{name} = {{}}\n"
        f"for {at}, {item} in enumerate({scope.line_text(sequence)}):\n"
        f"\t{name}.setdefault({item}, {at})"
    )
    changes = [scope.insert_before(place.statement, code)]
    changes += [scope.replace(c, f"{name}[{scope.text(c.args[0])}]") for c in calls]
    return Rewrite(tuple(changes), sure=place.sure and kind(scope, sequence) == "list")


def _counted(body: list[ast.stmt], element: str) -> str | None:
    """The dict in which a loop's body counts the element, if that is all it does."""
    if len(body) != 1:
        return None
    texts = [
        "{d}[{e}] = {d}.get({e}, 0) + 1",
        "if {e} in {d}:\n    {d}[{e}] += 1\nelse:\n    {d}[{e}] = 1",
        "if {e} not in {d}:\n    {d}[{e}] = 1\nelse:\n    {d}[{e}] += 1",
    ]
    own = text_of(body[0])
    for name in {n.id for n in walk(body[0]) if isinstance(n, ast.Name)}:
        if any(own == text.format(d=name, e=element) for text in texts):
            return name
    return None


@rule(
    "counting-loop",
    title="count with a counter",
    description="A loop counts values one by one in a dict. A counter does the same pass in"
    " compiled code.",
    patterns=[{"kind": "for_statement"}],
    node=ast.For,
    gain=2,
)
def counting_loop(scope: Scope, node: ast.For) -> Proposal:
    """Count with `collections.Counter` instead of a loop.

    Why it is slow: the loop runs several instructions and lookups for each value; Counter's loop
    runs in C.

    Example:
        counts = {}                        counts = dict(Counter(words))
        for w in words:
            counts[w] = counts.get(w, 0) + 1

    When not to: there are only a few values. The name of the loop must not be used after it.
    """
    before = scope.neighbour(node, -1)
    if node.orelse or not isinstance(node.target, ast.Name):
        return None
    name = _counted(node.body, node.target.id)
    if name is None or not isinstance(before, ast.Assign) or len(before.targets) != 1:
        return None
    target = before.targets[0]
    if not isinstance(target, ast.Name) or target.id != name or loads(node.iter, name):
        return None
    if text_of(before.value) not in ("{}", "dict()"):
        return None
    function = scope.inner_function(node)
    if len(loads(function, node.target.id)) != len(loads(node, node.target.id)):
        return None
    if scope.module.has_comment(scope.end(before), scope.end(node)):
        return None
    counter, changes = scope.need("collections", "Counter")
    changes.append(scope.replace(before.value, f"dict({counter}({scope.line_text(node.iter)}))"))
    return Rewrite((*changes, scope.remove(node)))


RULES = (count_in_loop, count_key, index_in_loop, counting_loop)
