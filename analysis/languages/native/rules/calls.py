"""Calls, types and uses of containers, as the families of rules ask for them."""

from __future__ import annotations

import re
from collections.abc import Collection

from ast_grep_py import SgNode

from analysis.languages.native.rules.scope import Declaration, NativeScope
from analysis.rules.base import NoRewriteError, words
from analysis.text import TextChange

_WIDTHS = words("8 16 32 64")
INTEGERS = words("char short int long unsigned size_t ssize_t ptrdiff_t ll ull i64 u64") | {
    "long long", "long int", "unsigned char", "unsigned short", "unsigned int", "unsigned long",
    "unsigned long long", *(f"int{n}_t" for n in _WIDTHS), *(f"uint{n}_t" for n in _WIDTHS),
}  # fmt: skip
"""Integer types by their comparable names, with the short ones that contest programs give them."""

_HEAVY = words(
    """
    string vector map set deque list unordered_map unordered_set multiset multimap function
    shared_ptr wstring queue stack priority_queue
    """
)
_TEMPLATE = re.compile(r"(?:std::)?(\w+)\s*<(.*)>", re.DOTALL)


def method(node: SgNode | None) -> tuple[SgNode, str] | None:
    """The object and the method's name of a call `object.name(...)` or `object->name(...)`."""
    if node is None or node.kind() != "call_expression":
        return None
    function = node.field("function")
    if function is None or function.kind() != "field_expression":
        return None
    target, field = function.field("argument"), function.field("field")
    return (target, field.text()) if target is not None and field is not None else None


def called(node: SgNode | None) -> str:
    """The name of the function that a call names, without its namespaces; "" for a method's."""
    function = node.field("function") if node is not None else None
    if function is None or function.kind() not in ("identifier", "qualified_identifier"):
        return ""
    return str(function.text()).rsplit("::", 1)[-1]


def arguments(call: SgNode) -> list[SgNode]:
    """The arguments of a call."""
    listed = call.field("arguments")
    return [] if listed is None else [n for n in listed.named_children() if n.kind() != "comment"]


def name_of(node: SgNode | None) -> str:
    """The text of an identifier. Raises NoRewriteError for anything else."""
    if node is None or node.kind() != "identifier":
        raise NoRewriteError("no name")
    return str(node.text())


def template(spelled: str) -> tuple[str, list[str]]:
    """The name and the arguments of a template as written: "std::map<int, T>" gives map, [int, T].

    ("", []) for what is no template.
    """
    match = _TEMPLATE.fullmatch(spelled.strip())
    if match is None:
        return "", []
    parts, level, last = [], 0, 0
    for at, char in enumerate(match[2]):
        level += (char in "<(") - (char in ">)")
        if char == "," and level == 0:
            parts.append(match[2][last:at].strip())
            last = at + 1
    return match[1], [*parts, match[2][last:].strip()]


def plain(spelled: str) -> str:
    """A type as one compares it: see Declaration.type."""
    text = re.sub(r"\bstd::|\bconst\b", " ", spelled)
    text = re.sub(r"\s*([<>,&*])\s*", r"\1", text).replace("&", "")
    return " ".join(text.split())


def is_integer(spelled: str) -> bool:
    """Whether a type is one of integers, as far as its name tells."""
    return plain(spelled) in INTEGERS


def is_hashable(spelled: str) -> bool:
    """Whether the standard library hashes the type."""
    return is_integer(spelled) or plain(spelled) in ("string", "double", "float", "bool")


def is_heavy(spelled: str) -> bool:
    """Whether copying a value of the type takes memory of its own, as far as its name tells."""
    text = plain(spelled)
    if text.endswith(("*", "]")):
        return False
    name, parts = template(text)
    if name in ("pair", "tuple", "array", "optional"):
        return any(is_heavy(part) for part in parts)
    return (name or text) in _HEAVY


def element(spelled: str) -> str:
    """The type of a container's elements as written; "" where the type is no known container."""
    name, parts = template(spelled)
    if name in ("vector", "deque", "list", "set", "unordered_set", "multiset", "array"):
        return parts[0]
    if name in ("map", "unordered_map", "multimap") and len(parts) > 1:
        return f"std::pair<const {parts[0]}, {parts[1]}>"
    return "char" if plain(spelled) == "string" else ""


def own(scope: NativeScope, node: SgNode | None, *kinds: str) -> Declaration:
    """The declaration of a local container of one of the kinds, alone in its statement.

    Raises NoRewriteError where the function did not make it.
    """
    name = name_of(node)
    assert node is not None
    made = scope.declaration(name, node)
    if made is None or not made.is_own or not made.is_alone:
        raise NoRewriteError("not made here")
    if (template(made.spelled)[0] or plain(made.spelled)) not in kinds:
        raise NoRewriteError("of another type")
    return made


def container(scope: NativeScope, node: SgNode | None, *kinds: str) -> Declaration:
    """The declaration of a variable that is a container of one of the kinds, or NoRewriteError."""
    name = name_of(node)
    assert node is not None
    made = scope.declaration(name, node)
    if made is None or (template(made.spelled)[0] or plain(made.spelled)) not in kinds:
        raise NoRewriteError("of another type")
    return made


def retyped(scope: NativeScope, made: Declaration, old: str, new: str) -> TextChange:
    """The declaration's type with another container's name."""
    node = made.node.field("type")
    assert node is not None
    text = scope.text(node)
    return scope.replace(node, re.sub(rf"\b{old}\b", new, text, count=1))


def used_only(
    scope: NativeScope,
    made: Declaration,
    methods: Collection[str],
    *,
    index: bool = True,
    iterate: bool = True,
) -> list[SgNode]:
    """The uses of a container, all of which are calls of these methods, `[]` or range loops.

    Raises NoRewriteError where it is used otherwise: passed, returned, copied.
    """
    uses = [u for u in sight(scope, made) if u != made.name]
    for use in uses:
        up = use.parent()
        if up is None:
            raise NoRewriteError("used otherwise")
        called_method = method(up.parent()) if up.kind() == "field_expression" else None
        if called_method is not None and called_method[0] == use and called_method[1] in methods:
            continue
        if index and up.kind() == "subscript_expression" and up.field("argument") == use:
            continue
        if iterate and up.kind() == "for_range_loop" and up.field("right") == use:
            continue
        raise NoRewriteError("used otherwise")
    if "::iterator" in scope.text(scope.root) or "::const_iterator" in scope.text(scope.root):
        raise NoRewriteError("iterators are named by their type")
    return uses


def sight(scope: NativeScope, made: Declaration) -> list[SgNode]:
    """The places where a declared variable's name stands, its declaration included."""
    name = made.name.text()
    return [
        u for u in scope.uses(name)
        if made.first <= scope.start(u) < made.last and scope.declaration(name, u) == made
    ]  # fmt: skip


def initial(scope: NativeScope, made: Declaration) -> list[str]:
    """The texts that a variable is made of: `v(n, 0)` gives n and 0, `v = w` gives w."""
    declarator = made.declarator
    if declarator.kind() == "function_declarator":  # `v(n)` reads as a function's declaration
        listed = declarator.field("parameters")
        return [scope.text(n) for n in listed.named_children()] if listed is not None else []
    if made.value is None:
        return []
    if made.value.kind() in ("argument_list", "initializer_list"):
        return [scope.text(n) for n in made.value.named_children()]
    return [scope.text(made.value)]


def operands(node: SgNode, operator: str) -> list[SgNode]:
    """The operands of a chain of one operator, leftmost first: a + b + c gives three."""
    parts: list[SgNode] = []
    at: SgNode | None = node
    while at is not None and at.kind() == "binary_expression":
        sign, right = at.field("operator"), at.field("right")
        if sign is None or right is None or sign.text() != operator:
            break
        parts.append(right)
        at = at.field("left")
    if at is None:
        raise NoRewriteError("half an expression")
    return [at, *reversed(parts)]


def outermost_loop(scope: NativeScope, node: SgNode, made: Declaration) -> SgNode:
    """The outermost loop around a node that lies in the sight of a declared variable.

    Raises NoRewriteError where there is none.
    """
    loops = [
        loop for loop in scope.loops(node)
        if made.first <= scope.start(loop) and scope.end(loop) <= made.last and loop != made.node
    ]  # fmt: skip
    if not loops:
        raise NoRewriteError("in no loop")
    return loops[-1]


def is_plain(scope: NativeScope, node: SgNode) -> bool:
    """Whether an expression may be written twice: names, fields, elements and numbers."""
    return not re.search(r"\(|\+\+|--|[^=!<>]=[^=]|\"", scope.text(node))
