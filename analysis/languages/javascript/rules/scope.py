"""A JavaScript or TypeScript function as its rules see it: declarations, arrays, what changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ast_grep_py import SgNode

from analysis.languages.javascript.facts import ITERATORS
from analysis.languages.javascript.names import GLOBALS
from analysis.languages.javascript.syntax import FUNCTIONS, LOOPS
from analysis.rules.base import NoRewriteError, words
from analysis.rules.tree_scope import Grammar, Scope
from analysis.text import TextChange

SCRIPTS = ("javascript", "typescript")

_RESERVED = words(
    """
    arguments async await break case catch class const continue debugger default delete do else enum
    eval export extends false finally for function if implements import in instanceof interface let
    new null of package private protected public return static super switch this throw true try
    typeof undefined var void while with yield
    """
)


def _grammar(name: str) -> Grammar:
    return Grammar(
        name,
        functions=FUNCTIONS,
        loops=LOOPS,
        once=("initializer", "right"),
        blocks=("statement_block", "program"),
        names=(
            "identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern",
        ),
        comment="//",
        outside=re.compile(r"(?!)"),
        reserved=_RESERVED,
    )  # fmt: skip


GRAMMARS = {name: _grammar(name) for name in ("javascript", "typescript", "tsx")}

PURE_METHODS = words(
    """
    at charAt charCodeAt codePointAt concat endsWith entries every filter find findIndex findLast
    flat flatMap forEach get has includes indexOf join keys lastIndexOf length localeCompare map
    match padEnd padStart reduce reduceRight replace replaceAll size slice some split startsWith
    substring test toFixed toLowerCase toReversed toSorted toString toUpperCase trim trimEnd
    trimStart values
    """
)
"""Methods of strings, arrays, maps and sets that change nothing in them."""

_TAKING = words("add concat has includes indexOf lastIndexOf log push set unshift")
_PURE_CALLS = re.compile(
    r"(?:Math|Number|JSON|console)\.\w+|Object\.(?:keys|values|entries|hasOwn|fromEntries)"
    r"|Array\.(?:from|isArray)|String|Number|Boolean|parseInt|parseFloat|isNaN|structuredClone"
)
_ARRAY_METHODS = words(
    """
    every fill filter find findIndex flat flatMap map pop push reduce reduceRight reverse
    shift some sort splice toReversed toSorted unshift
    """
)
_MAKES_ARRAYS = words("concat entries filter flat flatMap from keys map match of slice sort split")
_ARRAY_TYPE = re.compile(r"\[\]$|^(?:Readonly)?Array<|^\[")
_NO_ARRAY_TYPE = re.compile(r"^(?:string|Set|Map|ReadonlySet|ReadonlyMap)\b")
_KINDS = (
    "variable_declarator", "formal_parameters", "arrow_function", "for_in_statement",
    "catch_clause",
)  # fmt: skip


@dataclass(frozen=True)
class Declaration:
    """A variable of the function: the node of its name, what it begins as, and where it is seen."""

    name: SgNode
    node: SgNode
    value: SgNode | None
    type: str
    is_parameter: bool
    first: int
    last: int


class ScriptScope(Scope):
    """See analysis.rules.tree_scope.Scope. A callback of `map` and the like is a loop's body."""

    def loops(self, node: SgNode) -> list[SgNode]:
        """The loops, and calls of iterating methods, that repeat a node, innermost first."""
        found: list[SgNode] = []
        below = node
        for up in node.ancestors():
            kind = up.kind()
            if kind in self.grammar.functions:
                call = self.iterating_call(up)
                if call is None:
                    break
                found.append(call)
            elif kind in self.grammar.loops and not any(
                up.field(field) == below for field in self.grammar.once
            ):
                found.append(up)
            below = up
        return found

    def iterating_call(self, function: SgNode) -> SgNode | None:
        """The call of `map`, `filter`... whose callback a function is."""
        arguments = function.parent()
        call = arguments.parent() if arguments is not None else None
        if call is None or arguments is None or arguments.kind() != "arguments":
            return None
        method = self.method(call)
        return call if method in ITERATORS and arguments.named_children()[0] == function else None

    def owner(self, node: SgNode) -> SgNode | None:
        """The innermost function around a node that is no callback of an iterating method."""
        for up in node.ancestors():
            if up.kind() in self.grammar.functions and self.iterating_call(up) is None:
                return up
        return None

    def method(self, call: SgNode) -> str:
        """The name of the method that is called; "" where it is no method's call."""
        if call.kind() != "call_expression":
            return ""
        function = call.field("function")
        name = function.field("property") if function is not None else None
        return name.text() if name is not None else ""

    def receiver(self, call: SgNode) -> SgNode | None:
        """What a method is called of."""
        function = call.field("function")
        return function.field("object") if function is not None else None

    # -- declarations ---------------------------------------------------------------------------

    @cached_property
    def _declared(self) -> dict[str, list[Declaration]]:
        found: dict[str, list[Declaration]] = {}
        kinds: Any = {"rule": {"any": [{"kind": kind} for kind in _KINDS]}}
        nodes = [self.root] if self.root.kind() == "arrow_function" else []
        for node in [*nodes, *self.root.find_all(kinds)]:
            for made in self._declarations(node):
                found.setdefault(made.name.text(), []).append(made)
        return found

    def declaration(self, name: str, at: SgNode) -> Declaration | None:
        """The declaration that a name means at a node; None where it is outside the function."""
        place = self.start(at)
        seen = [d for d in self._declared.get(name, []) if d.first <= place < d.last]
        return max(seen, key=lambda d: d.first) if seen else None

    def _declarations(self, node: SgNode) -> Iterator[Declaration]:
        kind = node.kind()
        if kind == "variable_declarator":
            targets, value = [node.field("name")], node.field("value")
        elif kind == "formal_parameters":
            targets, value = list(node.named_children()), None
        elif kind == "for_in_statement":
            targets, value = [node.field("left") if node.field("kind") is not None else None], None
        else:
            targets, value = [node.field("parameter")], None
        first, last = self._sight(node)
        for target in targets:
            if target is None:
                continue
            names = (
                [target]
                if target.kind() == "identifier"
                else target.find_all({"rule": {"any": [{"kind": k} for k in self.grammar.names]}})
            )
            holder = target if target.kind().endswith("_parameter") else node
            annotation = holder.field("type")
            written = self.text(annotation).lstrip(": ") if annotation is not None else ""
            simple = len(names) == 1
            for name in names:
                yield Declaration(
                    name, node, value if simple else None, written if simple else "",
                    kind in ("formal_parameters", "arrow_function"), first, last,
                )  # fmt: skip

    def _sight(self, node: SgNode) -> tuple[int, int]:
        """From where to where in the file the names of a declaration are seen."""
        if node.kind() in ("for_in_statement", "catch_clause", "arrow_function"):
            return self.start(node), self.end(node)
        for up in node.ancestors():
            if up.kind() in (*self.grammar.blocks, *LOOPS, *FUNCTIONS):
                return self.start(up), self.end(up)
        return self.start(node), self.end(self.root)

    def is_array(self, name: str, at: SgNode) -> bool | None:
        """Whether a variable is an array; None where nothing tells."""
        made = self.declaration(name, at)
        if made is not None and made.type:
            if _ARRAY_TYPE.search(made.type):
                return True
            if _NO_ARRAY_TYPE.match(made.type):
                return False
        value = made.value if made is not None else None
        if value is not None:
            kind = value.kind()
            if kind == "array":
                return True
            if kind in ("string", "template_string", "object", "new_expression"):
                return bool(kind == "new_expression" and value.text().startswith("new Array"))
            if self.method(value) in _MAKES_ARRAYS:
                return True
        for use in self.uses(name):
            up = use.parent()
            if up is not None and up.kind() == "spread_element":
                return True
            call = up.parent() if up is not None and up.kind() == "member_expression" else None
            if call is not None and self.method(call) in _ARRAY_METHODS:
                return True
        return None

    # -- what may change a variable -------------------------------------------------------------

    def changed(self, name: str, within: SgNode) -> bool:
        """Whether a variable, or what it holds, may be changed in a node: when in doubt, yes."""
        return any(self.may_change(use) for use in self.uses(name, within))

    def may_change(self, use: SgNode) -> bool:
        """Whether a variable may be changed, or is declared anew, by what is done at this use."""
        if self.is_target(use):
            return True
        made = self.declaration(use.text(), use)
        if made is None and use.text() in GLOBALS:
            return False
        if made is not None and made.name == use:
            return True
        at = self.whole(use)
        up = at.parent()
        if up is None:
            return True
        kind = up.kind()
        if kind == "call_expression":
            field = at.field("property")
            return field is not None and field.text() not in PURE_METHODS
        if kind == "arguments":
            call = up.parent()
            if call is None or call.kind() != "call_expression":
                return False
            function = call.field("function")
            written = self.text(function) if function is not None else ""
            return self.method(call) not in _TAKING and not _PURE_CALLS.fullmatch(written)
        if kind in ("array_pattern", "object_pattern"):
            return True
        return kind == "unary_expression" and self.text(up).startswith("delete")

    def steady(self, node: SgNode, within: SgNode) -> bool:
        """Whether the variables in a node keep their values, and what they hold, in another."""
        if node.find(kind="this") is not None:
            return False
        return all(not self.changed(n, within) for n in self.names_in(node))

    def seen_from(self, node: SgNode, place: SgNode) -> bool:
        """Whether every variable in a node is declared where `place` begins, or outside."""
        at = self.start(place)
        for name in self.names_in(node):
            made = self.declaration(name, node)
            if made is not None and not made.first <= at < made.last:
                return False
            if made is not None and not made.is_parameter and self.start(made.name) > at:
                return False
        return True

    def outside_loops(self, node: SgNode, *needed: SgNode) -> SgNode:
        """The outermost loop around `node` that leaves what is `needed` as it is.

        Raises NoRewriteError where there is none.
        """
        found: SgNode | None = None
        for loop in self.loops(node):
            if not all(self.steady(n, loop) and self.seen_from(n, loop) for n in needed):
                break
            found = loop
        if found is None:
            raise NoRewriteError("nothing that repeats leaves it as it is")
        return found

    # -- changes --------------------------------------------------------------------------------

    def put_before(self, node: SgNode, code: str) -> tuple[TextChange, ...]:
        """Lines above the statement of a node; an arrow's expression becomes a block for them."""
        arrow = self.expression_arrow(node)
        if arrow is None:
            return (self.insert_before(self.statement(node), code),)
        body = arrow.field("body")
        if body is None:
            raise NoRewriteError("no body")
        start, end = self.start(body), self.end(body)
        indent = self._lead(start)
        lines = self.lines(code, indent + self.unit)
        head = f"{{{self.source.newline}{lines}{indent}{self.unit}return "
        tail = f";{self.source.newline}{indent}}}"
        return TextChange(start, start, head), TextChange(end, end, tail)

    def expression_arrow(self, node: SgNode) -> SgNode | None:
        """The arrow function without a block whose expression a node stands in, if it is near."""
        below = node
        for up in node.ancestors():
            if up.kind() in self.grammar.blocks:
                return None
            if up.kind() == "arrow_function" and up.field("body") == below:
                return up
            below = up
        return None

    def lines(self, code: str, indent: str) -> str:
        """See Scope.lines; a file that ends no statement with a semicolon gets none."""
        if not self._has_semicolons:
            code = "\n".join(line.removesuffix(";") for line in code.split("\n"))
        return super().lines(code, indent)

    @cached_property
    def _has_semicolons(self) -> bool:
        return re.search(r";[ \t]*(?:[\r\n]|$|//)", self.source.text) is not None

    @cached_property
    def unit(self) -> str:
        """One step of indentation, as the function has it; two blanks where it has none."""
        body = self.root.field("body")
        if body is None or body.kind() not in self.grammar.blocks:
            return "  "
        return super().unit


def members(node: SgNode) -> list[SgNode]:
    """The parts of a list of arguments, or of an array, without comments."""
    return [n for n in node.named_children() if n.kind() != "comment"]


def only(nodes: Iterable[SgNode]) -> SgNode:
    """The only one of some nodes. Raises NoRewriteError where there are more or none."""
    found = list(nodes)
    if len(found) != 1:
        raise NoRewriteError("not exactly one")
    return found[0]
