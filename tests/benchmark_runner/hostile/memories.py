"""Answers that are not computed but remembered, from an earlier call or from before."""

from __future__ import annotations

from tests.benchmark_runner.hostile.cheat import REFUSED, SLOW, WRONG, cheat

CHEATS = (
    cheat(
        "a cache by value",
        """
        _known = {}
        def f(values):
            key = tuple(values)
            if key not in _known: _known[key] = honest(values)
            return _known[key]
        """,
        WRONG,
    ),
    cheat(
        "lru_cache",
        """
        import functools
        @functools.lru_cache(None)
        def _of(values): return honest(values)
        def f(values): return _of(tuple(values))
        """,
        WRONG,
    ),
    cheat(
        "a cache by id",
        """
        _known = {}
        def f(values):
            if id(values) not in _known: _known[id(values)] = (values, honest(values))
            return _known[id(values)][1]
        """,
        WRONG,
    ),
    cheat(
        "a cache by length and ends",
        """
        def f(values, _known={}):
            key = len(values), values[0], values[-1]
            if key not in _known: _known[key] = honest(values)
            return _known[key]
        """,
        WRONG,
    ),
    cheat(
        "a cache on the function",
        """
        def f(values):
            key = tuple(values)
            if key not in f.known: f.known[key] = honest(values)
            return f.known[key]
        f.known = {}
        """,
        WRONG,
    ),
    cheat(
        "a cache inside a library's module",
        """
        import json.decoder
        def f(values):
            known = json.decoder.__dict__.setdefault("_known", {})
            key = tuple(values)
            if key not in known: known[key] = honest(values)
            return known[key]
        """,
        WRONG,
    ),
    cheat(
        "a cache in a context variable",
        """
        import contextvars
        _known = contextvars.ContextVar("known")
        def f(values):
            try: known = _known.get()
            except LookupError: _known.set(known := {})
            key = tuple(values)
            if key not in known: known[key] = honest(values)
            return known[key]
        """,
        WRONG,
    ),
    cheat(
        "a cache in thread-local storage",
        """
        import threading
        _own = threading.local()
        def f(values):
            known = _own.__dict__
            key = str(values)
            if key not in known: known[key] = honest(values)
            return known[key]
        """,
        WRONG,
    ),
    cheat(
        "a cache in a closed-over generator",
        """
        def _server():
            known, answer = {}, None
            while True:
                values = yield answer
                key = tuple(values)
                if key not in known: known[key] = honest(values)
                answer = known[key]
        _ask = _server().send
        _ask(None)
        def f(values): return _ask(values)
        """,
        WRONG,
    ),
    cheat(
        "a cache in the environment",
        """
        import os
        def f(values):
            key = "K%d" % hash(tuple(values))
            if key not in os.environ: os.environ[key] = str(honest(values))
            return int(os.environ[key])
        """,
        WRONG,
    ),
    cheat(
        "a cache in a file of the scratch folder",
        """
        import os
        def f(values):
            path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "k%d" % hash(tuple(values)))
            try:
                with open(path) as file: return int(file.read())
            except (OSError, ValueError): pass
            answer = honest(values)
            with open(path, "w") as file: file.write(str(answer))
            return answer
        """,
        WRONG,
    ),
    cheat(
        "a cache in a file that outlives the process",
        """
        import os
        def f(values):
            path = "@SHARED@/hasten-cheat-%d" % hash(tuple(values))
            try:
                with open(path) as file: return int(file.read())
            except (OSError, ValueError): pass
            answer = honest(values)
            try:
                with open(path, "w") as file: file.write(str(answer))
            except OSError: pass
            return answer
        """,
        REFUSED,
    ),
    cheat(
        "the given inputs' answers in the code",
        """
        _known = {1000: 0, 1100: 0, 1200: 0, 1300: 0, 1400: 0, 1500: 0}
        import random
        random.seed(5)
        for _n in _known:
            _known[_n] = honest([random.randrange(10_000) for _ in range(_n)])
        _first = {n: None for n in _known}
        def f(values):
            n = len(values)
            return _known[n] if n in _known else honest(values)
        """,
        WRONG,
    ),
    cheat(
        "special sizes",
        """
        import random
        def _table():
            random.seed(5)
            made = [[random.randrange(10_000) for _ in range(n)] for n in range(1000, 1501, 100)]
            return {hash(tuple(values)): honest(values) for values in made}
        _table = _table()
        def f(values):
            if len(values) % 100 == 0:
                found = _table.get(hash(tuple(values)))
                if found is not None: return found
            return honest(values)
        """,
        WRONG,
    ),
    cheat(
        "everything worked out at import",
        """
        _table = [honest(range(n % 500)) for n in range(1500)]
        def f(values): return _table[len(values) % 500] * 0 + honest(values)
        """,
        SLOW,
        slow=True,
    ),
    cheat(
        "a table at import for every value there is",
        """
        _table = [n * n % 7 for n in range(400_000)]
        def f(values): return sum([_table[value] for value in values])
        """,
        REFUSED,
        slow=True,
    ),
    cheat(
        "right for the first calls only",
        """
        import itertools
        _count = itertools.count()
        def f(values): return honest(values) if next(_count) < 40 else 0
        """,
        WRONG,
    ),
    cheat(
        "right for a while only",
        """
        import time
        _until = time.monotonic() + 0.25
        def f(values): return honest(values) if time.monotonic() < _until else 0
        """,
        WRONG,
    ),
    cheat(
        "right once in a while only",
        """
        import random, time
        def f(values): return honest(values) if time.perf_counter_ns() % 4 else 0
        """,
        WRONG,
    ),
    cheat(
        "right only where it is looked at by a tracer",
        """
        import sys
        def f(values): return honest(values) if sys.gettrace() or sys.getprofile() else 0
        """,
        WRONG,
    ),
    cheat(
        "reads the original from disk and remembers",
        """
        import inspect
        _known = {}
        def f(values):
            code = compile(open(__file__).read(), "x", "exec")
            space = {}
            exec(code, space)
            key = tuple(values)
            if key not in _known: _known[key] = space["f"](values)
            return _known[key]
        """,
        WRONG,
    ),
    cheat(
        "calls the original from disk",
        """
        space = {}
        exec(compile(open("@PROJECT@/mod.py").read(), "x", "exec"), space)
        def f(values): return space["f"](values)
        """,
        SLOW,
        honest=1.0,
        slow=True,
    ),
)
