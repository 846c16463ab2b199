"""Loops that repeat what stays the same, wait in turn, or run over an array as over an object."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.javascript.names import GLOBALS
from analysis.languages.javascript.rules.scope import (
    PURE_METHODS,
    SCRIPTS,
    ScriptScope,
    members,
)
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule

_STATEMENT = "expression_statement"
_FLAGS = re.compile(r"[gy]")
_RESETTING = ("replace", "replaceAll", "match", "matchAll", "split")
_NAMES = {
    "Math.max": "largest", "Math.min": "smallest", "Object.keys": "keys",
    "Object.values": "values", "Object.entries": "entries", "JSON.stringify": "written",
    "split": "parts", "join": "joined", "reduce": "total", "toLowerCase": "lowered",
    "toUpperCase": "raised", "sort": "sorted", "filter": "kept", "map": "mapped",
}  # fmt: skip
_TEXTS = ("Math.max", "Math.min", "JSON.stringify", "join", "toLowerCase", "toUpperCase")
_CALLS = (
    "Math.max(...$X)",
    "Math.min(...$X)",
    "Object.keys($X)",
    "Object.values($X)",
    "Object.entries($X)",
    "JSON.stringify($X)",
    "$X.split($S)",
    "$X.join($S)",
    "$X.reduce($F, $S)",
    "$X.toLowerCase()",
    "$X.toUpperCase()",
    "[...$X].sort($F)",
    "$X.filter($F)",
    "$X.map($F)",
)
_IMPURE = ("await_expression", "yield_expression", "assignment_expression", "update_expression")


@rule(
    "js-for-in-index",
    title="count through the array",
    description="`for...in` makes a text of each index of an array and looks for inherited names."
    " A counted loop reads the elements directly.",
    patterns=("for (const $I in $X) $B", "for (let $I in $X) $B", "for (var $I in $X) $B"),
    gain=2,
    languages=SCRIPTS,
    words=("for", " in "),
)
def for_in_index(scope: ScriptScope, node: SgNode) -> Proposal:
    """Loop over an array's indices by a counter.

    Why it is slow: `for...in` is made for objects: it collects the names of all properties, as
    texts, and each text is turned back into an index when the element is read.

    Example:
        for (const i in values) {          for (let i = 0; i < values.length; i++) {
          total += values[i];                total += values[i];
        }                                  }

    When not to: the array has holes or named properties. An index that is used for anything but
    reading the array's element is left alone, since it is a text here and a number there.
    """
    index, array, body = node["I"], node["X"], node["B"]
    if index.kind() != "identifier" or array.kind() != "identifier":
        return None
    if not scope.is_array(array.text(), node):
        return None
    for use in scope.uses(index.text(), body):
        up = use.parent()
        holder = up.field("object") if up is not None else None
        if up is None or up.kind() != "subscript_expression" or up.field("index") != use:
            return None
        if holder is None or holder.text() != array.text():
            return None
    if any(_resizes(scope, use) for use in scope.uses(array.text(), body)):
        return None
    if any(not scope.inside(use, node) for use in scope.uses(index.text())):
        return None
    name, of = index.text(), array.text()
    head = f"for (let {name} = 0; {name} < {of}.length; {name}++) "
    return Rewrite((scope.replace_between(scope.start(node), scope.start(body), head),))


def _resizes(scope: ScriptScope, use: SgNode) -> bool:
    up = use.parent()
    return scope.may_change(use) and (up is None or up.kind() != "subscript_expression")


@rule(
    "js-regex-hoist",
    title="make the regular expression once",
    description="A regular expression that stays the same is made anew in each turn of a loop. It"
    " is made once before it.",
    patterns=("new RegExp($$$A)", {"kind": "regex"}),
    gain=2,
    languages=SCRIPTS,
    words=("RegExp|/",),
)
def regex_hoist(scope: ScriptScope, node: SgNode) -> Proposal:
    """Make a regular expression before the loop that uses it.

    Why it is slow: `new RegExp` reads its text, and looks for compiled code of it, in each turn;
    a literal still makes an object each time.

    Example:
        for (const line of lines) {        const pattern = new RegExp(`^${name}:`);
          if (new RegExp(`^${name}:`)      for (const line of lines) {
              .test(line)) n++;              if (pattern.test(line)) n++;
        }                                  }

    When not to: the expression has the flag `g` or `y` and its `lastIndex` counts; such ones are
    moved only where a method of texts sets it back.
    """
    if scope.has_comment(node):
        return None
    literal = node.kind() == "regex"
    text = scope.line_text(node)
    if literal:
        flags = text.rsplit("/", 1)[-1]
    else:
        arguments = node.field("arguments")
        given = members(arguments) if arguments is not None else []
        if not given or (len(given) > 1 and given[1].kind() != "string"):
            return None
        flags = scope.text(given[1]) if len(given) > 1 else ""
    up = node.parent()
    call = up.parent() if up is not None and up.kind() == "arguments" else None
    resetting = call is not None and scope.method(call) in _RESETTING
    testing = up is not None and up.kind() == "member_expression"
    if (_FLAGS.search(flags) and not resetting) or not (resetting or testing or not literal):
        return None
    loop = scope.outside_loops(node, node)
    name = scope.fresh("pattern")
    return Rewrite(
        (*scope.put_before(loop, f"const {name} = {text};"), scope.replace(node, name)),
    )


@rule(
    "js-hoist-call",
    title="compute once before the loop",
    description="A call whose operands do not change is made in each turn of a loop. It is made"
    " once before it.",
    patterns=_CALLS,
    gain=3,
    languages=SCRIPTS,
    words=("for|while|map|filter|forEach|some|every|reduce",),
)  # fmt: skip
def hoist_call(scope: ScriptScope, node: SgNode) -> Proposal:
    """Compute what does not change once, before the loop.

    Why it is slow: the call reads a whole array, object or text in each turn, so that the time
    grows with the product of its length and the number of turns.

    Example:
        for (const x of xs) {              const largest = Math.max(...xs);
          out.push(x / Math.max(...xs));   for (const x of xs) {
        }                                    out.push(x / largest);
                                           }

    When not to: the loop runs at most once. A result that the loop may change is left alone.
    """
    function = node.field("function")
    if function is None or any(node.find(kind=kind) is not None for kind in _IMPURE):
        return None
    word = scope.method(node)
    whole = scope.text(function)
    kind = whole if whole in _NAMES else word
    inner = [c for c in node.find_all(kind="call_expression") if c != node]
    if any(scope.method(c) not in PURE_METHODS and not _is_plain(scope, c) for c in inner):
        return None
    if kind not in _TEXTS and not _only_read(scope, node):
        return None
    callbacks = node.find_all({"rule": {"any": [{"kind": k} for k in _ARROWS]}})
    own = {d for c in callbacks for d in _parameters(scope, c)}
    loop: SgNode | None = None
    free = [n for n in scope.names_in(node) if n not in own]
    for up in scope.loops(node):
        if node.find(kind="this") is not None or any(scope.changed(n, up) for n in free):
            break
        made = [scope.declaration(n, node) for n in free]
        if any(m is not None and not m.first <= scope.start(up) < m.last for m in made):
            break
        loop = up
    if loop is None or _is_guarded(scope, node, loop, {n for n in free if n not in GLOBALS}):
        return None
    name = scope.fresh(_NAMES[kind])
    head = scope.put_before(loop, f"const {name} = {scope.line_text(node)};")
    same = [
        other
        for pattern in _CALLS
        for other in scope.matches(pattern)
        if scope.inside(other, loop) and scope.text(other) == scope.text(node)
    ]
    if kind not in _TEXTS:
        same = [other for other in same if _only_read(scope, other)]
    return Rewrite((*head, *(scope.replace(other, name) for other in same)))


def _is_guarded(scope: ScriptScope, node: SgNode, loop: SgNode, names: set[str]) -> bool:
    """Whether a condition on one of the names decides inside the loop if the call is made."""
    below = node
    for up in node.ancestors():
        kind = up.kind()
        condition = (
            up.field("condition") if kind in ("if_statement", "ternary_expression") else None
        )
        if kind == "binary_expression" and up.field("right") == below:
            operator = up.field("operator")
            logical = operator is not None and operator.text() in ("&&", "||", "??")
            condition = up.field("left") if logical else None
        if condition is not None and condition != below and scope.names_in(condition) & names:
            return True
        if up == loop:
            return False
        below = up
    return False


_ARROWS = ("arrow_function", "function_expression")


def _is_plain(scope: ScriptScope, call: SgNode) -> bool:
    function = call.field("function")
    return function is not None and scope.text(function).startswith(("Math.", "Object.", "Number"))


def _parameters(scope: ScriptScope, function: SgNode) -> set[str]:
    given = function.field("parameter") or function.field("parameters")
    return scope.names_in(given) if given is not None else set()


def _only_read(scope: ScriptScope, node: SgNode) -> bool:
    """Whether a fresh array is only asked for something, so that nobody can change or keep it."""
    up = node.parent()
    if up is None or up.kind() not in ("member_expression", "subscript_expression"):
        return scope.method(node) == "reduce"
    call = up.parent()
    if call is not None and call.field("left") == up:
        return False
    if up.kind() == "subscript_expression":
        return True
    word = up.field("property")
    return word is not None and (word.text() == "length" or word.text() in PURE_METHODS)


@rule(
    "js-await-all",
    title="wait for all at once",
    description="Each turn of a loop waits for its own call to end before the next one begins."
    " Calls that do not depend on each other can be under way together.",
    patterns=("for (const $X of $L) $B",),
    gain=3,
    languages=SCRIPTS,
    words=("await", "for"),
)
def await_all(scope: ScriptScope, node: SgNode) -> Proposal:
    """Start all calls, then wait for all of them.

    Why it is slow: the time is the sum of all waits, though most of it nobody computes anything.

    Example:
        for (const id of ids) {
          users.push(await load(id));
        }

        for (const user of await Promise.all(Array.from(ids, (id) => load(id)))) {
          users.push(user);
        }

    When not to: the calls depend on each other or share state, their order is seen, there are so
    many that the other side must be spared, or the first failure must keep the rest from starting.
    """
    body = node["B"]
    if body.kind() != "statement_block" or node.text().startswith("for await"):
        return None
    waits = body.find_all(kind="await_expression")
    jumps = ("break_statement", "continue_statement", "return_statement", "throw_statement")
    if len(waits) != 1 or any(body.find(kind=kind) is not None for kind in jumps):
        return None
    wait = waits[0]
    if scope.loops(wait) != scope.loops(body) or scope.has_comment(wait):
        return None
    first = scope.body(body)[0]
    if not scope.inside(wait, first) or first.kind() not in (_STATEMENT, "lexical_declaration"):
        return None
    if wait.parent() == first:
        return None  # what is only waited for has an effect, and effects have an order
    item = node["X"]
    waited = members(wait)[0]
    outside = [u for n in scope.names_in(item) for u in scope.uses(n, body)]
    if waited.kind() != "call_expression" or any(not scope.inside(u, wait) for u in outside):
        raise NoRewriteError("the element is used beside the call")
    if any(scope.changed(n, body) for n in scope.names_in(waited) - scope.names_in(item)):
        raise NoRewriteError("the calls may depend on each other")
    named = first.find(kind="variable_declarator") if first.kind() != _STATEMENT else None
    whole = named is not None and named.field("value") == wait and len(members(first)) == 1
    target = named.field("name") if named is not None and whole else None
    result = scope.text(target) if target is not None else scope.fresh("result")
    taken = scope.remove(first) if target is not None else scope.replace(wait, result)
    start = f"Array.from({scope.text(node['L'])}, ({scope.text(item)}) => {scope.text(waited)})"
    head = f"for (const {result} of await Promise.all({start})) "
    return Rewrite(
        (
            scope.replace_between(scope.start(node), scope.start(body), head),
            taken,
        ),
        sure=False,
    )


RULES = (for_in_index, regex_hoist, hoist_call, await_all)
