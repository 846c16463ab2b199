"""A C or C++ function as its rules see it: declarations, types, what may change a variable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ast_grep_py import SgNode

from analysis.rules.base import words
from analysis.rules.tree_scope import Grammar, Scope
from analysis.text import TextChange

_OUTSIDE = re.compile(r"#include <[\w./]+>|static long long \w+\(void\) \{.*\}", re.DOTALL)
"""A header, or the reader of numbers of the family `streams`."""
_RESERVED = words(
    """
    alignas and asm auto bool break case catch char class const constexpr continue default delete
    do double else enum explicit extern false float for friend goto if inline int long mutable
    namespace new noexcept not nullptr operator or private protected public register restrict
    return short signed sizeof static struct switch template this throw true try typedef typename
    union unsigned using virtual void volatile while xor
    """
)


ONLY_CPP = ("lambda_expression", "for_range_loop", "optional_parameter_declaration")
"""Kinds of nodes that the grammar of C does not know."""


def _grammar(name: str, *more: str) -> Grammar:
    return Grammar(
        name,
        functions=("function_definition", *more[:1]),
        loops=("for_statement", "while_statement", "do_statement", *more[1:2]),
        once=("initializer", "right"),
        blocks=("compound_statement",),
        names=("identifier", "type_identifier"),
        comment="//",
        outside=_OUTSIDE,
        reserved=_RESERVED,
        kinds=(
            "declaration", "parameter_declaration", "for_statement", "if_statement",
            "assignment_expression", "call_expression", *more,
        ),
    )  # fmt: skip


C, CPP = _grammar("c"), _grammar("cpp", *ONLY_CPP)

CONST_METHODS = words(
    """
    at back begin c_str capacity cbegin cend compare contains count data empty end find
    find_first_of find_last_of front length lower_bound rbegin rend rfind size substr top
    upper_bound
    """
)
"""Methods of the standard library's containers that change nothing in them."""

_ITERATORS = ("begin", "end", "rbegin", "rend", "data")
_PURE_CALLS = words(
    """
    abs accumulate binary_search cbrt cos count equal_range exp fabs find find_if log lower_bound
    max max_element memcmp min min_element pow printf sin size sqrt stoi strcmp strlen strncmp
    to_string upper_bound
    """
)
_KINDS = (
    "declaration", "parameter_declaration", "optional_parameter_declaration", "for_range_loop",
)  # fmt: skip
_NOT_OURS = ("parameter_list", "argument_list")
_PLAIN = re.compile(r"\bstd::|\bconst\b|\s+|&")


@dataclass(frozen=True)
class Declaration:
    """A variable of the function (or of the file, `is_global`) with its declaration.

    `node` is the declaration, parameter or range loop; `declarator` the part of one variable with
    its value; `name` the node of the name. `type` is the type as a text that compares: without
    `std::`, `const`, `&` and blanks: "vector<int>", "string", "int*", "int[][]", "auto".
    `spelled` is the type as it is written, without qualifiers.
    """

    node: SgNode
    declarator: SgNode
    name: SgNode
    value: SgNode | None
    type: str
    spelled: str
    is_reference: bool
    is_const: bool
    is_alone: bool
    is_parameter: bool
    is_global: bool
    first: int
    last: int

    @property
    def is_own(self) -> bool:
        """Whether the function made the object, and may choose its type: a local value."""
        local = not (self.is_reference or self.is_parameter or self.is_global)
        return local and self.node.kind() == "declaration"


class NativeScope(Scope):
    """See analysis.rules.tree_scope.Scope."""

    # -- declarations ---------------------------------------------------------------------------

    @cached_property
    def _declared(self) -> dict[str, list[Declaration]]:
        found: dict[str, list[Declaration]] = {}
        known = [kind for kind in _KINDS if kind in self.grammar.kinds]
        for node in (n for kind in known for n in self.of_kind(kind)):
            for made in self._declarations(node, is_global=False):
                found.setdefault(made.name.text(), []).append(made)
        return found

    @cached_property
    def _globals(self) -> dict[str, list[Declaration]]:
        found: dict[str, list[Declaration]] = {}
        for node in self.source.top.get("declaration", []):
            for made in self._declarations(node, is_global=True):
                found.setdefault(made.name.text(), []).append(made)
        return found

    def declaration(self, name: str, at: SgNode) -> Declaration | None:
        """The declaration that a name means at a node; None where it is not in sight."""
        place = self.start(at)
        seen = [d for d in self._declared.get(name, []) if d.first <= place < d.last]
        if seen:
            return max(seen, key=lambda d: d.first)
        return next(iter(self._globals.get(name, [])), None)

    def type_of(self, node: SgNode) -> str:
        """The comparable type of a name; "" for what is no name, or declared out of sight."""
        if node.kind() != "identifier":
            return ""
        made = self.declaration(node.text(), node)
        return made.type if made is not None else ""

    def _declarations(self, node: SgNode, *, is_global: bool) -> Iterator[Declaration]:
        type_node = node.field("type")
        if type_node is None:
            return
        declarators = node.field_children("declarator")
        is_parameter = "parameter" in node.kind()
        first, last = self._sight(node, is_parameter=is_parameter)
        spelled = " ".join(self.text(type_node).split())
        const = any(c.kind() == "type_qualifier" and c.text() == "const" for c in node.children())
        for declarator in declarators:
            value = declarator.field("value") if declarator.kind() == "init_declarator" else None
            at: SgNode | None = (
                declarator.field("declarator")
                if declarator.kind() == "init_declarator"
                else declarator
            )
            marks, is_reference = "", False
            while at is not None and at.kind() not in ("identifier", *_NOT_OURS):
                kind = at.kind()
                marks += {"pointer_declarator": "*", "array_declarator": "[]"}.get(kind, "")
                is_reference |= kind == "reference_declarator"
                if kind == "function_declarator" and (is_global or marks or is_reference):
                    return
                inner = at.field("declarator")
                if inner is None:
                    inner = next((c for c in at.named_children() if c.kind() in _INNER), None)
                at = inner
            if at is None or at.kind() != "identifier":
                continue
            yield Declaration(
                node=node,
                declarator=declarator,
                name=at,
                value=value if value is not None else node.field("default_value"),
                type=_PLAIN.sub("", spelled) + marks
                if " " not in spelled or "<" in spelled
                else spelled + marks,
                spelled=spelled,
                is_reference=is_reference,
                is_const=const,
                is_alone=len(declarators) == 1,
                is_parameter=is_parameter,
                is_global=is_global,
                first=first,
                last=last,
            )

    def _sight(self, node: SgNode, *, is_parameter: bool) -> tuple[int, int]:
        """From where to where in the file a declaration's names are seen."""
        if node.kind() == "for_range_loop":
            return self.start(node), self.end(node)
        for up in node.ancestors():
            kind = up.kind()
            if is_parameter and kind in self.grammar.functions:
                return self.start(up), self.end(up)
            if not is_parameter and (
                kind in self.grammar.blocks
                or kind in ("if_statement", "switch_statement", "translation_unit")
                or kind in self.grammar.loops
            ):
                return self.start(node), self.end(up)
        return self.start(node), self.end(node)

    # -- what may change a variable -------------------------------------------------------------

    def changed(self, name: str, within: SgNode) -> bool:
        """Whether a variable, or what it holds, may be changed in a node: when in doubt, yes."""
        return any(self.may_change(use) for use in self.uses(name, within))

    def may_change(self, use: SgNode) -> bool:
        """Whether the variable may be changed by what is done at this use."""
        if self.is_target(use):
            return True
        at = self.whole(use)
        up = at.parent()
        if up is None:
            return True
        kind = up.kind()
        if kind == "call_expression":
            return self._method_changes(at, up)
        if kind == "argument_list":
            return self._call_changes(up)
        if kind == "pointer_expression":
            return self.text(up).startswith("&")
        if kind in ("init_declarator", "for_range_loop"):
            return self._binds(at, up)
        if kind == "binary_expression":
            return self._extracts(at, up)
        return kind in ("lambda_capture_specifier", "lambda_default_capture")

    def _method_changes(self, function: SgNode, call: SgNode) -> bool:
        """Whether a call of `a.b.method` changes `a`, or hands its elements to what may."""
        field = function.field("field")
        name = field.text() if field is not None else ""
        if name not in CONST_METHODS:
            return True
        listed = call.parent()
        if name not in _ITERATORS or listed is None or listed.kind() != "argument_list":
            return False
        return self._call_changes(listed)

    def _call_changes(self, arguments: SgNode) -> bool:
        call = arguments.parent()
        if call is None or call.kind() == "init_declarator":
            return False  # a constructor: the standard library's copy
        function = call.field("function")
        if function is None:
            return True
        if function.kind() == "field_expression":
            return False  # a container's method takes what it is given as a value
        name = self.text(function).rsplit("::", 1)[-1].split("<")[0]
        return name not in _PURE_CALLS and not name.endswith("_cast")

    def _binds(self, at: SgNode, up: SgNode) -> bool:
        """Whether a reference that may write is bound to the node."""
        holder = up if up.kind() == "for_range_loop" else up.parent()
        if holder is None or up.field("declarator") == at:
            return False
        const = any(c.kind() == "type_qualifier" for c in holder.children())
        declarator = up.field("declarator")
        text = self.text(declarator) if declarator is not None else ""
        pointer = holder.field("type")
        indirect = text.startswith("&") or (
            text.startswith("*") and (pointer is None or "auto" not in self.text(pointer))
        )
        return indirect and not const

    def _extracts(self, at: SgNode, up: SgNode) -> bool:
        """Whether a stream's `>>` writes into the node."""
        operator = up.field("operator")
        if operator is None or operator.text() != ">>" or up.field("right") != at:
            return False
        left = up.field("left")
        while left is not None and left.kind() == "binary_expression":
            left = left.field("left")
        made = left.text() if left is not None else ""
        return made.rsplit("::", 1)[-1] == "cin" or self._is_stream(left)

    def _is_stream(self, node: SgNode | None) -> bool:
        return node is not None and "stream" in self.type_of(node)

    # -- what the file has ----------------------------------------------------------------------

    def add_include(self, header: str) -> list[TextChange]:
        """What puts `#include <header>` among the file's includes; nothing where it is there."""
        text, found = self.source.text, []
        for node in self.source.top.get("preproc_include", []):
            path = node.field("path")
            name = path.text() if path is not None else ""
            if name.strip('<>"') in (header, "bits/stdc++.h"):
                return []
            found.append((name, self.source.line_start(self.start(node))))
        line = f"#include <{header}>{self.source.newline}"
        system = [(name, at) for name, at in found if name.startswith("<")]
        above = [at for name, at in system if name > f"<{header}>"]
        if above and system == sorted(system):
            return [TextChange(above[0], above[0], line)]
        if found:
            at = self.source.next_line((system or found)[-1][1])
            return [TextChange(at, at, line)]
        at = 0
        while text.startswith(("//", "/*"), at) and at < self.first:
            end = text.find("*/", at) if text.startswith("/*", at) else at
            at = self.source.next_line(end if end >= 0 else at)
        return [TextChange(at, at, line)]


_INNER = (
    "identifier", "pointer_declarator", "reference_declarator", "array_declarator",
    "parenthesized_declarator",
)  # fmt: skip


def std(*patterns: str) -> tuple[str | dict[str, Any], ...]:
    """Each pattern as it is, and with its first name in the namespace std."""
    return tuple(_call(p) for pattern in patterns for p in (pattern, f"std::{pattern}"))


def _call(pattern: str) -> str | dict[str, Any]:
    """A call's pattern with a function around it: alone it may read as a declaration."""
    if not pattern.endswith(")"):
        return pattern
    return {"pattern": {"context": f"void f() {{ {pattern}; }}", "selector": "call_expression"}}
