"""The functions of a C or C++ file: names with argument types, ranges and fingerprints."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from tree_sitter import Node

from analysis.functions import Function, Kind
from analysis.languages.common import form, ignored_lines, is_silenced, silence_file, tokens
from analysis.languages.native.syntax import SCOPES, definitions, parse, spelled, whole
from analysis.syntax import Tree

_BLANK = re.compile(r"(?<!\w) | (?!\w)")
_NAMES = (
    "identifier", "field_identifier", "destructor_name", "operator_name", "qualified_identifier",
    "template_function", "template_method", "type_identifier",
)  # fmt: skip
_CLASSES = ("class_specifier", "struct_specifier", "union_specifier")


def functions_in(text: str, path: str, tree: Tree | None = None) -> tuple[Function, ...]:
    """All functions with a body, in document order. Both branches of an #if are listed."""
    tree = tree or parse(text, path)
    silenced = ignored_lines(tree)
    found = [
        function
        for node, around in definitions(tree.root)
        if (function := _function(tree, path, node, around, silenced)) is not None
    ]
    return silence_file(found, silenced)


def find(functions: tuple[Function, ...], name: str) -> Function | None:
    """The function of that name; spaces do not count, and the types may be left out.

    None where a name without types fits several functions. Of equal ones the last counts.
    """
    exact = [f for f in functions if f.qualname == name]
    packed = _packed(name)
    same = exact or [f for f in functions if _packed(f.qualname) == packed]
    if same:
        return same[-1]
    if "(" in name:
        return None
    bare = [f for f in functions if _packed(_bare(f)) == packed or f.name == name]
    return bare[0] if len({f.qualname for f in bare}) == 1 else None


def _packed(name: str) -> str:
    """The name without blanks but those between two words."""
    return _BLANK.sub("", " ".join(name.split()))


def _bare(function: Function) -> str:
    """The qualified name without the argument types."""
    at = function.qualname.find(function.name)
    return function.qualname[: at + len(function.name)]


@lru_cache(maxsize=1024)
def fingerprint(source: str, path: str) -> str:
    """Hash of a definition's tokens."""
    tree = parse(source, path)
    return hashlib.sha256(form(tree, tree.root).encode("utf-8", "replace")).hexdigest()[:32]


def definition_named(tree: Tree, text: str, path: str, qualname: str) -> Node | None:
    """The definition of a function, its template's head included."""
    function = find(functions_in(text, path, tree), qualname)
    if function is None:
        return None
    for node, _ in definitions(tree.root):
        outer = whole(node)
        if tree.offset(outer.start_byte) == function.start and (
            tree.offset(outer.end_byte) == function.end
        ):
            return outer
    return None


def _function(
    tree: Tree, path: str, node: Node, around: tuple[Node, ...], silenced: frozenset[int]
) -> Function | None:
    declarator = _declarator(node)
    body = node.child_by_field_name("body")
    if declarator is None or body is None:
        return None
    named = _name_node(declarator)
    name = spelled([t for _, t in tokens(tree, named)]) if named is not None else ""
    if declarator.type == "operator_cast":
        words = [t for child in declarator.children[:-1] for _, t in tokens(tree, child)]
        named, name = declarator.children[0], spelled(words)
    if named is None or not name:
        return None
    outer = whole(node)
    scope = "::".join(_scope_names(tree, around))
    qualname = f"{scope}::{name}" if scope else name
    start, end = tree.span(outer)
    line, first_line = named.start_point.row, outer.start_point.row
    inner = next((c for c in body.named_children if c.type != "comment"), None)
    in_class = any(a.type in _CLASSES for a in around) or "::" in name
    kind: Kind = "method" if in_class else "function"
    return Function(
        path=path,
        qualname=f"{qualname}{_signature(tree, declarator)}",
        name=name.rsplit("::", 1)[-1],
        start=start,
        end=end,
        def_start=tree.offset(node.start_byte),
        body_start=tree.offset(inner.start_byte if inner is not None else body.end_byte - 1),
        range=tree.range(outer),
        name_range=tree.range(named),
        line=line,
        first_line=first_line,
        kind=kind,
        is_async=False,
        ignored=is_silenced(tree, silenced, first_line, tree.lines.line_of(end)),
        source=tree.text[tree.lines.starts[first_line] : end],
    )


def _declarator(definition: Node) -> Node | None:
    """The function_declarator (or operator_cast) below pointers and references to the result."""
    at = definition.child_by_field_name("declarator")
    while at is not None and at.type not in ("function_declarator", "operator_cast"):
        at = at.child_by_field_name("declarator") or next(
            (c for c in at.named_children if c.type.endswith("declarator")), None
        )
    inner = at.child_by_field_name("declarator") if at is not None else None
    if inner is not None and inner.type == "parenthesized_declarator":
        # int (*f(int))(double): the function is inside
        nested = [n for n in _below(inner) if n.type == "function_declarator"]
        return nested[0] if nested else at
    return at


def _below(node: Node) -> list[Node]:
    found, stack = [], [node]
    while stack:
        at = stack.pop()
        found.append(at)
        stack.extend(reversed(at.children))
    return found


def _name_node(declarator: Node) -> Node | None:
    at = declarator.child_by_field_name("declarator")
    while at is not None and at.type not in _NAMES:
        at = at.child_by_field_name("declarator") or next(iter(at.named_children), None)
    return at


def _scope_names(tree: Tree, around: tuple[Node, ...]) -> list[str]:
    """Names of the namespaces and classes around; what has none is left out."""
    return [
        "".join(t for _, t in tokens(tree, name))
        for node in around
        if node.type in SCOPES and (name := node.child_by_field_name("name")) is not None
    ]


def _signature(tree: Tree, declarator: Node) -> str:
    """ "(argument types)" with what stands behind it for a method: " const", " &&"."""
    parameters = declarator.child_by_field_name("parameters") or next(
        (p for c in declarator.children if (p := c.child_by_field_name("parameters")) is not None),
        None,
    )
    types = []
    for parameter in parameters.children if parameters is not None else ():
        if parameter.type == "...":
            types.append("...")
        elif parameter.type.endswith("parameter_declaration"):
            types.append(_type_of(tree, parameter))
        elif parameter.is_named and parameter.type != "comment":
            types.append(tree.source(parameter).strip())
    behind = [
        tree.source(c)
        for c in _below(declarator)
        if c.type in ("type_qualifier", "ref_qualifier")
        and parameters is not None
        and c.start_byte >= parameters.end_byte
    ]
    return " ".join([f"({', '.join(types)})", *behind])


def _type_of(tree: Tree, parameter: Node) -> str:
    """The parameter without its name and default value."""
    default = parameter.child_by_field_name("default_value")
    declarator = parameter.child_by_field_name("declarator")
    name = _declared(declarator) if declarator is not None else None
    words: list[str] = []
    for child in parameter.children:
        if child.type == "=" or (default is not None and child.id == default.id):
            break
        words += _words(tree, child, name)
    return spelled(words)


def _declared(declarator: Node) -> Node | None:
    """The name that a declarator declares; arguments of a pointer to a function are none."""
    at: Node | None = declarator
    while at is not None and at.type != "identifier":
        if at.type.startswith("abstract"):
            return None
        at = at.child_by_field_name("declarator") or next(
            (c for c in at.named_children if "declarator" in c.type or c.type == "identifier"), None
        )
    return at


def _words(tree: Tree, node: Node, name: Node | None) -> list[str]:
    """Texts of the leaves below a node but the declared name, also inside of inner parameters."""
    if name is not None and node.id == name.id:
        return []
    if node.type == "comment":
        return []
    if node.child_count == 0:
        text = tree.source(node).strip()
        return [text] if text else []
    if node.type == "parameter_declaration":
        declarator = node.child_by_field_name("declarator")
        name = _declared(declarator) if declarator is not None else None
    return [word for child in node.children for word in _words(tree, child, name)]
