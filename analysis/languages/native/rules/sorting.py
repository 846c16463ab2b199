"""Sorting more than is asked for, or more often."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.native.rules.calls import (
    arguments,
    container,
    method,
    outermost_loop,
    sight,
)
from analysis.languages.native.rules.scope import Declaration, NativeScope, std
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule

_CPP = ("c++",)
_SORT = std("sort($V.begin(), $V.end())")
_KINDS = ("vector", "deque", "array", "string")


def _sorted(scope: NativeScope, node: SgNode) -> tuple[Declaration, SgNode, list[SgNode]]:
    """The sorted variable, the statement that sorts it, and its uses below.

    Raises NoRewriteError where the order is seen outside of the function.
    """
    made = container(scope, node["V"], *_KINDS)
    statement = node.parent()
    if made.is_global or made.is_reference or statement is None:
        raise NoRewriteError("others see the order")
    if statement.kind() != "expression_statement":
        raise NoRewriteError("not a statement")
    first = scope.start(scope.loops(node)[-1]) if scope.loops(node) else scope.end(statement)
    below = [
        use
        for use in sight(scope, made)
        if scope.start(use) >= first and not scope.inside(use, statement) and use != made.name
    ]
    if scope.loops(node) and made.first < first:
        raise NoRewriteError("sorted more than once")
    return made, statement, [u for u in below if scope.start(u) > scope.end(statement)]


def _element_of(scope: NativeScope, use: SgNode) -> tuple[SgNode, str]:
    """The element that is read at a use: its node and index; "first" and "last" for the ends."""
    up = use.parent()
    if up is None:
        raise NoRewriteError("used whole")
    name = use.text()
    if up.kind() == "subscript_expression" and up.field("argument") == use:
        index = scope.text(up.child(1))[1:-1].strip()
        last = re.sub(r"\s", "", index) == f"{name}.size()-1"
        return up, "first" if index == "0" else "last" if last else index
    found = method(up.parent())
    if found is not None and found[0] == use and found[1] in ("front", "back"):
        call = up.parent()
        assert call is not None
        return call, "first" if found[1] == "front" else "last"
    raise NoRewriteError("used whole")


@rule(
    "sort-for-extreme",
    title="find the smallest or largest without sorting",
    description="Everything is sorted, but only the first or last element is read. One pass finds"
    " it.",
    patterns=_SORT,
    gain=2,
    languages=_CPP,
    words=("sort", "begin"),
)
def sort_for_extreme(scope: NativeScope, node: SgNode) -> Proposal:
    """Find an extreme with `std::min_element` or `std::max_element`.

    Why it is slow: sorting makes about n log2(n) comparisons and moves everything; the smallest
    element is found with n comparisons.

    Example:
        std::sort(xs.begin(), xs.end());       const auto smallest =
        return xs[0];                              *std::min_element(xs.begin(), xs.end());
                                               return smallest;

    When not to: the order is needed later. Vectors that are used otherwise after they were sorted
    are left alone.
    """
    made, statement, uses = _sorted(scope, node)
    name = made.name.text()
    names = {"first": scope.fresh("smallest"), "last": scope.fresh("largest")}
    changes, seen = [], []
    # `xs.size() - 1` in an index is no use of an element.
    outer = [u for u in uses if not _in_index(scope, u, name)]
    for use in outer:
        place, which = _element_of(scope, use)
        if which not in names or scope.is_target(use):
            return None
        seen.append(which)
        changes.append(scope.replace(place, names[which]))
    lines = [
        f"const auto {names[which]} = *std::{how}_element({name}.begin(), {name}.end());"
        for which, how in (("first", "min"), ("last", "max"))
        if which in seen
    ]
    if not lines:
        return None
    return Rewrite(
        (
            scope.replace_statement(statement, "\n".join(lines)),
            *changes,
            *scope.add_include("algorithm"),
        )
    )


def _in_index(scope: NativeScope, use: SgNode, name: str) -> bool:
    """Whether a use stands in `[name.size() - 1]`."""
    up = use.parent()
    found = method(up.parent()) if up is not None else None
    if found is None or found[1] != "size":
        return False
    for outer in use.ancestors():
        if outer.kind() == "subscript_expression":
            target = outer.field("argument")
            return bool(target is not None and target.text() == name and target != use)
    return False


@rule(
    "sort-for-nth",
    title="select the element at one place without sorting",
    description="Everything is sorted, but one element is read. Selecting puts the right element"
    " at its place in linear time.",
    patterns=_SORT,
    gain=2,
    languages=_CPP,
    words=("sort", "begin"),
)
def sort_for_nth(scope: NativeScope, node: SgNode) -> Proposal:
    """Select with `std::nth_element`.

    Why it is slow: a sort orders both sides of the place that is asked for, which nobody reads.

    Example:
        std::sort(xs.begin(), xs.end());       std::nth_element(
        return xs[k];                              xs.begin(), xs.begin() + k, xs.end());
                                               return xs[k];

    When not to: several places are read, or the order is needed later (then it is left alone).
    """
    made, _, uses = _sorted(scope, node)
    name = made.name.text()
    indices = set()
    for use in uses:
        up = use.parent()
        found = method(up.parent()) if up is not None else None
        if found is not None and found[1] in ("size", "empty"):
            continue
        _, index = _element_of(scope, use)
        indices.add(index)
        if scope.is_target(use) or scope.loops(use):
            return None
    index = next(iter(indices), "first")
    if len(indices) != 1 or index in ("first", "last"):
        return None
    step = index if re.fullmatch(r"[\w.()]+( / \d+)?", index) else f"({index})"
    text = f"std::nth_element({name}.begin(), {name}.begin() + {step}, {name}.end())"
    return Rewrite((scope.replace(node, text), *scope.add_include("algorithm")))


@rule(
    "sort-for-few",
    title="sort only as many as are read",
    description="Everything is sorted, but a loop reads only the first few elements. A partial sort"
    " orders just these.",
    patterns=_SORT,
    gain=2,
    languages=_CPP,
    words=("sort", "for", "begin"),
)
def sort_for_few(scope: NativeScope, node: SgNode) -> Proposal:
    """Order the first k elements with `std::partial_sort`.

    Why it is slow: a sort of n elements makes n log2(n) comparisons; for the first k a heap of k
    elements needs little more than n.

    Example:
        std::sort(xs.begin(), xs.end());          std::partial_sort(
        for (int i = 0; i < k; i++) {                 xs.begin(), xs.begin() + k, xs.end());
            total += xs[i];                       for (int i = 0; i < k; i++) {
        }                                             total += xs[i];

    When not to: k is near the number of elements: then a whole sort is faster.
    """
    made, _, uses = _sorted(scope, node)
    name, bounds = made.name.text(), set()
    for use in uses:
        _, index = _element_of(scope, use)
        loop = next(iter(scope.loops(use)), None)
        if loop is None or loop.kind() != "for_statement" or scope.is_target(use):
            return None
        test, start = loop.field("condition"), loop.field("initializer")
        match = re.fullmatch(rf"{re.escape(index)}\s*<\s*(\w+)", scope.text(test))
        if match is None or not re.search(rf"\b{index}\s*=\s*0\b", scope.text(start)):
            return None
        bounds.add(match[1])
    if len(bounds) != 1:
        return None
    bound = bounds.pop()
    text = f"std::partial_sort({name}.begin(), {name}.begin() + {bound}, {name}.end())"
    return Rewrite((scope.replace(node, text), *scope.add_include("algorithm")))


@rule(
    "sort-in-loop",
    title="sort once before the loop",
    description="The same elements are sorted again in each turn of a loop that does not change"
    " them. Once before the loop is enough.",
    patterns=_SORT,
    gain=3,
    languages=_CPP,
    words=("sort", "for|while", "begin"),
)
def sort_in_loop(scope: NativeScope, node: SgNode) -> Proposal:
    """Move a sort out of the loop that does not change what is sorted.

    Why it is slow: sorting what is sorted already still compares everything, in each turn.

    Example:
        for (int q : queries) {                      std::sort(xs.begin(), xs.end());
            std::sort(xs.begin(), xs.end());         for (int q : queries) {
            hits += xs[q];                               hits += xs[q];
        }                                            }

    When not to: the loop may not run at all, or leaves before the sort.
    """
    made = container(scope, node["V"], *_KINDS)
    loop, statement = outermost_loop(scope, node, made), node.parent()
    name = made.name.text()
    if statement is None or statement.kind() != "expression_statement":
        return None
    others = [u for u in scope.uses(name, loop) if not scope.inside(u, statement)]
    if any(scope.may_change(use) for use in others):
        return None
    return Rewrite((scope.insert_before(loop, scope.text(statement)), scope.remove(statement)))


@rule(
    "push-then-sort",
    title="insert at the right place instead of sorting again",
    description="A sorted vector gets one more element and is sorted anew. A binary search finds"
    " the place where the element belongs.",
    patterns=_SORT,
    gain=3,
    languages=_CPP,
    words=("sort", "push_back"),
)
def push_then_sort(scope: NativeScope, node: SgNode) -> Proposal:
    """Keep a vector sorted by inserting each element at its place.

    Why it is slow: a sort compares all elements, though only the last one is out of place.

    Example:
        xs.push_back(x);                       xs.insert(
        std::sort(xs.begin(), xs.end());           std::upper_bound(xs.begin(), xs.end(), x), x);

    When not to: the vector is not sorted before, or many elements come before it is read.
    """
    made = container(scope, node["V"], "vector", "deque")
    statement, name = node.parent(), made.name.text()
    above = scope.neighbour(statement, -1) if statement is not None else None
    call = above.child(0) if above is not None and above.kind() == "expression_statement" else None
    found = method(call)
    if statement is None or above is None or call is None or found is None:
        return None
    given = [scope.text(a) for a in arguments(call)]
    if not scope.loops(node) or found[0].text() != name or found[1] != "push_back":
        return None
    if len(given) != 1 or not re.fullmatch(r"[\w.\[\]]+", given[0]):
        return None
    x = given[0]
    text = f"{name}.insert(std::upper_bound({name}.begin(), {name}.end(), {x}), {x});"
    return Rewrite(
        (scope.replace(above, text), scope.remove(statement), *scope.add_include("algorithm"))
    )


RULES = (sort_for_extreme, sort_for_nth, sort_for_few, sort_in_loop, push_then_sort)
