"""The static gate for JavaScript and TypeScript: what is refused before anything of it is run.

It reads tokens, not meaning: whoever wants to can hide a call from it. What runs is held by the
sandbox; here an honest mistake is told early, and what would make the comparison worthless (state
that outlives a call, clocks, code outside the function) is kept out.
"""

from __future__ import annotations

import re
from collections import Counter

from tree_sitter import Node

from analysis.languages.common import MAX_DEPTH, form, new_error, short, tokens, unfit
from analysis.languages.javascript.functions import definition_named
from analysis.languages.javascript.names import GLOBALS, declared, free_targets
from analysis.languages.javascript.syntax import FUNCTIONS, parse
from analysis.languages.outside import Pieces, outside_difference
from analysis.rules.base import words
from analysis.syntax import Tree, depth, walk

_FORBIDDEN = words(
    """
    Atomics AsyncFunction Bun Date Deno Function GeneratorFunction Proxy Reflect SharedArrayBuffer
    WeakRef WebAssembly Worker XMLHttpRequest __defineGetter__ __proto__ arguments child_process
    constructor defineProperties defineProperty document eval fetch global globalThis hrtime
    localStorage navigator performance process prototype queueMicrotask random require self
    setImmediate setInterval setPrototypeOf setTimeout sessionStorage window
    """
)
_DECLARATIONS = ("lexical_declaration", "variable_declaration")
_PLAIN = ("number", "string", "true", "false", "null", "undefined")
_LISTS = re.compile(r"new (?:Set|Map)\(|Object\.freeze\(")
_STICKY = re.compile(r"[gy]")


def check_candidate(before: str, after: str, qualname: str, path: str) -> str | None:
    """Why `after` can't be a candidate for the function of `before`; None if it can.

    It must parse as well as before and keep the function's head. Outside the function it may add
    helper functions and constants that hold no state.
    """
    problem = unfit(before, after)
    if problem is not None:
        return problem
    old, new = parse(before, path), parse(after, path)
    was = definition_named(old, path, qualname)
    if was is None:
        return f"before the edit, there is no function {qualname}"
    now = definition_named(new, path, qualname)
    broken = new_error(old, new)
    if broken is not None:
        return f"it does not parse: syntax error in line {broken}"
    if now is None:
        return f"there is no function {qualname} any more"
    if depth(now[1]) > max(MAX_DEPTH, depth(was[1])):
        return f"{qualname} is nested more than {MAX_DEPTH} levels deep"
    if _head(old, was[1]) != _head(new, now[1]):
        return f"the head of {qualname} was changed"
    return (
        outside_difference(
            _pieces(old, was[1]),
            _pieces(new, now[1]),
            lambda node: _addition_problem(new, node),
        )
        or _state_problem(old, was[1], new, now[1])
        or _new_words(old, new)
    )


def _head(tree: Tree, node: Node) -> list[str]:
    """All tokens of the definition but its body."""
    body = node.child_by_field_name("body")
    skipped = body.id if body is not None else -1
    return [t for c in node.children if c.id != skipped for _, t in tokens(tree, c)]


def _pieces(tree: Tree, hole: Node) -> Pieces:
    """The file outside the function: what is around it is taken apart, the rest is whole."""
    pieces: Pieces = []
    stack: list[Node] = [tree.root]
    while stack:
        node = stack.pop()
        if node.id == hole.id:
            pieces.append(("<the function>", None))
        elif node.start_byte <= hole.start_byte and hole.end_byte <= node.end_byte:
            stack.extend(reversed(node.children))
        elif node.type != "comment" and (text := form(tree, node)):
            pieces.append((text, node))
    return pieces


def _addition_problem(tree: Tree, node: Node | None) -> str | None:
    if node is None:
        return "it moves the function"
    shown = short(form(tree, node))
    parent = node.parent
    if node.type in ("function_declaration", "generator_function_declaration"):
        name = free_targets(tree, node)
        return f"it keeps state across calls: {name[0]}" if name else None
    if node.type in ("type_alias_declaration", "interface_declaration", ";"):
        return None
    if parent is not None and parent.type == "class_body":
        return f"it adds a member to a class: {shown}"
    if node.type == "lexical_declaration" and node.children[0].type == "const":
        values = [c.child_by_field_name("value") for c in node.named_children]
        if all(v is not None and _is_constant(tree, v) for v in values):
            return None
        return f"it keeps state across calls: {shown}"
    return f"it adds code outside the function: {shown}"


def _is_constant(tree: Tree, value: Node) -> bool:
    """Whether a value can't be changed by a call: a literal, a pattern, a function."""
    if value.type == "regex":
        flags = value.child_by_field_name("flags")
        return flags is None or not _STICKY.search(tree.source(flags))
    if value.type in FUNCTIONS:
        return not free_targets(tree, value)
    if value.type == "template_string":
        return not any(c.type == "template_substitution" for c in value.children)
    if value.type in ("unary_expression", "binary_expression"):
        return all(_is_constant(tree, c) for c in value.named_children)
    if value.type == "call_expression" and tree.source(value).startswith("Object.freeze(["):
        return all(n.type in (*_PLAIN, "array") for n in walk(value) if n.is_named) or all(
            n.type in _PLAIN for n in value.named_children[-1].named_children[0].named_children
        )
    return value.type in _PLAIN


def _state_problem(old: Tree, was: Node, new: Tree, now: Node) -> str | None:
    """What outlives a call and comes new: outer variables and properties that are assigned."""
    kept = Counter(free_targets(old, was))
    for name in free_targets(new, now):
        if not kept[name]:
            return f"it keeps state across calls: {short(name)}"
    return None


def _new_words(old: Tree, new: Tree) -> str | None:
    """A name that the file did not use before: one that reaches outside, or that is not defined."""
    known = {text for _, text in tokens(old, old.root)}
    bound: set[str] | None = None
    for node in walk(new.root):
        if node.child_count or node.type in ("comment", "string_fragment", "regex_pattern"):
            continue
        text = new.source(node)
        if text in known:
            continue
        if text in _FORBIDDEN:
            return f"it uses {text}"
        if node.type == "import":
            return "it imports something"
        if node.type in ("identifier", "shorthand_property_identifier") and text not in GLOBALS:
            bound = declared(new, new.root) if bound is None else bound
            if text not in bound:
                return f"it uses {text}, which is defined nowhere"
    return None
