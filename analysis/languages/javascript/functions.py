"""The functions of a JavaScript or TypeScript file: those that have a name, or are given one.

A function is named by its declaration, by the variable, property or field that it is the value of,
or by `export default`. Callbacks without a name belong to the function around them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from tree_sitter import Node

from analysis.functions import Function, Kind
from analysis.languages.common import form, ignored_lines, is_silenced, silence_file, tokens
from analysis.languages.javascript.syntax import (
    CLASSES,
    FUNCTIONS,
    parse,
    scopes,
)
from analysis.syntax import Tree

_WRAPPERS = ("parenthesized_expression", "as_expression", "satisfies_expression")
_FIELDS = ("field_definition", "public_field_definition")
_DECLARATIONS = ("lexical_declaration", "variable_declaration")
_HOLDERS = ("module.exports.", "exports.", "this.")
_FRAMES = ("class A {\n%s\n}", "x = {\n%s\n}", "%s")


@dataclass(frozen=True)
class _Binding:
    """What a function or class is called, where that stands, and the node that the whole is."""

    name: str
    at: Node
    outer: Node


@dataclass(frozen=True)
class _Around:
    """A scope that is open: its qualified name, "" where it has none."""

    qualname: str
    end: int
    is_class: bool
    in_function: bool


def functions_in(text: str, path: str, tree: Tree | None = None) -> tuple[Function, ...]:
    """All named functions with a body, in document order; signatures of overloads are none."""
    return tuple(f for f, _ in defined(tree or parse(text, path), path))


def find(functions: tuple[Function, ...], name: str) -> Function | None:
    """The function of that qualified name, else the only one of that bare name.

    "get " and "set " may be left out where there is only one of both. Of equal ones the last.
    """
    exact = [f for f in functions if f.qualname == name]
    if exact:
        return exact[-1]
    plain = [f for f in functions if _plain(f.qualname) == name] or [
        f for f in functions if name in (f.name, _plain(f.name))
    ]
    return plain[-1] if len({f.qualname for f in plain}) == 1 else None


def _plain(qualname: str) -> str:
    """The qualified name without what marks a getter or setter."""
    head, dot, last = qualname.rpartition(".")
    return f"{head}{dot}{last.removeprefix('get ').removeprefix('set ')}"


@lru_cache(maxsize=1024)
def fingerprint(source: str, path: str) -> str:
    """Hash of a definition's tokens. A method is read as one of a class, or of an object."""
    tree = parse(source, path)
    if tree.root.has_error:
        for frame in _FRAMES:
            tree = parse(frame % source, path)
            if not tree.root.has_error:
                break
    return hashlib.sha256(form(tree, tree.root).encode("utf-8", "replace")).hexdigest()[:32]


def definition_named(tree: Tree, path: str, qualname: str) -> tuple[Function, Node] | None:
    """A function and the node that it is, without the statement that gives it its name."""
    found = defined(tree, path)
    function = find(tuple(f for f, _ in found), qualname)
    return next((pair for pair in found if pair[0] is function), None)


def defined(tree: Tree, path: str) -> list[tuple[Function, Node]]:
    """The functions of a file in document order, each with the node that it is."""
    silenced = ignored_lines(tree)
    found: list[tuple[Function, Node]] = []
    around: list[_Around] = []
    for node in scopes(tree, path):
        while around and around[-1].end <= node.start_byte:
            around.pop()
        outer = around[-1] if around else _Around("", 0, False, False)
        bound = _binding(tree, node)
        name = bound.name if bound is not None else ""
        qualname = ".".join(part for part in (outer.qualname, name) if part)
        is_function = node.type in FUNCTIONS
        if bound is not None and is_function:
            made = _function(tree, path, node, bound, qualname, outer, silenced)
            if made is not None:
                found.append((made, node))
        is_class = node.type in CLASSES
        inside = outer.in_function or is_function
        around.append(_Around(qualname, node.end_byte, is_class, inside))
    marked = silence_file([f for f, _ in found], silenced)
    return [(f, node) for f, (_, node) in zip(marked, found, strict=True)]


def _function(
    tree: Tree,
    path: str,
    node: Node,
    bound: _Binding,
    qualname: str,
    around: _Around,
    silenced: frozenset[int],
) -> Function | None:
    body = node.child_by_field_name("body")
    if body is None:
        return None
    start, end = tree.offset(_first(bound.outer).start_byte), tree.offset(node.end_byte)
    inner: Node | None = body
    if body.type == "statement_block":
        inner = next((c for c in body.named_children if c.type != "comment"), None)
    line, first_line = bound.at.start_point.row, tree.lines.line_of(start)
    kind: Kind = "nested" if around.in_function else "method" if around.is_class else "function"
    return Function(
        path=path,
        qualname=qualname,
        name=bound.name.rsplit(".", 1)[-1],
        start=start,
        end=end,
        def_start=tree.offset(node.start_byte),
        body_start=tree.offset(inner.start_byte if inner is not None else body.end_byte - 1),
        range=tree.lines.range(start, end),
        name_range=tree.range(bound.at),
        line=line,
        first_line=first_line,
        kind=kind,
        is_async=any(c.type == "async" for c in node.children),
        ignored=is_silenced(tree, silenced, first_line, tree.lines.line_of(end)),
        source=tree.text[tree.lines.starts[first_line] : end],
    )


def _binding(tree: Tree, node: Node) -> _Binding | None:
    """What a function, class or namespace is called; None for one without a name."""
    own = node.child_by_field_name("name")
    parent = node.parent
    if own is not None and (node.type not in FUNCTIONS or node.type in _DECLARED):
        name = _spelled(tree, own)
        if node.type == "method_definition":
            marks = [c.type for c in node.children if c.type in ("get", "set")]
            name = " ".join([*marks[:1], name])
            if parent is not None and parent.type == "object":
                name = _in_object(tree, parent, name)
        return _Binding(name, own, _exported(node)) if name else None
    at = node
    while parent is not None and parent.type in _WRAPPERS:
        at, parent = parent, parent.parent
    bound = _value_of(tree, at, parent) if parent is not None else None
    if bound is None and own is not None:
        return _Binding(_spelled(tree, own), own, node)
    return bound


_DECLARED = ("function_declaration", "generator_function_declaration", "method_definition")


def _value_of(tree: Tree, node: Node, parent: Node) -> _Binding | None:
    """The name of the variable, property or field that a node is the value of."""
    kind = parent.type
    if kind == "variable_declarator":
        name = parent.child_by_field_name("name")
        if name is None or name.type != "identifier":
            return None
        declaration = parent.parent
        alone = declaration is not None and declaration.type in _DECLARATIONS
        alone = alone and declaration is not None and len(declaration.named_children) == 1
        return _Binding(
            tree.source(name),
            name,
            _exported(declaration) if alone and declaration is not None else parent,
        )
    if kind == "assignment_expression":
        left = parent.child_by_field_name("left")
        if left is None or left.type not in ("identifier", "member_expression"):
            return None
        path = _path_of(tree, left)
        last = left.child_by_field_name("property") or left
        return _Binding(path, last, parent) if path else None
    if kind == "pair":
        key, holder = parent.child_by_field_name("key"), parent.parent
        text = _spelled(tree, key) if key is not None else ""
        if key is None or holder is None or not text:
            return None
        return _Binding(_in_object(tree, holder, text), key, parent)
    if kind in _FIELDS:
        key = parent.child_by_field_name("property") or parent.child_by_field_name("name")
        text = _spelled(tree, key) if key is not None else ""
        return _Binding(text, key, parent) if key is not None and text else None
    if kind == "export_statement":
        return _Binding("default", node.children[0] if node.children else node, parent)
    return None


def _in_object(tree: Tree, holder: Node, name: str) -> str:
    """A property's name behind that of the object's variable, where it has one."""
    at, parent = holder, holder.parent
    while parent is not None and parent.type in _WRAPPERS:
        at, parent = parent, parent.parent
    bound = _value_of(tree, at, parent) if parent is not None else None
    known = bound is not None and bound.name not in ("default", "module.exports", "exports")
    return f"{bound.name}.{name}" if known and bound is not None else name


def _path_of(tree: Tree, left: Node) -> str:
    """`A.prototype.f` as "A.f", and what is exported without `module.exports`."""
    name = "".join(text for _, text in tokens(tree, left))
    for holder in _HOLDERS:
        name = name.removeprefix(holder)
    name = name.replace(".prototype.", ".")
    return name if all(c.isalnum() or c in "_$.#" for c in name) else ""


def _spelled(tree: Tree, name: Node) -> str:
    """A name, or key, as one would say it; "" for what is computed."""
    if name.type == "computed_property_name":
        inner = tree.source(name)
        return inner if inner.startswith("[Symbol.") else ""
    text = tree.source(name)
    return text[1:-1] if name.type == "string" else text


def _exported(node: Node) -> Node:
    parent = node.parent
    return parent if parent is not None and parent.type == "export_statement" else node


def _first(node: Node) -> Node:
    """The first decorator above a method, else the node itself."""
    first, at = node, node.prev_sibling if node.type == "method_definition" else None
    while at is not None and at.type == "decorator":
        first, at = at, at.prev_sibling
    return first
