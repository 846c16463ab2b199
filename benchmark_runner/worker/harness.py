"""The worker: loads one version of a user's module and answers the supervisor's requests.

One standalone file of the standard library for CPython 3.9 to 3.13. It is started under the
*user's* interpreter, inside the sandbox, and is also imported by the supervisor for its encoder.
It imports little: every timing replicate starts two of these. All verdicts are made in the
supervisor, which treats every byte from here as hostile.

Canonical bytes. A node is one tag byte, then (all lengths and counts are 4 bytes, little endian)::

    N T F            None, True, False
    j <8 bytes>      int that fits a signed 64-bit word      i <length> <two's complement>
    f <8 bytes>      float (one NaN)                         c <16 bytes>  complex
    s <length> ..    str, UTF-8 with surrogates passed       b <length> .. bytes
    t <n> nodes      tuple                                   Z <n> nodes   frozenset, sorted
    l <n> nodes      list *                                  S <n> nodes   set, sorted *
    d <n> key value  dict, in its own order *                y <length> .. bytearray *
    O <label> <n> (name value)..   any other object *
    o <label> <n> (name value)..   the same for values without identity (Decimal, range, class)
    r <number>       a node marked * that was met before; they are numbered in order of appearance

A label is a length and UTF-8 text: ``kind type``, for example ``instance shapes.Circle``.
"""

# ruff: noqa: E402 - the private builtins below must be in place before anything else
from __future__ import annotations

import builtins as _builtins

# A module under test may replace builtins. Functions take theirs from the globals of the module
# that defines them, so this private copy, made first, is what everything below uses.
globals()["__builtins__"] = dict(vars(_builtins))

import sys
from gc import collect as _collect
from gc import freeze as _freeze
from gc import get_referents as _get_referents
from gc import get_threshold as _gc_threshold
from gc import isenabled as _gc_enabled
from itertools import chain as _chain
from itertools import repeat as _repeat
from marshal import dumps as _marshalled
from operator import is_ as _is
from os import _exit as _os_exit
from os import close as _close
from os import fstat as _fstat
from os import ftruncate as _ftruncate
from os import pread as _pread
from os import read as _read
from os import write as _write
from struct import Struct as _Struct
from struct import error as _StructError
from sys import settrace as _settrace
from time import process_time_ns as _process_time_ns
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    TracebackType,
)
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

try:
    from _blake2 import blake2b as _blake2b
except ImportError:  # a build without the bundled hashes
    from hashlib import blake2b as _blake2b

MAX_ENCODED = 256 << 20
"""Bytes of one encoded value; more is an error of the call that made it."""
MAX_SHIPPED = 16 << 20
"""Bytes of one observation that are sent whole; of a larger one only the digest is sent."""
MAX_ITEMS = 100_000
"""Items taken from an iterator that is a result."""

_MAX_INNER = 10_000
"""Items taken from an iterator that lies inside a result."""
_BULK_BYTES = 4096
"""Of an array that is larger, a digest of state holds a digest."""
_CAPPED = ("cap",)

_float8 = _Struct("<d")
_int8 = _Struct("<q")
_len4 = _Struct("<I")
_pack_float = _float8.pack
_pack_int = _int8.pack
_pack_len = _len4.pack
_NAN = _float8.pack(float("nan"))

_mro_of = type.__dict__["__mro__"].__get__
_dict_of = type.__dict__["__dict__"].__get__
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_flags_of = type.__dict__["__flags__"].__get__
_exception_args = BaseException.__dict__["args"].__get__
_HEAP = 1 << 9


def digest(data: bytes) -> bytes:
    """16 bytes that stand for `data`."""
    return bytes(_blake2b(data, digest_size=16).digest())


class _Root:
    """The base of every class here, which `hide` takes out of reach of `__subclasses__`."""

    __slots__ = ()


class TooLarge(Exception):
    """A value's encoding passes the limit."""


# ---------------------------------------------------------------- encoding


def type_name(kind: type) -> str:
    """Module and qualified name, without running a line of the type's own code."""
    try:
        module, name = _module_of(kind), _qualname_of(kind)
    except Exception:
        module, name = "?", "?"
    if type(module) is not str:
        module = "?"
    return str(name) if module == "builtins" else f"{module}.{name}"


def _within(kind: Any, mro: Sequence[type]) -> bool:
    """Whether a class is one of these; `in` would ask a metaclass that claims to be equal."""
    return any(map(_is, mro, _repeat(kind)))


def _is_python_class(kind: type) -> bool:
    return bool(_flags_of(kind) & _HEAP) and "__module__" in _dict_of(kind)


def instance_dict(value: Any, mro: Sequence[type]) -> Optional[Dict[str, Any]]:
    """The real `__dict__`, whatever the class defines under that name."""
    for klass in mro:
        found = _dict_of(klass).get("__dict__")
        if type(found) is GetSetDescriptorType:
            try:
                got = found.__get__(value)
            except Exception:
                continue
            if type(got) is dict:
                return got
    return None


def instance_fields(value: Any, mro: Sequence[type]) -> List[Tuple[str, Any]]:
    """Attributes in `__dict__` (sorted by name) and in slots, read past every override."""
    fields: List[Tuple[str, Any]] = []
    own = instance_dict(value, mro)
    if own:
        names = [n for n in dict.__iter__(own) if type(n) is str]
        fields += [(n, own[n]) for n in sorted(names)]
    elif own is None and any("__dict__" in _dict_of(klass) for klass in mro):
        # A class that hides its instances' dictionary: what the collector knows they hold.
        fields.append(("held", [x for x in _get_referents(value) if type(x) is not type]))
    for klass in mro:
        entries = _dict_of(klass)
        if "__slots__" not in entries:
            continue
        for name, found in list(entries.items()):
            if type(found) is MemberDescriptorType and found.__objclass__ is klass:
                try:
                    fields.append((name, found.__get__(value)))
                except AttributeError:
                    continue
    return fields


_ITERATOR_MODULES_NOT = ("_io", "_csv", "_sqlite3", "sqlite3", "_hashlib", "_ssl", "_socket")


def is_builtin_iterator(kind: type) -> bool:
    """A generator, map, zip, itertools object or the like: C code with `__next__`."""
    if _is_python_class(kind) or _module_of(kind) in _ITERATOR_MODULES_NOT:
        return False
    return any("__next__" in _dict_of(k) for k in _mro_of(kind))


def is_iterator(kind: type) -> bool:
    """Anything a for loop may consume once."""
    if _module_of(kind) in _ITERATOR_MODULES_NOT:
        return False
    return any("__next__" in _dict_of(k) for k in _mro_of(kind))


_BASES: Tuple[type, ...] = (
    int,
    str,
    dict,
    list,
    tuple,
    set,
    frozenset,
    float,
    bytes,
    bytearray,
    complex,
)

_BASE_IDS = frozenset(map(id, _BASES))

_EXACT_BASE: Dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    str: str.__str__,
    float: float.__float__,
    bytes: lambda x: bytes.__getitem__(x, slice(None)),
    bytearray: lambda x: bytearray.__getitem__(x, slice(None)),
    complex: lambda x: complex(
        complex.__dict__["real"].__get__(x), complex.__dict__["imag"].__get__(x)
    ),
    list: lambda x: list(list.__iter__(x)),
    tuple: lambda x: tuple(tuple.__iter__(x)),
    set: lambda x: set(set.__iter__(x)) if set.__len__(x) else set(),
    frozenset: lambda x: frozenset(frozenset.__iter__(x)),
}

Fields = List[Tuple[str, Any]]

_BULK = 16
"""Containers with fewer items are written one by one."""


def _all_of(kind: type, items: Iterable[Any]) -> bool:
    """Whether all are exactly of this type; compares by identity, which no metaclass overrides."""
    return all(map(_is, map(type, items), _repeat(kind)))


def _bulky(kind: type) -> bool:
    """Whether it is int, float or str; `in` would ask a metaclass that claims to be equal."""
    return kind is int or kind is float or kind is str


def _text(x: str) -> bytes:
    text = x.encode("utf-8", "surrogatepass")
    return b"s" + _pack_len(len(text)) + text


def _pieces(items: Sequence[Any]) -> Optional[List[bytes]]:
    """The encodings of ints, floats or strings that are all of one type, else None."""
    kind = type(items[0])
    if not _bulky(kind) or not _all_of(kind, items):
        return None
    if kind is str:
        written = {x: _text(x) for x in set(items)}
        return list(map(written.__getitem__, items))
    if kind is float:
        return [b"f" + (_pack_float(x) if x == x else _NAN) for x in items]
    try:
        return list(map(b"j".__add__, map(_pack_int, items)))
    except _StructError:
        return None


def code_parts(code: CodeType) -> Tuple[Any, ...]:
    """What a code object does, without where it stands."""
    consts = [code_parts(c) if type(c) is CodeType else c for c in code.co_consts]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return code.co_code, tuple(consts), names, counts, getattr(code, "co_exceptiontable", b"")


class Encoder(_Root):
    """Writes values as canonical bytes; one memo over all values written through it.

    Iterative, so depth is bounded by memory only. Never calls a method that a user's class
    defines, except `__next__` of iterators when `consume` is on: those are observed by taking
    their items, and `lazy` tells that there was one. With `consume` off nothing is changed by
    encoding (used for digests of state).
    """

    def __init__(
        self, consume: bool = True, limit: int = MAX_ENCODED, depth: int = 0, state: bool = False
    ) -> None:
        self.out = bytearray()
        self.memo: Dict[int, int] = {}
        self.keep: List[Any] = []
        self.count = 0
        self.roots: Dict[int, Tuple[int, int]] = {}
        self.marks: Dict[str, Dict[str, None]] = {}
        self.consume = consume
        self.limit = limit
        self.depth = depth
        self.state = state
        self.lazy = False

    def number(self, value: Any) -> None:
        """Give the next number to a node with identity and keep it alive, so its id stays its."""
        self.memo[id(value)] = self.count
        self.count += 1
        self.keep.append(value)

    def mark(self, kind: str, text: str) -> None:
        """Note what is no part of the value: "layout" of arrays, "opaque" or "capped" content."""
        found = self.marks.setdefault(kind, {})
        if len(found) < 16:
            found[text[:100]] = None

    def text(self, value: str) -> None:
        """A length and the text."""
        data = value.encode("utf-8", "surrogatepass")
        self.out += _pack_len(len(data))
        self.out += data

    def part(self, name: str, value: Any) -> None:
        """One key and value of a dict whose head was written by `open_dict`."""
        self.add(name)
        self.add(value)

    def open_dict(self, n: int) -> None:
        """The head of a dict with `n` pairs that follow by `part`."""
        self.count += 1
        self.out += b"d" + _pack_len(n)

    def add(self, root: Any) -> None:
        """Write one value."""
        out = self.out
        limit = self.limit
        memo = self.memo
        stack: List[Iterator[Any]] = [iter((root,))]
        while stack:
            for x in stack[-1]:
                t = type(x)
                if t is str:
                    data = x.encode("utf-8", "surrogatepass")
                    out += b"s" + _pack_len(len(data))
                    out += data
                elif t is int:
                    if -0x8000000000000000 <= x <= 0x7FFFFFFFFFFFFFFF:
                        out += b"j" + _pack_int(x)
                    else:
                        data = x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True)
                        out += b"i" + _pack_len(len(data))
                        out += data
                elif t is float:
                    out += b"f" + (_pack_float(x) if x == x else _NAN)
                elif x is None:
                    out += b"N"
                elif t is bool:
                    out += b"T" if x else b"F"
                elif t is tuple:
                    out += b"t" + _pack_len(len(x))
                    if len(x) >= _BULK and self.bulk(x):
                        continue
                    stack.append(iter(x))
                    break
                elif id(x) in memo:
                    out += b"r" + _pack_len(memo[id(x)])
                else:
                    children = self.node(x, t)
                    if children is not None:
                        stack.append(iter(children))
                        break
            else:
                stack.pop()
            if len(out) > limit:
                raise TooLarge(f"its encoding is larger than {limit >> 20} MB")

    def node(self, x: Any, t: type) -> Optional[Iterable[Any]]:
        """Write the head of a node that is no plain atom; return its children."""
        out = self.out
        if t is list:
            self.number(x)
            out += b"l" + _pack_len(len(x))
            return None if len(x) >= _BULK and self.bulk(x) else list(x)
        if t is dict:
            self.number(x)
            out += b"d" + _pack_len(len(x))
            if len(x) >= _BULK and self.bulk_pairs(x):
                return None
            return _chain.from_iterable(list(x.items()))
        if t is set or t is frozenset:
            if t is set:
                self.number(x)
            out += (b"S" if t is set else b"Z") + _pack_len(len(x))
            elements = self.sorted_elements(x)
            return None if len(x) >= _BULK and self.bulk(elements) else elements
        if t is bytes or t is bytearray:
            if t is bytearray:
                self.number(x)
            out += (b"b" if t is bytes else b"y") + _pack_len(len(x))
            out += x
            return None
        if t is complex:
            parts = (x.real, x.imag)
            out += b"c" + b"".join(_pack_float(p) if p == p else _NAN for p in parts)
            return None
        return self.object(x, t)

    def bulk(self, items: Sequence[Any]) -> bool:
        """Write atoms that are all of one type, at the speed of C; False where they are not.

        So also rows of them: tuples that are equally long, dicts with the same keys.
        """
        count, first = len(items), type(items[0])
        if first is tuple or first is dict:
            whole = _all_of(first, items)
            return whole and (self.rows(items) if first is tuple else self.records(items))
        if not _bulky(first) or not _all_of(first, items):
            return False
        if first is str:
            self.out += b"".join(_pieces(items) or ())
            return True
        try:
            packed = _Struct(f"<{count}{'q' if first is int else 'd'}").pack(*items)
        except _StructError:
            return False  # an int that needs more than a word
        if first is float and any(x != x for x in items):
            return False
        written = bytearray(9 * count)
        written[::9] = (b"j" if first is int else b"f") * count
        for place in range(8):
            written[place + 1 :: 9] = packed[place::8]
        self.out += written
        return True

    def rows(self, items: Sequence[Tuple[Any, ...]]) -> bool:
        """Write tuples of atoms, column by column; False where they are others."""
        width = len(items[0])
        if not all(map(_bulky, map(type, items[0]))) or any(map(width.__ne__, map(len, items))):
            return False
        columns = [_pieces(column) for column in zip(*items)]
        if None in columns:
            return False
        heads = _repeat(b"t" + _pack_len(width), len(items))
        self.out += b"".join(_chain.from_iterable(zip(heads, *columns)))
        return True

    def records(self, items: Sequence[Dict[Any, Any]]) -> bool:
        """The same for dicts with the same strings as keys, each of which is met here first."""
        names = tuple(items[0])
        ids = list(map(id, items))
        if (
            not all(map(_bulky, map(type, items[0].values())))
            or not _all_of(str, _chain.from_iterable(items))
            or not all(map(names.__eq__, map(tuple, items)))
            or len(set(ids)) < len(ids)
            or not self.memo.keys().isdisjoint(ids)
        ):
            return False
        columns = [_pieces(column) for column in zip(*map(dict.values, items))]
        if None in columns:
            return False
        parts: List[Iterable[bytes]] = [_repeat(b"d" + _pack_len(len(names)), len(items))]
        for name, column in zip((_pieces(names) if names else None) or (), columns):
            parts += _repeat(name, len(items)), column or ()
        self.out += b"".join(_chain.from_iterable(zip(*parts)))
        self.memo.update(zip(ids, range(self.count, self.count + len(ids))))
        self.count += len(ids)
        self.keep.extend(items)
        return True

    def bulk_pairs(self, pairs: Dict[Any, Any]) -> bool:
        """The same for a dict whose keys are of one type, and its values of one."""
        keys = _pieces(list(pairs))
        values = _pieces(list(pairs.values())) if keys is not None else None
        if keys is None or values is None:
            return False
        self.out += b"".join(_chain.from_iterable(zip(keys, values)))
        return True

    def sorted_elements(self, elements: Any) -> Sequence[Any]:
        """Elements of a set in the order of their own encodings, numbers of one type by value."""
        if self.depth > 20:
            raise TooLarge("its sets are nested too deeply")
        plain = list(elements)
        if plain and (_all_of(int, plain) or _all_of(str, plain)):
            plain.sort()
            return plain
        keyed = []
        inner = Encoder(False, self.limit, self.depth + 1)
        for element in elements:
            if type(element) is str:
                keyed.append((element.encode("utf-8", "surrogatepass"), element))
                continue
            if inner.count:
                inner = Encoder(False, self.limit, self.depth + 1)
            inner.out.clear()
            inner.add(element)
            keyed.append((b"\0" + bytes(inner.out), element))
        keyed.sort(key=lambda pair: pair[0])
        return [element for _, element in keyed]

    def head(self, x: Any, label: str, fields: Fields, identity: bool = True) -> Iterable[Any]:
        """Write an object's head; its children are names and values."""
        if identity:
            self.number(x)
        self.out += b"O" if identity else b"o"
        self.text(label)
        self.out += _pack_len(len(fields))
        return _flat(fields)

    def object(self, x: Any, t: type) -> Iterable[Any]:
        """Any object that is no exact builtin container."""
        special = _SPECIAL.get(id(t))
        if special is not None:
            label, fields, identity = special[1](x)
            return self.head(x, label, fields, identity)
        mro = _mro_of(t)
        name = type_name(t)
        if _within(type, mro):
            return self.klass(x)
        if _within(BaseException, mro):
            fields = [("args", _exception_args(x)), *instance_fields(x, mro)]
            return self.head(x, "exception " + name, fields)
        if t is FunctionType or t is BuiltinFunctionType:
            return self.function(x)
        if t is MethodType:
            return self.head(
                x, "method", [("function", x.__func__), ("self", x.__self__)], identity=False
            )
        if t is ModuleType:
            return self.head(x, "module " + str(vars(x).get("__name__")), [], identity=False)
        done = self.array(x, t, mro, name) if "numpy" in sys.modules else None
        if done is not None:
            return done
        held = _BASE_IDS.intersection(map(id, mro))
        for base in _BASES if held else ():
            if id(base) in held:
                return self.subclass(x, base, mro, name)
        if is_builtin_iterator(t):
            return self.iterator(x, t, name)
        return self.instance(x, t, mro, name)

    def klass(self, x: Any) -> Iterable[Any]:
        """A class by its name; for state, or when a call made it, with its own attributes."""
        name = type_name(x)
        made = "<locals>" in name
        inside = made or (self.state and is_project_module(_module_of(x)))
        if not inside or not _is_python_class(x):
            return self.head(x, "class " + name, [], identity=False)
        entries = _dict_of(x)
        skip: Tuple[str, ...] = ("__dict__", "__weakref__", "__doc__", "__module__")
        skip += ("__slotnames__", "__firstlineno__", "__static_attributes__")
        names = sorted(n for n in entries if type(n) is str and n not in skip)
        fields = [(n, entries[n]) for n in names]
        return self.head(x, "class " + name, fields)

    def function(self, x: Any) -> Iterable[Any]:
        """A function by module and qualified name; for state, with all that it holds.

        A function that a call made is what it holds and its code: the name says nothing of either.
        """
        label = f"function {getattr(x, '__module__', None)}.{x.__qualname__}"
        made = "<locals>" in x.__qualname__
        if not (self.state or made) or type(x) is not FunctionType:
            return self.head(x, label, [], identity=False)
        cells = []
        for cell in x.__closure__ or ():
            try:
                cells.append(cell.cell_contents)
            except ValueError:
                cells.append(None)
        fields = [
            ("defaults", x.__defaults__),
            ("kwdefaults", x.__kwdefaults__),
            ("closure", tuple(cells)),
            ("dict", dict(x.__dict__)),
            ("code", id(x.__code__) if self.state else code_parts(x.__code__)),
        ]
        return self.head(x, label, fields)

    def subclass(self, x: Any, base: type, mro: Sequence[type], name: str) -> Iterable[Any]:
        """An instance of a subclass of a builtin: the base's content by the base's methods."""
        if base is dict:
            ordered = getattr(sys.modules.get("collections"), "OrderedDict", dict)
            content: Any = list((ordered if _within(ordered, mro) else dict).items(x))
            if name == "collections.Counter" or name == "collections.defaultdict":
                content = dict(content)
        else:
            content = _EXACT_BASE[base](x)
        label = f"subclass {name} of {base.__name__}"
        fields: Fields = [("content", content)]
        if name == "collections.defaultdict":
            fields.append(("default_factory", x.default_factory))
        return self.head(x, label, fields + instance_fields(x, mro), base not in (int, float, str))

    def iterator(self, x: Any, t: type, name: str) -> Iterable[Any]:
        """A builtin iterator, by its items."""
        self.lazy = True
        if not self.consume:
            held = held_by(x, name) if self.state else None
            return self.head(x, "iterator " + name, [] if held is None else [("held", held)])
        items, end = take(x, _MAX_INNER)
        if end == _CAPPED:
            self.mark("capped", f"the first {_MAX_INNER} items of a {name} inside the result")
        return self.head(x, "iterator " + name, [("items", items), ("end", end)])

    def array(self, x: Any, t: type, mro: Sequence[type], name: str) -> Optional[Iterable[Any]]:
        """numpy arrays and scalars, pandas frames, series and indexes, by exact content."""
        numpy = sys.modules["numpy"]
        try:
            ndarray, generic = numpy.ndarray, numpy.generic
        except AttributeError:
            return None  # it is just being imported
        if _within(ndarray, mro):
            return self.ndarray(numpy, x, t, mro, name)
        if _within(generic, mro) and not _flags_of(t) & _HEAP and not x.dtype.hasobject:
            fields = [("dtype", x.dtype.str), ("data", array_content(numpy, numpy.asarray(x)))]
            return self.head(x, "scalar " + name, fields, identity=False)
        pandas = sys.modules.get("pandas")
        if pandas is not None and getattr(pandas, "Index", None) is not None:
            return self.pandas(pandas, numpy, x, mro, name)
        return None

    def ndarray(self, numpy: Any, x: Any, t: type, mro: Sequence[type], name: str) -> Iterable[Any]:
        """An array: content, whether it may be written, whose memory it is, where in it it lies."""
        ndarray = numpy.ndarray
        plain = x if t is ndarray else ndarray.view(x, ndarray)
        root = plain
        while root.base is not None and _within(ndarray, _mro_of(type(root.base))):
            root = root.base
        address = plain.__array_interface__["data"][0]
        known = self.roots.get(id(root))
        if known is None:
            known = self.roots[id(root)] = (self.next_root(), address)
            self.keep.append(root)
            place: Fields = []
        else:
            place = [("offset", address - known[1]), ("strides", tuple(plain.strides))]
        own: Fields = []
        masked = getattr(sys.modules.get("numpy.ma"), "MaskedArray", None)
        if masked is not None and _within(masked, mro):
            mask = ndarray.view(numpy.ma.getmaskarray(x), ndarray)
            if mask.dtype.names is None:
                plain = numpy.where(mask, numpy.zeros((), plain.dtype), plain)
            shown = None if x.mask is numpy.ma.nomask else array_content(numpy, mask)
            own = [("mask", shown), ("fill value", x.fill_value), ("hard mask", x.hardmask)]
        elif t is not ndarray:
            own = instance_fields(x, mro)
        kind = plain.dtype.str if plain.dtype.names is None else repr(plain.dtype.descr)
        content = array_content(numpy, plain)
        if self.state and type(content) is bytes and len(content) > _BULK_BYTES:
            content = digest(content)
        fields = [
            ("dtype", kind),
            ("shape", tuple(plain.shape)),
            ("data", content),
            ("memory", known[0]),
            ("writeable", x.flags.writeable),
            *place,
            *own,
        ]
        over: Any = root.base
        over = over.obj if type(over) is memoryview else over
        if type(over) is bytearray or type_name(type(over)) == "array.array":
            fields.append(("over", over))
        if plain.size > 1:
            flags = x.flags
            order = (flags.c_contiguous and "C", flags.f_contiguous and "F")
            self.mark("layout", f"{plain.shape}: {order}")
        return self.head(x, "ndarray " + name, fields)

    def next_root(self) -> int:
        """A number for memory that arrays and frames share."""
        return len({number for number, _ in self.roots.values()})

    def pandas(
        self, pandas: Any, numpy: Any, x: Any, mro: Sequence[type], name: str
    ) -> Optional[Iterable[Any]]:
        """A frame by columns, a series by values, an index by items; dtypes included."""
        if _within(pandas.DataFrame, mro):
            plain = x if type(x) is pandas.DataFrame else pandas.DataFrame(x)
            columns = [self.column(numpy, plain.iloc[:, i]) for i in range(plain.shape[1])]
            fields = [("index", plain.index), ("labels", plain.columns), ("columns", columns)]
            return self.head(x, "frame " + name, fields + self.labelled(pandas, x))
        if _within(pandas.Series, mro):
            plain = x if type(x) is pandas.Series else pandas.Series(x)
            fields = [("name", plain.name), ("index", plain.index)]
            fields.append(("values", self.column(numpy, plain)))
            return self.head(x, "series " + name, fields + self.labelled(pandas, x))
        if _within(pandas.Index, mro):
            fields = [("values", self.column(numpy, x)), ("names", list(x.names))]
            if getattr(x, "freq", None) is not None:
                fields.append(("freq", str(x.freq)))
            if x.nlevels > 1:
                fields.append(("dtypes", [str(level.dtype) for level in x.levels]))
            return self.head(x, "index " + name, fields, identity=False)
        return None

    def labelled(self, pandas: Any, x: Any) -> Fields:
        """What a frame or series has beside its values: flags, attributes, shared memory."""
        fields: Fields = [("attrs", dict(x.attrs))]
        fields.append(("duplicate labels", x.flags.allows_duplicate_labels))
        if int(pandas.__version__.partition(".")[0]) >= 3:
            return fields  # copy on write: what is shared can't be seen
        number, shared = self.next_root(), set()
        for array in getattr(getattr(x, "_mgr", None), "arrays", ()):
            root: Any = array
            while type(getattr(root, "base", None)) is type(array) and root.base is not None:
                root = root.base
            known = self.roots.get(id(root))
            if known is None:
                self.roots[id(root)] = (number, 0)
                self.keep.append(root)
            elif known[0] != number:
                shared.add(known[0])
        return [*fields, ("shares", sorted(shared))]

    def column(self, numpy: Any, x: Any) -> Any:
        """The values of a series or an index, with all of their dtype."""
        dtype = x.dtype
        if _within(numpy.dtype, _mro_of(type(dtype))):
            if dtype.kind == "O":
                return "object", list(x)
            return Column(dtype.str, array_content(numpy, numpy.asarray(x)), len(x))
        if type_name(type(dtype)).endswith(".CategoricalDtype"):
            values = x.array
            codes = array_content(numpy, numpy.asarray(values.codes))
            return "category", dtype.ordered, values.categories, codes
        return str(dtype), repr(dtype), list(x)

    def instance(self, x: Any, t: type, mro: Sequence[type], name: str) -> Iterable[Any]:
        """Any other instance: enum members by name, Python objects by fields, C ones by reduce."""
        if any(type_name(k) == "enum.Enum" for k in mro):
            held = dict(instance_fields(x, mro))
            shown = [(k, held.get(k)) for k in ("_name_", "_value_")]
            return self.head(x, "enum " + name, shown, identity=False)
        if name.startswith(("pathlib.", "uuid.UUID")):
            return self.head(x, "value " + name, [("text", _str_of(t)(x))], identity=False)
        if name == "functools._lru_cache_wrapper":
            return self.cached(x)
        fields = instance_fields(x, mro)
        if fields or _is_python_class(t):
            fields += self.hidden(x, mro)
            if "<locals>" in name:
                fields.append(("class", t))
            return self.head(x, "instance " + name, fields)
        if name == "coroutine":
            x.close()
            return self.head(x, "coroutine " + x.__qualname__, [])
        try:
            reduced: Any = _reduce_of(t)(x, 4)
        except Exception:
            self.mark("opaque", name)
            return self.head(x, "opaque " + name, [])
        if type(reduced) is str:
            return self.head(x, "global " + name, [("name", reduced)], identity=False)
        return self.head(x, "reduced " + name, [("state", _listed(reduced))])

    def hidden(self, x: Any, mro: Sequence[type]) -> Fields:
        """What a C class holds below a Python class: a deque's items, a generator's state."""
        for base in mro:
            if base is object or id(base) in _BASE_IDS:
                continue
            reader = _HIDDEN.get(type_name(base))
            if reader is not None:
                held = reader(base, x)
                return [] if held is None else [("base", held)]
            entries = _dict_of(base)
            found = entries.get("__reduce_ex__", entries.get("__reduce__"))
            if found is not None and type(found) is not FunctionType:
                try:
                    return [("base", _listed(_reduce_of(base)(x, 4)))]
                except Exception:
                    self.mark("opaque", type_name(base))
        return []

    def cached(self, x: Any) -> Iterable[Any]:
        """A function under lru_cache; for state, with what its cache holds by now."""
        label = f"function {getattr(x, '__module__', None)}.{getattr(x, '__qualname__', '?')}"
        if not self.state:
            return self.head(x, label, [], identity=False)
        fields = [("size", x.cache_info().currsize), ("wrapped", vars(x).get("__wrapped__"))]
        return self.head(x, label, fields)


class Column(_Root):
    """Values of a numpy dtype in a pandas object; written as an array without identity."""

    __slots__ = ("dtype", "data", "length")

    def __init__(self, dtype: str, data: Any, length: int) -> None:
        self.dtype = dtype
        self.data = data
        self.length = length


def array_content(numpy: Any, plain: Any) -> Any:
    """The bytes of an array in C order; a structured one by fields, objects as a list.

    Every NaN is written as the same one, and bytes that are no part of any number (of long
    doubles, between fields) are left out: both differ between equal computations.
    """
    dtype = plain.dtype
    if dtype.names is not None:
        parts = [(name, plain[name]) for name in dtype.names]
        return tuple((n, p.dtype.str, p.shape, array_content(numpy, p)) for n, p in parts)
    if dtype.hasobject:
        return list(plain.ravel())
    if dtype.kind not in "fc":
        return plain.tobytes()
    with numpy.errstate(all="ignore"):
        if (plain != plain).any():
            plain = numpy.array(plain)
            for part in (plain,) if dtype.kind == "f" else (plain.real, plain.imag):
                part[part != part] = numpy.nan
    data: bytes = plain.tobytes()
    if dtype.char in "gG" and numpy.finfo(dtype).nmant == 63:
        raw = numpy.frombuffer(data, numpy.uint8).reshape(
            -1, dtype.itemsize // (1 + (dtype.char == "G"))
        )
        data = raw[:, :10].tobytes()
    return data


def _listed(reduced: Any) -> Any:
    """What `__reduce_ex__` gave, with its iterators as lists."""
    if type(reduced) is tuple and len(reduced) > 3:
        return (*reduced[:3], *(list(r) if r is not None else None for r in reduced[3:5]))
    return reduced


def _random_state(base: Any, x: Any) -> Any:
    system = getattr(sys.modules.get("random"), "SystemRandom", None)
    return None if _within(system, _mro_of(type(x))) else base.getstate(x)


_HIDDEN: Dict[str, Callable[[Any, Any], Any]] = {
    "_random.Random": _random_state,
    "collections.deque": lambda base, x: (list(base.__iter__(x)), base.maxlen.__get__(x)),
    "decimal.Decimal": lambda base, x: base.__str__(x),
    "_thread._local": lambda base, x: None,
}
"""What instances of C classes hold, read by these classes' own methods."""


def held_by(iterator: Any, name: str) -> Any:
    """How far an iterator has come, without taking an item: for digests of state."""
    frame = getattr(iterator, "gi_frame", None) if name == "generator" else None
    if name == "generator":
        return None if frame is None else (frame.f_lasti, list(frame.f_locals.values()))
    if name in ("itertools.count", "itertools.repeat"):
        return repr(iterator)
    warnings = sys.modules.get("warnings")
    try:
        if warnings is None or not name.startswith("itertools."):
            return _listed(_reduce_of(type(iterator))(iterator, 4))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _listed(_reduce_of(type(iterator))(iterator, 4))
    except Exception:
        return None


def _str_of(kind: Any) -> Any:
    return kind.__str__


def _reduce_of(kind: Any) -> Any:
    return kind.__reduce_ex__


def _flat(pairs: Iterable[Tuple[Any, Any]]) -> Iterator[Any]:
    for name, value in pairs:
        yield name
        yield value


def take(iterator: Any, limit: int) -> Tuple[List[Any], Any]:
    """Up to `limit` items and how it ended: ("stop", value), ("cap",) or ("raise", error)."""
    items: List[Any] = []
    try:
        while len(items) < limit:
            items.append(next(iterator))
    except StopIteration as stop:
        return items, ("stop", stop.value)
    except BaseException as error:
        return items, ("raise", *exception_parts(error))
    return items, _CAPPED


def _address_free(text: str) -> str:
    """Text without addresses: "<X object at 0x7f..>" differs from run to run."""
    at = text.find("0x")
    while at >= 0:
        end = at + 2
        while end < len(text) and text[end] in "0123456789abcdefABCDEF":
            end += 1
        if end - at >= 8:
            text = text[:at] + "0x" + text[end:]
        at = text.find("0x", at + 2)
    return text


def exception_text(error: BaseException) -> str:
    """`str(error)`, which may be user's code, guarded."""
    try:
        text = str(error)
    except BaseException as inner:
        return f"<{type_name(type(inner))} in __str__>"
    return _address_free(text if type(text) is str else str.__str__(text))


_TOO_DEEP = "maximum recursion depth exceeded"


def exception_parts(error: BaseException) -> Tuple[str, Any, str]:
    """Type, arguments and text of an exception.

    How the interpreter's own RecursionError ends ("while calling a Python object", "in
    comparison") says only which call happened to be the one too many.
    """
    kind, text = type(error), exception_text(error)
    if kind is RecursionError and text.startswith(_TOO_DEEP):
        return type_name(kind), (_TOO_DEEP,), _TOO_DEEP
    return type_name(kind), _exception_args(error), text


def exception_outcome(error: BaseException) -> Tuple[Any, ...]:
    """All that is compared of an exception: also its own attributes, notes, and its causes."""
    causes: List[Any] = []
    cause = error.__cause__
    while cause is not None and len(causes) < 5:
        causes.append(exception_parts(cause))
        cause = cause.__cause__
    own = dict(instance_fields(error, _mro_of(type(error))))
    return (*exception_parts(error), causes or None, own or None)


def _fixed(kind: str, *names: str) -> Callable[[Any], Tuple[str, Fields, bool]]:
    return lambda x: (kind, [(n, getattr(x, n)) for n in names], False)


def _view(kind: str) -> Callable[[Any], Tuple[str, Fields, bool]]:
    return lambda x: (kind, [("items", list(x))], True)


_Special = Callable[[Any], Tuple[str, Fields, bool]]
_SPECIAL: Dict[int, Tuple[type, _Special]] = {}
"""By the class's id, and holding the class: as a key it could be asked for its hash."""


def _learn(kind: type, special: _Special) -> None:
    _SPECIAL[id(kind)] = kind, special


_FROM_THE_START: Dict[type, _Special] = {
    range: _fixed("value range", "start", "stop", "step"),
    slice: _fixed("value slice", "start", "stop", "step"),
    type(Ellipsis): lambda x: ("value Ellipsis", [], False),
    type(NotImplemented): lambda x: ("value NotImplemented", [], False),
    type({}.keys()): _view("view dict_keys"),
    type({}.values()): _view("view dict_values"),
    type({}.items()): _view("view dict_items"),
    type(type.__dict__): lambda x: ("view mappingproxy", [("items", list(x.items()))], True),
    memoryview: lambda x: ("view memoryview", [("format", x.format), ("data", x.tobytes())], True),
    TracebackType: lambda x: ("opaque traceback", [], False),
    object: lambda x: ("instance object", [], True),
    _Struct: lambda x: ("value struct.Struct", [("format", x.format)], False),
    Column: lambda x: (
        "ndarray column",
        [("dtype", x.dtype), ("shape", (x.length,)), ("data", x.data)],
        False,
    ),
}
for _kind, _how in _FROM_THE_START.items():
    _learn(_kind, _how)


def _match(x: Any) -> Tuple[str, Fields, bool]:
    return "value re.Match", [("re", x.re), ("string", x.string), ("regs", x.regs)], True


def _deque(x: Any) -> Tuple[str, Fields, bool]:
    return "value collections.deque", [("items", list(x)), ("maxlen", x.maxlen)], True


def _ordered(x: Any) -> Tuple[str, Fields, bool]:
    return "value collections.OrderedDict", [("items", list(x.items()))], True


def _learn_special() -> None:
    """Add the types of standard modules that are loaded by now; they can't appear otherwise."""
    loaded = sys.modules
    if "re" in loaded:
        _learn(loaded["re"].Pattern, _fixed("value re.Pattern", "pattern", "flags"))
        _learn(loaded["re"].Match, _match)
    if "collections" in loaded:
        _learn(loaded["collections"].deque, _deque)
        _learn(loaded["collections"].OrderedDict, _ordered)
    if "decimal" in loaded:
        kind = loaded["decimal"].Decimal
        _learn(kind, lambda x: ("value decimal.Decimal", [("text", kind.__str__(x))], False))
    if "fractions" in loaded:
        names = ("numerator", "denominator")
        _learn(loaded["fractions"].Fraction, _fixed("value fractions.Fraction", *names))
    if "datetime" in loaded:
        _learn_dates(loaded["datetime"])
    if "logging" in loaded:
        _learn_loggers(loaded["logging"])


def _learn_loggers(logging: Any) -> None:
    base = getattr(logging, "Logger", None)
    for name in ("Logger", "RootLogger", "_loggerClass"):
        kind = getattr(logging, name, None)
        if type(kind) is type and _within(base, _mro_of(kind)):
            _learn(kind, _logger)
    if type(getattr(logging, "Manager", None)) is type:
        _learn(logging.Manager, _logger_manager)


def _logger(x: Any) -> Tuple[str, Fields, bool]:
    """A logger, but for the answers to `isEnabledFor` that it keeps: to log is no state."""
    mro = _mro_of(type(x))
    fields = [f for f in instance_fields(x, mro) if f[0] != "_cache" or not _asked_levels(f[1])]
    return "instance " + type_name(type(x)), fields, True


def _asked_levels(cache: Any) -> bool:
    """Whether it holds levels and answers, and nothing that somebody else put there."""
    return type(cache) is dict and all(
        type(level) is int and 0 <= level <= 100 and type(answer) is bool
        for level, answer in cache.items()
    )


def _logger_manager(x: Any) -> Tuple[str, Fields, bool]:
    """Not its table, by which each logger would be all loggers of all libraries.

    How they are set, and what else is in the table, is read once: `logger_settings`.
    """
    fields = [f for f in instance_fields(x, _mro_of(type(x))) if f[0] != "loggerDict"]
    return "instance logging.Manager", fields, True


def _learn_dates(datetime: Any) -> None:
    day = ("year", "month", "day")
    clock = ("hour", "minute", "second", "microsecond", "tzinfo", "fold")
    _learn(datetime.date, _fixed("value datetime.date", *day))
    _learn(datetime.time, _fixed("value datetime.time", *clock))
    _learn(datetime.datetime, _fixed("value datetime.datetime", *day, *clock))
    span = ("days", "seconds", "microseconds")
    _learn(datetime.timedelta, _fixed("value datetime.timedelta", *span))


def encode(value: Any) -> bytes:
    """Canonical bytes of any value. Raises TooLarge above MAX_ENCODED bytes."""
    _learn_special()
    encoder = Encoder()
    encoder.add(value)
    return bytes(encoder.out)


# ---------------------------------------------------------------- decoding


class _Open(_Root):
    """A container whose children are still being read."""

    __slots__ = ("kind", "left", "items", "slot", "label")

    def __init__(self, kind: int, left: int, slot: int, label: str = "") -> None:
        self.kind = kind
        self.left = left
        self.items: List[Any] = []
        self.slot = slot
        self.label = label


def decode_plain(data: bytes, most: int = 50_000_000) -> Any:
    """The value of canonical bytes that hold builtin types only. ValueError for anything else.

    Safe on hostile bytes: no code of the value's types runs, lengths are checked against what is
    there, nothing recurses, no more than `most` values are made and none is nested so deeply that
    hashing it would overflow the C stack. Beside the exact builtin types it knows range, slice,
    Decimal, Fraction, naive dates and times, timedelta, deque and OrderedDict.
    """
    at, end = 0, len(data)
    numbered: List[Any] = []
    stack: List[_Open] = []
    while True:
        value: Any = None
        most -= 1
        if at >= end or most < 0:
            raise ValueError("cut off" if most >= 0 else "too many values")
        tag = data[at]
        at += 1
        opened: Optional[_Open] = None
        if tag in b"NTF":
            value = {78: None, 84: True, 70: False}[tag]
        elif tag in b"jfc":
            size = 16 if tag == 99 else 8
            if at + size > end:
                raise ValueError("cut off")
            piece = data[at : at + size]
            at += size
            if tag == 106:
                value = _int8.unpack(piece)[0]
            elif tag == 102:
                value = _float8.unpack(piece)[0]
            else:
                value = complex(_float8.unpack(piece[:8])[0], _float8.unpack(piece[8:])[0])
        else:
            if at + 4 > end:
                raise ValueError("cut off")
            n = _len4.unpack_from(data, at)[0]
            at += 4
            if tag in b"siby":
                if at + n > end:
                    raise ValueError("cut off")
                piece = data[at : at + n]
                at += n
                if tag == 115:
                    value = piece.decode("utf-8", "surrogatepass")
                elif tag == 105:
                    value = int.from_bytes(piece, "little", signed=True)
                elif tag == 98:
                    value = bytes(piece)
                else:
                    value = bytearray(piece)
                    numbered.append(value)
            elif tag == 114:
                if n >= len(numbered) or numbered[n] is _PENDING:
                    raise ValueError("bad back reference")
                value = numbered[n]
            elif tag in b"ltSZd":
                opened = _Open(tag, n * 2 if tag == 100 else n, -1)
            elif tag in b"Oo":
                if at + n + 4 > end:
                    raise ValueError("cut off")
                label = data[at : at + n].decode("utf-8", "surrogatepass")
                at += n
                n = _len4.unpack_from(data, at)[0]
                at += 4
                if label not in _BUILD:
                    raise ValueError(f"not a plain value: {label}")
                opened = _Open(tag, n * 2, -1, label)
            else:
                raise ValueError(f"unknown tag {tag}")
        if opened is not None:
            if opened.left > end - at:
                raise ValueError("cut off")
            if len(stack) > 2000:
                raise ValueError("nested too deeply")
            if opened.kind in b"lSdO":
                opened.slot = len(numbered)
                early = {108: list, 83: set, 100: dict}.get(opened.kind)
                numbered.append(early() if early else _PENDING)
            if opened.left:
                stack.append(opened)
                continue
            value = _finish(opened, numbered)
        while stack:
            top = stack[-1]
            top.items.append(value)
            top.left -= 1
            if top.left:
                break
            stack.pop()
            value = _finish(top, numbered)
        if not stack:
            break
    if at != end:
        raise ValueError("trailing bytes")
    return value


_PENDING = object()


def _finish(done: _Open, numbered: List[Any]) -> Any:
    """The value of a container whose children are all there."""
    try:
        if done.kind == 108:
            numbered[done.slot].extend(done.items)
        elif done.kind == 83:
            numbered[done.slot].update(done.items)
        elif done.kind == 100:
            numbered[done.slot].update(zip(done.items[::2], done.items[1::2]))
        elif done.kind == 116:
            return tuple(done.items)
        elif done.kind == 90:
            return frozenset(done.items)
        else:
            value = _BUILD[done.label](dict(zip(done.items[::2], done.items[1::2])))
            if done.slot >= 0:
                numbered[done.slot] = value
            return value
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"malformed value: {error}") from None
    return numbered[done.slot]


def _from(module: str, name: str, *fields: str) -> Callable[[Dict[Any, Any]], Any]:
    def build(given: Dict[Any, Any]) -> Any:
        kind = getattr(__import__(module), name)
        return kind(*[given[f] for f in fields])

    return build


_DAY = ("year", "month", "day")
_CLOCK = ("hour", "minute", "second", "microsecond", "tzinfo")
_BUILD: Dict[str, Callable[[Dict[Any, Any]], Any]] = {
    "value range": lambda f: range(f["start"], f["stop"], f["step"]),
    "value slice": lambda f: slice(f["start"], f["stop"], f["step"]),
    "value Ellipsis": lambda f: Ellipsis,
    "value decimal.Decimal": _from("decimal", "Decimal", "text"),
    "value fractions.Fraction": _from("fractions", "Fraction", "numerator", "denominator"),
    "value datetime.date": _from("datetime", "date", *_DAY),
    "value datetime.time": _from("datetime", "time", *_CLOCK),
    "value datetime.datetime": _from("datetime", "datetime", *_DAY, *_CLOCK),
    "value datetime.timedelta": _from("datetime", "timedelta", "days", "seconds", "microseconds"),
    "value collections.deque": _from("collections", "deque", "items", "maxlen"),
    "value collections.OrderedDict": _from("collections", "OrderedDict", "items"),
}


# ---------------------------------------------------------------- jail


class Tripwire(_Root):
    """Notes what code under test tries that a pure function has no need of (sys.addaudithook).

    An attempt that the sandbox stops may be swallowed by the candidate; the supervisor compares
    these with what the original does. With `enforce` (level L0 has no kernel to say no) attempts
    fail with PermissionError.
    """

    KINDS = {
        "os.exec": "process",
        "os.fork": "process",
        "os.forkpty": "process",
        "os.posix_spawn": "process",
        "os.spawn": "process",
        "os.system": "process",
        "subprocess.Popen": "process",
        "pty.spawn": "process",
        "os.kill": "kill",
        "os.killpg": "kill",
        "signal.pthread_kill": "kill",
        "os.remove": "write",
        "os.rename": "write",
        "os.mkdir": "write",
        "os.rmdir": "write",
        "os.link": "write",
        "os.symlink": "write",
        "os.truncate": "write",
        "os.chmod": "write",
        "os.chown": "write",
        "os.utime": "write",
        "os.setxattr": "write",
        "os.removexattr": "write",
        "os.listdir": "read",
        "os.scandir": "read",
        "os.chdir": "read",
        "resource.setrlimit": "process",
        "resource.prlimit": "process",
        "sqlite3.connect": "write",
        "gc.get_objects": "introspection",
        "gc.get_referrers": "introspection",
        "gc.get_referents": "introspection",
        "sys.settrace": "introspection",
        "sys.setprofile": "introspection",
        "sys.addaudithook": "introspection",
        "sys._current_frames": "introspection",
        "sys._current_exceptions": "introspection",
        "sys.monitoring.register_callback": "introspection",
        "ctypes.dlopen": "ctypes",
        "ctypes.string_at": "ctypes",
        "ctypes.cdata": "ctypes",
        "ctypes.PyObj_FromPtr": "ctypes",
        "socket.connect": "network",
        "socket.bind": "network",
        "socket.sendto": "network",
        "socket.sendmsg": "network",
        "socket.getaddrinfo": "network",
        "socket.gethostbyname": "network",
        "socket.gethostbyaddr": "network",
        "socket.__new__": "network",
    }
    WRITES = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000  # WRONLY, RDWR, CREAT, TRUNC, APPEND
    LIMIT = 64
    BETWEEN = (
        "inspect.py",
        "traceback.py",
        "<frozen importlib._bootstrap>",
        "<frozen importlib._bootstrap_external>",
    )
    FRAMES = ("tb_frame", "gi_frame", "cr_frame", "ag_frame")  # attributes that lead to a frame

    def __init__(
        self,
        scratch: str,
        readable: Sequence[str],
        enforce: bool,
        allowed: Optional[Sequence[Any]] = None,
    ) -> None:
        self.scratch = scratch
        self.heard = 0  # events while user code ran: each costs a call of the hook
        self.allowed = None if allowed is None else frozenset(tuple(pair) for pair in allowed)
        self.readable = tuple(readable)
        self.enforce = enforce
        self.found: Dict[Tuple[str, str], None] = {}
        self.active = False  # whether a call of the user's is under way
        self.armed = False  # from the first of the user's code on
        self.busy = False
        self.private: Tuple[str, ...] = ()  # the inputs are not for the code under test to read

    def install(self) -> None:
        """From now on for the life of the process."""
        kinds, writes = self.KINDS, self.WRITES
        others = frozenset(
            ("open", "sys._getframe", "object.__getattr__", "import", "ctypes.dlsym",
             "ctypes.dlsym/handle")
        )  # fmt: skip

        own = globals()

        def hook(event: str, given: Tuple[Any, ...]) -> None:
            if event not in kinds and event not in others:
                self.heard += self.active
                return
            if self.busy:
                return
            if not self.active:
                # Code of the user's may run all the same: a thread, a finalizer, a pickle's class.
                self.busy = True  # looking at our own frame is such an event too
                try:
                    if not self.armed or _getframe(1).f_globals is own:
                        return
                finally:
                    self.busy = False
            elif event == "gc.get_referents":
                self.busy = True
                try:
                    if _getframe(1).f_globals is own:
                        return  # inputs are looked at while the user's code may run
                finally:
                    self.busy = False
            self.heard += 1
            if event == "open":
                if type(given[0]) is not int:
                    flags = given[2] if type(given[2]) is int else 0
                    self.path("write" if flags & writes else "read", given[0])
            elif event in kinds:
                self.event(event, kinds[event], given)
            elif event == "sys._getframe":
                self.looking(event)
            elif event == "object.__getattr__" and given[1] in self.FRAMES:
                self.looking(given[1])
            elif event.startswith("ctypes.dlsym"):
                self.looking(f"{event}({given[1]!r})", "ctypes")
            elif event == "import" and given[0] in ("ctypes", "_ctypes"):
                self.looking(f"import {given[0]}", "ctypes")

        sys.addaudithook(hook)

    def looking(self, event: str, kind: str = "introspection") -> None:
        """What only counts where code of the project does it: libraries have their reasons."""
        self.busy = True
        try:
            frame: Any = _getframe(2)
            while frame and _basename(frame.f_code.co_filename) in self.BETWEEN:
                frame = frame.f_back
            inside = (
                frame
                and frame.f_globals is not globals()
                and is_project_file(_realpath(frame.f_code.co_filename))
            )
        finally:
            self.busy = False
        if inside:
            self.note(kind, event)

    def event(self, event: str, kind: str, given: Tuple[Any, ...]) -> None:
        """One event that is not an open."""
        if kind == "read":
            self.busy = True
            try:
                importing = _getframe(2).f_code.co_filename.startswith("<frozen importlib")
            finally:
                self.busy = False
            if not importing:  # which looks into every folder of sys.path
                self.path("read", given[0] if given else ".")
            return
        if kind == "write":
            for value in given[: 2 if event in ("os.rename", "os.link", "os.symlink") else 1]:
                self.path("write", value)
            return
        if event == "socket.__new__" and given[1:2] == (1,):
            return  # a Unix socket pair, as event loops make
        if event == "ctypes.dlopen" and given[:1] == (None,):
            self.looking("ctypes.dlopen(None)", kind)  # numpy does, to look at the program itself
            return
        shown = [g if type(g) in (str, int) else type(g).__name__ for g in given[:3]]
        self.note(kind, f"{event}{tuple(shown)}")

    def path(self, kind: str, value: Any) -> None:
        """One path, unless it lies where the code may write or read."""
        if type(value) is bytes:
            value = value.decode("utf-8", "surrogateescape")
        if type(value) is not str:
            return
        if not value.startswith("/"):
            value = _cwd() + "/" + value
        if value == self.scratch or value.startswith(
            (self.scratch + "/", "/dev/null", "/dev/urandom", "/proc/self/")
        ):
            return
        try:
            private = self.private and _realpath(value).startswith(self.private)
        except (OSError, ValueError):  # a link that may not be read; such an open must be noted
            private = ()
        if kind == "read" and not private and ".." not in value:
            if value.startswith(self.readable):
                return
        self.note(kind, value)

    def note(self, kind: str, detail: str) -> None:
        """Keep it, and refuse where the sandbox can't.

        With `allowed`, what the original does, anything else ends the process: whoever reaches
        the harness must find no time to make this forgotten. An empty detail there stands for all
        of its kind, since details of some (addresses, command lines) differ from run to run.
        """
        seen = ((kind, detail[:200]), (kind, ""))
        if self.allowed is not None and self.allowed.isdisjoint(seen):
            told = f"\nhasten-tried {kind} {detail[:200]!r}"
            _write(2, told.encode("utf-8", "replace"))
            _os_exit(1)
        if len(self.found) < self.LIMIT:
            self.found[kind, detail[:200]] = None
        if self.enforce and kind not in ("introspection", "read", "ctypes"):
            raise PermissionError(13, "Permission denied", detail)

    def drain(self) -> List[Tuple[str, str]]:
        """What was tried since the last time."""
        found = list(self.found)
        self.found.clear()
        return found


_getframe = sys._getframe


def _cwd() -> str:
    try:
        return str(_os_getcwd())
    except OSError:
        return ""


from os import getcwd as _os_getcwd


def _limit_resources(limits: Sequence[Tuple[str, int]]) -> None:
    import resource

    for name, value in limits:
        which = getattr(resource, "RLIMIT_" + name, None)
        if which is None:
            continue
        hard = resource.getrlimit(which)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (bound, bound))


def confine(config: Dict[str, Any]) -> List[str]:
    """Apply what the supervisor worked out: limits, no new privileges, Landlock, seccomp.

    Returns the names of the layers that hold. Raises OSError when one that was asked for fails:
    a worker never runs on with less than it was given. Runs before any code of the user's project.
    """
    done = []
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
        done.append("oom")
    except OSError:
        pass  # some containers mount /proc read-only; the memory watchdog still stands
    _limit_resources(config["rlimits"])
    done.append("rlimits")
    if not config["kernel"]:
        return done
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)

    def call(name: str, result: int) -> int:
        if result < 0:
            raise OSError(ctypes.get_errno(), name)
        return result

    zero = ctypes.c_ulong(0)
    call("no_new_privs", libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero))
    call("pdeathsig", libc.prctl(1, ctypes.c_ulong(9), zero, zero, zero))
    if config["parent"] and _getppid() != config["parent"]:
        _os_exit(1)
    done.append("no-new-privs")
    if config["drop_capabilities"]:
        header = _Struct("<II").pack(0x20080522, 0)
        call("capset", libc.capset(header, bytes(24)))
        done.append("capabilities")
    if config["landlock"]:
        _landlock(ctypes, libc, call, config["landlock"])
        done.append("landlock")
    if config["seccomp"]:
        program = ctypes.create_string_buffer(config["seccomp"], len(config["seccomp"]))
        fprog = _Struct("@HP").pack(len(config["seccomp"]) // 8, ctypes.addressof(program))
        flags = ctypes.c_ulong(1 | 4)  # all threads; do not slow down speculation
        number = config["seccomp_number"]
        call("seccomp", libc.syscall(number, ctypes.c_ulong(1), flags, ctypes.c_char_p(fprog)))
        done.append("seccomp")
    _hide(ctypes)
    return done


def _hide(ctypes: Any) -> None:
    """Empty the list of our base's subclasses, by which any code could find this module.

    `tp_subclasses` has had its place in PyTypeObject since long before 3.9; where that is not
    known the list stays, and with it a way that only the sealed stage of a proof closes.
    """
    if ctypes.sizeof(ctypes.c_void_p) != 8 or sys.version_info[:2] > (3, 13):
        return
    at = ctypes.c_void_p.from_address(id(_Root) + 360).value
    if at:
        found = ctypes.cast(at, ctypes.py_object).value
        if type(found) is dict and len(found) == len(_Root.__subclasses__()):
            found.clear()


from os import getppid as _getppid


def _landlock(ctypes: Any, libc: Any, call: Any, config: Dict[str, Any]) -> None:
    from os import O_CLOEXEC, O_PATH
    from os import open as os_open

    attributes = _Struct("<QQQ").pack(config["fs"], config["net"], config["scoped"])
    size = config["size"]
    long = ctypes.c_long
    made = libc.syscall(long(444), ctypes.c_char_p(attributes), ctypes.c_size_t(size), long(0))
    ruleset = call("landlock_create_ruleset", made)
    for path, access in config["rules"]:
        try:
            handle = os_open(path, O_PATH | O_CLOEXEC)
        except OSError:
            continue
        if _fstat(handle).st_mode & 0o170000 != 0o040000:
            access &= config["file_rights"]
        rule = _Struct("<Qi").pack(access & config["fs"], handle)
        added = libc.syscall(long(445), long(ruleset), long(1), ctypes.c_char_p(rule), long(0))
        _close(handle)
        call("landlock_add_rule", added)
    call("landlock_restrict_self", libc.syscall(long(446), long(ruleset), long(0)))
    _close(ruleset)


# ---------------------------------------------------------------- loading

import _frozen_importlib as _bootstrap
import _frozen_importlib_external as _external
from posixpath import abspath as _abspath
from posixpath import basename as _basename
from posixpath import dirname as _dirname
from posixpath import exists as _exists
from posixpath import realpath as _realpath

_project_roots: List[str] = []
_library_roots: List[str] = []
_project_files: Dict[str, bool] = {}


def module_of(path: str) -> Tuple[str, str]:
    """Dotted module name of a file and the folder to import it from: up past `__init__.py`."""
    folder, name = _dirname(path), _basename(path)
    stem = name[: -len(".py")] if name.endswith(".py") else name
    parts = [] if stem == "__init__" else [stem]
    while _exists(folder + "/__init__.py") and _dirname(folder) != folder:
        parts.insert(0, _basename(folder))
        folder = _dirname(folder)
    return ".".join(parts) or stem, folder


def is_project_file(path: str) -> bool:
    """A file of the project that is no installed library."""
    return any(path.startswith(r) for r in _project_roots) and not any(
        path.startswith(r) for r in _library_roots
    )


def is_project_module(name: Any) -> bool:
    """A loaded module whose file is the project's own."""
    module = sys.modules.get(name) if type(name) is str else None
    file = getattr(module, "__file__", None)
    return type(file) is str and is_project_path(file)


def is_project_path(file: str) -> bool:
    """A file of the project, by a path that may lead over links."""
    known = _project_files.get(file)
    if known is None:  # asked for each class that is met: the file system would take the time
        known = _project_files[file] = is_project_file(_realpath(file))
    return known


class StandInLoader(_external.SourceFileLoader):  # type: ignore[misc,unused-ignore]
    """Loads a stand-in text as if it lay in the file; never reads or writes bytecode files."""

    def __init__(self, fullname: str, path: str, text: str) -> None:
        super().__init__(fullname, path)
        self.text = text

    def get_code(self, fullname: str) -> Any:
        """Compile the stand-in; a str is compiled without regard to its coding cookie."""
        return compile(self.text, self.path, "exec", dont_inherit=True)

    def get_source(self, fullname: str) -> str:
        """The stand-in, for inspect and linecache."""
        return self.text

    def get_data(self, path: str) -> bytes:
        """The stand-in's bytes for pkgutil.get_data on the file itself, else the file's."""
        if _realpath(path) == _realpath(self.path):
            return self.text.encode("utf-8", "surrogatepass")
        return bytes(super().get_data(path))


class StandIns(_Root):
    """A finder before all others: whoever finds a file that has a stand-in gets the stand-in."""

    def __init__(self, files: Sequence[Tuple[str, str]]) -> None:
        self.texts = {_realpath(path): text for path, text in files}
        self.names = {module_of(path)[0]: path for path, _ in files}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """The spec that the other finders give, with our loader where the file has a stand-in."""
        spec = None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                break
        if spec is None:
            return self.new_file(fullname)
        origin: Any = spec.origin
        if fullname == "linecache" and type(spec.loader) is _external.SourceFileLoader:
            spec.loader = _LinecacheLoader(fullname, origin, self)
            return spec
        text = self.texts.get(_realpath(origin)) if type(origin) is str else None
        if text is not None:
            spec.loader = StandInLoader(fullname, origin, text)
            spec.cached = None
        return spec

    def new_file(self, fullname: str) -> Any:
        """The spec of a stand-in for a file that is not on disk."""
        path = self.names.get(fullname)
        if path is None or _exists(path):
            return None
        return self.spec(fullname, path)

    def spec(self, fullname: str, path: str) -> Any:
        """A spec of our own."""
        text = self.texts.get(_realpath(path))
        loader: Any = _external.SourceFileLoader(fullname, path)
        if text is not None:
            loader = StandInLoader(fullname, path, text)
        inside = [_dirname(path)] if _basename(path) == "__init__.py" else None
        return _external.spec_from_file_location(
            fullname, path, loader=loader, submodule_search_locations=inside
        )

    def load(self, fullname: str, path: str) -> Any:
        """Load the file under this name, replacing a module that has taken the name."""
        spec = self.spec(fullname, path)
        module = _bootstrap.module_from_spec(spec)
        before = sys.modules.get(fullname)
        sys.modules[fullname] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            if before is None:
                sys.modules.pop(fullname, None)
            else:
                sys.modules[fullname] = before
            raise
        return sys.modules[fullname]

    def fill_linecache(self, linecache: Any) -> None:
        """Tracebacks and inspect.getsource show the stand-in; without a time it never expires."""
        for path, text in self.texts.items():
            linecache.cache[path] = (len(text), None, text.splitlines(True), path)
        for path in self.names.values():
            linecache.cache[path] = linecache.cache[_realpath(path)]


class _LinecacheLoader(_external.SourceFileLoader):  # type: ignore[misc,unused-ignore]
    def __init__(self, fullname: str, path: str, stand_ins: StandIns) -> None:
        super().__init__(fullname, path)
        self.stand_ins = stand_ins

    def exec_module(self, module: Any) -> None:
        super().exec_module(module)
        self.stand_ins.fill_linecache(module)


class Failed(Exception):
    """A request that failed through the user's code: stage and message, for the supervisor.

    Without functions: exceptions can't be hidden as our other classes are.
    """


def explain(error: BaseException, files: Iterable[str]) -> str:
    """Type, text and the last line of the traceback that lies in one of the files."""
    known = set(files)
    where, traceback = "", error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file in known or _realpath(file) in known or is_project_file(_realpath(file)):
            where = f" ({_basename(file)}, line {traceback.tb_lineno})"
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError) and error.lineno:
        where = f" ({_basename(str(error.filename))}, line {error.lineno})"
        return f"{type_name(type(error))}: {error.msg}{where}"
    return f"{type_name(type(error))}: {exception_text(error)[:2000]}{where}"


# ---------------------------------------------------------------- inputs

from _pickle import Unpickler as _Unpickler
from _pickle import dumps as _dumps
from _pickle import loads as _loads
from time import perf_counter as _perf_counter


def describe(value: Any, room: int = 60, depth: int = 0) -> str:
    """A short text of a value, Python source as far as it goes; runs no user code."""
    t = type(value)
    if t in (int, float, bool, complex) or value is None:
        text = repr(value) if t is not int or value.bit_length() < 256 else hex(value)
        return text if len(text) <= room else text[: room - 3] + "..."
    if t in (str, bytes, bytearray):
        if len(value) <= room:
            return repr(value)
        return repr(value[: max(room - 8, 4)]) + "..."
    if depth > 4 or room < 8:
        return "..."
    brackets: Dict[Any, str] = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", dict: "{}"}
    marks = brackets.get(t)
    if marks is None:
        if _within(type, _mro_of(t)):
            return type_name(value)
        fields = instance_fields(value, _mro_of(t)) if _is_python_class(t) else []
        shown = _joined((f"{k}={describe(v, room // 2, depth + 1)}" for k, v in fields), room)
        return f"{type_name(t)}({shown})" if fields else f"<{type_name(t)}>"
    if t is dict:
        parts: Iterator[str] = (
            f"{describe(k, room // 2, depth + 1)}: {describe(v, room // 2, depth + 1)}"
            for k, v in list(value.items())[:20]
        )
    else:
        some: List[Any] = []
        for item in value:
            some.append(item)
            if len(some) == 20:
                break
        parts = (describe(item, room // 2, depth + 1) for item in some)
    inner = _joined(parts, room, len(value))
    if t is tuple and len(value) == 1:
        inner += ","
    if t in (set, frozenset) and not value:
        return t.__name__ + "()"
    text = marks[0] + inner + marks[1]
    return f"frozenset({text})" if t is frozenset else text


def _joined(parts: Iterable[str], room: int, total: int = 0) -> str:
    shown: List[str] = []
    used = 0
    for part in parts:
        if used + len(part) > room and shown:
            shown.append("...")
            return ", ".join(shown)
        shown.append(part)
        used += len(part) + 2
    if total > len(shown):
        shown.append("...")
    return ", ".join(shown)


class Inputs(_Root):
    """The calls to make, and fresh copies of their arguments.

    A call is kept as a pickle where a round trip gives the same canonical bytes, else as an object
    that is deep-copied, else it is made again by running `inputs()` up to it.
    """

    def __init__(self, session: "Session") -> None:
        self.session = session
        self.items: List[Tuple[str, Any]] = []
        self.digests: List[bytes] = []
        self.again: Optional[Callable[[], Iterator[Any]]] = None

    def keep(self, call: Tuple[Tuple[Any, ...], Dict[str, Any]], copied: str) -> None:
        """Keep one call as an earlier worker found that it can be copied."""
        kept: Any = call
        if copied == "unpickle" and self.session.blob is not None:
            kept = self.session.blob
        elif copied in ("pickle", "unpickle"):
            kept = _dumps(call, 4)
        elif copied == "again":
            kept = len(self.items)
        self.items.append((copied, kept))

    def add(self, call: Tuple[Tuple[Any, ...], Dict[str, Any]]) -> Dict[str, Any]:
        """Keep one call; tells its digest, size and a short text of it."""
        index = len(self.items)
        data, lazy = self.encoded(call)
        self.items.append(self.lazily(index) if lazy else self.strategy(call, data))
        if lazy:
            data, _ = self.encoded(self.fresh(index), consume=True)
        text = ", ".join(
            [describe(a) for a in call[0]] + [f"{k}={describe(v)}" for k, v in call[1].items()]
        )
        copied = self.items[index][0]
        self.digests.append(b"" if lazy else digest(data))
        return {"digest": digest(data), "size": len(data), "call": text[:400], "copied": copied}

    @staticmethod
    def encoded(call: Any, consume: bool = False) -> Tuple[bytes, bool]:
        """Canonical bytes of a call and whether it holds an iterator."""
        _learn_special()
        encoder = Encoder(consume=consume)
        encoder.add(call)
        return bytes(encoder.out), encoder.lazy

    def lazily(self, index: int) -> Tuple[str, Any]:
        """How a call that holds an iterator is copied: it is not, since that would move on."""
        if self.again is not None:
            return "again", index
        blob = self.session.blob
        try:
            if blob is not None:  # what was recorded begins anew each time that it is read
                once, twice = (
                    self.encoded(self.session.unpickle(blob), consume=True)[0] for _ in range(2)
                )
                if once == twice:
                    return "unpickle", blob
        except Exception:
            pass
        raise Failed("inputs", f"item {index} holds an iterator and can't be made again")

    def strategy(self, call: Any, data: bytes) -> Tuple[str, Any]:
        """How this call is copied."""
        try:
            blob = _dumps(call, 4)
            if self.encoded(self.session.unpickle(blob))[0] == data:
                plain = self.session.main_alias is None
                return ("pickle" if plain else "unpickle"), blob
        except Exception:
            pass
        recorded = self.session.blob
        try:
            if recorded and self.encoded(self.session.unpickle(recorded))[0] == data:
                return "unpickle", recorded
        except Exception:
            pass
        try:
            from copy import deepcopy

            if self.encoded(deepcopy(call))[0] == data:
                return "copy", call
        except Exception:
            pass
        return "again", len(self.items)

    def fresh(self, index: int) -> Tuple[Tuple[Any, ...], Dict[str, Any]]:
        """Arguments that share nothing with any earlier call's."""
        kind, kept = self.items[index]
        if kind == "pickle":
            call: Tuple[Tuple[Any, ...], Dict[str, Any]] = _loads(kept)
            return call
        if kind == "unpickle":
            unpickled: Tuple[Tuple[Any, ...], Dict[str, Any]] = self.session.unpickle(kept)
            return unpickled
        if kind == "copy":
            from copy import deepcopy

            copied: Tuple[Tuple[Any, ...], Dict[str, Any]] = deepcopy(kept)
            return copied
        if self.again is None:
            raise Failed("inputs", f"input {index} can't be copied")
        self.session.seed(0)
        for number, item in enumerate(self.again()):
            if number == kept:
                return self.session.checked(number, item)
        raise Failed("inputs", f"inputs() gave no item {kept} this time")


class _MainUnpickler(_Unpickler):
    """Finds what the recorded program's `__main__` defined."""

    find_main: Callable[[str], Any]

    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__":
            return self.find_main(name)
        return super().find_class(module, name)

    def persistent_load(self, parts: Any) -> Any:
        """What the recorder put a stand-in for (see `stand_in` there)."""
        kind = parts[0]
        if kind == "function":
            return self.function(*parts[1:])
        if kind == "module":
            __import__(parts[1])
            return sys.modules[parts[1]]
        if kind in ("lock", "rlock"):
            thread = __import__("_thread")
            return thread.allocate_lock() if kind == "lock" else thread.RLock()
        if kind in ("keys", "values", "items"):
            return getattr(parts[1], kind)()
        raise ValueError(f"unknown stand-in {kind!r}")

    def function(
        self,
        code: bytes,
        module: str,
        name: str,
        qualname: str,
        defaults: Any,
        keyword_defaults: Any,
        cells: Tuple[Any, ...],
        attributes: Dict[str, Any],
    ) -> Any:
        """A function without a name of its own, over the globals of its module."""
        if module == "__main__":
            space = self.find_main("").__dict__
        else:
            __import__(module)
            space = sys.modules[module].__dict__
        kind: Any = type(_dirname)
        made = kind(
            __import__("marshal").loads(code), space, name, defaults, tuple(map(_cell, cells))
        )
        made.__kwdefaults__, made.__qualname__ = keyword_defaults, qualname
        made.__dict__.update(attributes)
        return made


def _cell(value: Any) -> Any:
    closure: Any = (lambda: value).__closure__
    return closure[0]


# ---------------------------------------------------------------- calls


class Raised(_Root):
    """A call that ended with an exception."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Consumed(_Root):
    """A result that had to be run or iterated: its kind, and what came of it."""

    __slots__ = ("kind", "name", "items", "end")

    def __init__(self, kind: str, name: str, items: Any, end: Any) -> None:
        self.kind = kind
        self.name = name
        self.items = items
        self.end = end


_PLAIN = frozenset(
    (int, float, str, bool, bytes, list, dict, tuple, set, frozenset, type(None), complex)
)


_ATOMS = frozenset((int, float, str, bool, bytes, type(None), complex))


def settle(result: Any) -> Any:
    """Run a coroutine to its end, take an iterator's items; anything else is as it is."""
    kind = type(result)
    name = type_name(kind)
    if name == "coroutine":
        try:
            value = _asyncio().run(result)
        except BaseException as error:
            return Consumed("coroutine", name, None, ("raise", *exception_parts(error)))
        return Consumed("coroutine", name, value, ("return",))
    if name == "async_generator":
        items: List[Any] = []
        end = _asyncio().run(_drain(result, items))
        return Consumed("async iterator", name, items, end)
    if is_iterator(kind):
        items, end = take(result, MAX_ITEMS)
        return Consumed("iterator", name, items, end)
    return result


def _asyncio() -> Any:
    """Imported only where a result needs it."""
    return __import__("asyncio")


async def _drain(source: Any, items: List[Any]) -> Any:
    try:
        async for item in source:
            items.append(item)
            if len(items) >= MAX_ITEMS:
                return ("cap",)
    except BaseException as error:
        return ("raise", *exception_parts(error))
    return ("stop", None)


def outcome_of(result: Any) -> Any:
    """What is encoded of a result."""
    if type(result) is Raised:
        return ("raise", *exception_outcome(result.error))
    if type(result) is Consumed:
        return (result.kind, result.name, result.items, result.end)
    return ("return", result)


def batch(function: Any, staged: Sequence[Any], results: List[Any]) -> None:
    """The timed loop: calls and nothing else; a result that is lazy is made to do its work."""
    keep, plain = results.append, _PLAIN
    for args, kwargs in staged:
        try:
            result = function(*args, **kwargs)
            if type(result) not in plain:
                result = settle(result)
        except BaseException as error:
            result = Raised(error)
        keep(result)


def batch_encoded(function: Any, staged: Sequence[Any], results: List[Any]) -> None:
    """The same with the result's encoding inside the window, for results that hold iterators."""
    keep = results.append
    for args, kwargs in staged:
        try:
            result = settle(function(*args, **kwargs))
        except BaseException as error:
            result = Raised(error)
        keep(core_digest(result, args, kwargs))


def core_digest(result: Any, args: Any, kwargs: Any) -> bytes:
    """The digest of outcome and arguments after the call, which `observe` gives too."""
    encoder = Encoder()
    encoder.open_dict(0)
    start = len(encoder.out)
    try:
        encoder.part("outcome", outcome_of(result))
        encoder.part("arguments", (args, kwargs))
    except TooLarge:
        return b"too large"
    return digest(bytes(encoder.out[start:]))


def spoil(value: Any) -> None:
    """Change every builtin container inside a result in place, to see who else holds it."""
    stack: List[Any] = [value]
    seen: Any = set()
    while stack and len(seen) < 100_000:
        x = stack.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        t = type(x)
        if t in (list, tuple, set, frozenset):
            stack += [item for item in x if type(item) not in _ATOMS]
        elif t is dict:
            stack += [item for item in x.values() if type(item) not in _ATOMS]
        elif _is_python_class(t):
            stack += [v for _, v in instance_fields(x, _mro_of(t))]
        if t is list or t is bytearray:
            x.append(0)
        elif t is dict:
            x["__spoiled__"] = None
        elif t is set:
            x.add("__spoiled__")
        elif t not in _ATOMS and t is not tuple and t is not frozenset:
            _spoil_other(x, t)


def _spoil_other(x: Any, t: type) -> None:
    """The same for what is no plain container."""
    mro = _mro_of(t)
    numpy = sys.modules.get("numpy")
    try:
        if numpy is not None and _within(getattr(numpy, "ndarray", None), mro):
            if x.size and x.flags.writeable and x.dtype.kind in "biufc":
                x.flat[0] = not x.flat[0] if x.dtype.kind == "b" else x.flat[0] + 1
        elif _within(dict, mro):
            dict.__setitem__(x, "__spoiled__", None)
        elif _within(list, mro):
            list.append(x, 0)
        elif type_name(t) == "collections.deque":
            x.append(0)
        elif _is_python_class(t):
            own = instance_dict(x, mro)
            if own is not None:
                own["__spoiled__"] = None
        elif type_name(t).startswith("pandas.") and hasattr(x, "iloc") and x.size:
            x.iloc[0] = x.iloc[-1]
    except Exception:
        pass  # what can't be changed can't be shared either


class Steps(_Root):
    """Counts the interpreter's steps in a call, but for libraries and what an import runs.

    A library's own caches (compiled patterns, say) are everybody's, and a module is imported once.
    """

    def __init__(self, files: Iterable[str], most: int, stopping: Callable[[], None]) -> None:
        self.files = frozenset(files)
        self.stopping = stopping
        self.count = 0
        self.most = most
        self.importing = 0

    def __enter__(self) -> "Steps":
        _settrace(self.entered)
        return self

    def __exit__(self, *_: Any) -> None:
        _settrace(None)

    def entered(self, frame: Any, event: str, _: Any) -> Any:
        """A frame begins: what traces it, or None."""
        code = frame.f_code
        if code.co_name == "<module>":
            self.importing += 1
            return self.imported
        file = code.co_filename
        if self.importing or file == _own_file:
            return None
        if file not in self.files and file.startswith(("<frozen ", *_library_roots)):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self.stepped

    def imported(self, frame: Any, event: str, _: Any) -> Any:
        """In a module's own code: only its end counts."""
        if event == "return":
            self.importing -= 1
        return self.imported

    def stepped(self, frame: Any, event: str, _: Any) -> Any:
        """One instruction of code that counts."""
        if event == "opcode":
            self.count += 1
            if self.count > self.most:
                frame.f_trace = None
                self.stopping()  # the interpreter turns tracing off now, which is an audit event
                raise _TooManySteps
        return self.stepped


class Allocations(_Root):
    """Bytes that the lines of a call ask for: of each line what it held at most beyond its start.

    What a line frees and asks for again within itself, a builtin's scratch space say, counts once.
    What looking costs is in every line: the least of all lines is taken off each.
    """

    def __init__(self, tracemalloc: Any, most: int, stopping: Callable[[], None]) -> None:
        self.traced, self.reset = tracemalloc.get_traced_memory, tracemalloc.reset_peak
        self.most = most
        self.stopping = stopping
        self.count = self.total = self.at = 0
        self.least = 1 << 62

    def __enter__(self) -> "Allocations":
        self.reset()
        self.at = self.traced()[0]
        _settrace(self.stepped)
        return self

    def __exit__(self, *_: Any) -> None:
        _settrace(None)

    def stepped(self, frame: Any, event: str, _: Any) -> Any:
        """A line, a call or its end."""
        if frame.f_code.co_filename == _own_file:
            return None
        current, peak = self.traced()
        more = peak - self.at
        self.count += 1
        self.total += more
        if more < self.least:
            self.least = more
        if self.count > self.most:
            frame.f_trace = None
            self.stopping()  # as in Steps
            raise _TooManySteps
        self.at = current
        self.reset()
        return self.stepped

    def asked(self) -> int:
        """The sum over all lines, -1 for too many of them."""
        if self.count > self.most:
            return -1
        return max(0, self.total - self.count * self.least) if self.count else 0


class _TooManySteps(BaseException):
    """Ends a call that would take too long to trace."""


_own_file = Steps.__enter__.__code__.co_filename


def variations(args: Tuple[Any, ...]) -> List[Tuple[Any, ...]]:
    """Arguments that differ a little from the given ones, in one argument each.

    Of the same types and about the same sizes; only exact builtin types are changed.
    """
    found = []
    for place, value in enumerate(args[:3]):
        for changed in _varied(value):
            found.append((*args[:place], changed, *args[place + 1 :]))
    return found


def _varied(x: Any) -> List[Any]:
    kind = type(x)
    if kind is int:
        return [x + 1, x + 2, max(x - 1, 0)] if x >= 0 else [x - 1, x + 1]
    if kind is float:
        return [x * 1.01, x + 0.5]
    if kind in (list, tuple, str, bytes) and len(x) > 2:
        return [x[:-1], x[1:], x[:-1] + x[:1], x[1:2] + x[:1] + x[2:]]
    if kind is dict and len(x) > 1:
        pairs = list(x.items())
        return [dict(pairs[:-1]), dict(pairs[1:]), dict(pairs[::-1])]
    return []


class Output(_Root):
    """What was written to standard output and error, at the level of file descriptors."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.files = (sys.stdout, sys.stderr)

    def clear(self) -> None:
        """Forget what was written so far."""
        self.flush()
        for number in (1, 2):
            _ftruncate(number, 0)

    def flush(self) -> None:
        """Write out what the streams still hold."""
        for file in (*self.files, sys.stdout, sys.stderr):
            try:
                file.flush()
            except BaseException:
                pass

    def take(self) -> Tuple[str, str]:
        """The texts, cut at the limit."""
        self.flush()
        texts = []
        for number in (1, 2):
            data = _pread(number, self.limit, 0)
            texts.append(_address_free(data.decode("utf-8", "replace")))
            _ftruncate(number, 0)
        return texts[0], texts[1]


class Order(_Root):
    """Tells at which places of the output the arguments were changed, or the stream was.

    Its streams look at the arguments before each write; how the output is cut into writes does
    not matter, only what had been written when something was another than before.
    """

    MOST = 500

    def __init__(self, output: Output) -> None:
        self.output = output
        self.events: List[Any] = []
        self.written = self.writes = 0
        self.held: Any = None
        self.last: Any = None
        self.saved: Any = None

    def begin(self, arguments: Any) -> None:
        """From now on, until `end`."""
        self.held = arguments
        io = __import__("io")
        order = self

        class Noted(io.TextIOWrapper):  # type: ignore[misc,name-defined,unused-ignore]
            def write(self, text: str) -> int:
                order.before(self.fileno(), text)
                return int(super().write(text))

        self.saved = (sys.stdout, sys.stderr)
        self.output.flush()
        sys.stdout, sys.stderr = (
            Noted(io.FileIO(number, "w", closefd=False), "utf-8", "replace", write_through=True)
            for number in (1, 2)
        )
        self.before(0, "")

    def before(self, stream: int, text: str) -> None:
        """Something is about to be written."""
        self.writes += 1
        if self.writes > self.MOST:
            return
        encoder = Encoder(consume=False, limit=1 << 20)
        try:
            encoder.add(self.held)
            held = digest(bytes(encoder.out))
        except Exception:
            held = b"too large"
        if (stream, held) != self.last:
            self.events.append((self.written, stream, held))
            self.last = stream, held
        self.written += len(text)

    def end(self) -> None:
        """Give the streams back."""
        if self.saved is not None:
            sys.stdout, sys.stderr = self.saved
            self.saved = None


class Warned(_Root):
    """Records warnings of a call, if the module `warnings` is there at all."""

    def __init__(self) -> None:
        module = sys.modules.get("warnings")
        # A user's own file of that name is another module.
        self.module = module if hasattr(module, "catch_warnings") else None
        self.found: List[Tuple[str, str]] = []

    def __enter__(self) -> "Warned":
        if self.module is not None:
            self.context = self.module.catch_warnings(record=True)
            self.records = self.context.__enter__()
            self.module.simplefilter("always")
        return self

    def __exit__(self, *_: Any) -> None:
        if self.module is not None:
            for record in self.records:
                text = exception_text(record.message) if record.message else ""
                self.found.append((type_name(record.category), text))
            self.context.__exit__(None, None, None)


# ---------------------------------------------------------------- state


def process_state() -> Dict[str, Any]:
    """Settings of the interpreter that code could change."""
    import _thread

    environ: Any = getattr(sys.modules.get("os"), "environ", {})
    more: Dict[str, Any] = {}
    decimal = sys.modules.get("decimal")
    if hasattr(decimal, "getcontext"):
        context = decimal.getcontext()  # type: ignore[union-attr]
        traps = sorted(type_name(k) for k, on in context.traps.items() if on)
        names = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
        more["decimal context"] = [getattr(context, name) for name in names] + traps
    numpy = sys.modules.get("numpy")
    if hasattr(numpy, "geterr"):
        more["numpy errors"] = sorted(numpy.geterr().items())  # type: ignore[union-attr]
    if "contextvars" in sys.modules:
        more["context variables"] = context_variables()
    if "logging" in sys.modules:
        more["loggers"] = logger_settings(sys.modules["logging"])
    if hasattr(sys, "get_int_max_str_digits"):
        more["digits of an int"] = sys.get_int_max_str_digits()
    return {
        **more,
        "recursion limit": sys.getrecursionlimit(),
        "gc enabled": _gc_enabled(),
        "gc threshold": tuple(_gc_threshold()),
        "working directory": _cwd(),
        "environment": digest(encode(sorted(getattr(environ, "_data", {}).items()))),
        "threads": _thread._count(),
        "trace": sys.gettrace() is not None,
        "profile": sys.getprofile() is not None,
        "switch interval": sys.getswitchinterval(),
        "stdout": id(sys.stdout),
        "import hooks": len(sys.meta_path),
    }


_LOGGER_FIELDS = frozenset(
    "name level parent propagate handlers disabled filters manager _cache loggerMap".split()
)


def logger_settings(logging: Any) -> Any:
    """How loggers are set, by name, but for those that are as they were made."""
    try:
        kinds = (logging.Logger, logging.RootLogger, logging._loggerClass, logging.PlaceHolder)
        manager = logging.root.manager
        found = [("", manager.disable, *_logger_settings(logging.root, kinds))]
        for name, logger in list(manager.loggerDict.items()):
            settings = _logger_settings(logger, kinds)
            if settings != (0, False, True, 0, 0, ""):
                found.append((name, 0, *settings))
        return sorted(found)
    except Exception:
        return "unreadable"


def _logger_settings(logger: Any, kinds: Sequence[type]) -> Tuple[int, bool, bool, int, int, str]:
    """Level, whether disabled, whether it propagates, handlers, filters, what else it holds."""
    if not any(type(logger) is kind for kind in kinds):
        return (0, False, True, 0, 0, type_name(type(logger)))
    held = logger.__dict__
    more = held.keys() - _LOGGER_FIELDS
    if not _asked_levels(held.get("_cache", {})):
        more |= {"_cache"}
    return (
        held.get("level", 0),
        bool(held.get("disabled", False)),
        bool(held.get("propagate", True)),
        len(held.get("handlers", ())),
        len(held.get("filters", ())),
        " ".join(f"{name} {state_digest(held[name], 1 << 16).hex()}" for name in sorted(more)),
    )


def state_digest(value: Any, limit: int) -> bytes:
    """A digest of all that is reached from a value; of what is too large also which objects."""
    encoder, held = Encoder(consume=False, limit=limit, state=True), b""
    try:
        encoder.add(value)
    except Exception:
        held = held_items(value)
    return digest(bytes(encoder.out) + held)


def context_variables() -> bytes:
    """A digest of what context variables hold, but for those of libraries named above."""
    encoder = Encoder(consume=False, limit=1 << 16, state=True)
    try:
        held = [(k.name, v) for k, v in sys.modules["contextvars"].copy_context().items()]
        known = ("decimal", "numpy")
        encoder.add(sorted((p for p in held if not p[0].startswith(known)), key=lambda p: p[0]))
    except Exception:
        return b"unreadable"
    return digest(bytes(encoder.out))


def global_digests(modules: Iterable[Tuple[str, Any]], limit: int) -> Dict[str, bytes]:
    """`module:name` to digest for all globals of the modules, functions and classes inside out."""
    _learn_special()
    found: Dict[str, bytes] = {}
    known: Dict[int, Tuple[Any, bytes]] = {}  # what other modules import is the same object
    for module_name, module in modules:
        for name, value in list(vars(module).items()):
            if type(name) is not str or (name.startswith("__") and name.endswith("__")):
                continue
            if type(value) is ModuleType:
                continue
            try:
                # Plain data, at the speed of C; version 2 writes no references, so that the bytes
                # depend on the content only. Anything else is a ValueError.
                found[f"{module_name}:{name}"] = digest(_marshalled(value, 2))
                continue
            except ValueError:
                pass
            if id(value) not in known:
                known[id(value)] = value, state_digest(value, limit)
            found[f"{module_name}:{name}"] = known[id(value)][1]
    return found


def held_items(value: Any) -> bytes:
    """Which objects a container holds, by identity: for what is too large to be looked into."""
    mro = _mro_of(type(value))
    ids: List[int] = [id(value)]
    if _within(dict, mro):
        ids += map(id, dict.keys(value))
        ids += map(id, dict.values(value))
    for base in (list, tuple, set, frozenset):
        if _within(base, mro):
            ids += map(id, base.__iter__(value))
    return bytes(_Struct(f"<{len(ids)}Q").pack(*ids))


_WATCHED = ("builtins", "sys", "functools", "math", "random", "time", "copy", "collections", "os")


def library_digests() -> Dict[str, bytes]:
    """Which names some shared modules hold, and which objects: a place to hide a cache."""
    found = {}
    for name in _WATCHED:
        module = sys.modules.get(name)
        if module is not None:
            skip = ("_", "last_exc", "last_value", "last_type", "last_traceback")
            pairs = [(k, id(v)) for k, v in vars(module).items() if k not in skip]
            found[name] = digest(encode(sorted(p for p in pairs if type(p[0]) is str)))
    return found


# ---------------------------------------------------------------- session


class _Late(BaseException):
    """The next item does not come in time."""


def _ring(*_: Any) -> None:
    raise _Late


def _plain_bytes(value: Any, most: int) -> Optional[bytes]:
    """Canonical bytes of builtin values, or None where they are not, or more than `most`."""
    try:
        encoder = Encoder(consume=False, limit=most)
        _learn_special()
        encoder.add(value)
        data = bytes(encoder.out)
        return data if encode(decode_plain(data)) == data else None
    except Exception:
        return None


_signals = __import__("_signal")  # the module over it imports much more
_SIGALRM, _signal, _setitimer = _signals.SIGALRM, _signals.signal, _signals.setitimer


def _apart(names: Sequence[str], *of: Any) -> None:
    """Give functions and classes that user code can reach globals of their own.

    What our finders and loaders, which stand in `sys.meta_path` and in modules, can see must not
    lead to the rest of this module.
    """
    space: Dict[str, Any] = {"__builtins__": _builtins, "__name__": __name__}

    def own(function: FunctionType) -> FunctionType:
        code, defaults = function.__code__, function.__defaults__
        made = FunctionType(code, space, function.__name__, defaults, function.__closure__)
        made.__kwdefaults__ = function.__kwdefaults__
        return made

    for name in names:
        value = globals()[name]
        ours = type(value) is FunctionType and value.__globals__ is globals()
        space[name] = own(value) if ours else value
    for thing in of:
        if type(thing) is FunctionType:
            globals()[thing.__name__] = space[thing.__name__] = own(thing)
            continue
        for name, value in list(_dict_of(thing).items()):
            if type(value) is FunctionType:
                setattr(thing, name, own(value))


_apart(("_Late",), _ring)
_apart(("_Unpickler", "sys", "_cell", "_dirname"), _MainUnpickler)
_apart(
    ("sys", "_bootstrap", "_external", "_realpath", "_basename", "_dirname", "_exists", "module_of",
     "StandInLoader", "_LinecacheLoader"),
    StandIns,
    StandInLoader,
    _LinecacheLoader,
)  # fmt: skip


class Patience(_Root):
    """Waits for items, once there is one for so many seconds in all; 0 waits without an end.

    `inputs()` may take its time for the next item, or never give one.
    """

    def __init__(self, seconds: float) -> None:
        self.until = _perf_counter() + seconds if seconds else 0.0

    def next(self, items: Iterator[Any], there: bool) -> Any:
        """The next item. Raises _Late, and what the items raise."""
        if not (self.until and there):
            return next(items)
        before = _signal(_SIGALRM, _ring)
        try:
            _setitimer(0, max(self.until - _perf_counter(), 1e-3))
            try:
                return next(items)
            finally:
                _setitimer(0, 0.0)
        finally:
            _signal(_SIGALRM, before)


class Session(_Root):
    """Answers requests one at a time: `[length][nonce][operation][canonical bytes]`."""

    def __init__(self, commands: int, replies: int) -> None:
        self.commands = commands
        self.replies = replies
        self.inputs = Inputs(self)
        self.stand_ins: Any = None
        self.module: Any = None
        self.function: Any = None
        self.owner: Any = None
        self.main_alias: Optional[Callable[[str], Any]] = None
        self.class_first = False
        self.blob: Optional[bytes] = None  # the recorded call that is being taken in
        self.config: Dict[str, Any] = {}
        self.output = Output(1 << 20)
        self.tripwire: Optional[Tripwire] = None
        self.heard = 0
        self.staged: List[Any] = []
        self.results: List[Any] = []
        self.loop: Callable[[Any, Sequence[Any], List[Any]], None] = batch
        self.process = process_state()
        self.draws = False
        self.marks: Dict[str, List[str]] = {}
        self.left: Dict[str, bytes] = {}  # globals after the last call, where nothing came since

    # -- protocol

    def read(self, size: int) -> bytes:
        """Exactly so many bytes; the process ends when the supervisor is gone."""
        data = _read(self.commands, size)
        while len(data) < size:
            more = _read(self.commands, min(size - len(data), 1 << 20))
            if not more:
                _os_exit(0)
            data += more
        return data

    def serve(self) -> None:
        """Answer requests until the supervisor closes the pipe."""
        while True:
            head = self.read(13)
            size, nonce, operation = _len4.unpack_from(head)[0], head[4:12], head[12:]
            if operation == b"R":  # the timed window
                self.run()
                _write(self.replies, b"\0\0\0\0" + nonce + b"k")
                continue
            body = self.read(size) if size else b""
            try:
                reply, status = self.answer(operation, body), b"k"
            except Failed as failed:
                stage, message = failed.args
                reply, status = encode({"stage": stage, "message": message}), b"f"
            except BaseException as error:
                told = {"stage": "harness", "message": explain(error, ())}
                reply, status = encode(told), b"f"
            data = _len4.pack(len(reply)) + nonce + status + reply
            while data:
                data = data[_write(self.replies, data) :]

    def answer(self, operation: bytes, body: bytes) -> bytes:
        """One request other than `run`."""
        if operation != b"O":
            self.left = {}
        handlers: Dict[bytes, Callable[[Any], bytes]] = {
            b"J": self.jail,
            b"L": self.load,
            b"I": self.make_inputs,
            b"O": self.observe,
            b"S": self.stage,
            b"C": self.check,
            b"G": self.state,
            b"T": self.steps,
            b"W": self.sealed,
            b"V": self.values,
            b"A": self.add_inputs,
            b"E": self.examine,
            b"M": self.memory,
        }
        return handlers[operation](decode_plain(body) if body else None)

    def attempts(self) -> List[Tuple[str, str]]:
        """What the tripwire heard since the last reply that told."""
        return self.tripwire.drain() if self.tripwire else []

    def guarded(self, on: bool) -> None:
        """Whether user code is running now."""
        if self.tripwire:
            self.tripwire.active = on
            self.tripwire.armed = True

    def disarmed(self) -> None:
        """Hear nothing until user code runs again."""
        if self.tripwire:
            self.tripwire.active = self.tripwire.armed = False

    # -- requests

    def jail(self, config: Dict[str, Any]) -> bytes:
        """Confine this process, and tell how."""
        done = confine(config)
        if config["tripwire"]:
            tripwire = Tripwire(
                config["scratch"], config["readable"], config["enforce"], config["allowed"]
            )
            tripwire.install()
            self.tripwire = tripwire
        sys.gettrace = {}.clear  # None for everyone: our own counts the interpreter's steps
        for name in ("ctypes", "_ctypes", "ctypes._endian"):  # who imports it is heard
            sys.modules.pop(name, None)
        return encode({"layers": done, "version": list(sys.version_info[:3])})

    def configure(self, config: Dict[str, Any]) -> None:
        """Take the spec: paths, stand-ins, what to call."""
        self.config = config
        path = config["path"]
        self.name, root = module_of(path)
        _project_roots[:] = [config["project"].rstrip("/") + "/", root.rstrip("/") + "/"]
        _library_roots[:] = config["libraries"]
        _project_files.clear()
        self.stand_ins = StandIns(config["files"])
        sys.meta_path.insert(0, self.stand_ins)
        if self.tripwire:
            self.tripwire.private = _with_bytecode(config["inputs"])
        if "linecache" in sys.modules:
            self.stand_ins.fill_linecache(sys.modules["linecache"])
        first = [root, config["project"]]
        if _exists(config["project"] + "/src"):
            first.append(config["project"] + "/src")
        sys.path[:0] = [p for i, p in enumerate(first) if p not in first[:i]]
        sys.path += [p for p in config["more_path"] if p not in sys.path]
        sys.argv[:] = [path]
        texts = "".join(text for _, text in config["files"]) + config["hint"]
        self.draws = "random" in texts
        if self.draws:
            __import__("random")
        if "warn" in texts:
            __import__("warnings")

    def load(self, config: Dict[str, Any]) -> bytes:
        """Import the version under test and find the function."""
        if not self.config:
            self.configure(config)
        self.output.clear()
        started = _process_time_ns()
        self.guarded(True)
        try:
            if self.module is None:
                self.module = self.import_target()
            self.find_function()
        finally:
            self.guarded(False)
        cpu = (_process_time_ns() - started) / 1e9
        output = self.output.take()
        # After the version, which may have settings for them.
        for name in config.get("modules", ()):
            try:
                __import__(name)
            except BaseException:
                continue  # whoever imports it meets the same
        self.output.clear()
        reply = {"cpu_s": cpu, "module": self.name, "stdout": output[0], "stderr": output[1]}
        return encode({**reply, "attempts": self.attempts()})

    def import_target(self) -> Any:
        """The module under test, loaded whole under its own name and package."""
        path = self.config["path"]
        self.seed(0)
        try:
            try:
                return self.import_named(self.name, path)
            except ImportError as error:
                name = self.name_from_project(path)
                if "no known parent package" not in str(error) or name == self.name:
                    raise
                self.name = name
                return self.import_named(name, path)
        except BaseException as error:
            raise Failed("import", explain(error, [f for f, _ in self.config["files"]])) from None

    def name_from_project(self, path: str) -> str:
        """The dotted name from the project's root, for packages without `__init__.py`."""
        for root in (self.config["project"] + "/src/", self.config["project"] + "/"):
            if path.startswith(root):
                return path[len(root) :].rsplit(".", 1)[0].replace("/", ".")
        return self.name

    def import_named(self, name: str, path: str) -> Any:
        """Import by name; load the file itself where the name leads elsewhere."""
        present = sys.modules.get(name)
        if present is None or _is_file(present, path):
            __import__(name)
            present = sys.modules[name]
            if _is_file(present, path):
                return present
        if "." in name:
            raise ImportError(f"{name} is {getattr(present, '__file__', '?')}, not {path}")
        return self.stand_ins.load(name, path)

    def find_function(self) -> None:
        """Walk the qualified name; what a class holds is looked up without binding it."""
        called = self.config["called"]
        owner, found, within = None, self.module, ""
        for written in called.split("."):
            owner, part = found, _private(written, within)
            within = written
            if _within(type, _mro_of(type(found))):
                for klass in _mro_of(found):
                    if part in _dict_of(klass):
                        found = _dict_of(klass)[part]
                        break
                else:
                    raise Failed("lookup", f"{called}: {type_name(owner)} has no {written!r}")
            else:
                try:
                    found = getattr(found, part)
                except Exception:
                    raise Failed("lookup", f"{self.name} has no {called!r}") from None
        self.owner = owner if _within(type, _mro_of(type(owner))) else None
        kind = type_name(type(found))
        self.class_first = kind == "classmethod"
        if kind in ("staticmethod", "classmethod"):
            found = found.__func__
        elif kind == "property":
            found = found.fget
        elif kind == "functools.cached_property":
            found = found.func
        if not callable(found):
            raise Failed("lookup", f"{called} is a {kind}, which can't be called")
        self.function = found

    def seed(self, number: int) -> None:
        """The same start for every source of pseudo-random numbers that is loaded."""
        random = sys.modules.get("random")
        if random is not None:
            try:
                random.seed(1_000_003 + number)
            except Exception:
                pass
        numpy_random = sys.modules.get("numpy.random")
        if numpy_random is None and self.draws and "numpy" in sys.modules:
            numpy_random = self.numpy_random()  # numpy would load it in the call, unseeded
        if numpy_random is not None:
            try:
                numpy_random.seed(1_000_003 + number)
            except Exception:
                pass

    @staticmethod
    def numpy_random() -> Any:
        """numpy's own source of random numbers, loaded before a call that may want it."""
        try:
            __import__("numpy.random")
        except Exception:
            return None
        return sys.modules.get("numpy.random")

    def random_state(self) -> Dict[str, bytes]:
        """Digests of the states of those sources."""
        found = {}
        for name, read in (("random", "getstate"), ("numpy.random", "get_state")):
            module = sys.modules.get(name)
            if module is not None:
                try:
                    found[name] = digest(encode(getattr(module, read)()))
                except Exception:
                    found[name] = b"unreadable"
        return found

    def unpickle(self, blob: bytes) -> Any:
        """A pickle of a recorded call; `__main__` is the recorded program's."""
        if self.main_alias is None:
            return _loads(blob)
        from io import BytesIO

        unpickler = _MainUnpickler(BytesIO(blob))
        unpickler.find_main = self.main_alias
        return unpickler.load()

    def checked(self, number: int, item: Any) -> Tuple[Tuple[Any, ...], Dict[str, Any]]:
        """One item of `inputs()` as (args, kwargs), or what is wrong with it."""
        want = "each item must be (args, kwargs): a tuple and a dict"
        if type(item) not in (tuple, list) or len(item) != 2:
            raise Failed("inputs", f"item {number} of inputs() is {describe(item)}; {want}")
        args, kwargs = item
        if not _within(tuple, _mro_of(type(args))) and not _within(list, _mro_of(type(args))):
            raise Failed("inputs", f"args of item {number} is {describe(args)}; {want}")
        if type(kwargs) is not dict or any(type(k) is not str for k in kwargs):
            raise Failed("inputs", f"kwargs of item {number} is {describe(kwargs)}; {want}")
        if self.function is not None and self.class_first and not self.starts_with_class(args):
            args = (self.owner, *args)
        return tuple(args), kwargs

    def starts_with_class(self, args: Any) -> bool:
        """Whether a class method's arguments already start with its class."""
        if not args or not _within(type, _mro_of(type(args[0]))):
            return False
        return _within(self.owner, _mro_of(args[0]))

    def make_inputs(self, plan: Dict[str, Any]) -> bytes:
        """Take the inputs in and tell their digests."""
        if not self.config:
            self.configure(plan["spec"])
        private: Tuple[str, ...] = ()
        if self.tripwire:
            private, self.tripwire.private = self.tripwire.private, ()
        self.guarded(True)
        try:
            copied = plan["copied"]
            own = max(len(copied) - len(plan["extra"]), 0)
            given = {**plan, "copied": copied[:own]}
            infos = getattr(self, "inputs_" + plan["kind"])(given)
            infos += self.inputs_extra(plan["extra"], copied[own:])
        except Failed:
            raise
        except BaseException as error:
            message = explain(error, [plan["path"] or "", self.config["path"]])
            raise Failed("inputs", message) from None
        finally:
            self.guarded(False)
            if self.tripwire:
                self.tripwire.private = private
        self.output.clear()
        if not plan.get("sealed"):
            _collect()
            _freeze()
        return encode({"items": infos, "attempts": self.attempts()})

    def inputs_file(self, plan: Dict[str, Any]) -> List[Dict[str, Any]]:
        """Run `inputs()` of a user's file."""
        path = plan["path"]
        if _dirname(path) not in sys.path:
            sys.path.append(_dirname(path))
        stem = _basename(path).rsplit(".", 1)[0]
        if stem in sys.modules or stem == self.name:
            stem = "inputs_of_" + stem
        self.seed(0)
        module = self.stand_ins.load(stem, path)
        make = getattr(module, "inputs", None)
        if make is None:
            raise Failed("inputs", f"{_basename(path)} defines no inputs()")
        if not callable(make):
            told = describe(make)
            raise Failed("inputs", f"inputs in {_basename(path)} is {told}, which is no function")
        inputs = self.inputs
        inputs.again = lambda: iter(make())
        self.seed(0)
        return self.taken(iter(make()), plan)

    def taken(self, items: Iterator[Any], plan: Dict[str, Any]) -> List[Dict[str, Any]]:
        """The first items: as many as asked for, or up to the limits of number and time."""
        count, deadline = plan["count"], _perf_counter() + plan["max_seconds"]
        copied = plan["copied"]
        if copied:
            for number, item in zip(range(len(copied)), items):
                self.inputs.keep(self.checked(number, item), copied[number])
            if len(self.inputs.items) < len(copied):
                raise Failed("inputs", f"fewer inputs this time than {len(copied)}")
            return []
        infos: List[Dict[str, Any]] = []
        most = plan["max_items"] if count is None else count
        patience = Patience(plan["max_seconds"] if count is None else 0.0)
        while len(infos) < most:
            try:
                item = patience.next(items, there=bool(infos))
            except (StopIteration, _Late):
                break
            infos.append(self.inputs.add(self.checked(len(infos), item)))
            if count is None and _perf_counter() > deadline:
                break
        if count is not None and len(infos) < count:
            raise Failed("inputs", f"{len(infos)} inputs this time, {count} before")
        return infos

    def inputs_values(self, plan: Dict[str, Any]) -> List[Dict[str, Any]]:
        """Inputs of builtin types that came as canonical bytes."""
        values = plan["values"]
        return self.taken((decode_plain(value) for value in values), plan)

    def inputs_extra(self, extra: Sequence[Any], copied: Sequence[str]) -> List[Dict[str, Any]]:
        """Inputs beside the given ones: builtin values, or given ones with some replaced."""
        infos: List[Dict[str, Any]] = []
        for number, (seed, value) in enumerate(extra):
            call = self.extra_call(seed, value)
            if copied:
                self.inputs.keep(call, copied[number])
            else:
                infos.append(self.inputs.add(call))
        return infos

    def add_inputs(self, extra: Sequence[Any]) -> bytes:
        """Take more inputs in, behind those that are there."""
        first = len(self.inputs.items)
        try:
            infos = self.inputs_extra(extra, ())
        except Exception as error:
            raise Failed("inputs", explain(error, ())) from None
        return encode({"first": first, "items": infos})

    def extra_call(self, seed: Optional[int], value: bytes) -> Tuple[Tuple[Any, ...], Any]:
        """The call that an extra input stands for."""
        given = decode_plain(value)
        if seed is None:
            return self.checked(0, given)
        args, kwargs = self.inputs.fresh(seed)
        places = list(args)
        for place, replaced in given.items():
            if type(place) is int:
                places[place] = replaced
            else:
                kwargs[place] = replaced
        return tuple(places), kwargs

    def values(self, request: Dict[str, Any]) -> bytes:
        """What some inputs hold, as far as it is of builtin types and not too large."""
        most = request["most"]
        found: List[Dict[str, Any]] = []
        for index in request["indices"]:
            if self.inputs.items[index][0] == "again":
                found.append({"whole": None, "parts": {}})
                continue
            args, kwargs = self.inputs.fresh(index)
            named = [*enumerate(args), *kwargs.items()]
            if self.function is not None and self.class_first and self.starts_with_class(args):
                args = args[1:]
            whole = _plain_bytes((args, kwargs), most)
            parts = {} if whole else {place: _plain_bytes(x, most) for place, x in named}
            found.append({"whole": whole, "parts": {k: v for k, v in parts.items() if v}})
        return encode({"values": found})

    def examine(self, request: Dict[str, Any]) -> bytes:
        """One trial call of an extra input, and its steps if they are asked for."""
        seconds, most = request["seconds"], request["most"]
        call = self.extra_call(request["seed"], request["value"])
        data, _ = self.inputs.encoded(call)
        copied = self.inputs.strategy(call, data)[0]
        told: Dict[str, Any] = {"kind": "unfit", "exception": "", "steps": 0, "cpu_s": 0.0}
        told["digest"] = digest(data)
        if copied == "again":
            return encode(told)
        counted = 0
        if most:
            copy = self.extra_call(request["seed"], request["value"])
            counted = self.counted(copy[0], copy[1], 0, most)[0]
        told.update(self.tried(call, seconds), steps=counted)
        return encode(told)

    def tried(self, call: Any, seconds: float) -> Dict[str, Any]:
        """How a call ends within so many seconds, and the CPU seconds that it takes."""
        self.seed(0)
        self.output.clear()
        found = {"kind": "fine", "exception": ""}
        started = _process_time_ns()
        before = _signal(_SIGALRM, _ring)
        try:
            with Warned():
                self.guarded(True)
                try:
                    _setitimer(0, seconds)
                    settle(self.function(*call[0], **call[1]))
                finally:
                    _setitimer(0, 0.0)
                    self.guarded(False)
        except _Late:
            found["kind"] = "late"
        except BaseException as error:
            found = {"kind": "raised", "exception": type_name(type(error))}
        finally:
            _signal(_SIGALRM, before)
        self.output.clear()
        self.attempts()
        return {**found, "cpu_s": (_process_time_ns() - started) / 1e9}

    def inputs_captured(self, plan: Dict[str, Any]) -> List[Dict[str, Any]]:
        """Recorded calls: `calls.bin` is repeated 8 bytes of length and a pickle."""
        with open(plan["path"] + "/calls.bin", "rb") as file:
            data = file.read()
        if self.module is None:
            self.module = self.import_target()
        self.alias_main(plan["main_path"])
        copied = plan["copied"]
        if copied and not self.class_first and set(copied) <= {"pickle", "unpickle"}:
            # Nothing needs to be unpickled before it is called with.
            self.inputs.items = list(zip(copied, self.recorded_calls(data)))
            return []
        return self.taken(self.pickled_calls(data), plan)

    def alias_main(self, main_path: Optional[str]) -> None:
        """Where the recorded program's `__main__` is found."""

        def find_main(name: str) -> Any:
            module = self.module
            if main_path and _realpath(main_path) != _realpath(self.config["path"]):
                main_name = module_of(main_path)[0]
                module = sys.modules.get(main_name)
                if module is None or not _is_file(module, main_path):
                    module = self.stand_ins.load(main_name, main_path)
            found = module
            for part in name.split(".") if name else ():
                found = getattr(found, part)
            return found

        self.main_alias = find_main

    def pickled_calls(self, data: bytes) -> Iterator[Any]:
        """The calls in a `calls.bin`."""
        for blob in self.recorded_calls(data):
            self.blob = None if self.class_first else blob
            try:
                yield self.unpickle(blob)
            finally:
                self.blob = None

    @staticmethod
    def recorded_calls(data: bytes) -> Iterator[bytes]:
        """The pickles in a `calls.bin`."""
        at = 0
        while at + 8 <= len(data):
            size = int.from_bytes(data[at : at + 8], "little")
            if at + 8 + size > len(data):
                raise Failed("inputs", "calls.bin is cut off")
            yield data[at + 8 : at + 8 + size]
            at += 8 + size

    def project_modules(self) -> List[Tuple[str, Any]]:
        """Loaded modules of the project, the one under test first."""
        found = [(self.name, self.module)]
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if module is self.module or type(file) is not str or type(module) is not ModuleType:
                continue
            if is_project_path(file):
                found.append((name, module))
        return found

    # -- observing

    def call(
        self, index: int, order: Any = None, seeded: bool = True
    ) -> Tuple[Any, Any, Any, float]:
        """One call on fresh arguments: raw result, arguments, CPU seconds by our own clock."""
        args, kwargs = self.inputs.fresh(index)
        if seeded:
            self.seed(index)
        if order is not None:
            order.begin((args, kwargs))
        function = self.function
        heard = self.tripwire.heard if self.tripwire else 0
        started = _process_time_ns()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            result = Raised(error)
        cpu = (_process_time_ns() - started) / 1e9
        self.heard = (self.tripwire.heard if self.tripwire else 0) - heard
        return result, args, kwargs, cpu

    def observe(self, request: Dict[str, Any]) -> bytes:
        """One call, and all that it did: see the part names in `observed`."""
        index, mode = request["index"], request["mode"]
        if self.function is None:
            raise Failed("protocol", "observe before load")
        parts, settled, args, kwargs, cpu, kind = self.observed(index, mode)
        encoder = Encoder()
        _learn_special()
        encoder.open_dict(len(parts))
        start = len(encoder.out)
        core = b""
        try:
            for name, value in parts:
                encoder.part(name, value)
                if name == "arguments":
                    core = digest(bytes(encoder.out[start:]))
            payload = bytes(encoder.out)
        except (TooLarge, RuntimeError) as error:
            payload = encode({"outcome": ("unencodable", exception_text(error))})
            core = digest(payload)
        if len(payload) > MAX_SHIPPED:
            payload = encode(_digested(payload, parts))
        if encoder.lazy:
            self.left = {}  # items of an iterator in the result came after it was read
        told = {
            "payload": payload,
            "core": core,
            "cpu_s": cpu,
            "kind": kind,
            "lazy": encoder.lazy,
            "rng": any(name == "rng" and value for name, value in parts),
            "marks": {**self.marks, **{kind: list(found) for kind, found in encoder.marks.items()}},
            "attempts": self.attempts(),
            "heard": self.heard,
        }
        return encode(told)

    def observed(self, index: int, mode: str) -> Tuple[Any, Any, Any, Any, float, str]:
        """Make the call in a mode (see observations.py) and gather the named parts."""
        full = mode == "full"
        self.marks = {}
        modules = self.project_modules() if full else []
        before, self.left = self.left, {}
        if full:  # what the last call left behind is what this one finds
            known = {name.partition(":")[0] for name in before}
            new = [(name, module) for name, module in modules if name not in known]
            before = {**before, **global_digests(new, 1 << 20)}
        settings = process_state()
        self.output.clear()
        self.seed(index)
        random_before = self.random_state()
        warned = Warned()
        self.guarded(True)
        unstarted: Any = None
        order = Order(self.output) if mode == "order" else None
        try:
            with warned:
                if mode == "partial":
                    unstarted = self.unstarted(index)
                if mode == "unseeded":
                    settle(self.call(index)[0])
                result, args, kwargs, cpu = self.call(index, order, mode != "unseeded")
                raw = type(result)
                started = _process_time_ns()
                if mode == "partial" and is_iterator(raw):
                    items, end = take(result, 1)
                    if hasattr(result, "close"):
                        result.close()
                    settled: Any = Consumed("closed early", type_name(raw), items, end)
                else:
                    settled = settle(result)
                cpu += (_process_time_ns() - started) / 1e9
                if order is not None:
                    order.end()
            random_after = self.random_state()
            parts: List[Tuple[str, Any]] = [
                ("outcome", outcome_of(settled)),
                ("arguments", (args, kwargs)),
            ]
            if mode == "chain":
                with Warned():
                    parts.append(("steps", self.chained(index, settled, args, kwargs)))
            if mode == "twice":
                first = Encoder()
                first.part("first", outcome_of(settled))
                spoil(settled.items if type(settled) is Consumed else settled)
                with Warned():
                    again, args, kwargs, _ = self.call(index)
                    again = settle(again)
                parts = [("outcome", outcome_of(again)), ("arguments", (args, kwargs))]
                parts.append(("first", digest(bytes(first.out))))
            if mode == "partial":
                parts.append(("unstarted", unstarted))
        finally:
            self.guarded(False)
            if order is not None:
                order.end()
        stdout, stderr = self.output.take()
        parts.append(("output", (stdout, stderr)))
        if order is not None:
            parts.append(("order", order.events))
        if stdout or stderr:
            self.marks["output"] = [name for name, text in (("1", stdout), ("2", stderr)) if text]
        self.mark_outcome(settled)
        if full and self.changes(index, args, kwargs):
            self.marks["changed"] = ["arguments"]
        parts.append(("rng", _changed(random_before, random_after)))
        parts.append(("warnings", warned.found))
        if full:
            after = self.left = global_digests(modules, 1 << 20)
            parts.append(("globals", self.changed_globals(before, after)))
        parts.append(("process", _changed(settings, process_state())))
        kind = settled.kind if type(settled) is Consumed else "plain"
        return parts, settled, args, kwargs, cpu, "raise" if raw is Raised else kind

    def unstarted(self, index: int) -> Any:
        """The arguments after a call whose iterator is closed before its first item."""
        result, args, kwargs, _ = self.call(index)
        if hasattr(result, "close"):
            result.close()
        encoder = Encoder(consume=False)
        encoder.add((args, kwargs))
        return digest(bytes(encoder.out))

    def changes(self, index: int, args: Any, kwargs: Any) -> bool:
        """Whether a call has changed its arguments, as far as they can be looked at."""
        if index >= len(self.inputs.digests) or not self.inputs.digests[index]:
            return False
        try:
            data, lazy = self.inputs.encoded((args, kwargs))
        except (TooLarge, RuntimeError):
            return False
        return not lazy and digest(data) != self.inputs.digests[index]

    def chained(self, index: int, settled: Any, args: Any, kwargs: Any) -> List[Any]:
        """More calls on what a first call has changed: outcomes, and digests of the state.

        Where the first argument is an object of a class, the others are those of the next inputs
        that have such an object, in turn: several methods' calls on one receiver. Else the same
        arguments are given again.
        """
        steps = [(outcome_of(settled), core_digest(settled, args, kwargs))]
        for turn in range(1, 4):
            if args and _is_python_class(type(args[0])):
                args, kwargs = self.with_receiver(args, kwargs, index + turn)
            result: Any
            try:
                result = settle(self.function(*args, **kwargs))
            except BaseException as error:
                result = Raised(error)
            steps.append((outcome_of(result), core_digest(result, args, kwargs)))
        return steps

    def with_receiver(self, args: Any, kwargs: Any, following: int) -> Tuple[Any, Any]:
        """The arguments of the following input, but for the receiver, which stays."""
        other, named = self.inputs.fresh(following % len(self.inputs.items))
        if other and type(other[0]) is type(args[0]):
            return (args[0], *other[1:]), named
        return args, kwargs

    def mark_outcome(self, settled: Any) -> None:
        """Note what of an outcome is told, but no difference."""
        if type(settled) is Raised:
            error = settled.error
            context = None if error.__suppress_context__ else error.__context__
            if context is not None:
                self.marks["context"] = [type_name(type(context))]
        elif type(settled) is Consumed and settled.end == _CAPPED:
            self.marks["capped"] = [f"the first {MAX_ITEMS} items of the result"]

    def changed_globals(self, before: Dict[str, bytes], after: Dict[str, bytes]) -> Dict[str, Any]:
        """Globals that the call changed, added or removed, with what they hold now."""
        found: Dict[str, Any] = {}
        for name in sorted(set(before) | set(after)):
            if before.get(name) == after.get(name):
                continue
            module, _, variable = name.partition(":")
            value = vars(sys.modules.get(module, self.module)).get(variable)
            if type(value) is FunctionType:
                value = dict(value.__dict__)
            elif type(value) is type:
                skip = ("__dict__", "__weakref__", "__doc__")
                value = {k: v for k, v in _dict_of(value).items() if k not in skip}
            found[name] = value if name in after else "<removed>"
        return found

    # -- timing

    def stage(self, request: Dict[str, Any]) -> bytes:
        """Make fresh arguments for the next window; nothing of the last one is left.

        Of one input so many times, or of `each` of some inputs once.
        """
        self.staged, self.results = [], []
        self.output.clear()
        fresh, index = self.inputs.fresh, request["index"]
        indices = request["each"] or _repeat(index, request["reps"])
        self.staged = [fresh(number) for number in indices]
        self.loop = batch_encoded if request["encode"] else batch
        self.seed(index)
        if _gc_enabled():
            _collect(0)
        self.guarded(True)
        return b""

    def run(self) -> None:
        """The timed window."""
        self.loop(self.function, self.staged, self.results)

    def check(self, indices: List[int]) -> bytes:
        """Digests of the outcome and arguments of some calls of the last window."""
        self.guarded(False)
        _learn_special()
        found = []
        for i in indices:
            result = self.results[i]
            if self.loop is batch_encoded and type(result) is bytes:
                found.append(result)
            else:
                found.append(core_digest(result, *self.staged[i]))
        return encode({"digests": found, "attempts": self.attempts()})

    def sealed(self, request: Dict[str, Any]) -> bytes:
        """Take the inputs in, make one call on each that is named, and tell what they gave.

        All between one request and its reply: whoever knew no input before, and has answered all
        of them, has done all of its work in between. `modules` are the libraries that were loaded
        meanwhile, by the inputs, by the calls or to run a coroutine: an import takes the time of
        many calls, and who asks again has them imported first.
        """
        before = set(sys.modules)
        self.make_inputs(request["plan"])
        found = []
        for index in request["order"]:
            args, kwargs = self.inputs.fresh(index)
            self.seed(index)
            self.guarded(True)
            try:
                result = settle(self.function(*args, **kwargs))
            except BaseException as error:
                result = Raised(error)
            finally:
                self.guarded(False)
            _learn_special()
            found.append(core_digest(result, args, kwargs))
        loaded = [name for name in list(sys.modules) if name not in before and _is_library(name)]
        return encode({"digests": found, "attempts": self.attempts(), "modules": loaded[:500]})

    def steps(self, request: Dict[str, Any]) -> bytes:
        """Steps of calls on the same arguments over and over, then on `changed` ones.

        The steps do not depend on the machine or on where something is remembered: whoever does
        less the second time has kept something from the first.
        """
        index, most = request["index"], request["most"]
        self.output.clear()
        same = [self.counted(*self.inputs.fresh(index), index, most)[0] for _ in range(3)]
        args, kwargs = self.inputs.fresh(index)
        other = []
        for changed in variations(args):
            other.append(self.counted(changed, kwargs, index, most))
            args, kwargs = self.inputs.fresh(index)
        return encode({"same": same, "other": other, "attempts": self.attempts()})

    def counted(self, args: Any, kwargs: Any, seed: int, most: int) -> Tuple[int, bytes]:
        """Steps of one call, -1 for more than `most`, -2 when it raises; its outcome's digest."""
        self.seed(seed)
        self.output.clear()
        files = [path for path, _ in self.config["files"]]
        steps = Steps(files, most, self.disarmed)
        result: Any = None
        try:
            with Warned(), steps:
                self.guarded(True)
                try:
                    result = settle(self.function(*args, **kwargs))
                finally:
                    self.guarded(False)
        except BaseException:
            return (-1 if steps.count > most else -2), b""
        if steps.count > most:
            return -1, b""
        return steps.count, core_digest(result, (), {})

    def memory(self, request: Dict[str, Any]) -> bytes:
        """Bytes of one call: its peak, what it still holds at its end, what its lines asked for.

        `lines` is how many steps of the last may be followed; -1 stands for more than that.
        """
        tracemalloc = __import__("tracemalloc")
        index, most = request["index"], request["lines"]
        self.output.clear()
        args, kwargs = self.inputs.fresh(index)
        self.seed(index)
        _collect()
        tracemalloc.start(1)
        try:
            start = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            result = self.untimed(args, kwargs)
            held, peak = tracemalloc.get_traced_memory()
            del result
            allocated = self.asked_for(tracemalloc, index, most) if most else -1
        finally:
            tracemalloc.stop()
        told = {"peak": peak - start, "held": held - start, "allocated": allocated}
        return encode({**told, "attempts": self.attempts()})

    def untimed(self, args: Any, kwargs: Any) -> Any:
        """The settled result of a call."""
        with Warned():
            self.guarded(True)
            try:
                return settle(self.function(*args, **kwargs))
            except BaseException as error:
                return Raised(error)
            finally:
                self.guarded(False)

    def asked_for(self, tracemalloc: Any, index: int, most: int) -> int:
        """Bytes that the lines of one call ask for, -1 where it has too many of them."""
        args, kwargs = self.inputs.fresh(index)
        self.seed(index)
        allocations = Allocations(tracemalloc, most, lambda: self.guarded(False))
        try:
            with Warned(), allocations:
                self.guarded(True)
                try:
                    settle(self.function(*args, **kwargs))
                finally:
                    self.guarded(False)
        except BaseException:
            pass
        return allocations.asked()

    def state(self, _: Any) -> bytes:
        """Digests of all that later calls could remember, by name."""
        found: Dict[str, Any] = dict(global_digests(self.project_modules(), 4 << 20))
        for name, value in library_digests().items():
            found[f"library {name}"] = value
        for name, value in process_state().items():
            found[f"process {name}"] = value
        return encode(found)


def _digested(payload: bytes, parts: Sequence[Tuple[str, Any]]) -> Dict[str, Any]:
    """In place of an observation that is too large to be sent: a digest of the whole, and of the
    parts where each can be written for itself."""
    found: Dict[str, Any] = {}
    for name, value in parts:
        encoder = Encoder(consume=False)
        try:
            encoder.add(value)
        except (TooLarge, RuntimeError):
            continue
        found[name + " alone"] = digest(bytes(encoder.out))
    found["outcome"] = ("digest", len(payload), digest(payload))
    return found


def _is_library(name: str) -> bool:
    """A loaded module of the interpreter or of an installed package."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return type(file) is str and file.startswith(tuple(_library_roots))


def _with_bytecode(path: Optional[str]) -> Tuple[str, ...]:
    """How the names of a source file and of its bytecode files begin."""
    if not path:
        return ()
    real = _realpath(path)
    stem = _basename(real).rsplit(".", 1)[0]
    return real, f"{_dirname(real)}/__pycache__/{stem}."


def _private(name: str, klass: str) -> str:
    """The name under which a class holds what its text calls `name` (Language Reference, 6.2.1)."""
    owner = klass.lstrip("_")
    hidden = owner and name.startswith("__") and not name.endswith("__")
    return f"_{owner}{name}" if hidden else name


def _is_file(module: Any, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return type(file) is str and _realpath(file) == _realpath(path)


def _changed(before: Dict[str, Any], after: Dict[str, Any]) -> Dict[str, Any]:
    """Entries that are not as they were. What is new was loaded by the call and says nothing."""
    return {k: v for k, v in after.items() if k in before and before[k] != v}


def execute(descriptor: int, report: int, command: Sequence[str]) -> None:
    """Confine this process as the configuration on the descriptor says, then run the command.

    This process stays as the parent that adopts and ends what the command leaves behind, and
    reports its exit code and the CPU seconds of all of them. It never returns.
    """
    import posix
    import signal
    from resource import RUSAGE_CHILDREN, getrusage

    # It is told what to do only now, when what starts it has arranged its end: who dies before
    # leaves a process that is told nothing.
    _write(report, b"r")
    data = b""
    while True:
        piece = _read(descriptor, 1 << 20)
        if not piece:
            break
        data += piece
    _close(descriptor)
    if not data:
        _os_exit(143)
    config = decode_plain(data)
    parent = config["parent"] or _getppid()
    # Both wait until they are asked for: a handler in Python is not called any more when a signal
    # comes just before a call that blocks.
    blocked = (signal.SIGTERM, signal.SIGCHLD)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    allowed = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    confine(config)
    if config["kernel"]:
        import ctypes

        libc = ctypes.CDLL(None)
        libc.prctl(36, *[ctypes.c_ulong(n) for n in (1, 0, 0, 0)])  # adopt what is left
        # From here on the death of who started this ends the descendants too: killed at once, it
        # would leave them to whoever adopts orphans.
        libc.prctl(1, *[ctypes.c_ulong(n) for n in (signal.SIGTERM, 0, 0, 0)])
        if _getppid() != parent:
            _os_exit(143)

    def children() -> List[int]:
        own = posix.getpid()
        try:
            with open(f"/proc/self/task/{own}/children") as file:
                return [int(pid) for pid in file.read().split()]
        except OSError:
            return []

    def sweep() -> None:
        for _attempt in range(1000):
            found = children()
            if not found:
                break
            for pid in found:
                try:
                    posix.kill(pid, 9)
                    posix.waitpid(pid, 0)
                except OSError:
                    pass

    started = _perf_counter()
    child = posix.fork()
    if child == 0:
        from os import execvp

        _close(report)
        signal.pthread_sigmask(signal.SIG_SETMASK, allowed)
        try:
            execvp(command[0], list(command))
        except OSError as error:
            _write(2, f"{command[0]}: {error.strerror}\n".encode())
        _os_exit(127)
    ended = 0
    while ended != child:
        if signal.sigwait(blocked) == signal.SIGTERM:
            sweep()
            _os_exit(143)
        ended, status = posix.waitpid(-1, posix.WNOHANG)
        while ended not in (0, child):
            ended, status = posix.waitpid(-1, posix.WNOHANG)
    wall = _perf_counter() - started
    sweep()
    used = getrusage(RUSAGE_CHILDREN)
    code = -posix.WTERMSIG(status) if posix.WIFSIGNALED(status) else posix.WEXITSTATUS(status)
    told = {"exit_code": code, "cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall}
    _write(report, encode(told))
    _os_exit(0)


def main() -> None:
    """Serve on the two descriptors named by the arguments, or become a confined program."""
    if sys.argv[1] == "execute":
        execute(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    commands, replies = int(sys.argv[1]), int(sys.argv[2])
    own = _dirname(_abspath(__file__))
    sys.path[:] = [p for p in sys.path if p != own]
    session = Session(commands, replies)
    sys.modules["__main__"] = ModuleType("__main__")  # our functions keep our globals alive
    session.serve()


if __name__ == "__main__":
    main()
