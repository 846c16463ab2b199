"""Searches that look at more elements than they need, or at all of them again and again."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.javascript.rules.scope import SCRIPTS, ScriptScope
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule

_SOME = (
    "$X.filter($F).length > 0", "$X.filter($F).length !== 0", "$X.filter($F).length != 0",
    "$X.filter($F).length >= 1",
)  # fmt: skip
_NONE = (
    "$X.filter($F).length === 0", "$X.filter($F).length == 0", "$X.filter($F).length < 1",
)  # fmt: skip
_COPIES = re.compile(r"\[\s*\.\.\.\s*([\w$]+)\s*\]|([\w$]+)\.slice\(\)")
_ALONE = ("variable_declarator", "arguments", "return_statement", "assignment_expression")
_FRESH = ("map", "filter", "slice", "concat", "flat", "flatMap", "split")
_FRESH_CALLS = ("Object.values(", "Object.keys(", "Object.entries(", "Array.from(")


@rule(
    "js-filter-first",
    title="find the first instead of filtering all",
    description="All elements are tested and the fitting ones collected, to take the first. The"
    " search can end there.",
    patterns=("$X.filter($F)[0]", "$X.filter($F).shift()", "$X.filter($F).at(0)"),
    gain=2,
    languages=SCRIPTS,
    words=(".filter(",),
)
def filter_first(scope: ScriptScope, node: SgNode) -> Proposal:
    """Find the first element that fits by `find`.

    Why it is slow: `filter` goes on after the first one, and makes an array of all that fit.

    Example:
        users.filter((user) => user.id === id)[0]      users.find((user) => user.id === id)

    When not to: the test has an effect that all elements must see.
    """
    up = node.parent()
    if up is not None and (
        up.kind() in ("update_expression", "augmented_assignment_expression")
        or (up.field("left") == node and up.kind() == "assignment_expression")
    ):
        return None
    return Rewrite((scope.replace(node, f"{scope.text(node['X'])}.find({scope.text(node['F'])})"),))


@rule(
    "js-filter-some",
    title="stop at the first that fits",
    description="All fitting elements are collected to see whether there are any. The search can"
    " end at the first one.",
    patterns=(*_SOME, *_NONE),
    gain=2,
    languages=SCRIPTS,
    words=(".filter(", ".length"),
)
def filter_some(scope: ScriptScope, node: SgNode) -> Proposal:
    """Ask whether any element fits by `some`.

    Why it is slow: `filter` goes on after the first one, and makes an array of all that fit.

    Example:
        if (orders.filter(isOpen).length > 0) {      if (orders.some(isOpen)) {

    When not to: the test has an effect that all elements must see.
    """
    operator = node.field("operator")
    none = operator is not None and operator.text() in ("===", "==", "<")
    call = f"{scope.text(node['X'])}.some({scope.text(node['F'])})"
    return Rewrite((scope.replace(node, f"!{call}" if none else call),))


def _joined(scope: ScriptScope, node: SgNode) -> tuple[SgNode, str, str]:
    """The loop to step out of, the key's name in an element, and what it is compared with."""
    searched, function = node["L"], node["F"]
    parameters = function.field("parameter") or function.field("parameters")
    body = function.field("body")
    if searched.kind() != "identifier" or parameters is None or body is None:
        raise NoRewriteError("no callback")
    item = scope.text(parameters).strip("() ").split(":")[0].strip()
    operator = body.field("operator") if body.kind() == "binary_expression" else None
    if not item.isidentifier() or operator is None or operator.text() != "===":
        raise NoRewriteError("no comparison")
    left, right = body.field("left"), body.field("right")
    if left is None or right is None:
        raise NoRewriteError("no comparison")
    for key, value in ((left, right), (right, left)):
        match = re.fullmatch(rf"{re.escape(item)}\.([\w$]+)", scope.text(key))
        if match is not None and not scope.uses(item, value):
            loop = scope.outside_loops(node, searched)
            if scope.has_comment(value):
                raise NoRewriteError("a comment stands inside")
            return loop, match[1], scope.text(value)
    raise NoRewriteError("no key")


def _by(key: str) -> str:
    return f"by{key[:1].upper()}{key[1:]}"


@rule(
    "js-find-map",
    title="look up in a Map made once",
    description="An array is searched for the element with a key inside a loop. A Map from keys to"
    " elements, made once, finds each in constant time.",
    patterns=("$L.find($F)",),
    gain=3,
    languages=SCRIPTS,
    words=(".find(", "==="),
)
def find_map(scope: ScriptScope, node: SgNode) -> Proposal:
    """Make a Map of an array by the key that a loop searches for.

    Why it is slow: `find` compares one element after the other, and the loop repeats that: the time
    grows with the product of both lengths.

    Example:
        for (const order of orders) {
          const user = users.find((user) => user.id === order.user);

        const byId = new Map();
        for (const item of users) if (!byId.has(item.id)) byId.set(item.id, item);
        for (const order of orders) {
          const user = byId.get(order.user);

    When not to: the array has only a few elements, or a key may be NaN. An array that the loop
    changes is left alone.
    """
    loop, key, value = _joined(scope, node)
    made, item = scope.fresh(_by(key)), scope.fresh("item")
    head = scope.put_before(
        loop,
        f"const {made} = new Map();\nfor (const {item} of {node['L'].text()})"
        f" if (!{made}.has({item}.{key})) {made}.set({item}.{key}, {item});",
    )
    return Rewrite((*head, scope.replace(node, f"{made}.get({value})")))


@rule(
    "js-filter-groups",
    title="group once by the key",
    description="An array is filtered for the elements with a key inside a loop. Groups by that"
    " key, made once, hand them out in constant time.",
    patterns=("$L.filter($F)",),
    gain=3,
    languages=SCRIPTS,
    words=(".filter(", "==="),
)
def filter_groups(scope: ScriptScope, node: SgNode) -> Proposal:
    """Group an array once by the key that a loop filters for.

    Why it is slow: `filter` looks at every element in each turn of the loop: the time grows with
    the product of both lengths.

    Example:
        for (const user of users) {
          const own = orders.filter((order) => order.user === user.id);

        const byUser = new Map();
        for (const item of orders) {
          if (!byUser.has(item.user)) byUser.set(item.user, []);
          byUser.get(item.user).push(item);
        }
        for (const user of users) {
          const own = byUser.get(user.id) ?? [];

    When not to: the array has only a few elements, or what was filtered is changed afterwards (a
    group may be handed out twice).
    """
    loop, key, value = _joined(scope, node)
    made, item = scope.fresh(_by(key)), scope.fresh("item")
    at = f"{item}.{key}"
    head = scope.put_before(
        loop,
        f"const {made} = new Map();\nfor (const {item} of {node['L'].text()}) {{\n"
        f"\tif (!{made}.has({at})) {made}.set({at}, []);\n\t{made}.get({at}).push({item});\n}}",
    )
    up = node.parent()
    alone = up is not None and up.kind() in _ALONE
    group = f"{made}.get({value}) ?? []"
    return Rewrite((*head, scope.replace(node, group if alone else f"({group})")))


@rule(
    "js-sort-extreme",
    title="take the extreme in one pass",
    description="A whole array is sorted to take its first element. One pass finds it.",
    patterns=(
        "$S.sort(($A, $B) => $X - $Y)[0]",
        "$S.toSorted(($A, $B) => $X - $Y)[0]",
        "$S.sort(($A, $B) => $X - $Y).at(0)",
        "$S.sort(($A, $B) => $X - $Y).shift()",
    ),
    gain=3,
    languages=SCRIPTS,
    words=("ort(",),
)
def sort_extreme(scope: ScriptScope, node: SgNode) -> Proposal:
    """Find the least or greatest element in one pass.

    Why it is slow: sorting compares each element with several others, and calls the comparison for
    each of them; the first of all is found with one comparison for each element.

    Example:
        [...jobs].sort((a, b) => a.due - b.due)[0]
        jobs.reduce(
          (best, item, i) => (i === 0 || item.due - best.due < 0 ? item : best), undefined)

    When not to: the array that is sorted is used afterwards. Only fresh copies are looked at.
    """
    source = node["S"]
    if scope.has_comment(node):
        return None
    text = scope.text(source)
    match = _COPIES.fullmatch(text)
    if match is not None:
        name = match[1] or match[2]
        text = name if match[2] or scope.is_array(name, node) else text
    elif ".toSorted(" not in scope.text(node) and not (
        scope.method(source) in _FRESH or text.startswith(_FRESH_CALLS)
    ):
        return None
    a, b = (node[n].field("pattern") or node[n] for n in "AB")
    left, right = node["X"], node["Y"]
    if a.kind() != "identifier" or b.kind() != "identifier":
        return None
    item, best, at = (scope.fresh(n, a.text(), b.text()) for n in ("item", "best", "i"))
    names = {a.text(): item, b.text(): best}
    difference = f"{_renamed(scope, left, names)} - {_renamed(scope, right, names)}"
    return Rewrite(
        (
            scope.replace(
                node,
                f"{text}.reduce(({best}, {item}, {at}) =>"
                f" ({at} === 0 || {difference} < 0 ? {item} : {best}), undefined)",
            ),
        )
    )


def _renamed(scope: ScriptScope, node: SgNode, names: dict[str, str]) -> str:
    """A node's text with other names of variables."""
    text, base = scope.text(node), scope.start(node)
    uses = [(scope.start(u) - base, old) for old in names for u in scope.uses(old, node)]
    for at, old in sorted(uses, reverse=True):
        text = text[:at] + names[old] + text[at + len(old) :]
    return text


RULES = (filter_first, filter_some, find_map, filter_groups, sort_extreme)
