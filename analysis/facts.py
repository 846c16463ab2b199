"""Static facts of a function: what in its syntax may cost time, free of the program's names.

They are the queries of the index where no model describes the code: words, each of which is one
fact (the vocabulary is the keys of `VOCABULARY`), and one sentence made of the gravest of them.
The same code gives the same facts, in order of weight.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from analysis.functions import Function, function_named, functions_in, parse
from analysis.invariance import COMPREHENSIONS, evaluated_once, has_invariant_call, is_loop
from analysis.languages import dialect_of
from analysis.operations import SHAPES, operations
from analysis.syntax import SparingTree, Tree

_READER = 1
"""Counted up when the same code gives other facts though the vocabulary is the same."""

VOCABULARY: dict[str, str] = {
    "equality-join": "a nested loop that compares elements of two collections for equality",
    "list-membership-in-loop": "membership tests against a list inside a loop",
    "membership-in-loop": "membership tests inside a loop",
    "list-shift": "removing or inserting at the front of a list",
    "list-search": "linear searches by index, count or remove",
    "string-growth": "a string grown by concatenation inside a loop",
    "list-growth": "a list rebuilt by concatenation inside a loop",
    "recursion": "recursion with a single call of itself",
    "overlapping-recursion": "recursion that calls itself several times on overlapping subproblems",
    "sort-in-loop": "sorting inside a loop",
    "sort-for-extreme": "sorting a whole collection to take only its first or last elements",
    "aggregate-in-loop": "recomputing sum, min, max or a count inside a loop",
    "slice-in-loop": "slicing, and so copying, inside a loop",
    "deepcopy": "deep copies",
    "copy-in-loop": "copying a collection inside a loop",
    "regex-in-loop": "regular expressions given as text inside a loop",
    "regex": "regular expressions given as text at each call",
    "list-for-aggregate": "a list built only to be consumed by any, all, sum, min, max or join",
    "triple-loop": "three or more loops nested in each other",
    "nested-loop": "a loop nested in a loop",
    "range-len": "indexing by range over a length",
    "attribute-in-loop": "chains of attributes looked up again inside a loop",
    "invariant-call-in-loop": "calls inside a loop whose arguments do not change in it",
    "exception-in-loop": "exceptions handled inside a loop",
    "io-in-loop": "input or output inside a loop",
    "io": "input or output",
    "format-in-loop": "formatting of text inside a loop",
    "parse-in-loop": "parsing of dates, numbers or JSON inside a loop",
    "conversion-in-loop": "building a list, set or dict from a collection inside a loop",
    "scalar-frame-access": "data frame rows or cells read one at a time",
    "scalar-array-access": "array elements computed one at a time instead of as a whole",
    "object-in-loop": "objects made inside a loop",
    "dict-counting": "counting or grouping by hand in a dict",
    "dict": "dict operations",
    "set": "set operations",
    "deque": "deque operations",
    "heap": "heap operations",
    "sort": "sorting",
    "comprehension": "comprehensions",
    "generator": "a generator",
    "while-loop": "a while loop",
    "loop": "a loop",
    "arithmetic-in-loop": "arithmetic on numbers inside a loop",
    "modulo-in-loop": "division or remainder inside a loop",
}

_MOST_IN_FILE = 2_000_000
"""Characters of a file's functions that are read; of one in another one, twice."""

_AGGREGATES = ("sum", "min", "max", "len", "any", "all")
_CONSUMERS = ("any", "all", "sum", "min", "max", "set", "frozenset", "sorted", "tuple")
_RE = ("match", "search", "sub", "findall", "finditer", "split", "fullmatch", "subn", "compile")
_IO = ("print", "open", "input", "write", "writelines", "read", "readline", "readlines", "execute")
_PARSING = ("strptime", "loads", "fromisoformat", "literal_eval", "Decimal", "parse")
_FRAME = ("iterrows", "itertuples", "iloc", "loc", "iat", "at")
_HEAP = ("heappush", "heappop", "heapify", "nsmallest", "nlargest")
_METHODS = {
    "setdefault": "dict-counting",
    "items": "dict",
    "keys": "dict",
    "values": "dict",
    "add": "set",
    "union": "set",
    "intersection": "set",
    "difference": "set",
    "appendleft": "deque",
    "popleft": "deque",
    "index": "list-search",
    "count": "list-search",
    "remove": "list-search",
    "deepcopy": "deepcopy",
    "sort": "sort",
}
_CALLS = {"deque": "deque", "deepcopy": "deepcopy", "sorted": "sort", "set": "set", "dict": "dict"}
_CALLS |= {"Counter": "dict-counting", "defaultdict": "dict-counting", "frozenset": "set"}


@dataclass(frozen=True)
class Facts:
    """Words of VOCABULARY, gravest first, and a sentence about the bottleneck.

    `operations` are finer: names of the language and its libraries with where they are used, and
    small shapes of code (analysis.operations), as phrases.
    """

    words: tuple[str, ...]
    sentence: str
    operations: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of them as phrases, gravest first: what is searched by and for."""
        return "; ".join((*(VOCABULARY[word] for word in self.words), *self.operations))


def facts_version() -> str:
    """Changes with the vocabulary and with how it is read: facts kept under another are stale."""
    whole = repr((_READER, sorted(VOCABULARY.items()), sorted(SHAPES.items())))
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def facts_of_text(text: str, path: str, qualname: str = "") -> Facts:
    """The facts of one function of a file, or of all its code where none is named or found.

    `path` only tells the language.
    """
    named = function_named(text, path, qualname) if qualname else None
    if named is not None:
        return static_facts(text, named)
    if dialect_of(path) is None:
        tree = parse(text)
        found = sentence_of(_Reader(tree, "").read(tree.root))
        return replace(found, operations=operations(tree, tree.root, ""))
    each = [static_facts(text, function) for function in _first(functions_in(text, path))]
    found = sentence_of(Counter({word for facts in each for word in facts.words}))
    return replace(found, operations=tuple(sorted({o for facts in each for o in facts.operations})))


def _first(functions: tuple[Function, ...]) -> Iterator[Function]:
    """Functions of at most `_MOST_IN_FILE` characters in all: each is read with those in it."""
    left = _MOST_IN_FILE
    for function in functions:
        if left <= 0:
            return
        left -= function.end - function.start
        yield function


def static_facts(text: str, function: Function) -> Facts:
    """The facts of one function of `text`; those of functions nested in it count as its own."""
    dialect = dialect_of(function.path)
    if dialect is not None:
        return dialect.facts(text, function)
    tree = parse(text)
    node = tree.node_at(function.def_start, function.end)
    if node is not None and node.type == "decorated_definition":
        node = node.child_by_field_name("definition")
    if node is None:
        return sentence_of(Counter())
    found = sentence_of(_Reader(tree, function.name).read(node))
    return replace(found, operations=operations(tree, node, function.name))


def sentence_of(found: Counter[str]) -> Facts:
    """The facts of which there are any, with their sentence."""
    words = tuple(word for word in VOCABULARY if found[word])
    return Facts(words, _sentence(words))


def _sentence(words: tuple[str, ...]) -> str:
    if not words:
        return "Straight-line code without loops."
    described = [VOCABULARY[word] for word in words[:4]]
    return f"The time goes into {'; '.join(described)}."


class _Reader:
    """One walk over a function, with the number of loops around each node."""

    def __init__(self, tree: Tree, name: str) -> None:
        self._whole, self._tree = tree, SparingTree(tree)
        self._name = name
        self._found: Counter[str] = Counter()
        self._kinds: dict[str, str] = {}
        self._own_calls = 0

    def read(self, function: Node) -> Counter[str]:
        """All facts, with how often each was seen."""
        self._learn_kinds(function)
        stack: list[tuple[Node, int]] = [(function, 0)]
        while stack:
            node, loops = stack.pop()
            self._note(node, loops)
            inside, once = loops + is_loop(node), evaluated_once(node)
            stack.extend((c, loops if c.id in once else inside) for c in node.children)
        # Of the whole tree: what is spared must not make a name another one.
        self._add("invariant-call-in-loop", has_invariant_call(self._whole, function))
        if self._own_calls:
            self._found["overlapping-recursion" if self._own_calls > 1 else "recursion"] += 1
        return self._found

    def _learn_kinds(self, function: Node) -> None:
        """What local names hold, where their assignments or annotations tell."""
        stack = [function]
        while stack:
            node = stack.pop()
            stack.extend(node.named_children)
            target, value = node.child_by_field_name("left"), node.child_by_field_name("right")
            if node.type == "assignment" and target and value and target.type == "identifier":
                self._kinds[self._source(target)] = self._kind(value)
            elif node.type in ("typed_parameter", "typed_default_parameter"):
                annotation = node.child_by_field_name("type")
                name = node.child_by_field_name("name") or node.named_children[0]
                kind = self._source(annotation).split("[")[0].lower() if annotation else ""
                self._kinds[self._source(name)] = kind if kind in ("list", "str", "dict") else ""

    def _kind(self, value: Node) -> str:
        if value.type in ("list", "list_comprehension"):
            return "list"
        if value.type == "string":
            return "str"
        if value.type == "call":
            called = self._source(value.child_by_field_name("function"))
            if called in ("list", "sorted") or called.endswith((".split", ".splitlines")):
                return "list"
            return "str" if called == "str" else ""
        return ""

    def _note(self, node: Node, loops: int) -> None:
        handler = _HANDLERS.get(node.type)
        if handler is not None:
            handler(self, node, loops)
        if node.type in COMPREHENSIONS:
            self._add("comprehension")
            clauses = sum(child.type == "for_in_clause" for child in node.named_children)
            self._add("nested-loop", loops + clauses > 1)

    def _add(self, word: str, when: bool = True) -> None:
        if when:
            self._found[word] += 1

    def _source(self, node: Node | None) -> str:
        return self._tree.source(node) if node is not None else ""

    def _loop(self, node: Node, loops: int) -> None:
        self._add("loop")
        self._add("while-loop", node.type == "while_statement")
        self._add("nested-loop", loops == 1)
        self._add("triple-loop", loops >= 2)
        right = self._source(node.child_by_field_name("right"))
        self._add("range-len", right.startswith("range(len("))

    def _comparison(self, node: Node, loops: int) -> None:
        operators = {child.type for child in node.children if not child.is_named}
        if loops and operators & {"in", "not in"}:
            right = node.named_children[-1]
            is_list = right.type == "list" or self._kinds.get(self._source(right)) == "list"
            self._add("list-membership-in-loop" if is_list else "membership-in-loop")
        both = all(c.type in ("identifier", "attribute", "subscript") for c in node.named_children)
        self._add("equality-join", loops >= 2 and "==" in operators and both)

    def _augmented(self, node: Node, loops: int) -> None:
        target, value = node.child_by_field_name("left"), node.child_by_field_name("right")
        if not loops or target is None or value is None:
            return
        kind = self._kinds.get(self._source(target)) or self._kind(value)
        self._add("string-growth", kind == "str")
        self._add("dict-counting", target.type == "subscript")
        self._add("arithmetic-in-loop", kind == "" and target.type == "identifier")

    def _assignment(self, node: Node, loops: int) -> None:
        target, value = node.child_by_field_name("left"), node.child_by_field_name("right")
        if not loops or target is None or value is None or value.type != "binary_operator":
            return
        name = self._source(target)
        if name == self._source(value.child_by_field_name("left")):
            kind = self._kinds.get(name) or self._kind(value.named_children[-1])
            self._add("string-growth", kind == "str")
            self._add("list-growth", kind == "list")

    def _call(self, node: Node, loops: int) -> None:
        function, arguments = (node.child_by_field_name(f) for f in ("function", "arguments"))
        if function is None:
            return
        whole = self._source(function)
        name = whole.rsplit(".", 1)[-1].strip()
        given = arguments.named_children if arguments is not None else []
        method = function.type == "attribute"
        self._own_calls += name == self._name and (
            not method or whole.startswith(("self.", "cls."))
        )
        self._add(
            (_METHODS if method else _CALLS).get(name, ""), name in (_METHODS if method else _CALLS)
        )
        first = self._source(given[0]) if given else ""
        self._add("list-shift", method and (name, first) in (("pop", "0"), ("insert", "0")))
        if whole.startswith("re.") and name in _RE:
            self._add("regex-in-loop" if loops else "regex")
        built = bool(given) and given[0].type == "list_comprehension"
        self._add(
            "list-for-aggregate", built and (name in _CONSUMERS or (method and name == "join"))
        )
        self._add("io-in-loop" if loops else "io", name in _IO)
        self._add("heap", name in _HEAP)
        self._add("scalar-frame-access", name in ("iterrows", "itertuples"))
        if loops:
            self._call_in_loop(name, whole, given, method)

    def _call_in_loop(self, name: str, whole: str, given: list[Node], method: bool) -> None:
        self._add("sort-in-loop", name in ("sorted", "sort"))
        self._add("aggregate-in-loop", name in _AGGREGATES[:3] and len(given) == 1 and not method)
        self._add("copy-in-loop", name in ("copy", "deepcopy"))
        self._add("parse-in-loop", name in _PARSING)
        self._add("format-in-loop", method and name == "format")
        self._add("conversion-in-loop", whole in ("list", "set", "dict", "tuple") and bool(given))
        self._add("object-in-loop", name[:1].isupper() and name not in _PARSING)

    def _subscript(self, node: Node, loops: int) -> None:
        value, index = node.child_by_field_name("value"), node.child_by_field_name("subscript")
        if value is None or index is None:
            return
        sliced = index.type == "slice"
        self._add("slice-in-loop", bool(loops) and sliced)
        base = self._source(value)
        small = sliced or index.type in ("integer", "unary_operator")
        self._add("sort-for-extreme", base.startswith("sorted(") and small)
        self._add("scalar-frame-access", base.rsplit(".", 1)[-1] in _FRAME and "." in base)
        several = len(node.children_by_field_name("subscript")) > 1
        self._add("scalar-array-access", loops >= 2 and several and not sliced)

    def _attribute(self, node: Node, loops: int) -> None:
        inner = node.child_by_field_name("object")
        self._add(
            "attribute-in-loop", bool(loops) and inner is not None and inner.type == "attribute"
        )

    def _operator(self, node: Node, loops: int) -> None:
        if not loops:
            return
        operator = self._source(node.child_by_field_name("operator"))
        self._add("modulo-in-loop", operator in ("%", "//", "/"))
        self._add("arithmetic-in-loop", operator in ("+", "-", "*", "**"))

    def _try(self, node: Node, loops: int) -> None:
        self._add("exception-in-loop", bool(loops))

    def _fstring(self, node: Node, loops: int) -> None:
        self._add("format-in-loop", bool(loops))

    def _yield(self, node: Node, loops: int) -> None:
        self._add("generator")


_HANDLERS = {
    "for_statement": _Reader._loop,
    "while_statement": _Reader._loop,
    "comparison_operator": _Reader._comparison,
    "augmented_assignment": _Reader._augmented,
    "assignment": _Reader._assignment,
    "call": _Reader._call,
    "subscript": _Reader._subscript,
    "attribute": _Reader._attribute,
    "binary_operator": _Reader._operator,
    "try_statement": _Reader._try,
    "interpolation": _Reader._fstring,
    "yield": _Reader._yield,
}
