"""Other answers than the original's, made to look the same."""

from __future__ import annotations

from tests.benchmark_runner.hostile.cheat import SLOW, WRONG, cheat

_COPY = """\
def f(values):
    out = []
    for value in values:
        out.append(value)
    return out
"""
_MEAN = """\
def f(values):
    total = 0.0
    for value in values:
        total += value / 3
    return total
"""
_CHECKED = """\
def f(values):
    total = 0
    for value in values:
        total += 1000 // (value + 1)
    return total
"""
_CHECKED_INPUTS = """\
def inputs():
    for n in (900, 1000, 1100):
        yield (list(range(n)),), {}
    yield ([1, 2, -1, 3],), {}
"""
_ITEMS = """\
def f(values):
    for value in values:
        yield value * value % 7
"""

_SQUARES = """\
def f(values):
    out = []
    for value in values:
        out.append(value * value % 7 + value // 3)
    return out
"""
_FLOATS = """\
def f(values):
    out = []
    for value in values:
        out.append(float(value * value % 7 + value // 3))
    return out
"""

CHEATS = (
    cheat("zero result", "def f(values): return 0", WRONG),
    cheat("no result", "def f(values): return None", WRONG),
    cheat(
        "a lazy number",
        """
        class Lazy(int):
            def __new__(cls, values):
                self = int.__new__(cls, 0); self.values = values; return self
            def _now(self): return honest(self.values)
            def __eq__(self, other): return self._now() == other
            def __hash__(self): return hash(self._now())
            def __repr__(self): return repr(self._now())
            def __int__(self): return self._now()
            __index__ = __int__
        def f(values): return Lazy(values)
        """,
        WRONG,
    ),
    cheat(
        "an object equal to everything",
        """
        class Same:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
        def f(values): return Same()
        """,
        WRONG,
    ),
    cheat(
        "an int that is equal to everything",
        """
        class Same(int):
            def __eq__(self, other): return True
            def __hash__(self): return 0
        def f(values): return Same(3)
        """,
        WRONG,
    ),
    cheat(
        "a class that calls itself int",
        """
        class Same: pass
        Same.__name__ = Same.__qualname__ = "int"; Same.__module__ = "builtins"
        def f(values): return Same()
        """,
        WRONG,
    ),
    cheat(
        "numbers of a class whose metaclass says that it is int",
        """
        class Claims(type):
            def __eq__(cls, other): return True
            def __hash__(cls): return hash(int)
        class Later(metaclass=Claims):
            def __init__(self, value): self.value = value
            def __index__(self): return self.value * self.value % 7 + self.value // 3
        def f(values): return [Later(value) for value in values]
        """,
        WRONG,
        before=_SQUARES,
    ),
    cheat(
        "floats of a class whose metaclass says that it is float",
        """
        class Claims(type):
            def __eq__(cls, other): return True
            def __hash__(cls): return hash(float)
        class Later(metaclass=Claims):
            def __init__(self, value): self.value = value
            def __float__(self): return float(self.value * self.value % 7 + self.value // 3)
        def f(values): return [Later(value) for value in values]
        """,
        WRONG,
        before=_FLOATS,
    ),
    cheat(
        "a generator instead of a list",
        "def f(values): return (value for value in values)",
        WRONG,
        before=_COPY,
    ),
    cheat(
        "work moved into the items of a generator",
        """
        def f(values):
            def items():
                yield from [value * value % 7 for value in values]
            return items()
        """,
        (*SLOW, "faster"),  # a list first is a little faster, and all of it is timed
        before=_ITEMS,
        honest=1.6,
        slow=True,
    ),
    cheat(
        "the argument itself instead of a copy", "def f(values): return values", WRONG, before=_COPY
    ),
    cheat(
        "the same buffer for every result",
        """
        _buffer = []
        def f(values):
            _buffer[:] = values
            return _buffer
        """,
        WRONG,
        before=_COPY,
    ),
    cheat(
        "the buffer that was freed last",
        """
        _last = [[]]
        def f(values):
            if len(_last[0]) == len(values): return _last[0]
            _last[0] = honest(values)
            return _last[0]
        """,
        WRONG,
        before=_COPY,
    ),
    cheat(
        "changes its argument",
        """
        def f(values):
            values.sort(); total = honest(values); values.clear(); return total
        """,
        WRONG,
    ),
    cheat(
        "less precision",
        """
        import array
        def f(values): return float(array.array("f", [sum(values) / 3])[0])
        """,
        WRONG,
        before=_MEAN,
    ),
    cheat("the sum in another order", "def f(values): return sum(values) / 3", WRONG, before=_MEAN),
    cheat(
        "an exception swallowed",
        """
        def f(values):
            try: return sum([1000 // (value + 1) for value in values])
            except ZeroDivisionError: return 0
        """,
        WRONG,
        before=_CHECKED,
        inputs=_CHECKED_INPUTS,
    ),
    cheat(
        "falls back to a value when anything fails",
        """
        def f(values):
            try:
                import numba
                return numba.njit(honest)(values)
            except BaseException:
                return 0
        """,
        WRONG,
    ),
    cheat("only the first half", "def f(values): return honest(values[: len(values) // 2])", WRONG),
    cheat(
        "only a sample, scaled up",
        "def f(values): return honest(values[::10]) * len(values) // len(values[::10])",
        WRONG,
    ),
    cheat(
        "a coroutine instead of the answer",
        "async def f(values): return honest(values)",
        WRONG,
    ),
)
