"""Which container: what is taken from, put into and asked for decides over the cost."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.native.rules.calls import (
    arguments,
    initial,
    is_hashable,
    method,
    name_of,
    outermost_loop,
    own,
    retyped,
    sight,
    template,
    used_only,
)
from analysis.languages.native.rules.scope import NativeScope
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule, words

_CPP = ("c++",)
_DEQUE = words(
    """
    size empty push_back emplace_back pop_back front back begin end clear erase insert at resize
    """
)
_BY_KEY = words("count find size empty insert emplace try_emplace erase clear at contains end")
_LISTED = words("push_back emplace_back size empty front back begin end clear pop_back sort")
_FLAGS = words("size empty push_back pop_back clear resize assign back front")


@rule(
    "front-erase-deque",
    title="take from the front of a deque",
    description="Erasing the first element of a vector moves all others by one place. A deque"
    " takes from its front in constant time.",
    patterns=["$V.erase($V.begin())"],
    gain=3,
    languages=_CPP,
    words=("erase", "begin", "for|while"),
)
def front_erase_deque(scope: NativeScope, node: SgNode) -> Proposal:
    """Keep a queue in a `std::deque`.

    Why it is slow: `queue.erase(queue.begin())` moves every other element: each costs time that
    grows with the length of the queue.

    Example:
        std::vector<int> queue{start};        std::deque<int> queue{start};
        while (!queue.empty()) {              while (!queue.empty()) {
            int at = queue.front();               int at = queue.front();
            queue.erase(queue.begin());           queue.pop_front();

    When not to: the queue stays short (some dozens of numbers). A vector that leaves the function,
    or whose iterators are kept, is left alone.
    """
    made = own(scope, node["V"], "vector")
    if not scope.loops(node):
        return None
    changes = [retyped(scope, made, "vector", "deque"), *scope.add_include("deque")]
    start = initial(scope, made)
    if len(start) == 1 and (made.value is None or made.value.kind() != "initializer_list"):
        source = scope.declaration(start[0], made.name)
        if source is not None and template(source.spelled)[0] == "vector":
            text = f"{made.name.text()}({start[0]}.begin(), {start[0]}.end())"
            changes.append(scope.replace(made.declarator, text))
    for use in used_only(scope, made, _DEQUE):
        up = use.parent()
        call = up.parent() if up is not None else None
        found = method(call)
        if call is None or found is None or found[1] not in ("erase", "insert"):
            continue
        given = [scope.text(a) for a in arguments(call)]
        if given[:1] != [f"{use.text()}.begin()"]:
            continue
        if found[1] == "erase" and len(given) == 1:
            changes.append(scope.replace(call, f"{use.text()}.pop_front()"))
        elif found[1] == "insert" and len(given) == 2:
            changes.append(scope.replace(call, f"{use.text()}.push_front({given[1]})"))
    return Rewrite(tuple(changes))


@rule(
    "front-insert-append",
    title="append and reverse once instead of inserting at the front",
    description="Inserting at the front of a vector or string moves all other elements each time."
    " Appending and reversing once after the loop gives the same.",
    patterns=["$V.insert($V.begin(), $X)"],
    gain=3,
    languages=_CPP,
    words=("insert", "begin", "for|while"),
)
def front_insert_append(scope: NativeScope, node: SgNode) -> Proposal:
    """Append in the loop and reverse after it.

    Why it is slow: `out.insert(out.begin(), x)` moves all elements that are there: building the
    vector takes time that grows with the square of its length.

    Example:
        while (n > 0) {                              while (n > 0) {
            out.insert(out.begin(), n % 10);             out.push_back(n % 10);
            n /= 10;                                     n /= 10;
        }                                            }
        return out;                                  std::reverse(out.begin(), out.end());
                                                     return out;

    When not to: the vector is read inside of the loop, or is not empty before it (then it is left
    alone).
    """
    made = own(scope, node["V"], "vector", "string")
    loop = outermost_loop(scope, node, made)
    name = made.name.text()
    seen = [u for u in sight(scope, made) if u != made.name and scope.start(u) < scope.end(loop)]
    if initial(scope, made) or len(seen) != 2 or loop.find(kind="return_statement") is not None:
        return None
    return Rewrite(
        (
            scope.replace(node, f"{name}.push_back({scope.text(node['X'])})"),
            scope.insert_after(loop, f"std::reverse({name}.begin(), {name}.end());"),
            *scope.add_include("algorithm"),
        )
    )


@rule(
    "ordered-to-hash",
    title="look up by hash where order is not used",
    description="An ordered map or set compares keys along a path of scattered nodes at each"
    " look-up. Where nothing asks for the order, a hash table finds a key at once.",
    patterns=[{"kind": "declaration"}],
    gain=2,
    languages=_CPP,
    words=("map<|set<", "for|while"),
)
def ordered_to_hash(scope: NativeScope, node: SgNode) -> Proposal:
    """Use `std::unordered_map` or `std::unordered_set` where no order is asked for.

    Why it is slow: `std::map` and `std::set` are trees: a look-up follows about log2(n) pointers to
    nodes that are rarely in the cache, with a comparison at each.

    Example:
        std::map<int, int> counts;        std::unordered_map<int, int> counts;
        for (int x : values) {            for (int x : values) {
            counts[x]++;                      counts[x]++;
        }                                 }

    When not to: few keys, or input made to collide in the hash. A container that is iterated over,
    asked for bounds or handed on is left alone.
    """
    type_node = node.field("type")
    spelled = scope.text(type_node) if type_node is not None else ""
    kind, parts = template(spelled)
    if kind not in ("map", "set") or len(parts) != (2 if kind == "map" else 1):
        return None
    made = own(scope, _only_name(scope, node), kind)
    uses = used_only(scope, made, _BY_KEY, iterate=False)
    given = initial(scope, made)
    if not is_hashable(parts[0]) or (given and any(".rbegin" in text for text in given)):
        return None
    if not any(scope.loops(use) for use in uses):
        return None
    return Rewrite(
        (
            retyped(scope, made, kind, f"unordered_{kind}"),
            *scope.add_include(f"unordered_{kind}"),
        )
    )


def _only_name(scope: NativeScope, node: SgNode) -> SgNode:
    """The name that a declaration of one variable declares."""
    declarators = node.field_children("declarator")
    if len(declarators) != 1:
        raise NoRewriteError("several variables")
    at = declarators[0]
    while at.kind() in ("init_declarator", "function_declarator"):
        inner = at.field("declarator")
        if inner is None:
            break
        at = inner
    name_of(at)
    return at


@rule(
    "list-to-vector",
    title="keep elements side by side in a vector",
    description="A linked list allocates each element alone and walking it waits for memory at"
    " each step. A vector that is only appended to and walked holds them side by side.",
    patterns=[{"kind": "declaration"}],
    gain=2,
    languages=_CPP,
    words=("list<", "push_back|emplace_back", "for|while"),
)
def list_to_vector(scope: NativeScope, node: SgNode) -> Proposal:
    """Use `std::vector` where a `std::list` is only appended to and walked.

    Why it is slow: each element of a `std::list` is an allocation of its own with two pointers
    beside it; the next one is found only when this one has come from memory.

    Example:
        std::list<int> found;             std::vector<int> found;
        for (int x : values) {            for (int x : values) {
            found.push_back(x);               found.push_back(x);
        }                                 }

    When not to: elements are large and moved about. Lists with insertions or removals in the
    middle or at the front are left alone.
    """
    made = own(scope, _only_name(scope, node), "list")
    changes = [retyped(scope, made, "list", "vector"), *scope.add_include("vector")]
    for use in used_only(scope, made, _LISTED, index=False):
        up = use.parent()
        call = up.parent() if up is not None else None
        found = method(call)
        if call is not None and found is not None and found[1] == "sort":
            given = "".join(f", {scope.text(a)}" for a in arguments(call))
            name = use.text()
            text = f"std::sort({name}.begin(), {name}.end(){given})"
            changes += [scope.replace(call, text), *scope.add_include("algorithm")]
    return Rewrite(tuple(dict.fromkeys(changes)))


@rule(
    "vector-bool-char",
    title="keep flags as bytes",
    description="A vector of bool packs flags into bits: each access shifts and masks, and a write"
    " reads first. One byte for a flag is read and written at once.",
    patterns=[{"kind": "declaration"}],
    gain=1,
    languages=_CPP,
    words=("vector<bool>", "for|while"),
)
def vector_bool_char(scope: NativeScope, node: SgNode) -> Proposal:
    """Keep flags in a `std::vector<char>`.

    Why it is slow: `std::vector<bool>` is a field of bits: a write reads a word, changes one bit
    and writes it back, and the compiler can't do several at once.

    Example:
        std::vector<bool> composite(n + 1);     std::vector<char> composite(n + 1);

    When not to: the flags as bytes no longer fit in the cache (some millions).
    """
    made = own(scope, _only_name(scope, node), "vector")
    if template(made.spelled)[1] != ["bool"]:
        return None
    uses = used_only(scope, made, _FLAGS)
    if not any(scope.loops(use) for use in uses):
        return None
    type_node = node.field("type")
    text = re.sub(r"\bbool\b", "char", scope.text(type_node))
    return Rewrite((scope.replace(type_node, text),))


def _count(scope: NativeScope, loop: SgNode) -> str:
    """How often a loop runs at most, as a text: the bound of a count from 0, or a size."""
    if loop.kind() == "for_range_loop":
        source = loop.field("right")
        return f"{name_of(source)}.size()"
    if loop.kind() != "for_statement":
        raise NoRewriteError("not counted")
    start, test = loop.field("initializer"), loop.field("condition")
    if start is None or test is None or test.kind() != "binary_expression":
        raise NoRewriteError("not counted")
    left, sign, right = test.field("left"), test.field("operator"), test.field("right")
    if sign is None or sign.text() != "<" or right is None:
        raise NoRewriteError("not counted")
    if not re.search(rf"\b{re.escape(name_of(left))}\s*=\s*0\b", scope.text(start)):
        raise NoRewriteError("not counted")
    if not re.fullmatch(r"\w+(\.(size|length)\(\))?", scope.text(right)):
        raise NoRewriteError("not counted")
    return scope.text(right)


def _reserved(scope: NativeScope, node: SgNode, *kinds: str) -> Proposal:
    """`reserve` above the loop that fills a container; `node` is where it is filled."""
    made = own(scope, node["V"], *kinds)
    loops = scope.loops(node)
    name = made.name.text()
    if len(loops) != 1 or initial(scope, made) or not made.first <= scope.start(loops[0]):
        return None
    if re.search(rf"\b{name}\.(reserve|resize)\b", scope.text(scope.root)):
        return None
    return Rewrite((scope.insert_before(loops[0], f"{name}.reserve({_count(scope, loops[0])});"),))


@rule(
    "vector-reserve",
    title="reserve room before the loop that appends",
    description="A vector that is appended to without room grows several times and moves all its"
    " elements each time. The number of turns is known before the loop.",
    patterns=["$V.push_back($X)", "$V.emplace_back($$$X)"],
    gain=1,
    languages=_CPP,
    words=("push_back|emplace_back", "for"),
)
def vector_reserve(scope: NativeScope, node: SgNode) -> Proposal:
    """Reserve a vector's room before the loop that appends to it.

    Why it is slow: at each doubling all elements are moved to new memory, which is touched for the
    first time.

    Example:
        std::vector<int> squares;               std::vector<int> squares;
        for (int i = 0; i < n; i++) {           squares.reserve(n);
            squares.push_back(i * i);           for (int i = 0; i < n; i++) {
        }                                           squares.push_back(i * i);
                                                }

    When not to: few of the turns append (an append below a condition is left alone).
    """
    statement = node.parent()
    up = statement.parent() if statement is not None else None
    loop = next(iter(scope.loops(node)), None)
    if statement is None or loop is None or statement.kind() != "expression_statement":
        return None
    if up != loop and (up is None or up.parent() != loop):
        return None
    return _reserved(scope, node, "vector")


@rule(
    "hash-reserve",
    title="reserve the hash table before the loop that fills it",
    description="A hash table that grows puts all its keys into new buckets each time. The number"
    " of turns of the loop that fills it bounds the number of keys.",
    patterns=["$V.insert($X)", "$V.emplace($$$X)", "$V[$X]"],
    gain=1,
    languages=_CPP,
    words=("unordered_", "for"),
)
def hash_reserve(scope: NativeScope, node: SgNode) -> Proposal:
    """Reserve a hash table's buckets before the loop that fills it.

    Why it is slow: each time the table is full, all keys are hashed anew and linked into other
    buckets.

    Example:
        std::unordered_set<int> seen;            std::unordered_set<int> seen;
        for (int x : values) {                   seen.reserve(values.size());
            seen.insert(x);                      for (int x : values) {
        }                                            seen.insert(x);
                                                 }

    When not to: the same few keys come again and again.
    """
    return _reserved(scope, node, "unordered_map", "unordered_set")


RULES = (
    front_erase_deque,
    front_insert_append,
    ordered_to_hash,
    list_to_vector,
    vector_bool_char,
    vector_reserve,
    hash_reserve,
)
