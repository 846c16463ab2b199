"""Looking for a value: where it is known by key or by hash, nothing is walked through."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.native.rules.calls import (
    called,
    container,
    element,
    is_hashable,
    is_plain,
    method,
    outermost_loop,
    template,
)
from analysis.languages.native.rules.scope import Declaration, NativeScope, std
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.text import TextChange

_CPP = ("c++",)
_MAPS = ("map", "unordered_map")
_CHEAP = ("find", "count", "lower_bound", "upper_bound")
_TEST = re.compile(r"(?:!=|>)\s*0")


@rule(
    "set-own-find",
    title="ask the set itself",
    description="A search over a set's range looks at one element after another. The set's own"
    " search follows its order or its hash.",
    patterns=std(*(f"{name}($S.begin(), $S.end(), $X)" for name in _CHEAP)),
    gain=3,
    languages=_CPP,
    words=("set<", "find|count|_bound", "begin"),
)
def set_own_find(scope: NativeScope, node: SgNode) -> Proposal:
    """Use the set's own `find`, `count` or `lower_bound`.

    Why it is slow: `std::find` and `std::count` compare with every element; `std::lower_bound`
    compares few, but has to walk from node to node to get at them.

    Example:
        std::find(known.begin(), known.end(), x)        known.find(x)

    When not to: the set orders its elements by something else than equality compares.
    """
    made = container(scope, node["S"], "set", "multiset", "unordered_set")
    name = called(node)
    if name.endswith("_bound") and template(made.spelled)[0] == "unordered_set":
        return None
    return Rewrite((scope.replace(node, f"{node['S'].text()}.{name}({scope.text(node['X'])})"),))


def _membership(scope: NativeScope, node: SgNode) -> tuple[SgNode, str]:
    """The comparison of a search with the end of its range, and how the answer is asked for."""
    test = node.parent()
    end = f"{node['V'].text()}.end()"
    if test is None or test.kind() != "binary_expression":
        raise NoRewriteError("the place is used")
    sign, left, right = test.field("operator"), test.field("left"), test.field("right")
    if sign is None or sign.text() not in ("==", "!=") or left is None or right is None:
        raise NoRewriteError("the place is used")
    if re.sub(r"\s", "", scope.text(right if left == node else left)) != end:
        raise NoRewriteError("the place is used")
    return test, sign.text()


def _hashed(scope: NativeScope, node: SgNode) -> tuple[Declaration, str]:
    """The vector that is searched, and the type of its elements, which can be hashed."""
    made = container(scope, node["V"], "vector", "deque")
    kind = element(made.spelled)
    if not is_hashable(kind):
        raise NoRewriteError("elements without a hash")
    return made, kind


@rule(
    "find-in-loop-set",
    title="search in a hash set that is built once",
    description="A search through a vector inside of a loop looks at every element each time. A"
    " hash set that is built before the loop answers at once.",
    patterns=std("find($V.begin(), $V.end(), $X)"),
    gain=3,
    languages=_CPP,
    words=("find", "begin", "for|while"),
)
def find_in_loop_set(scope: NativeScope, node: SgNode) -> Proposal:
    """Build a hash set of a vector before the loop that searches in it.

    Why it is slow: `std::find` compares with the elements one by one: a loop of n turns over m
    elements makes n times m comparisons.

    Example:
        for (int x : xs) {                       std::unordered_set<int> ys_set(
            if (std::find(ys.begin(),                ys.begin(), ys.end());
                ys.end(), x) != ys.end()) {      for (int x : xs) {
                                                     if (ys_set.count(x) != 0) {

    When not to: the vector is short (below some dozens of numbers), or the loop ends early.
    """
    made, kind = _hashed(scope, node)
    test, sign = _membership(scope, node)
    name = node["V"].text()
    loops = []
    for loop in scope.loops(node):
        if not made.first <= scope.start(loop) or scope.changed(name, loop) or loop == made.node:
            break
        loops.append(loop)
    if not loops:
        return None
    fresh = scope.fresh(f"{name}_set")
    line = f"const std::unordered_set<{kind}> {fresh}({name}.begin(), {name}.end());"
    changes = [
        scope.insert_before(loops[-1], line),
        scope.replace(test, f"{fresh}.count({scope.text(node['X'])}) {sign} 0"),
        *scope.add_include("unordered_set"),
    ]
    return Rewrite(tuple(changes))


@rule(
    "seen-vector-set",
    title="remember what was seen in a hash set",
    description="Whether a value was seen before is searched in the vector of all seen ones, which"
    " grows. A hash set beside the vector answers at once.",
    patterns=std("find($V.begin(), $V.end(), $X)"),
    gain=3,
    languages=_CPP,
    words=("find", "push_back", "for|while"),
)
def seen_vector_set(scope: NativeScope, node: SgNode) -> Proposal:
    """Keep a hash set beside the vector that is searched while it grows.

    Why it is slow: each search compares with all values that were seen so far: n values take time
    that grows with the square of n.

    Example:
        if (std::find(out.begin(), out.end(),      if (out_set.count(x) == 0) {
                      x) == out.end()) {               out.push_back(x);
            out.push_back(x);                          out_set.insert(x);
        }                                          }

    When not to: few different values. A vector that is changed otherwise than by `push_back` in
    the loop is left alone.
    """
    made, kind = _hashed(scope, node)
    test, sign = _membership(scope, node)
    loop, name = outermost_loop(scope, node, made), node["V"].text()
    fresh = scope.fresh(f"{name}_set")
    line = f"std::unordered_set<{kind}> {fresh}({name}.begin(), {name}.end());"
    changes = [
        scope.insert_before(loop, line),
        scope.replace(test, f"{fresh}.count({scope.text(node['X'])}) {sign} 0"),
        *scope.add_include("unordered_set"),
    ]
    appended = [u for u in scope.uses(name, loop) if scope.may_change(u)]
    changes += [_also_insert(scope, use, fresh) for use in appended if not scope.inside(use, node)]
    return Rewrite(tuple(changes)) if len(changes) > 3 else None


def _also_insert(scope: NativeScope, use: SgNode, fresh: str) -> TextChange:
    """The statement that appends to the vector, with one that adds to the set."""
    field = use.parent()
    call = field.parent() if field is not None else None
    found, statement = method(call), call.parent() if call is not None else None
    if call is None or statement is None or found is None or found[1] != "push_back":
        raise NoRewriteError("changed otherwise")
    value = call.field("arguments").named_children()
    if statement.kind() != "expression_statement" or len(value) != 1:
        raise NoRewriteError("changed otherwise")
    if not is_plain(scope, value[0]):
        raise NoRewriteError("would be computed twice")
    insert = f"{fresh}.insert({scope.text(value[0])});"
    up = statement.parent()
    if up is not None and up.kind() == "compound_statement":
        return scope.insert_after(statement, insert)
    return scope.replace(statement, f"{{ {scope.text(statement)} {insert} }}")


@rule(
    "count-in-loop-map",
    title="count all values once",
    description="Counting one value in a vector inside of a loop goes through all elements each"
    " time. One pass counts all values in a hash table.",
    patterns=std("count($V.begin(), $V.end(), $X)"),
    gain=3,
    languages=_CPP,
    words=("count", "begin", "for|while"),
)
def count_in_loop_map(scope: NativeScope, node: SgNode) -> Proposal:
    """Count the values of a vector once, before the loop that asks for counts.

    Why it is slow: `std::count` goes through the whole vector: asked for n values that is n passes.

    Example:
        for (int x : xs) {                     std::unordered_map<int, std::ptrdiff_t> xs_counts;
            most = std::max(most,              for (const auto &value : xs) {
                std::count(xs.begin(),             ++xs_counts[value];
                           xs.end(), x));      }
        }                                      for (int x : xs) {
                                                   most = std::max(most, xs_counts[x]);

    When not to: the vector is short, or few values are asked for.
    """
    made, kind = _hashed(scope, node)
    name, loops = node["V"].text(), scope.loops(node)
    if not loops or scope.changed(name, loops[-1]) or scope.start(loops[-1]) < made.first:
        return None
    fresh, value = scope.fresh(f"{name}_counts"), scope.fresh("value")
    lines = (
        f"std::unordered_map<{kind}, std::ptrdiff_t> {fresh};\n"
        f"for (const auto &{value} : {name}) {{\n\t++{fresh}[{value}];\n}}"
    )
    return Rewrite(
        (
            scope.insert_before(loops[-1], lines),
            scope.replace(node, f"{fresh}[{scope.text(node['X'])}]"),
            *scope.add_include("unordered_map"),
        )
    )


@rule(
    "found-then-index",
    title="look a key up once",
    description="A key is looked up to see whether it is there, and again to get at its value. One"
    " search gives both.",
    patterns=[{"kind": "if_statement"}],
    gain=2,
    languages=_CPP,
    words=("if", "count|find|contains"),
)
def found_then_index(scope: NativeScope, node: SgNode) -> Proposal:
    """Search a map once, and use what was found.

    Why it is slow: `counts.count(key)` and `counts[key]` both search for the key, and with a text
    as key both hash or compare all of it.

    Example:
        if (ages.count(name)) {            const auto found = ages.find(name);
            total += ages[name];           if (found != ages.end()) {
        }                                      total += found->second;
                                           }

    When not to: most keys are not there (then the second look-up is rare).
    """
    condition, then = node.field("condition"), node.field("consequence")
    inner = [] if condition is None else condition.named_children()
    if then is None or len(inner) != 1:
        return None
    table, key = _asked(scope, inner[0])
    made = container(scope, table, *_MAPS)
    name = made.name.text()
    fresh = scope.fresh("found")
    changes = [
        scope.insert_before(node, f"const auto {fresh} = {name}.find({scope.text(key)});"),
        scope.replace(inner[0], f"{fresh} != {name}.end()"),
    ]
    uses = scope.uses(name, then)
    for use in uses:
        whole = use.parent()
        if whole is None or not _same_key(scope, use, whole, scope.text(key)):
            return None
        place = whole if whole.kind() == "subscript_expression" else whole.parent()
        assert place is not None
        changes.append(scope.replace(place, f"{fresh}->second"))
    if not uses or any(scope.changed(n, then) for n in scope.names_in(key)):
        return None
    return Rewrite(tuple(changes))


def _asked(scope: NativeScope, test: SgNode) -> tuple[SgNode, SgNode]:
    """The map and the key of a test whether the key is there."""
    call: SgNode | None = test
    behind = ""
    if test.kind() == "binary_expression":
        call = test.field("left")
        behind = scope.text(test)[len(scope.text(call)) :].strip() if call is not None else ""
    found = method(call)
    if found is None or call is None:
        raise NoRewriteError("not asked for a key")
    table, asked = found
    given = call.field("arguments").named_children()
    ends = re.fullmatch(rf"!=\s*{re.escape(scope.text(table))}\.end\(\)", behind)
    fits = (
        ends is not None
        if asked == "find"
        else asked in ("count", "contains") and (not behind or _TEST.fullmatch(behind))
    )
    if not fits or len(given) != 1 or not is_plain(scope, given[0]):
        raise NoRewriteError("not asked for a key")
    return table, given[0]


def _same_key(scope: NativeScope, use: SgNode, whole: SgNode, key: str) -> bool:
    """Whether a use of the map is `map[key]` or `map.at(key)`."""
    if whole.kind() == "subscript_expression":
        index = whole.child(1)
        return index is not None and scope.text(index)[1:-1].strip() == key
    found = method(whole.parent())
    if found is None or found[0] != use or found[1] != "at":
        return False
    call = whole.parent()
    assert call is not None
    return [scope.text(n) for n in call.field("arguments").named_children()] == [key]


RULES = (set_own_find, find_in_loop_set, seen_vector_set, count_in_loop_map, found_then_index)
