"""Which operations a C or C++ function makes, and in which shapes: the finer static facts.

As analysis.operations: names of the language's libraries with "in a loop" where they are, and small
patterns that cost, free of the program's own names.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

from analysis.syntax import SparingTree, Tree

SHAPES: dict[str, str] = {
    "by-value": "a class passed by value",
    "loop-by-value": "a loop that copies each element",
    "nested-vector": "a vector of vectors",
    "inner-first-index": "an inner loop over the first index",
    "element-of-element": "elements of elements by index",
    "flush": "output flushed at each line",
    "length-in-condition": "a length computed in a loop's condition",
    "call-in-condition": "a call in a loop's condition",
    "string-growth": "a string grown in a loop",
    "vector-growth": "a vector grown in a loop",
    "allocation": "memory allocated in a loop",
    "release": "memory released in a loop",
    "division": "division or remainder in a loop",
    "floating": "floating point arithmetic in a loop",
    "bits": "bits of numbers",
    "branch": "a branch in a nested loop",
    "alternatives": "a chain of alternatives",
    "pointer-chase": "nodes followed by their pointers",
    "byte-loop": "bytes handled one by one",
    "global": "a member or global changed in a loop",
    "recursion": "recursion",
    "own-call": "another function called in a loop",
    "object-made": "an object made in a loop",
    "early-end": "a loop that ends early",
    "running-sum": "a sum kept in a variable",
    "extreme-by-comparison": "a largest or smallest value kept by comparison",
    "double-lookup": "a key tested and then looked up",
    "exception": "exceptions in a loop",
    "all-pairs": "every pair of elements of one collection",
    "triple-loop": "three loops in each other",
    "struct-array": "members of elements in a loop",
}
_LIBRARY = """
    string vector map set unordered_map unordered_set multiset multimap list deque queue stack array
    priority_queue pair tuple bitset function shared_ptr unique_ptr optional variant regex
    stringstream istringstream ostringstream cin cout cerr endl getline to_string stoi stol stod
    push_back emplace_back pop_back push_front pop_front insert erase find count substr append
    resize reserve clear begin end size length empty front back at swap sort stable_sort
    partial_sort nth_element lower_bound upper_bound binary_search unique accumulate reverse rotate
    max_element min_element remove_if copy fill max min abs pow sqrt floor ceil round log exp fabs
    gcd next_permutation regex_match regex_search regex_replace make_shared make_unique move
    strlen strcpy strcat strcmp strncmp strchr strstr strtok strdup sprintf snprintf sscanf scanf
    printf fprintf puts putchar getchar fgets fputs fread fwrite malloc calloc realloc free memcpy
    memmove memset memcmp memchr qsort bsearch atoi atof strtol strtod isalpha isdigit isspace
    isupper islower toupper tolower throw new delete
"""
_NAMES = frozenset(_LIBRARY.split())
_LOOPS = ("for_statement", "while_statement", "do_statement", "for_range_loop")
_IDENTIFIERS = (
    "identifier", "field_identifier", "type_identifier", "namespace_identifier",
)  # fmt: skip
_CLASS = re.compile(
    r"(?:const\s+)?(?:std::)?(?:string|vector|map|set|unordered_\w+|deque|list|array|pair|tuple)\b"
)
_BITS = ("&", "|", "^", "<<", ">>", "&=", "|=", "^=", "<<=", ">>=")
_DIVISIONS = ("/", "%", "/=", "%=")


def operations(tree: Tree, function: Node, name: str) -> tuple[str, ...]:
    """The phrases of a function definition, sorted; `name` is its own name."""
    tree = SparingTree(tree)
    found: set[str] = set()
    stack: list[tuple[Node, int, Node]] = [(function, 0, function)]
    while stack:
        node, loops, loop = stack.pop()
        if node.type in _LOOPS:
            loops, loop = loops + 1, node
            if loops >= 3:
                found.add(SHAPES["triple-loop"])
        if node.type in _IDENTIFIERS or node.type in ("new", "delete", "throw"):
            word = tree.source(node) if node.is_named else node.type
            if word in _NAMES:
                found.add(f"{word} in a loop" if loops else word)
        for shape, holds in _TESTS.get(node.type, ()):
            if holds(tree, node, loops, name):
                found.add(SHAPES[shape])
        if loops >= 2 and node.type == "subscript_expression" and _inner_first(tree, node, loop):
            found.add(SHAPES["inner-first-index"])
        stack.extend((child, loops, loop) for child in node.children)
    return tuple(sorted(found))


def _field(node: Node, name: str) -> Node | None:
    return node.child_by_field_name(name)


def _text(tree: Tree, node: Node | None) -> str:
    return tree.source(node) if node is not None else ""


def _by_value(tree: Tree, node: Node, loops: int, name: str) -> bool:
    declarator = _field(node, "declarator")
    plain = declarator is not None and declarator.type == "identifier"
    return plain and _CLASS.match(_text(tree, _field(node, "type"))) is not None


def _loop_by_value(tree: Tree, node: Node, loops: int, name: str) -> bool:
    declarator = _field(node, "declarator")
    return declarator is not None and declarator.type == "identifier"


def _nested_vector(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return tree.source(node).count("vector") > 1


def _inner_first(tree: Tree, node: Node, inner: Node) -> bool:
    """a[i][j] where the innermost loop runs over i."""
    first = _field(node, "argument")
    if first is None or first.type != "subscript_expression":
        return False
    update = _text(tree, _field(inner, "update"))
    stepped = set(re.findall(r"\w+", update))
    row, column = _indices(tree, first), _indices(tree, node)
    return bool(stepped & row) and not stepped & column


def _indices(tree: Tree, node: Node) -> set[str]:
    index = _field(node, "indices") or _field(node, "index")
    return set(re.findall(r"\w+", _text(tree, index)))


def _element_of_element(tree: Tree, node: Node, loops: int, name: str) -> bool:
    argument = _field(node, "argument")
    return loops > 0 and argument is not None and argument.type == "subscript_expression"


def _condition_has(*words: str) -> Callable[[Tree, Node, int, str], bool]:
    return lambda tree, node, loops, name: any(
        f"{word}(" in _text(tree, _field(node, "condition")).replace(" ", "") for word in words
    )


def _any_call(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return re.search(r"\w\s*\(", _text(tree, _field(node, "condition"))) is not None


def _operator(*signs: str, least: int = 0) -> Callable[[Tree, Node, int, str], bool]:
    return lambda tree, node, loops, name: (
        loops >= least and _text(tree, _field(node, "operator")) in signs
    )


def _call(*names: str, least: int = 1) -> Callable[[Tree, Node, int, str], bool]:
    return lambda tree, node, loops, name: (
        loops >= least and re.split(r"::|\.|->", _text(tree, _field(node, "function")))[-1] in names
    )


def _own_call(tree: Tree, node: Node, loops: int, name: str) -> bool:
    function = _field(node, "function")
    if not loops or function is None or function.type != "identifier":
        return False
    called = tree.source(function)
    return called != name and called not in _NAMES


def _recursion(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return _text(tree, _field(node, "function")) == name


def _running_sum(tree: Tree, node: Node, loops: int, name: str) -> bool:
    target = _field(node, "left")
    plain = target is not None and target.type == "identifier"
    return plain and loops > 0 and _text(tree, _field(node, "operator")) == "+="


def _member_changed(tree: Tree, node: Node, loops: int, name: str) -> bool:
    target = _field(node, "left")
    return loops > 0 and target is not None and target.type == "field_expression"


def _extreme(tree: Tree, node: Node, loops: int, name: str) -> bool:
    condition = _text(tree, _field(node, "condition"))
    body = _text(tree, _field(node, "consequence"))
    kept = re.search(r"\b(\w+)\s*=[^=]", body)
    if not loops or kept is None:
        return False
    return re.search(rf"[<>]=?\s*{kept[1]}\b|\b{kept[1]}\s*[<>]", condition) is not None


def _alternatives(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return tree.source(node).count("else if") >= 2


def _branch(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops >= 2


def _double_lookup(tree: Tree, node: Node, loops: int, name: str) -> bool:
    found = re.search(r"\b(\w+)\s*\.\s*(?:count|find)\s*\(", _text(tree, _field(node, "condition")))
    return found is not None and f"{found[1]}[" in tree.source(node)


def _chase(tree: Tree, node: Node, loops: int, name: str) -> bool:
    left, right = _text(tree, _field(node, "left")), _text(tree, _field(node, "right"))
    return loops > 0 and right.startswith(f"{left}->")


def _pairs(tree: Tree, node: Node, loops: int, name: str) -> bool:
    start = _text(tree, _field(node, "initializer"))
    return loops >= 2 and re.search(r"=\s*\w+\s*\+\s*1", start) is not None


def _floating(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops > 0 and re.fullmatch(r"[\d.]*\.[\d.]*f?|\d+e-?\d+", tree.source(node)) is not None


def _character(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops > 0


def _made(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops > 0 and _CLASS.match(_text(tree, _field(node, "type"))) is not None


def _members(tree: Tree, node: Node, loops: int, name: str) -> bool:
    argument = _field(node, "argument")
    return loops > 0 and argument is not None and argument.type == "subscript_expression"


def _in_loop(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops > 0


_Test = Callable[[Tree, Node, int, str], bool]
_CONDITIONS: tuple[tuple[str, _Test], ...] = (
    ("length-in-condition", _condition_has("strlen", "size", "length")),
    ("call-in-condition", _any_call),
)
_TESTS: dict[str, tuple[tuple[str, _Test], ...]] = {
    "parameter_declaration": (("by-value", _by_value),),
    "for_range_loop": (("loop-by-value", _loop_by_value),),
    "for_statement": (*_CONDITIONS, ("all-pairs", _pairs)),
    "while_statement": _CONDITIONS,
    "template_type": (("nested-vector", _nested_vector),),
    "subscript_expression": (("element-of-element", _element_of_element),),
    "call_expression": (
        ("vector-growth", _call("push_back", "emplace_back", "insert")),
        ("string-growth", _call("append", "strcat")),
        ("allocation", _call("malloc", "calloc", "realloc", "make_shared", "make_unique")),
        ("release", _call("free", "erase", "clear")),
        ("own-call", _own_call), ("recursion", _recursion),
    ),
    "new_expression": (("allocation", _in_loop),),
    "delete_expression": (("release", _in_loop),),
    "identifier": (("flush", lambda tree, node, loops, name: tree.source(node) == "endl"),),
    "binary_expression": (
        ("division", _operator(*_DIVISIONS, least=1)), ("bits", _operator("&", "|", "^", ">>")),
    ),
    "assignment_expression": (
        ("running-sum", _running_sum), ("global", _member_changed), ("pointer-chase", _chase),
        ("bits", _operator(*_BITS)), ("division", _operator("/=", "%=", least=1)),
    ),
    "if_statement": (
        ("extreme-by-comparison", _extreme), ("alternatives", _alternatives), ("branch", _branch),
        ("double-lookup", _double_lookup),
    ),
    "number_literal": (("floating", _floating),),
    "char_literal": (("byte-loop", _character),),
    "declaration": (("object-made", _made),),
    "field_expression": (("struct-array", _members),),
    "break_statement": (("early-end", _in_loop),),
    "return_statement": (("early-end", _in_loop),),
    "try_statement": (("exception", _in_loop),),
}  # fmt: skip
