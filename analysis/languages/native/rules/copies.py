"""Values that are copied though nobody changes the copy, and calls through an erased type."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.native.rules.calls import (
    arguments,
    element,
    is_heavy,
    method,
    plain,
    sight,
    template,
)
from analysis.languages.native.rules.scope import Declaration, NativeScope
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.text import TextChange

_CPP = ("c++",)
_READS = ("front", "back", "at", "top")
_FUNCTION = re.compile(r"(?:std::)?function<\s*(.+?)\s*\((.*)\)\s*>", re.DOTALL)


def _qualified(scope: NativeScope, made: Declaration) -> list[TextChange]:
    """The declaration of a value as one of a constant reference."""
    type_node = made.node.field("type")
    assert type_node is not None
    changes = [] if made.is_const else [scope.replace(type_node, f"const {scope.text(type_node)}")]
    start = scope.start(made.name)
    gap = "" if scope.source.text[start - 1] in " \t" else " "
    return [*changes, scope.replace_between(start, start, f"{gap}&")]


def _spelled(scope: NativeScope, made: Declaration, source: SgNode) -> str:
    """The type of a copy as written; of `auto` what its source tells."""
    if made.spelled != "auto":
        return made.spelled
    return _type_at(scope, source)


def _type_at(scope: NativeScope, node: SgNode) -> str:
    """The type as written of a variable, an element of it or what a method of it returns."""
    if node.kind() == "identifier":
        made = scope.declaration(node.text(), node)
        if made is None or made.type.endswith("]"):
            return ""
        if made.spelled == "auto" and made.node.kind() == "for_range_loop":
            source = made.node.field("right")
            return element(_type_at(scope, source)) if source is not None else ""
        return made.spelled
    if node.kind() == "subscript_expression":
        target = node.field("argument")
        outer = _type_at(scope, target) if target is not None else ""
        name, parts = template(outer)
        if name in ("map", "unordered_map"):
            return parts[1]
        return element(outer)
    found = method(node)
    if found is not None and found[1] in _READS:
        return element(_type_at(scope, found[0]))
    return ""


@rule(
    "loop-copy-reference",
    title="walk over references, not copies",
    description="A loop copies each element of a container though it only reads it. A constant"
    " reference copies nothing.",
    patterns=[{"kind": "for_range_loop"}],
    gain=2,
    languages=_CPP,
    words=("for",),
)
def loop_copy_reference(scope: NativeScope, node: SgNode) -> Proposal:
    """Bind elements to `const auto &`.

    Why it is slow: copying a string or a vector allocates memory and copies all that it holds, for
    each element.

    Example:
        for (auto word : words)                for (const auto &word : words)
            total += word.size();                  total += word.size();

    When not to: the loop changes its copy (then it is left alone).
    """
    source, declarator = node.field("right"), node.field("declarator")
    if source is None or declarator is None:
        return None
    if declarator.kind() == "structured_binding_declarator":
        return _pair_reference(scope, node, source, declarator)
    if declarator.kind() != "identifier":
        return None
    made = scope.declaration(declarator.text(), declarator)
    if made is None or made.node != node:
        return None
    spelled = element(_type_at(scope, source)) if made.spelled == "auto" else made.spelled
    if not is_heavy(spelled) or _is_taken(scope, made):
        return None
    return Rewrite(tuple(_qualified(scope, made)))


def _pair_reference(
    scope: NativeScope, node: SgNode, source: SgNode, declarator: SgNode
) -> Proposal:
    """`auto [key, value]` as `const auto &[key, value]`."""
    body, type_node = node.field("body"), node.field("type")
    if body is None or type_node is None or not is_heavy(element(_type_at(scope, source))):
        return None
    names = [n.text() for n in declarator.named_children()]
    if any(scope.changed(name, body) or _moves(scope, name, body) for name in names):
        return None
    start = scope.start(declarator)
    return Rewrite(
        (
            scope.replace(type_node, f"const {scope.text(type_node)}"),
            scope.replace_between(start, start, "&"),
        )
    )


def _is_taken(scope: NativeScope, made: Declaration) -> bool:
    """Whether a copy is changed, moved from or returned."""
    return any(
        scope.may_change(use) or _is_moved(scope, use)
        for use in sight(scope, made)
        if use != made.name
    )


def _is_moved(scope: NativeScope, use: SgNode) -> bool:
    up = use.parent()
    call = up.parent() if up is not None and up.kind() == "argument_list" else None
    moved = call is not None and scope.text(call).startswith(("std::move", "move("))
    return moved or (up is not None and up.kind() == "return_statement")


def _moves(scope: NativeScope, name: str, tree: SgNode) -> bool:
    return any(_is_moved(scope, use) for use in scope.uses(name, tree))


@rule(
    "copy-to-reference",
    title="refer to the value instead of copying it",
    description="A container or string is copied into a local variable that is only read. A"
    " constant reference copies nothing.",
    patterns=[{"kind": "declaration"}],
    gain=2,
    languages=_CPP,
    words=("=",),
)
def copy_to_reference(scope: NativeScope, node: SgNode) -> Proposal:
    """Bind a local variable that is only read to what it was copied from.

    Why it is slow: the copy allocates memory and copies all elements, each time the line is passed.

    Example:
        std::vector<int> row = grid[i];        const std::vector<int> &row = grid[i];

    When not to: what was copied changes while the copy is in use.
    """
    declarators = node.field_children("declarator")
    name = declarators[0].field("declarator") if len(declarators) == 1 else None
    if name is None or name.kind() != "identifier":
        return None
    made = scope.declaration(name.text(), name)
    if made is None or not made.is_own or made.value is None:
        return None
    value = made.value
    if value.kind() == "initializer_list" or value.kind() == "argument_list":
        return None
    if not is_heavy(_spelled(scope, made, value)) or _is_taken(scope, made):
        return None
    if plain(_type_at(scope, value)) != plain(_spelled(scope, made, value)):
        return None
    root = _root(value)
    up = node.parent()
    if root is None or up is None or any(c.text() == "static" for c in node.children()):
        return None
    if any(
        scope.start(use) > scope.end(node) and scope.may_change(use)
        for use in scope.uses(root.text(), up)
    ):
        return None
    return Rewrite(tuple(_qualified(scope, made)))


def _root(node: SgNode) -> SgNode | None:
    """The variable that an element or field belongs to."""
    at: SgNode | None = node
    while at is not None and at.kind() != "identifier":
        found = method(at)
        at = found[0] if found is not None else at.field("argument")
    return at


@rule(
    "lambda-parameter-reference",
    title="take the parameters of a lambda by reference",
    description="A lambda copies its arguments at each call though it only reads them. Constant"
    " references copy nothing.",
    patterns=[{"kind": "lambda_expression"}],
    gain=2,
    languages=_CPP,
    words=("[",),
)
def lambda_parameter_reference(scope: NativeScope, node: SgNode) -> Proposal:
    """Take strings and containers by `const &` in a lambda.

    Why it is slow: a comparison function is called about n log2(n) times by a sort, and copies two
    strings at each call.

    Example:
        [](std::string a, std::string b)       [](const std::string &a, const std::string &b)

    When not to: the lambda changes or keeps its argument (then it is left alone).
    """
    body = node.field("body")
    changes: list[TextChange] = []
    for parameter in node.find_all(kind="parameter_declaration"):
        name = parameter.field("declarator")
        if body is None or name is None or name.kind() != "identifier":
            continue
        made = scope.declaration(name.text(), name)
        if made is None or made.node != parameter or not is_heavy(made.spelled):
            continue
        if not _is_taken(scope, made):
            changes += _qualified(scope, made)
    return Rewrite(tuple(changes))


@rule(
    "function-to-auto",
    title="keep a lambda in its own type",
    description="A lambda is kept behind a type that hides which function it is, so that each call"
    " goes through a pointer. In its own type it can be inlined.",
    patterns=[{"kind": "declaration"}],
    gain=2,
    languages=_CPP,
    words=("function<", "["),
)
def function_to_auto(scope: NativeScope, node: SgNode) -> Proposal:
    """Keep a lambda in an `auto` variable; one that calls itself gets itself as an argument.

    Why it is slow: `std::function` calls through two pointers and can't be inlined; for small
    functions, as a recursion's step, the call costs more than the work.

    Example:
        std::function<int(int)> depth =        auto depth = [&](auto &self, int v) -> int {
            [&](int v) {                           int most = 0;
            int most = 0;                          for (int w : children[v])
            for (int w : children[v])                  most = std::max(most, self(self, w));
                most = std::max(most,              return most + 1;
                                depth(w));     };
            return most + 1;                   return depth(depth, 0);
        };
        return depth(0);

    When not to: the variable is assigned again or handed on (then it is left alone).
    """
    type_node = node.field("type")
    match = _FUNCTION.fullmatch(scope.text(type_node)) if type_node is not None else None
    declarators = node.field_children("declarator")
    name_node = declarators[0].field("declarator") if len(declarators) == 1 else None
    if match is None or name_node is None or name_node.kind() != "identifier":
        return None
    made = scope.declaration(name_node.text(), name_node)
    if made is None or not made.is_own or made.value is None:
        return None
    changes = [scope.replace(type_node, "auto")]
    calls = [use.parent() for use in sight(scope, made) if use != made.name]
    if any(c is None or c.kind() != "call_expression" for c in calls) or not calls:
        return None
    inner = [c for c in calls if c is not None and scope.inside(c, made.value)]
    if not inner:
        return Rewrite(tuple(changes))
    name, this = made.name.text(), scope.fresh("self")
    for call in calls:
        assert call is not None
        target = this if call in inner else name
        changes += [
            scope.replace(call.field("function"), target),
            _first_argument(scope, call, target),
        ]
    return Rewrite((*changes, *_with_self(scope, made.value, this, match[1])))


def _first_argument(scope: NativeScope, call: SgNode, name: str) -> TextChange:
    listed = call.field("arguments")
    at = scope.start(listed) + 1
    return scope.replace_between(at, at, f"{name}, " if arguments(call) else name)


def _with_self(scope: NativeScope, value: SgNode, this: str, result: str) -> list[TextChange]:
    """The lambda's head with itself as first parameter and its result's type."""
    head = value.field("declarator")
    listed = head.field("parameters") if head is not None else None
    if head is None or listed is None:
        raise NoRewriteError("without parameters")
    at = scope.start(listed) + 1
    behind = ", " if listed.named_children() else ""
    changes = [scope.replace_between(at, at, f"auto &{this}{behind}")]
    if "->" not in scope.text(head):
        end = scope.end(head)
        changes.append(scope.replace_between(end, end, f" -> {result}"))
    return changes


RULES = (
    loop_copy_reference,
    copy_to_reference,
    lambda_parameter_reference,
    function_to_auto,
)
