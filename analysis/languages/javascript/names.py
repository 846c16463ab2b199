"""Names in JavaScript and TypeScript: which are declared in a node, and what it assigns outside."""

from __future__ import annotations

from tree_sitter import Node

from analysis.languages.javascript.syntax import FUNCTIONS
from analysis.rules.base import words
from analysis.syntax import Tree, walk

GLOBALS = words(
    """
    AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Error
    EvalError Float32Array Float64Array Infinity Int16Array Int32Array Int8Array Intl Iterator JSON
    Map Math NaN Number Object Promise RangeError ReferenceError RegExp Set String Symbol
    SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap
    WeakSet arguments decodeURI decodeURIComponent encodeURI encodeURIComponent escape isFinite
    isNaN parseFloat parseInt structuredClone undefined unescape
    """
)
"""What every engine defines, and that reaches outside of nothing."""

_PATTERNS = (
    "object_pattern", "array_pattern", "rest_pattern", "assignment_pattern", "pair_pattern",
    "object_assignment_pattern", "required_parameter", "optional_parameter", "formal_parameters",
)  # fmt: skip
_NAMES = ("identifier", "shorthand_property_identifier_pattern")
_NAMED = (
    "function_declaration", "generator_function_declaration", "function_expression",
    "generator_function", "class_declaration", "class", "abstract_class_declaration",
    "enum_declaration", "internal_module",
)  # fmt: skip
_BINDERS = {
    "variable_declarator": "name",
    "catch_clause": "parameter",
    "for_in_statement": "left",
    "arrow_function": "parameter",
}
_IMPORTS = ("import_specifier", "namespace_import", "import_clause")
_PARTS = ("member_expression", "subscript_expression", "parenthesized_expression")
_TYPED = ("non_null_expression", "as_expression")


def declared(tree: Tree, root: Node) -> set[str]:
    """Every name that is declared somewhere in a node."""
    found: set[str] = set()
    for node in walk(root):
        kind = node.type
        if kind in _NAMED:
            name = node.child_by_field_name("name")
            if name is not None:
                found.add(tree.source(name))
        elif kind in _IMPORTS:
            found |= {tree.source(c) for c in node.named_children if c.type == "identifier"}
        elif kind == "formal_parameters":
            found |= _bound(tree, node)
        elif kind in _BINDERS:
            target = node.child_by_field_name(_BINDERS[kind])
            if target is not None and (
                kind != "for_in_statement" or node.child_by_field_name("kind")
            ):
                found |= _bound(tree, target)
    return found


def _bound(tree: Tree, pattern: Node) -> set[str]:
    """The names that a pattern binds; its defaults and keys bind nothing."""
    found: set[str] = set()
    stack = [pattern]
    while stack:
        node = stack.pop()
        if node.type in _NAMES:
            found.add(tree.source(node))
            continue
        if node.type not in _PATTERNS:
            continue
        skipped = {
            part.id
            for field in ("right", "key", "value", "type")
            if (part := node.child_by_field_name(field)) is not None
            and (field != "value" or node.type != "pair_pattern")
        }
        stack.extend(c for c in node.named_children if c.id not in skipped)
    return found


def free_targets(tree: Tree, function: Node) -> list[str]:
    """What a function assigns that it did not declare, as it is written: names and properties."""
    own = declared(tree, function)
    if function.type in FUNCTIONS and (name := function.child_by_field_name("name")) is not None:
        own.discard(tree.source(name))
    found: list[str] = []
    for node in walk(function):
        kind = node.type
        if kind in ("assignment_expression", "augmented_assignment_expression"):
            target = node.child_by_field_name("left")
        elif kind == "update_expression":
            target = node.child_by_field_name("argument")
        elif kind == "for_in_statement" and node.child_by_field_name("kind") is None:
            target = node.child_by_field_name("left")
        else:
            continue
        if target is None:
            continue
        if target.type in ("array_pattern", "object_pattern"):
            found += [n for n in sorted(_bound(tree, target)) if n not in own]
            continue
        at = target
        while at.type in (*_PARTS, *_TYPED) and at.named_children:
            at = at.named_children[0]
        if tree.source(at) not in own:
            found.append(tree.source(target))
    return found
