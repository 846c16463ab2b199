"""Techniques of a pair, read from its code: what the fast side has that the slow side has not.

A label is a name that the fast side uses more often (of the language's library, its containers'
methods, numpy, pandas) or a form of syntax that it gains. What the slow side loses is no label: it
would be shared with the static facts by which records are searched, and prove nothing.
"""

from __future__ import annotations

import ast
import builtins
import collections
import functools
import heapq
import itertools
import math
import operator
import re
import string
from collections import Counter
from collections.abc import Iterator

_MODULES = (
    "bisect", "heapq", "itertools", "functools", "collections", "operator", "math", "re", "struct",
    "array", "json", "csv", "zlib", "binascii", "datetime", "statistics", "random", "string", "io",
    "base64", "hashlib", "numpy", "np", "pandas", "pd",
)  # fmt: skip
_PLAIN = {
    "append", "print", "range", "len", "int", "str", "list", "float", "items", "keys", "values",
    "isinstance", "type", "ValueError", "KeyError", "IndexError", "TypeError", "Exception", "self",
    "__init__", "get", "pop", "add", "format", "bool", "object", "super", "property",
}  # fmt: skip
"""Too common to tell a technique."""
_OF_LIBRARY = (collections, functools, heapq, itertools, math, operator, string)
_LIBRARY = (
    set(dir(builtins))
    | {
        n
        for m in (collections, functools, heapq, itertools, math, operator, string)
        for n in dir(m)
    }
    | {name for kind in (str, bytes, bytearray, list, dict, set, tuple, int) for name in dir(kind)}
    | {"bisect_left", "bisect_right", "insort", "insort_left", "translate", "compile", "fullmatch"}
)
_CPP = re.compile(r"[A-Za-z_]\w*|&&|<<|>>|[&^|%]|\?")
_NATIVE_WORDS = """
    reserve resize emplace_back emplace push_back move swap string_view unordered_map
    unordered_set map set vector array deque list bitset priority_queue stack queue pair tuple
    span sort stable_sort partial_sort nth_element lower_bound upper_bound equal_range
    binary_search unique erase remove remove_if accumulate partial_sum iota fill fill_n copy
    transform reverse rotate find find_if count max_element min_element gcd memcpy memset
    memmove memchr memcmp strlen strchr strtol strtoul from_chars to_chars fread fwrite fgets
    getchar getchar_unlocked putchar_unlocked fputs puts setvbuf sync_with_stdio tie ios_base
    getline stringstream ostringstream to_string stoi data size begin end static constexpr
    const inline restrict register unsigned uint8_t uint16_t uint32_t uint64_t int64_t int32_t
    char short struct union template virtual final auto malloc calloc realloc free new delete
    unique_ptr shared_ptr make_unique make_shared popcount __builtin_popcount
    __builtin_popcountll __builtin_ctz __builtin_ctzll __builtin_clz __builtin_parity
    thread_local goto break continue return switch case qsort bsearch assign clear
    shrink_to_fit merge includes set_intersection
"""
_CPP_WORDS = frozenset(_NATIVE_WORDS.split())


def labels_of(slow: str, fast: str, language: str) -> frozenset[str]:
    """Techniques that the fast side brings in. Raises SyntaxError for what is no Python."""
    read = _python if language == "python" else _native
    before, after = read(slow), read(fast)
    return frozenset(label for label in after if after[label] > before[label])


def _python(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for node, loops in _nodes(ast.parse(text), 0):
        found.update(_names(node))
        found.update(_forms(node, loops))
    return found


def _nodes(node: ast.AST, loops: int) -> Iterator[tuple[ast.AST, int]]:
    yield node, loops
    inside = loops + isinstance(node, (ast.For, ast.While, ast.comprehension))
    for child in ast.iter_child_nodes(node):
        yield from _nodes(child, inside)


def _names(node: ast.AST) -> Iterator[str]:
    name = ""
    if isinstance(node, ast.Attribute):
        name = node.attr
        whole = ast.unparse(node)
        if whole.split(".")[0] in _MODULES and whole.split(".")[0] not in ("np", "pd"):
            yield f"use {whole}"
            return
        if whole.startswith(("np.", "pd.")):
            yield f"use {whole}"
            return
    elif isinstance(node, ast.Name):
        name = node.id
    if name in _LIBRARY and name not in _PLAIN:
        yield f"use {name}"


def _forms(node: ast.AST, loops: int) -> Iterator[str]:
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        yield f"form {type(node).__name__}"
    elif isinstance(node, (ast.Break, ast.Continue)):
        yield "form early end of a loop"
    elif isinstance(node, ast.Return) and loops:
        yield "form return from a loop"
    elif isinstance(node, ast.Slice):
        yield "form slice"
    elif isinstance(node, (ast.Set, ast.SetComp)):
        yield "form set"
    elif isinstance(node, ast.Dict):
        yield "form dict"
    elif isinstance(node, ast.BinOp) and isinstance(
        node.op, (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
    ):
        yield "form bits"
    elif isinstance(node, ast.While):
        yield "form while"
    elif isinstance(node, ast.Try):
        yield "form try"
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and loops:
        yield "form store by index"


def _native(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    code = re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\])*\"", " ", text, flags=re.DOTALL)
    for word in _CPP.findall(code):
        if word in _CPP_WORDS:
            found[f"use {word}"] += 1
        elif not word[0].isalpha() and word[0] != "_":
            found[f"form {word}"] += 1
    found["form const reference"] += len(re.findall(r"const\s+[\w:<>, ]+\s*&", code))
    found["form index of a flat array"] += len(re.findall(r"\[[^\]]*\*[^\]]*\+[^\]]*\]", code))
    return found
