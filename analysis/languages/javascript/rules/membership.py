"""Membership tests that walk an array where a set, or the object itself, would do."""

from __future__ import annotations

from ast_grep_py import SgNode

from analysis.languages.javascript.rules.scope import SCRIPTS, ScriptScope, members
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule

_IN = (
    "$L.indexOf($X) !== -1", "$L.indexOf($X) != -1", "$L.indexOf($X) >= 0", "$L.indexOf($X) > -1",
)  # fmt: skip
_OUT = ("$L.indexOf($X) === -1", "$L.indexOf($X) == -1", "$L.indexOf($X) < 0")
_TESTS = ("$L.includes($X)", *_IN, *_OUT)


def _is_in(node: SgNode) -> bool:
    """Whether a test is true for what is in the array, and not for what is not."""
    operator = node.field("operator")
    return operator is None or operator.text() in ("!==", "!=", ">=", ">")


def _has(scope: ScriptScope, test: SgNode, made: str) -> str:
    return f"{'' if _is_in(test) else '!'}{made}.has({scope.text(test['X'])})"


def _tests(scope: ScriptScope, name: str, within: SgNode) -> list[SgNode]:
    return [
        node
        for pattern in _TESTS
        for node in scope.matches(pattern)
        if node["L"].text() == name and scope.inside(node, within)
    ]


@rule(
    "js-includes-set",
    title="test membership in a Set",
    description="A membership test inside a loop walks a whole array each time. A Set made once"
    " before the loop answers each test in constant time.",
    patterns=_TESTS,
    gain=3,
    languages=SCRIPTS,
    words=("includes|indexOf",),
)
def includes_set(scope: ScriptScope, node: SgNode) -> Proposal:
    """Make a Set of an array once and test membership in the Set.

    Why it is slow: `includes` and `indexOf` compare the value with one element after the other, and
    the loop around repeats that: the time grows with the product of both lengths. A Set looks a
    value up by its hash.

    Example:
        for (const word of words)          const stopSet = new Set(stop);
          if (!stop.includes(word))        for (const word of words)
            kept.push(word);                 if (!stopSet.has(word))
                                               kept.push(word);

    When not to: the array has only a few elements, or the loop runs a few times. A loop that
    changes the array is left alone, and so are strings.
    """
    tested = node["L"]
    if tested.kind() != "identifier":
        return None
    known = scope.is_array(tested.text(), node)
    if known is False:
        return None
    loop = scope.outside_loops(node, tested)
    made = scope.fresh(f"{tested.text()}Set")
    head = scope.put_before(loop, f"const {made} = new Set({tested.text()});")
    tests = _tests(scope, tested.text(), loop)
    if any(scope.inside(t, other) for t in tests for other in tests if t != other):
        return None
    changes = [scope.replace(t, _has(scope, t, made)) for t in tests]
    return Rewrite((*head, *changes), sure=known is True)


@rule(
    "js-seen-set",
    title="keep a Set beside an array of what was seen",
    description="An array that collects values is searched before each one is added. A Set beside"
    " it answers the test in constant time; the array keeps the order.",
    patterns=_TESTS,
    gain=3,
    languages=SCRIPTS,
    words=("includes|indexOf", ".push("),
)
def seen_set(scope: ScriptScope, node: SgNode) -> Proposal:
    """Keep a Set beside an array that is searched while it grows.

    Why it is slow: each search compares with all that was collected so far, so that the time grows
    with the square of the number of different values.

    Example:
        const seen = [];                   const seen = [];
        for (const x of xs) {              const seenSet = new Set();
          if (!seen.includes(x)) {         for (const x of xs) {
            seen.push(x);                    if (!seenSet.has(x)) {
          }                                    seen.push(x);
        }                                      seenSet.add(x);
                                             }
                                           }

    When not to: only a few values are collected. An array that is changed in any other way than by
    `push` is left alone.
    """
    name = node["L"].text()
    made = scope.declaration(name, node)
    if made is None or made.value is None or scope.text(made.value).replace(" ", "") != "[]":
        return None
    pushes: list[tuple[SgNode, SgNode]] = []
    for use in scope.uses(name, scope.root):
        if use == made.name or not scope.may_change(use):
            continue
        member = use.parent()
        call = member.parent() if member is not None else None
        if call is None or scope.method(call) != "push" or scope.receiver(call) != use:
            return None
        arguments = call.field("arguments")
        given = members(arguments) if arguments is not None else []
        statement = call.parent()
        if len(given) != 1 or given[0].kind() not in ("identifier", "member_expression"):
            return None
        if statement is None or statement.kind() != "expression_statement":
            return None
        pushes.append((statement, given[0]))
    if not pushes or not scope.loops(node):
        return None
    kept = scope.fresh(f"{name}Set")
    changes = [scope.insert_after(scope.statement(made.name), f"const {kept} = new Set();")]
    for statement, value in pushes:
        add = f"{kept}.add({scope.text(value)});"
        up = statement.parent()
        if up is not None and up.kind() in scope.grammar.blocks:
            changes.append(scope.insert_after(statement, add))
        else:
            changes.append(scope.replace(statement, f"{{ {add} {scope.text(statement)} }}"))
    tests = _tests(scope, name, scope.root)
    changes += [scope.replace(t, _has(scope, t, kept)) for t in tests]
    return Rewrite(tuple(changes))


@rule(
    "js-keys-own",
    title="ask the object for its key",
    description="A key is looked for in an array of all keys, which is made for that. The object"
    " answers by itself in constant time.",
    patterns=(
        "Object.keys($L).includes($X)",
        *(p.replace("$L.", "Object.keys($L).") for p in (*_IN, *_OUT)),
    ),
    gain=3,
    languages=SCRIPTS,
    words=("Object.keys",),
)
def keys_own(scope: ScriptScope, node: SgNode) -> Proposal:
    """Ask an object whether it has a key.

    Why it is slow: `Object.keys` copies every key into a new array, and the search compares with
    one after the other. `Object.hasOwn` is one look-up.

    Example:
        if (Object.keys(prices).includes(name)) {    if (Object.hasOwn(prices, name)) {

    When not to: the key may be a number (an array of keys holds texts only), or the object has
    properties that can't be enumerated.
    """
    found, key = scope.text(node["L"]), scope.text(node["X"])
    return Rewrite(
        (scope.replace(node, f"{'' if _is_in(node) else '!'}Object.hasOwn({found}, {key})"),)
    )


@rule(
    "js-unique-set",
    title="take unique values by a Set",
    description="Whether an element is the first of its kind is found out by a search from the"
    " start for each one. A Set keeps the first of each, in order.",
    patterns=(
        "$L.filter(($V, $I) => $L.indexOf($V) === $I)",
        "$L.filter(($V, $I) => $L.indexOf($V) == $I)",
        "$L.filter(($V, $I, $S) => $S.indexOf($V) === $I)",
        "$L.filter(($V, $I, $S) => $S.indexOf($V) == $I)",
    ),
    gain=3,
    languages=SCRIPTS,
    words=(".filter(", ".indexOf("),
)
def unique_set(scope: ScriptScope, node: SgNode) -> Proposal:
    """Take the unique values of an array by a Set.

    Why it is slow: `indexOf` searches from the start for each element, so that the time grows with
    the square of the length.

    Example:
        names.filter((name, i) => names.indexOf(name) === i)      [...new Set(names)]

    When not to: the array has only a few elements, or holds NaN (`indexOf` never finds it).
    """
    source = node["L"]
    if scope.has_comment(node) or "?." in scope.text(node):
        raise NoRewriteError("a part may be missing")
    return Rewrite((scope.replace(node, f"[...new Set({scope.text(source)})]"),))


RULES = (includes_set, seen_set, keys_own, unique_set)
