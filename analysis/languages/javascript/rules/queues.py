"""Arrays that are used as queues: what is taken or put at the front moves all the rest."""

from __future__ import annotations

from ast_grep_py import SgNode

from analysis.languages.javascript.rules.scope import SCRIPTS, ScriptScope, members
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.text import TextChange


def _own_loop(scope: ScriptScope, node: SgNode, name: str) -> SgNode:
    """The loop around a node that stands as deep as the array's declaration, which is an array.

    Raises NoRewriteError where the array is not the function's own.
    """
    made = scope.declaration(name, node)
    value = made.value if made is not None else None
    if made is None or value is None or made.is_parameter or not scope.is_array(name, node):
        raise NoRewriteError("not an array of the function's own")
    if value.kind() not in ("array", "call_expression", "new_expression"):
        raise NoRewriteError("it may have another name")
    if scope.owner(made.name) != scope.owner(node):
        raise NoRewriteError("it outlives the loop's function")
    outer = scope.loops(made.name)
    around = scope.loops(node)
    if len(around) <= len(outer) or around[len(around) - len(outer) :] != outer:
        raise NoRewriteError("no loop")
    return around[len(around) - len(outer) - 1]


@rule(
    "js-shift-head",
    title="walk the queue by an index",
    description="Taking the first element of an array moves all the others one place down. An"
    " index of the queue's head leaves them where they are.",
    patterns=("$Q.shift()",),
    gain=3,
    languages=SCRIPTS,
    words=(".shift()", "while|for"),
)
def shift_head(scope: ScriptScope, node: SgNode) -> Proposal:
    """Take from a queue by an index of its head.

    Why it is slow: `shift` moves what is left to the front. For short arrays that is cheap, for
    some ten thousand elements each call copies all of them.

    Example:
        while (queue.length > 0) {         let head = 0;
          const at = queue.shift();        while (queue.length > head) {
          visit(at, queue);                  const at = queue[head++];
        }                                    ...

    When not to: the queue lives so long that the elements before its head must be let go. A queue
    that is used for anything but `shift`, `push` and `length`, or after the loop, is left alone.
    """
    queue = node["Q"]
    if queue.kind() != "identifier":
        return None
    name = queue.text()
    loop = _own_loop(scope, node, name)
    head = scope.fresh("head")
    changes = [scope.insert_before(loop, f"let {head} = 0;")]
    for use in scope.uses(name):
        if scope.start(use) < scope.start(loop):
            continue
        member = use.parent()
        if not scope.inside(use, loop) or member is None or member.kind() != "member_expression":
            return None
        word = scope.text(member)[len(name) :].strip()
        call = member.parent()
        if word == ".shift" and call is not None and call.kind() == "call_expression":
            changes.append(scope.replace(call, f"{name}[{head}++]"))
        elif word == ".length":
            if scope.is_target(use):
                return None
            changes.append(_length(scope, member, name, head))
        elif word != ".push":
            return None
    return Rewrite(tuple(changes))


def _length(scope: ScriptScope, member: SgNode, name: str, head: str) -> TextChange:
    """What is left of the queue; a comparison with 0 becomes one with the head."""
    up = member.parent()
    if up is not None and up.kind() == "binary_expression":
        text = scope.text(up).replace(" ", "")
        for operator in (">", "!==", "!=", "===", "=="):
            if text == f"{name}.length{operator}0":
                return scope.replace(up, f"{name}.length {operator} {head}")
    around = up.parent() if up is not None and up.kind() == "parenthesized_expression" else None
    if around is not None and around.kind() in ("while_statement", "if_statement"):
        return scope.replace(member, f"{name}.length > {head}")
    return scope.replace(member, f"({name}.length - {head})")


@rule(
    "js-unshift-reverse",
    title="push and reverse once",
    description="Putting an element at the front of an array moves all the others one place up."
    " What is pushed at the end is turned round once after the loop.",
    patterns=("$L.unshift($X)",),
    gain=3,
    languages=SCRIPTS,
    words=(".unshift(", "while|for"),
)
def unshift_reverse(scope: ScriptScope, node: SgNode) -> Proposal:
    """Push in the loop and reverse after it.

    Why it is slow: `unshift` moves every element, so that the time grows with the square of the
    length.

    Example:
        while (at) {                       while (at) {
          path.unshift(at);                  path.push(at);
          at = parent.get(at);               at = parent.get(at);
        }                                  }
                                           path.reverse();

    When not to: the array has only a few elements. One that the loop reads, or that is not empty
    before it, is left alone.
    """
    target, statement = node["L"], node.parent()
    if target.kind() != "identifier" or node["X"].kind() == "spread_element":
        return None
    if statement is None or statement.kind() != "expression_statement":
        return None
    name = target.text()
    loop = _own_loop(scope, node, name)
    made = scope.declaration(name, node)
    if made is None or made.value is None or members(made.value) or made.value.kind() != "array":
        return None
    changes = []
    for use in scope.uses(name):
        if scope.start(use) > scope.end(loop) or use == made.name:
            continue
        call = scope.whole(use).parent()
        if call is None or scope.method(call) != "unshift" or not scope.inside(use, loop):
            return None
        arguments = call.field("arguments")
        if arguments is None or len(members(arguments)) != 1:
            return None
        changes.append(scope.replace(scope.whole(use), f"{name}.push"))
    return Rewrite((*changes, scope.insert_after(loop, f"{name}.reverse();")))


RULES = (shift_head, unshift_reverse)
