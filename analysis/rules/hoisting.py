"""What stays the same during a loop, computed once before it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule, words
from analysis.rules.effects import MUTATING, mutated_in
from analysis.rules.flow import (
    PURE_METHODS,
    hoist,
    is_plain,
    is_same_object,
    key,
    same,
    swap,
)
from analysis.rules.guards import may_raise, refuse_guarded, tests_before
from analysis.rules.nodes import called
from analysis.rules.scope import Loop, Scope

_LAZY = words(
    "zip map filter reversed enumerate range type isinstance hasattr chain islice cycle repeat"
    " product permutations combinations finditer"
)
_FRESH = ("list", "set", "dict", "sorted", "split", "rsplit", "splitlines", "findall", "copy")
_NEVER = words(
    """
    time now today perf_counter process_time monotonic random randint choice choices sample
    shuffle uniform gauss getrandbits urandom uuid4 next input open read readline readlines
    recv iter popen run sleep super locals globals vars id object print exec eval acquire
    release submit send fetchone fetchall execute commit close flush seek tell log debug
    info warning error match search finditer chain islice cycle repeat count product
    permutations combinations defaultdict deque Counter OrderedDict
    """
)


def _only_read(scope: Scope, node: ast.expr) -> bool:
    """Whether a fresh collection is only read where it is made, so that one serves all turns."""
    up = scope.parent(node)
    if isinstance(up, ast.Compare):
        return node is not up.left or len(up.ops) == 1
    if isinstance(up, ast.For | ast.comprehension):
        return up.iter is node
    if isinstance(up, ast.Subscript):
        return up.value is node and isinstance(up.ctx, ast.Load)
    if isinstance(up, ast.Call) and node in up.args:
        return is_plain(scope, up) and called(up.func) not in _LAZY
    return isinstance(up, ast.Attribute) and up.attr in PURE_METHODS


def _call_name(scope: Scope, node: ast.Call) -> str:
    word = called(node.func).strip("_") or "value"
    subject: ast.expr | None = node.args[0] if node.args else None
    if isinstance(node.func, ast.Attribute) and not (
        isinstance(node.func.value, ast.Name)
        and scope.is_module(node.func.value.id, node.func.value.id)
    ):
        subject = node.func.value
    stem = scope.stem(subject, "") if subject is not None else ""
    return scope.fresh(f"{stem}_{word}".strip("_").lower())


@rule(
    "hoist-call",
    title="compute the unchanging value before the loop",
    description="A call inside a loop gets the same arguments and gives the same value at each"
    " turn. It is made once before the loop.",
    patterns=["$F($$$A)"],
    node=ast.Call,
    gain=2,
    words=("for|while|lambda",),
)
def hoist_call(scope: Scope, node: ast.Call) -> Proposal:
    """Move a call of a builtin or a method of a builtin type out of the loop.

    Why it is slow: `max(xs)`, `sum(xs)`, `set(xs)` or `text.lower()` inside a loop walk all their
    data at each turn, though nothing in the loop changes it.

    Example:
        for x in xs:                       xs_max = max(xs, default=None)
            out.append(x / max(xs))        for x in xs:
                                               out.append(x / xs_max)

    When not to: the loop often runs zero times or leaves before the call, or the call may fail
    where the loop would not have reached it.
    """
    if not scope.loops(node) or not is_plain(scope, node):
        return None
    word = called(node.func)
    if word in _LAZY or not (node.args or isinstance(node.func, ast.Attribute)):
        return None
    if word in _FRESH and not _only_read(scope, node):
        return None
    if isinstance(node.func, ast.Name) and all(isinstance(a, ast.Constant) for a in node.args):
        return None
    place = hoist(scope, node, node)
    if word == "get" and isinstance(place.loop, ast.While):
        return None  # may ask a server until it has an answer
    if may_raise(node) and any(tests_before(scope, node, place.loop)):
        return None
    refuse_guarded(scope, node, node, place)
    for up in scope.ancestors(node):
        if isinstance(up, ast.stmt):
            break
        plain = isinstance(up, ast.Call) and is_plain(scope, up) and called(up.func) not in _LAZY
        if plain and isinstance(up, ast.Call) and scope.loops(up) and _can_move(scope, up):
            return None  # the larger call goes as a whole
    name = _call_name(scope, node)
    calls = [c for c in same(place.loop, node) if c is node or place.loop in scope.loops(c)]
    changes = (
        scope.insert_before(place.statement, f"{name} = {_early(scope, node)}"),
        *swap(scope, calls, name),
    )
    return Rewrite(changes, sure=place.sure)


def _early(scope: Scope, node: ast.Call) -> str:
    """The call's text before the loop, where an empty collection must not raise yet."""
    text = scope.line_text(node)
    extreme = scope.is_builtin(node.func, "max", "min") and len(node.args) == 1
    given = any(k.arg in ("default", None) for k in node.keywords)
    if extreme and not given and not isinstance(node.args[0], ast.GeneratorExp | ast.Starred):
        return f"{text[:-1].rstrip().rstrip(',')}, default=None)"
    return text


def _can_move(scope: Scope, node: ast.expr) -> bool:
    try:
        hoist(scope, node, node)
    except NoRewriteError:
        return False
    return True


@rule(
    "hoist-own-call",
    title="make the unchanging call before the loop",
    description="A function is called inside a loop with arguments that stay the same. If it gives"
    " the same value each time, one call before the loop is enough.",
    patterns=["$F($$$A)"],
    node=ast.Call,
    gain=2,
    words=("for|while|lambda",),
)
def hoist_own_call(scope: Scope, node: ast.Call) -> Proposal:
    """Move a call of any function out of the loop, where its arguments don't change.

    Why it is slow: the function does the same work at each turn.

    Example:
        for row in rows:                   limit = limit_for(config)
            if row.cost > limit_for(config):
                ...                        for row in rows:
                                               if row.cost > limit: ...

    When not to: the function has effects, reads what the loop changes, or gives a new object that
    is changed afterwards. Only a run against the original can tell.
    """
    word = called(node.func)
    if not scope.loops(node) or is_plain(scope, node) or word in _NEVER or word in MUTATING:
        return None
    if isinstance(scope.parent(node), ast.Expr | ast.Await | ast.withitem | ast.Raise):
        return None
    if word[:1].isupper() or not word or scope.is_builtin(node.func, word):
        return None
    parts: list[ast.expr] = [*node.args, *(k.value for k in node.keywords)]
    if isinstance(node.func, ast.Attribute):
        owner = node.func.value
        if not isinstance(owner, ast.Name):
            return None
        if owner.id not in ("self", "cls") and not scope.is_module(owner.id, owner.id):
            return None  # most other objects that are called this way have a state
        parts.append(owner)
    if not parts or not all(is_plain(scope, p) for p in parts):
        return None
    if all(isinstance(p, ast.Constant) for p in parts):
        return None
    if isinstance(node.func, ast.Attribute) and key(node.func.value) == "re":
        return None
    place = hoist(scope, node, node)
    refuse_guarded(scope, node, node, place)
    if _is_commanded(scope, place.loop, parts) or _draws(node):
        return None
    up = scope.parent(node)
    if isinstance(up, ast.Assign) and {key(t) for t in up.targets} & mutated_in(place.loop):
        return None
    name = _call_name(scope, node)
    changes = (
        scope.insert_before(place.statement, f"{name} = {scope.line_text(node)}"),
        *swap(scope, same(place.loop, node), name),
    )
    return Rewrite(changes, sure=False)


def _is_commanded(scope: Scope, loop: Loop, parts: Sequence[ast.expr]) -> bool:
    """Whether the loop tells one of these objects to do something: `graph.add_edge(u, v)`."""
    owners = {
        key(call.value.func.value)
        for call in scope.find(loop, ast.Expr)
        if isinstance(call.value, ast.Call) and isinstance(call.value.func, ast.Attribute)
    }
    return any(key(part) in owners for part in parts)


def _draws(node: ast.Call) -> bool:
    """Whether a call asks for another object, or another random one, each time."""
    word = called(node.func).lower().strip("_")
    new = word.endswith(("factory", "copy")) or word.startswith(("new", "make", "create", "copy"))
    return new or any(k.arg in ("seed", "rng", "random_state", "rand") for k in node.keywords)


@rule(
    "hoist-attribute",
    title="read the unchanging attribute before the loop",
    description="An attribute that does not change is looked up at each turn of a loop. It is read"
    " once into a local name before the loop.",
    patterns=["$O.$A"],
    node=ast.Attribute,
    gain=1,
    words=("for|while|lambda",),
)
def hoist_attribute(scope: Scope, node: ast.Attribute) -> Proposal:
    """Read an attribute once before the loop.

    Why it is slow: an attribute is looked up in the object and its class; a property runs code. A
    local name is read from an array.

    Example:
        for x in xs:                       scale = self.scale
            out.append(x * self.scale)     for x in xs:
                                               out.append(x * scale)

    When not to: something that the loop calls sets the attribute.
    """
    up = scope.parent(node)
    if not isinstance(node.ctx, ast.Load) or not scope.loops(node) or not _is_chain(node):
        return None
    if isinstance(up, ast.Call) and up.func is node:
        return None
    if isinstance(up, ast.Attribute):
        above = scope.parent(up)
        if not (isinstance(above, ast.Call) and above.func is up):
            return None  # the longer chain goes as a whole
    place = hoist(scope, node, node, is_same_object)
    refuse_guarded(scope, node, node, place, presence=True)
    name = scope.fresh(scope.stem(node))
    if name == scope.stem(node) + "_2":
        name = scope.fresh(f"{scope.stem(node.value, 'own')}_{scope.stem(node)}")
    changes = (
        scope.insert_before(place.statement, f"{name} = {scope.text(node)}"),
        *swap(scope, same(place.loop, node), name),
    )
    return Rewrite(changes, sure=place.sure)


def _is_chain(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


@rule(
    "hoist-method",
    title="look the method up before the loop",
    description="A method of one object, or a function of a module, is looked up at each turn of a"
    " loop. It is bound to a local name once before the loop.",
    patterns=["$O.$M($$$A)"],
    node=ast.Call,
    gain=1,
    words=("for|while|lambda",),
)
def hoist_method(scope: Scope, node: ast.Call) -> Proposal:
    """Look a method or a module's function up once before the loop.

    Why it is slow: `out.append` is looked up in the object's class at each turn; `math.sqrt` costs
    a global and an attribute. Newer interpreters make method calls cheap: the gain is small, and
    may be none.

    Example:
        for x in xs:                       sqrt = math.sqrt
            out.append(math.sqrt(x))       for x in xs:
                                               out.append(sqrt(x))

    When not to: outside of the hottest loops; the long form reads better.
    """
    func = node.func
    if not isinstance(func, ast.Attribute) or not scope.loops(node) or not _is_chain(func):
        return None
    place = hoist(scope, func, node, is_same_object)
    refuse_guarded(scope, func, func, place, presence=True)
    owner = func.value
    module = isinstance(owner, ast.Name) and scope.is_module(owner.id, owner.id)
    word = scope.stem(func) if module else f"{scope.stem(owner)}_{scope.stem(func)}"
    name = scope.fresh(word)
    changes = (
        scope.insert_before(place.statement, f"{name} = {scope.text(func)}"),
        *swap(scope, same(place.loop, func), name),
    )
    return Rewrite(changes, sure=place.sure)


@rule(
    "hoist-row",
    title="take the row out of the inner loop",
    description="An inner loop looks up the same row of a table at each turn before it looks up the"
    " cell. The row is taken once before the inner loop.",
    patterns=["$T[$R][$C]"],
    node=ast.Subscript,
    gain=1,
    words=("for|while|lambda",),
)
def hoist_row(scope: Scope, node: ast.Subscript) -> Proposal:
    """Look a table's row up once before the loop over its cells.

    Why it is slow: `table[r][c]` makes two lookups, and the first gives the same row at each turn
    of the inner loop.

    Example:
        for c in range(n):                 row = table[r]
            total += table[r][c]           for c in range(n):
                                               total += row[c]

    When not to: the loop puts another row in the table (then it is left alone), or the inner loop
    may run zero times with no such row.
    """
    row = node.value
    if not isinstance(row, ast.Subscript) or not scope.loops(node):
        return None
    if isinstance(row.slice, ast.Slice) or not is_plain(scope, row):
        return None
    if not isinstance(row.value, ast.Name | ast.Attribute | ast.Subscript):
        return None
    place = hoist(scope, row, node, is_same_object)
    refuse_guarded(scope, row, row, place)
    name = scope.fresh(f"{scope.stem(row)}_row")
    changes = (
        scope.insert_before(place.statement, f"{name} = {scope.line_text(row)}"),
        *swap(scope, same(place.loop, row), name),
    )
    return Rewrite(changes, sure=place.sure)


RULES = (hoist_call, hoist_own_call, hoist_row, hoist_attribute, hoist_method)
