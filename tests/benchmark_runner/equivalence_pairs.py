"""Small functions and versions of them: right ones, and ones that are wrong in one way each."""

# ruff: noqa: E501 (programs read better in one line here)

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True)
class Case:
    """`what` is a word of the observation that must be named; None where the pair is right."""

    name: str
    before: str
    after: str
    inputs: str
    what: str | None

    def text(self, version: str) -> str:
        return dedent(getattr(self, version)).lstrip("\n")


RIGHT = [
    Case(
        "membership in a set",
        "def f(items, wanted):\n    return [x for x in items if x in wanted]\n",
        "def f(items, wanted):\n    known = set(wanted)\n    return [x for x in items if x in known]\n",
        "[(([1, 2, 3, 2], [2, 5]), {}), (([], []), {}), ((['a'], ['a', 'b']), {})]",
        None,
    ),
    Case(
        "not a number equals itself",
        "def f(x):\n    return [x, float('nan')]\n",
        "def f(x):\n    nan = float('inf') - float('inf')\n    return [x, abs(nan)]\n",
        "[((1.5,), {}), ((float('nan'),), {})]",
        None,
    ),
    Case(
        "same exception from another line",
        "def f(d, k):\n    if k not in d:\n        raise KeyError(k)\n    return d[k]\n",
        "def f(d, k):\n    return d[k]\n",
        "[(({'a': 1}, 'a'), {}), (({}, 'b'), {})]",
        None,
    ),
    Case(
        "in place, as the original",
        "def f(items):\n    items.sort()\n    return None\n",
        "def f(items):\n    items[:] = sorted(items)\n",
        "[(([3, 1, 2],), {}), (([],), {})]",
        None,
    ),
    Case(
        "a generator of the same items",
        "def f(n):\n    for i in range(n):\n        yield i * i\n",
        "def f(n):\n    yield from (i * i for i in range(n))\n",
        "[((5,), {}), ((0,), {})]",
        None,
    ),
    Case(
        "the same draws",
        "import random\ndef f(n):\n    out = []\n    for _ in range(n):\n        out.append(random.random())\n    return out\n",
        "import random\ndef f(n):\n    return [random.random() for _ in range(n)]\n",
        "[((3,), {}), ((1,), {})]",
        None,
    ),
    Case(
        "a helper and a constant more",
        "def f(s):\n    return ''.join(c for c in s if c in 'aeiou')\n",
        "_VOWELS = frozenset('aeiou')\ndef _is(c):\n    return c in _VOWELS\ndef f(s):\n    return ''.join(filter(_is, s))\n",
        "[(('hello world',), {}), (('',), {})]",
        None,
    ),
    Case(
        "a table that the original fills too",
        "calls = {}\ndef f(k):\n    if k in calls:\n        calls[k] += 1\n    else:\n        calls[k] = 1\n    return len(k)\n",
        "calls = {}\ndef f(k):\n    calls[k] = calls.get(k, 0) + 1\n    return len(k)\n",
        "[(('ab',), {}), (('abc',), {})]",
        None,
    ),
    Case(
        "awaited results",
        "async def f(items):\n    total = 0\n    for x in items:\n        total += x\n    return total\n",
        "async def f(items):\n    return sum(items)\n",
        "[(([1, 2, 3],), {}), (([],), {})]",
        None,
    ),
    Case(
        "the same inner function and class, made otherwise and further down",
        "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    class Sum:\n        __slots__ = ('a',)\n        @property\n        def b(self):\n            return total\n    def again(n):\n        return n and again(n - 1) + (lambda y: y + total)(n)\n    return again, Sum, Sum()\n",
        "def f(xs):\n    # made below\n\n    total = sum(xs)\n    class Sum:\n        __slots__ = ('a',)\n        @property\n        def b(self):\n            return total\n    def again(n):\n        return n and again(n - 1) + (lambda y: y + total)(n)\n    return again, Sum, Sum()\n",
        "[(([1, 2],), {}), (([],), {})]",
        None,
    ),
]

WRONG = [
    Case(
        "tuple for list",
        "def f(x):\n    return [x]\n",
        "def f(x):\n    return (x,)\n",
        "[((1,), {})]",
        "result",
    ),
    Case(
        "True for 1",
        "def f(x):\n    return int(x > 0)\n",
        "def f(x):\n    return x > 0\n",
        "[((1,), {})]",
        "result",
    ),
    Case(
        "float for int",
        "def f(x):\n    return x // 2\n",
        "def f(x):\n    return x / 2\n",
        "[((4,), {})]",
        "result",
    ),
    Case(
        "sign of zero",
        "def f(x):\n    return x * 0.0\n",
        "def f(x):\n    return 0.0\n",
        "[((1.0,), {}), ((-1.0,), {})]",
        "result",
    ),
    Case(
        "order of a dict",
        "def f(a):\n    return {k: 1 for k in a}\n",
        "def f(a):\n    return {k: 1 for k in sorted(a)}\n",
        "[((['b', 'a'],), {})]",
        "result",
    ),
    Case(
        "the argument itself instead of a copy",
        "def f(a):\n    return list(a)\n",
        "def f(a):\n    return a\n",
        "[(([1, 2],), {})]",
        "sharing of objects",
    ),
    Case(
        "rows that are one list",
        "def f(n):\n    return [[0] * n for _ in range(n)]\n",
        "def f(n):\n    return [[0] * n] * n\n",
        "[((3,), {})]",
        "result",
    ),
    Case(
        "a list instead of a generator",
        "def f(n):\n    return (i for i in range(n))\n",
        "def f(n):\n    return [i for i in range(n)]\n",
        "[((3,), {})]",
        "kind of outcome",
    ),
    Case(
        "sorts its argument",
        "def f(a):\n    return sorted(a)[0]\n",
        "def f(a):\n    a.sort()\n    return a[0]\n",
        "[(([2, 1],), {})]",
        "arguments",
    ),
    Case(
        "leaves its argument alone",
        "def f(a):\n    a.append(len(a))\n    return a[-1]\n",
        "def f(a):\n    return len(a)\n",
        "[(([5],), {})]",
        "arguments",
    ),
    Case(
        "other exception",
        "def f(d, k):\n    return d[k]\n",
        "def f(d, k):\n    v = d.get(k)\n    if v is None:\n        raise ValueError(k)\n    return v\n",
        "[(({'a': 1}, 'b'), {})]",
        "exception",
    ),
    Case(
        "other text of the exception",
        "def f(x):\n    raise ValueError(f'bad {x}')\n",
        "def f(x):\n    raise ValueError('bad')\n",
        "[((3,), {})]",
        "exception",
    ),
    Case(
        "no exception",
        "def f(a):\n    return a[0]\n",
        "def f(a):\n    return a[0] if a else None\n",
        "[(([1],), {}), (([],), {})]",
        "IndexError",
    ),
    Case(
        "silent",
        "def f(x):\n    print('at', x)\n    return x\n",
        "def f(x):\n    return x\n",
        "[((1,), {})]",
        "output",
    ),
    Case(
        "draws one number more",
        "import random\ndef f(n):\n    return [random.random() for _ in range(n)]\n",
        "import random\ndef f(n):\n    out = [random.random() for _ in range(n)]\n    random.random()\n    return out\n",
        "[((2,), {})]",
        "rng",
    ),
    Case(
        "does not count",
        "count = 0\ndef f(x):\n    global count\n    count += 1\n    return x\n",
        "count = 0\ndef f(x):\n    return x\n",
        "[((1,), {})]",
        "global",
    ),
    Case(
        "order of a set leaks",
        "def f(words):\n    return list(dict.fromkeys(words))\n",
        "def f(words):\n    return list(set(words))\n",
        "[((['pear', 'fig', 'apple', 'kiwi', 'plum', 'lime', 'date'],), {})]",
        "result",
    ),
    Case(
        "length of a lowered text",
        "def f(s):\n    return [c.lower() for c in s]\n",
        "def f(s):\n    return list(s.lower())\n",
        "[(('abc',), {}), (('\\u0130x',), {})]",
        "result",
    ),
    Case(
        "equal to everything",
        "def f(x):\n    return x * 2\n",
        "class Any(int):\n    def __eq__(self, other):\n        return True\n    __hash__ = int.__hash__\ndef f(x):\n    return Any(7)\n",
        "[((3,), {})]",
        "result",
    ),
    Case(
        "duplicates in a binary search",
        "def f(a, x):\n    for i, y in enumerate(a):\n        if y == x:\n            return i\n    return -1\n",
        "import bisect\ndef f(a, x):\n    i = bisect.bisect_right(a, x) - 1\n    return i if i >= 0 and a[i] == x else -1\n",
        "[(([1, 2, 3], 2), {}), (([1, 2, 2, 3], 2), {})]",
        "result",
    ),
    Case(
        "items in another order",
        "def f(n):\n    for i in range(n):\n        yield i\n",
        "def f(n):\n    yield from reversed(range(n))\n",
        "[((3,), {})]",
        "result",
    ),
    Case(
        "awaits another result",
        "async def f(a):\n    return sum(a)\n",
        "async def f(a):\n    return sum(a) + 1\n",
        "[(([1],), {})]",
        "result",
    ),
    Case(
        "rounds differently",
        "def f(a):\n    t = 0.0\n    for x in a:\n        t += x\n    return t\n",
        "import math\ndef f(a):\n    return math.fsum(a)\n",
        "[(([0.1] * 10,), {}), (([1.0, 2.0],), {})]",
        "result",
    ),
    Case(
        "wrong on large numbers",
        "def f(x):\n    return x + 1\n",
        "def f(x):\n    return (x + 1) & 0xFFFFFFFFFFFFFFFF\n",
        "[((3,), {}), ((2**64 + 5,), {})]",
        "result",
    ),
    Case(
        "an inner function that holds another value",
        "def f(n):\n    total = sum(range(n))\n    return lambda x: x + total\n",
        "def f(n):\n    total = n\n    return lambda x: x + total\n",
        "[((5,), {})]",
        "closure",
    ),
    Case(
        "an inner function that does something else",
        "def f(n):\n    def add(x):\n        return x + n\n    return [add]\n",
        "def f(n):\n    def add(x):\n        return x - n\n    return [add]\n",
        "[((5,), {})]",
        "code",
    ),
    Case(
        "an inner class that does something else",
        "def f(n):\n    class Sum:\n        def add(self, x):\n            return x + n\n    return Sum()\n",
        "def f(n):\n    class Sum:\n        def add(self, x):\n            return x - n\n    return Sum()\n",
        "[((5,), {})]",
        "class",
    ),
]
