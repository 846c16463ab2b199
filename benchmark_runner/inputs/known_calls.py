"""What calls of the standard library tell of their arguments, as tables."""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """Votes for the receiver or the arguments, and for the result."""

    votes: tuple[str, ...]
    result: str | None = None


_STR_TO_STR = (
    "strip lstrip rstrip lower upper title capitalize casefold swapcase replace zfill ljust rjust "
    "center expandtabs removeprefix removesuffix translate format format_map"
)
_STR_TO_BOOL = (
    "startswith endswith isdigit isalpha isalnum isspace isupper islower isnumeric isdecimal "
    "isidentifier istitle"
)

METHODS: dict[str, Known] = {
    **{name: Known(("str",), "str") for name in _STR_TO_STR.split()},
    **{name: Known(("str",), "bool") for name in _STR_TO_BOOL.split()},
    **{name: Known(("str",), "words") for name in ("split", "rsplit", "splitlines", "partition")},
    "rpartition": Known(("str",), "words"),
    "join": Known(("str",), "str"),
    "encode": Known(("str",), "bytes"),
    "find": Known(("str",), "int"),
    "rfind": Known(("str",), "int"),
    "rindex": Known(("str",), "int"),
    "decode": Known(("bytes",), "str"),
    "hex": Known(("bytes",), "str"),
    "append": Known(("list",)),
    "extend": Known(("list",)),
    "insert": Known(("list",)),
    "sort": Known(("list",)),
    "reverse": Known(("list",)),
    "remove": Known(("iterable",)),
    "clear": Known(("iterable",)),
    "count": Known(("iterable",), "int"),
    "index": Known(("iterable",), "int"),
    "popleft": Known(("deque",), "each"),
    "appendleft": Known(("deque",)),
    "extendleft": Known(("deque",)),
    "rotate": Known(("deque",)),
    "items": Known(("dict",), "items"),
    "keys": Known(("dict",), "keys"),
    "values": Known(("dict",), "values"),
    "get": Known(("dict",), "value"),
    "setdefault": Known(("dict",), "value"),
    "popitem": Known(("dict",), "item"),
    "add": Known(("set",)),
    "discard": Known(("set",)),
    "issubset": Known(("set",), "bool"),
    "issuperset": Known(("set",), "bool"),
    "isdisjoint": Known(("set",), "bool"),
    "union": Known(("set",), "same"),
    "intersection": Known(("set",), "same"),
    "difference": Known(("set",), "same"),
    "symmetric_difference": Known(("set",), "same"),
    "copy": Known(("iterable",), "same"),
    "update": Known(("iterable",)),
    "bit_length": Known(("int",), "int"),
    "bit_count": Known(("int",), "int"),
    "is_integer": Known(("float",), "bool"),
    "pop": Known(("subscripted",), "popped"),
}

_FLOATS = "sqrt exp log log2 log10 sin cos tan atan asin acos sinh cosh tanh isnan isinf fabs modf"
_ITERABLES = "any all iter next chain accumulate groupby islice pairwise tee cycle product fsum"

CALLS: dict[str, Known] = {
    **{name: Known(("float",), "float") for name in _FLOATS.split()},
    **{name: Known(("iterable",)) for name in _ITERABLES.split()},
    **{name: Known(("int",), "int") for name in ("gcd", "lcm", "factorial", "comb", "isqrt")},
    **{name: Known(("iterable",)) for name in ("permutations", "combinations")},
    "len": Known(("sized",), "int"),
    "sum": Known(("iterable", "numbers"), "each"),
    "prod": Known(("iterable", "numbers"), "each"),
    "mean": Known(("iterable", "floats"), "float"),
    "median": Known(("iterable", "floats"), "float"),
    "stdev": Known(("iterable", "floats"), "float"),
    "sorted": Known(("iterable",), "list"),
    "list": Known(("iterable",), "list"),
    "tuple": Known(("iterable",), "tuple"),
    "reversed": Known(("iterable",), "list"),
    "set": Known(("iterable", "hashables"), "set"),
    "frozenset": Known(("iterable", "hashables"), "frozenset"),
    "Counter": Known(("iterable", "hashables"), "counter"),
    "deque": Known(("iterable",), "deque"),
    "fromkeys": Known(("iterable", "hashables"), "dict"),
    "abs": Known(("number",), "same"),
    "round": Known(("float",), "float"),
    "floor": Known(("float",), "int"),
    "ceil": Known(("float",), "int"),
    "ord": Known(("str", "char"), "int"),
    "chr": Known(("int",), "str"),
    "bin": Known(("int",), "str"),
    "hex": Known(("int",), "str"),
    "str": Known((), "str"),
    "repr": Known((), "str"),
    "id": Known((), "int"),
    "hash": Known((), "int"),
    "isinstance": Known((), "bool"),
    "bool": Known((), "bool"),
    "heappush": Known(("list",)),
    "heappop": Known(("list",), "each"),
    "heapify": Known(("list",)),
    "heapreplace": Known(("list",), "each"),
    "heappushpop": Known(("list",), "each"),
    "dict": Known(("iterable",), "dict"),
    "loads": Known(("str",)),
    "deepcopy": Known((), "same"),
    "md5": Known(("bytes",)),
    "sha1": Known(("bytes",)),
    "sha256": Known(("bytes",)),
    "crc32": Known(("bytes",), "int"),
}

BISECTS = frozenset(
    {"bisect", "bisect_left", "bisect_right", "insort", "insort_left", "insort_right"}
)
EXPLODES = frozenset({"permutations", "combinations", "product", "combinations_with_replacement"})
PATTERN_CALLS = frozenset(
    {"match", "search", "fullmatch", "findall", "finditer", "split", "sub", "subn"}
)
TYPES: dict[str, str] = {
    "int": "int", "float": "float", "str": "str", "bytes": "bytes", "list": "list",
    "tuple": "tuple", "dict": "dict", "set": "set", "Mapping": "dict", "Sequence": "list",
}  # fmt: skip
