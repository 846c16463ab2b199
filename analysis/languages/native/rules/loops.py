"""Loops: their order, how long they go on, and what they compute or store at each turn."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.native.rules.scope import NativeScope, std
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule

_BOTH = ("c", "c++")
_LEAVES = ("break_statement", "continue_statement", "return_statement", "goto_statement")
_CONSTANTS = re.compile(r"true|false|-?\d+")
_TALKS = re.compile(r"\b(cout|cin|printf|scanf|puts|putchar|getchar|fprintf|fscanf)\b")
_COUNTER = re.compile(r"(?:[\w:]+\s+)*?(\w+)\s*=")


def _counter(scope: NativeScope, loop: SgNode) -> str:
    """The variable that a `for` loop counts with. Raises NoRewriteError where there is none."""
    start = loop.field("initializer")
    match = _COUNTER.match(scope.text(start)) if start is not None else None
    if match is None or loop.kind() != "for_statement":
        raise NoRewriteError("not counted")
    return match[1]


def _header(scope: NativeScope, loop: SgNode) -> tuple[int, int]:
    """From where to where the head of a loop goes, `for (...)`."""
    body = loop.field("body")
    if body is None:
        raise NoRewriteError("no body")
    end = scope.source.text.rindex(")", scope.start(loop), scope.start(body)) + 1
    return scope.start(loop), end


def _head_text(scope: NativeScope, loop: SgNode) -> str:
    start, end = _header(scope, loop)
    return scope.source.text[start:end]


@rule(
    "row-major-loops",
    title="walk through memory in the order it lies in",
    description="The inner loop goes down the columns of an array that lies in memory row by row:"
    " each step touches another cache line. With the loops swapped it walks along the rows.",
    patterns=[{"kind": "for_statement"}],
    gain=2,
    languages=_BOTH,
    words=("for", "]["),
)
def row_major_loops(scope: NativeScope, node: SgNode) -> Proposal:
    """Swap two nested loops so that the inner one walks along rows.

    Why it is slow: elements of one column lie a whole row apart: each access brings a cache line of
    which one element is used.

    Example:
        for (int j = 0; j < m; j++)            for (int i = 0; i < n; i++)
            for (int i = 0; i < n; i++)            for (int j = 0; j < m; j++)
                total[j] += a[i][j];                   total[j] += a[i][j];

    When not to: the array fits in the cache. Turns that depend on their order are left alone.
    """
    outer_body = scope.body(node)
    inner = outer_body[0] if len(outer_body) == 1 else None
    if inner is None or inner.kind() != "for_statement":
        return None
    outer_name, inner_name = _counter(scope, node), _counter(scope, inner)
    heads = _head_text(scope, node), _head_text(scope, inner)
    if _names(heads[1], outer_name) or _names(heads[0], inner_name):
        return None
    body = inner.field("body")
    if body is None or outer_name == inner_name or _leaves(body):
        return None
    if not all(_places(scope, name, body) == 1 for name in _written(scope, body)):
        return None
    now, then = _strides(scope, body, inner_name), _strides(scope, body, outer_name)
    if now <= then:
        return None
    (a, b), (c, d) = _header(scope, node), _header(scope, inner)
    return Rewrite((scope.replace_between(a, b, heads[1]), scope.replace_between(c, d, heads[0])))


def _names(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def _leaves(tree: SgNode) -> bool:
    """Whether something in a node leaves a loop or its turn."""
    return any(tree.find(kind=kind) is not None for kind in _LEAVES)


def _written(scope: NativeScope, tree: SgNode) -> set[str]:
    """The variables that a node assigns, whole or in part."""
    return {name for name in scope.names_in(tree) if scope.assigned(name, tree)}


def _places(scope: NativeScope, name: str, *trees: SgNode) -> int:
    """How many different parts of a variable stand in nodes: `a[i]` and `a[i + 1]` are two."""
    uses = (use for tree in trees for use in scope.uses(name, tree))
    return len({"".join(scope.text(scope.whole(use)).split()) for use in uses})


def _strides(scope: NativeScope, body: SgNode, counter: str) -> int:
    """How many accesses leap a whole row when this counter is the inner one."""
    leaps = 0
    for access in body.find_all(kind="subscript_expression"):
        up = access.parent()
        if (
            up is not None
            and up.kind() == "subscript_expression"
            and up.field("argument") == access
        ):
            continue
        *rows, last = _indices(scope, access)
        leaps += any(_names(row, counter) for row in rows) and not _names(last, counter)
    return leaps


def _indices(scope: NativeScope, access: SgNode) -> list[str]:
    """The texts of the indices of `a[i][j]`, the first one first."""
    found: list[str] = []
    at: SgNode | None = access
    while at is not None and at.kind() == "subscript_expression":
        target = at.field("argument")
        if target is None:
            break
        found.append(scope.source.text[scope.end(target) : scope.end(at)].strip()[1:-1])
        at = target
    return found[::-1]


@rule(
    "break-when-found",
    title="leave the loop when the answer is known",
    description="A loop sets a flag and goes on, though nothing later can change the answer. It can"
    " end at the first hit.",
    patterns=[{"kind": "for_statement"}, {"kind": "for_range_loop"}],
    gain=2,
    languages=_BOTH,
    words=("for", "if", "="),
)
def break_when_found(scope: NativeScope, node: SgNode) -> Proposal:
    """Break out of a loop that only sets a flag.

    Why it is slow: after the first hit all other elements are still looked at.

    Example:
        for (int i = 0; i < n; i++) {          for (int i = 0; i < n; i++) {
            if (xs[i] == x) {                      if (xs[i] == x) {
                found = true;                          found = true;
            }                                          break;
        }                                          }
                                               }

    When not to: hits are rare: then little is saved.
    """
    body = scope.body(node)
    test = body[0] if len(body) == 1 else None
    if test is None or test.kind() != "if_statement" or test.field("alternative") is not None:
        return None
    condition, then = test.field("condition"), test.field("consequence")
    if condition is None or then is None:
        return None
    inner = scope.body(then) if then.kind() == "compound_statement" else [then]
    hit = inner[0].child(0) if len(inner) == 1 else None
    if hit is None or hit.kind() != "assignment_expression" or "=" in _without(condition, scope):
        return None
    left, right, sign = hit.field("left"), hit.field("right"), hit.field("operator")
    if left is None or right is None or sign is None or sign.text() != "=":
        return None
    if left.kind() != "identifier" or not _CONSTANTS.fullmatch(scope.text(right)):
        return None
    if scope.uses(left.text(), condition) or any(c in scope.text(condition) for c in ("++", "--")):
        return None
    if then.kind() == "compound_statement":
        return Rewrite((scope.insert_after(inner[0], "break;"),))
    block = scope.lines(f"{scope.text(then)}\nbreak;", scope.indent(test) + scope.unit)
    text = f" {{\n{block}{scope.indent(test)}}}"
    return Rewrite((scope.replace_between(scope.end(condition), scope.end(then), text),))


def _without(condition: SgNode, scope: NativeScope) -> str:
    """A condition's text without its comparisons."""
    return re.sub(r"[=!<>]=", "", scope.text(condition))


@rule(
    "strlen-once",
    title="measure the text once",
    description="The length of a text is counted anew at each turn of a loop, character by"
    " character. Once before the loop is enough.",
    patterns=std("strlen($S)"),
    gain=3,
    languages=_BOTH,
    words=("strlen", "for|while"),
)
def strlen_once(scope: NativeScope, node: SgNode) -> Proposal:
    """Take `strlen` out of the loop.

    Why it is slow: `strlen` looks at each character; where the loop writes into the text, the
    compiler has to call it at each turn: the time grows with the square of the length.

    Example:
        for (i = 0; i < strlen(s); i++)        const size_t length = strlen(s);
            s[i] = toupper(s[i]);              for (i = 0; i < length; i++)
                                                   s[i] = toupper(s[i]);

    When not to: the loop changes where the text ends.
    """
    value = node["S"]
    name = scope.text(value)
    if value.kind() != "identifier":
        return None
    made, outer = scope.declaration(name, value), None
    for loop in scope.loops(node):
        if made is None or not made.first < scope.start(loop) or _repointed(scope, name, loop):
            break
        outer = loop
    if outer is None:
        return None
    fresh = scope.fresh("length")
    calls = [
        c for pattern in std("strlen($S)") for c in scope.matches(pattern)
        if c["S"].text() == name and scope.inside(c, outer)
    ]  # fmt: skip
    places = {(scope.start(c), scope.end(c)): c for c in calls}
    changes = [scope.replace(c, fresh) for c in places.values()]
    line = f"const size_t {fresh} = {scope.text(node)};"
    needed = scope.add_include("string.h") if scope.grammar.name == "c" else []
    return Rewrite((scope.insert_before(outer, line), *changes, *needed))


def _repointed(scope: NativeScope, name: str, loop: SgNode) -> bool:
    """Whether a pointer itself is assigned, or given to something that may write to its text."""
    return any(
        (scope.whole(use) == use and scope.is_target(use))
        or (scope.may_change(use) and not scope.is_target(use))
        for use in scope.uses(name, loop)
    )


@rule(
    "adjacent-loops-fuse",
    title="walk over the data once",
    description="Two loops one after the other walk over the same range. In one loop each element"
    " comes from memory once.",
    patterns=[{"kind": "for_statement"}],
    gain=1,
    languages=_BOTH,
    words=("for",),
)
def adjacent_loops_fuse(scope: NativeScope, node: SgNode) -> Proposal:
    """Fuse two adjacent loops with the same head.

    Why it is slow: what no longer fits in the cache comes from memory once for each loop, and each
    loop counts by itself.

    Example:
        for (int i = 0; i < n; i++) {          for (int i = 0; i < n; i++) {
            sum += xs[i];                          sum += xs[i];
        }                                          squares += xs[i] * xs[i];
        for (int i = 0; i < n; i++) {          }
            squares += xs[i] * xs[i];
        }

    When not to: the data fit in the cache and each loop is made of vector instructions. A second
    loop that needs what the first one gives in other turns is left alone.
    """
    below = scope.neighbour(node, 1)
    if below is None or below.kind() != "for_statement":
        return None
    if "".join(_head_text(scope, node).split()) != "".join(_head_text(scope, below).split()):
        return None
    first, second = node.field("body"), below.field("body")
    if first is None or second is None or _leaves(first) or _leaves(second):
        return None
    if first.kind() != "compound_statement" or second.kind() != "compound_statement":
        return None
    if _TALKS.search(scope.text(first)) and _TALKS.search(scope.text(second)):
        return None
    counter = _counter(scope, node)
    for name in _written(scope, first) | _written(scope, second):
        shared = scope.uses(name, first) and scope.uses(name, second)
        part = scope.whole(scope.uses(name, first)[0]) if shared else None
        if part is not None and (
            _places(scope, name, first, second) != 1 or not _names(scope.text(part), counter)
        ):
            return None
    above, added = scope.body(first), scope.body(second)
    if not above or not added or scope.has_comment(below):
        return None
    if any(s.kind() == "declaration" for s in (*above, *added)):
        return None
    lead = scope.indent(added[0])
    lines = [
        line.removeprefix(lead) for s in added for line in re.split(r"\r\n?|\n", scope.text(s))
    ]
    return Rewrite((scope.insert_after(above[-1], "\n".join(lines)), scope.remove(below)))


RULES = (
    row_major_loops,
    break_when_found,
    strlen_once,
    adjacent_loops_fuse,
)
