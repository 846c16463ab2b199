"""Which operations a Python function makes, and in which shapes: the finer static facts.

An operation is a name of the language, of its library, or of numpy and pandas, with "in a loop"
where it is. A shape is a small pattern of statements ("a loop that only appends"). Both are free of
the program's own names: they are what two functions of different programs can have in common.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator

from tree_sitter import Node

from analysis.invariance import evaluated_once, is_loop
from analysis.syntax import SparingTree, Tree

SHAPES: dict[str, str] = {
    "append-only": "a loop that only appends",
    "append-if": "a loop that appends where a condition holds",
    "running-sum": "a sum kept in a variable",
    "extreme-by-comparison": "a largest or smallest value kept by comparison",
    "flag": "a flag set inside a loop",
    "hand-counter": "a position stepped by hand",
    "characters": "single characters compared in a loop",
    "alternatives": "a chain of alternatives",
    "neighbours": "neighbouring elements by index",
    "element-of-element": "elements of elements by index",
    "check-then-get": "a key tested and then looked up",
    "tuple-key": "tuples as keys",
    "bits": "bits of numbers",
    "power": "powers",
    "number-of-text": "text turned into numbers in a loop",
    "text-of-number": "values turned into text in a loop",
    "own-call": "another function called in a loop",
    "method-call": "methods of an object called in a loop",
    "slice-recursion": "recursion on slices",
    "inner-function": "a function made inside the function",
    "lambda": "small anonymous functions",
    "type-test": "types tested in a loop",
    "tuple-made": "tuples made in a loop",
    "list-made": "lists made in a loop",
    "dict-made": "dicts made in a loop",
    "table": "a table as a list of lists",
    "early-end": "a loop that ends early",
    "delete": "elements deleted in a loop",
    "stepped-range": "a range with a step",
    "key-function": "an order given by a function",
    "store-by-index": "elements stored by index in a loop",
    "string-compare": "texts compared by equality in a loop",
    "all-pairs": "every pair of elements of one collection",
    "grow-by-one": "a collection grown by one element in a loop",
    "copy-per-step": "a whole copy for each step of a loop",
    "nested-function-call": "calls inside of calls in a loop",
}

_TYPES = (str, bytes, bytearray, list, dict, set, frozenset, tuple, int, float)
_LIBRARY = """
    appendleft popleft extendleft most_common search match fullmatch findall finditer sub subn
    group groups span strptime strftime fromisoformat isoformat timestamp total_seconds read
    readline readlines write writelines getvalue seek digest hexdigest update heappush heappop
    heapify nsmallest nlargest bisect bisect_left bisect_right insort accumulate chain groupby
    product combinations permutations pairwise islice repeat cycle starmap takewhile dropwhile
    zip_longest itemgetter attrgetter reduce partial lru_cache cmp_to_key defaultdict deque
    namedtuple deepcopy gcd sqrt floor ceil hypot prod comb factorial crc32 adler32 crc_hqx
    b64encode b64decode pack unpack unpack_from iter_unpack frombytes tobytes tolist loads
    dumps reader writer DictReader apply applymap map transform agg aggregate merge concat
    join iterrows itertuples loc iloc at iat isin where mask query sort_values sort_index drop
    drop_duplicates duplicated fillna isna rolling expanding shift diff cumsum cumprod cummax
    cummin rank pivot pivot_table crosstab melt stack unstack explode cut qcut get_dummies
    value_counts nunique unique to_dict to_numpy reset_index set_index assign astype between
    clip resample str dt cat sum mean min max std var median any all count first last size
"""
_METHODS = {name for kind in _TYPES for name in dir(kind) if not name.startswith("_")}
_METHODS |= set(_LIBRARY.split())
_BUILTINS = {name for name in dir(builtins) if not name.startswith("_")}
_ARRAYS = ("np", "numpy", "pd", "pandas")
_NUMBERS = ("int", "float", "Decimal")
_BITS = ("&", "|", "^", "<<", ">>")
_NUMBERED = 3
"""Alternatives from which on a chain of them is one."""


def operations(tree: Tree, function: Node, name: str) -> tuple[str, ...]:
    """The phrases of a function definition, sorted; `name` is its own name."""
    spared = SparingTree(tree)
    found: set[str] = set()
    inner = _is_in_function(function)
    stack: list[tuple[Node, int, bool]] = [(child, 0, inner) for child in function.children]
    while stack:
        node, loops, inner = stack.pop()
        for phrase in _called(spared, node):
            found.add(f"{phrase} in a loop" if loops else phrase)
        for shape, holds in _TESTS.get(node.type, ()):
            if holds(spared, node, loops, name):
                found.add(SHAPES[shape])
        if node.type == "function_definition":
            if inner:
                found.add(SHAPES["inner-function"])
            inner = True
        inside, once = loops + is_loop(node), evaluated_once(node)
        stack.extend((c, loops if c.id in once else inside, inner) for c in node.children)
    return tuple(sorted(found))


def _is_in_function(node: Node) -> bool:
    """Whether a node is a function or stands in one."""
    around: Node | None = node
    while around is not None and around.type != "function_definition":
        around = around.parent
    return around is not None


def _called(tree: Tree, node: Node) -> Iterator[str]:
    """Names of the library that a node uses: what it calls, and attributes of arrays and frames."""
    if node.type == "attribute":
        owner, attribute = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if owner is None or attribute is None:
            return
        word, before = tree.source(attribute), tree.source(owner)
        top = before.split(".", 1)[0]
        if top in _ARRAYS:
            yield f"{'numpy' if top.startswith('n') else 'pandas'} {word}"
        elif word in _METHODS:
            known = owner.type == "identifier" and before in sys.stdlib_module_names
            yield f"{before} {word}" if known else word
    elif node.type == "call":
        function = node.child_by_field_name("function")
        if function is not None and function.type == "identifier":
            word = tree.source(function)
            if word in _BUILTINS or word in _METHODS:
                yield word


def _field(node: Node, name: str) -> Node | None:
    return node.child_by_field_name(name)


def _text(tree: Tree, node: Node | None) -> str:
    return tree.source(node) if node is not None else ""


def _body(node: Node) -> list[Node]:
    block = _field(node, "body") or _field(node, "consequence")
    return [n for n in block.named_children if n.type != "comment"] if block is not None else []


def _is_append(tree: Tree, statement: Node) -> bool:
    if statement.type != "expression_statement" or not statement.named_children:
        return False
    call = statement.named_children[0]
    return call.type == "call" and _text(tree, _field(call, "function")).endswith(
        (".append", ".add")
    )


def _append_only(tree: Tree, node: Node, loops: int, name: str) -> bool:
    body = _body(node)
    return bool(body) and all(
        _is_append(tree, s) or (s.type == "expression_statement" and _assigns(s)) for s in body
    ) and any(_is_append(tree, s) for s in body)  # fmt: skip


def _assigns(statement: Node) -> bool:
    return bool(statement.named_children) and statement.named_children[0].type == "assignment"


def _append_if(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return any(
        s.type == "if_statement" and any(_is_append(tree, inner) for inner in _body(s))
        for s in _body(node)
    )


def _running_sum(tree: Tree, node: Node, loops: int, name: str) -> bool:
    target = _field(node, "left")
    plus = _text(tree, _field(node, "operator")) == "+="
    value = _field(node, "right")
    one = _text(tree, value) == "1"
    return loops > 0 and plus and not one and target is not None and target.type == "identifier"


def _hand_counter(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops > 0 and _text(tree, _field(node, "right")) == "1"


def _extreme(tree: Tree, node: Node, loops: int, name: str) -> bool:
    condition, body = _field(node, "condition"), _body(node)
    if not loops or condition is None or condition.type != "comparison_operator" or not body:
        return False
    sides = {tree.source(side) for side in condition.named_children}
    operators = {child.type for child in condition.children if not child.is_named}
    kept = {_text(tree, _field(n, "left")) for s in body for n in s.named_children[:1]}
    return bool(operators & {"<", ">", "<=", ">="}) and bool(kept & sides)


def _alternatives(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return sum(child.type == "elif_clause" for child in node.children) >= _NUMBERED - 1


def _check_then_get(tree: Tree, node: Node, loops: int, name: str) -> bool:
    condition = _field(node, "condition")
    if condition is None or condition.type != "comparison_operator":
        return False
    if not any(child.type in ("in", "not in") for child in condition.children):
        return False
    table = _text(tree, condition.named_children[-1])
    return f"{table}[" in tree.source(node)


def _flag(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops > 0 and _text(tree, _field(node, "right")) in ("True", "False")


def _store(tree: Tree, node: Node, loops: int, name: str) -> bool:
    target = _field(node, "left")
    return loops > 0 and target is not None and target.type == "subscript"


def _table(tree: Tree, node: Node, loops: int, name: str) -> bool:
    value = _field(node, "right")
    if value is None or value.type not in ("list_comprehension", "list"):
        return False
    inner = value.named_children[0] if value.named_children else None
    return inner is not None and inner.type in ("list", "binary_operator", "list_comprehension")


def _grow_by_one(tree: Tree, node: Node, loops: int, name: str) -> bool:
    value = _field(node, "right")
    return loops > 0 and value is not None and value.type in ("list", "tuple", "string")


def _characters(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops > 0 and any(
        child.type == "string" and len(tree.source(child)) == 3 for child in node.named_children
    )


def _string_compare(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops > 0 and any(
        child.type == "string" and len(tree.source(child)) > 3 for child in node.named_children
    )


def _neighbours(tree: Tree, node: Node, loops: int, name: str) -> bool:
    index = _field(node, "subscript")
    return loops > 0 and index is not None and index.type == "binary_operator"


def _element_of_element(tree: Tree, node: Node, loops: int, name: str) -> bool:
    value = _field(node, "value")
    return loops > 0 and value is not None and value.type == "subscript"


def _tuple_key(tree: Tree, node: Node, loops: int, name: str) -> bool:
    index = _field(node, "subscript")
    several = len(node.children_by_field_name("subscript")) > 1
    return several or (index is not None and index.type == "tuple")


def _operator(*signs: str) -> Callable[[Tree, Node, int, str], bool]:
    return lambda tree, node, loops, name: _text(tree, _field(node, "operator")) in signs


def _calls(*names: str) -> Callable[[Tree, Node, int, str], bool]:
    return lambda tree, node, loops, name: (
        loops > 0 and _text(tree, _field(node, "function")) in names
    )


def _own_call(tree: Tree, node: Node, loops: int, name: str) -> bool:
    function = _field(node, "function")
    if not loops or function is None or function.type != "identifier":
        return False
    called = tree.source(function)
    return called != name and called not in _BUILTINS and called not in _METHODS


def _method_call(tree: Tree, node: Node, loops: int, name: str) -> bool:
    function = _field(node, "function")
    if not loops or function is None or function.type != "attribute":
        return False
    return _text(tree, _field(function, "attribute")) not in _METHODS


def _slice_recursion(tree: Tree, node: Node, loops: int, name: str) -> bool:
    called = _text(tree, _field(node, "function")).rsplit(".", 1)[-1]
    return called == name and ":" in _text(tree, _field(node, "arguments"))


def _key_function(tree: Tree, node: Node, loops: int, name: str) -> bool:
    called = _text(tree, _field(node, "function")).rsplit(".", 1)[-1]
    ordering = called in ("sort", "sorted", "min", "max")
    return ordering and "key=" in _text(tree, _field(node, "arguments")).replace(" ", "")


def _stepped(tree: Tree, node: Node, loops: int, name: str) -> bool:
    arguments = _field(node, "arguments")
    is_range = _text(tree, _field(node, "function")) == "range"
    return is_range and arguments is not None and len(arguments.named_children) == 3


def _call_of_call(tree: Tree, node: Node, loops: int, name: str) -> bool:
    arguments = _field(node, "arguments")
    return loops > 0 and arguments is not None and any(
        child.type == "call" for child in arguments.named_children
    )  # fmt: skip


def _copy_per_step(tree: Tree, node: Node, loops: int, name: str) -> bool:
    called = _text(tree, _field(node, "function"))
    return loops > 0 and (called in ("list", "dict", "set", "tuple") or called.endswith(".copy"))


def _in_loop(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return loops > 0


def _always(tree: Tree, node: Node, loops: int, name: str) -> bool:
    return True


def _pairs(tree: Tree, node: Node, loops: int, name: str) -> bool:
    """A loop around one over a range that starts from the outer one's position."""
    ranges = [_text(tree, _field(s, "right")) for s in _body(node) if s.type == "for_statement"]
    start = f"{_text(tree, _field(node, 'left'))} + 1" if ranges else ""
    return any(text.startswith("range(") and start in text for text in ranges)


_Test = Callable[[Tree, Node, int, str], bool]
_TESTS: dict[str, tuple[tuple[str, _Test], ...]] = {
    "for_statement": (
        ("append-only", _append_only), ("append-if", _append_if), ("all-pairs", _pairs),
    ),
    "while_statement": (("append-only", _append_only), ("append-if", _append_if)),
    "augmented_assignment": (
        ("running-sum", _running_sum), ("hand-counter", _hand_counter), ("store-by-index", _store),
        ("bits", _operator("&=", "|=", "^=", "<<=", ">>=")), ("grow-by-one", _grow_by_one),
    ),
    "assignment": (("flag", _flag), ("store-by-index", _store), ("table", _table)),
    "if_statement": (
        ("extreme-by-comparison", _extreme), ("alternatives", _alternatives),
        ("check-then-get", _check_then_get),
    ),
    "comparison_operator": (("characters", _characters), ("string-compare", _string_compare)),
    "subscript": (
        ("neighbours", _neighbours), ("element-of-element", _element_of_element),
        ("tuple-key", _tuple_key),
    ),
    "binary_operator": (("bits", _operator(*_BITS)), ("power", _operator("**"))),
    "call": (
        ("number-of-text", _calls(*_NUMBERS)), ("text-of-number", _calls("str", "repr")),
        ("type-test", _calls("isinstance", "type")), ("own-call", _own_call),
        ("method-call", _method_call), ("slice-recursion", _slice_recursion),
        ("key-function", _key_function), ("stepped-range", _stepped),
        ("nested-function-call", _call_of_call), ("copy-per-step", _copy_per_step),
    ),
    "lambda": (("lambda", _always),),
    "tuple": (("tuple-made", _in_loop),),
    "list": (("list-made", _in_loop),),
    "dictionary": (("dict-made", _in_loop),),
    "break_statement": (("early-end", _always),),
    "return_statement": (("early-end", _in_loop),),
    "delete_statement": (("delete", _in_loop),),
}  # fmt: skip
