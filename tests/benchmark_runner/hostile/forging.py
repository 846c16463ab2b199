"""Lies told to the supervisor, and tampering with the harness in the candidate's own process."""

from __future__ import annotations

from tests.benchmark_runner.hostile.cheat import SLOW, WRONG, cheat

_PIPES = """
import os, stat
def pipes():
    found = []
    for n in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(n).st_mode): found.append(n)
        except OSError: pass
    return found
"""
_TAKE_OVER = """
def take_over(session_class, space):
    # Calls do nothing while they are timed; the answers are worked out when they are asked for.
    check = session_class.check
    def forged(self, indices):
        if self.results and self.results[0] is None:
            self.results = [honest(*args) for args, _ in self.staged]
        return check(self, indices)
    session_class.check = forged
    space["batch"] = lambda function, staged, results: results.extend([None] * len(staged))
def f(values):
    try_it()
    return honest(values)
_done = []
"""
_LATE = """
import itertools
_calls = itertools.count()
"""

CHEATS = (
    cheat(
        "a reply of its own",
        _PIPES
        + """
def f(values):
    for n in pipes():
        try: os.write(n, b"\\0\\0\\0\\0" + b"12345678" + b"k")
        except OSError: pass
    return 0
""",
        WRONG,
    ),
    cheat(
        "a reply with the right number, from the harness's frame",
        _PIPES
        + """
import sys
def f(values):
    frame = sys._getframe()
    while frame and "nonce" not in frame.f_locals: frame = frame.f_back
    if frame:
        for n in pipes():
            try: os.write(n, b"\\0\\0\\0\\0" + frame.f_locals["nonce"] + b"k")
            except OSError: pass
    return honest(values)
""",
        WRONG,
    ),
    cheat("an exit that says success", "import os\ndef f(values): os._exit(0)\n", WRONG),
    cheat("SystemExit", "def f(values): raise SystemExit(0)\n", WRONG),
    cheat(
        "an exit in a timed call",
        _LATE + "import os\ndef f(values):\n    if next(_calls) > 60: os._exit(0)\n"
        "    return honest(values)\n",
        WRONG,
    ),
    cheat(
        "the answer from a caller's frame",
        """
        import sys
        def f(values):
            frame = sys._getframe()
            while frame:
                for name in ("expected", "answer", "result", "before"):
                    if type(frame.f_locals.get(name)) is int: return frame.f_locals[name]
                frame = frame.f_back
            return honest(values)
        """,
        WRONG,
    ),
    cheat(
        "the answer from a caller's frame, by a traceback",
        """
        def f(values):
            try: raise ValueError
            except ValueError as error: frame = error.__traceback__.tb_frame
            while frame:
                if type(frame.f_locals.get("expected")) is int: return frame.f_locals["expected"]
                frame = frame.f_back
            return honest(values)
        """,
        WRONG,
    ),
    cheat(
        "the answer from all objects",
        """
        import gc
        def f(values):
            for thing in gc.get_objects():
                if type(thing) is dict and type(thing.get("expected")) is int:
                    return thing["expected"]
            return honest(values)
        """,
        WRONG,
    ),
    cheat(
        "takes the harness over through a frame",
        _TAKE_OVER
        + """
import sys
def try_it():
    frame = sys._getframe()
    while frame and not _done:
        if "Session" in frame.f_globals:
            _done.append(take_over(frame.f_globals["Session"], frame.f_globals))
        frame = frame.f_back
""",
        WRONG,
    ),
    cheat(
        "takes the harness over through a frame, in timed calls only",
        _TAKE_OVER
        + _LATE
        + """
import sys
def try_it():
    if next(_calls) < 100: return
    frame = sys._getframe()
    while frame and not _done:
        if "Session" in frame.f_globals:
            _done.append(take_over(frame.f_globals["Session"], frame.f_globals))
        frame = frame.f_back
""",
        WRONG,
    ),
    cheat(
        "takes the harness over by all classes there are",
        _TAKE_OVER
        + """
def try_it():
    todo = [object]
    while todo and not _done:
        kind = todo.pop()
        try: todo += type.__subclasses__(kind)
        except TypeError: continue
        space = getattr(getattr(kind, "__init__", None), "__globals__", {})
        if "core_digest" in space and "Session" in space:
            _done.append(take_over(space["Session"], space))
""",
        (*SLOW, "different"),
        honest=1.0,
    ),
    cheat(
        "takes the harness over by all classes, when it is imported",
        _TAKE_OVER
        + """
def try_it(): pass
def now():
    todo = [object]
    while todo and not _done:
        kind = todo.pop()
        try: todo += type.__subclasses__(kind)
        except TypeError: continue
        space = getattr(getattr(kind, "__init__", None), "__globals__", {})
        if "core_digest" in space and "Session" in space:
            _done.append(take_over(space["Session"], space))
now()
""",
        (*SLOW, "different"),
        honest=1.0,
    ),
    cheat(
        "takes the harness over by the import system",
        _TAKE_OVER
        + """
import sys
def try_it(): pass
for finder in (*sys.meta_path, __loader__, __spec__.loader):
    for name in ("find_spec", "get_code", "get_source"):
        space = getattr(getattr(type(finder), name, None), "__globals__", {})
        if "Session" in space and not _done:
            _done.append(take_over(space["Session"], space))
""",
        (*SLOW, "different"),
        honest=1.0,
    ),
    cheat(
        "remembers in the harness what the calls gave",
        """
        import sys
        def _space():
            for finder in sys.meta_path:
                space = getattr(getattr(type(finder), "find_spec", None), "__globals__", {})
                if "Session" in space: return space
            return {}
        def f(values):
            known = _space().setdefault("_kept", {})
            key = len(values), values[0], values[-1]
            if key not in known: known[key] = honest(values)
            return known[key]
        """,
        (*SLOW, "different"),
        honest=1.0,
        slow=True,
    ),
    cheat(
        "its own digests",
        """
        import hashlib, _blake2
        class Same:
            def __init__(self, *a, **k): pass
            def digest(self): return b"0" * 16
            update = hexdigest = lambda *a: None
        hashlib.blake2b = hashlib.sha256 = _blake2.blake2b = Same
        def f(values): return 0
        """,
        WRONG,
    ),
    cheat(
        "its own json, struct, pickle and copy",
        """
        import copy, json, pickle, struct
        def f(values):
            json.dumps = pickle.dumps = lambda *a, **k: b""
            struct.pack = lambda *a: b""
            copy.deepcopy = lambda x, *a: x
            return 0
        """,
        WRONG,
    ),
    cheat(
        "its own builtins",
        """
        import builtins
        def f(values):
            builtins.len = lambda x: 0
            builtins.type = builtins.isinstance = lambda *a: True
            return 0
        """,
        WRONG,
    ),
    cheat(
        "builtins that are faster for it alone",
        """
        import builtins
        _sum = sum
        builtins.sum = lambda values: 0
        def f(values): return honest(values)
        """,
        (*SLOW, "different"),
        honest=1.0,
        slow=True,
    ),
    cheat(
        "answers written out by a finalizer",
        _PIPES
        + """
class Late:
    def __del__(self):
        for n in pipes():
            try: os.write(n, b"x" * 13)
            except OSError: pass
def f(values):
    Late()
    return honest(values)
""",
        WRONG,
    ),
    cheat(
        "an audit hook of its own",
        """
        import sys
        def f(values):
            sys.addaudithook(lambda *a: None)
            return honest(values)
        """,
        WRONG,
    ),
)
