"""Time that is hidden, moved, or taken from others."""

from __future__ import annotations

from tests.benchmark_runner.hostile.cheat import SLOW, WRONG, Cheat, cheat

_FAST = """
def fast(values):
    return sum([value * value % 7 for value in values])
"""


def _honestly_faster(name: str, extra: str, *, slow: bool = False) -> Cheat:
    """About 1.2 times faster by itself, up to 2 on some interpreters; the rest would be a lie."""
    return cheat(name, _FAST + "\n" + extra, (*SLOW, "faster"), honest=2.2, slow=slow)


CHEATS = (
    cheat(
        "clocks that stand still",
        """
        import time
        for _name in ("time", "perf_counter", "monotonic", "process_time", "thread_time"):
            setattr(time, _name, lambda: 0.0)
            setattr(time, _name + "_ns", lambda: 0)
        def f(values): return honest(values)
        """,
        SLOW,
        honest=1.0,
        slow=True,
    ),
    cheat(
        "clocks that are patched in each call",
        """
        import time
        def f(values):
            before = time.perf_counter
            time.perf_counter = lambda: 0.0
            try: return honest(values)
            finally: time.perf_counter = before
        """,
        (*SLOW, "different"),
        honest=1.0,
        slow=True,
    ),
    cheat(
        "the answer from a thread, later",
        """
        import threading
        class Later(list): pass
        def f(values):
            out = Later()
            threading.Thread(target=lambda: out.append(honest(values))).start()
            return out
        """,
        WRONG,
    ),
    cheat(
        "a list that a thread fills after the call",
        """
        import threading, time
        def f(values):
            out = []
            def work():
                out.extend(values)
            threading.Timer(0.0005, work).start()
            return out
        """,
        WRONG,
        before="def f(values):\n    out = []\n    for value in values:\n"
        "        out.append(value)\n    return out\n",
    ),
    cheat(
        "a thread that works ahead",
        """
        import threading
        def _ahead():
            while True: sum(range(1000))
        _started = []
        def f(values):
            if not _started:
                _started.append(1)
                threading.Thread(target=_ahead, daemon=True).start()
            return honest(values)
        """,
        WRONG,
    ),
    cheat(
        "work on four threads",
        """
        import concurrent.futures
        def f(values):
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                return sum(pool.map(honest, [values[i::4] for i in range(4)]))
        """,
        SLOW,
        honest=1.0,
        slow=True,
    ),
    cheat(
        "the garbage collector off",
        "import gc\ndef f(values):\n    gc.disable()\n    return honest(values)\n",
        WRONG,
    ),
    cheat(
        "the garbage collector off at import",
        "import gc\ngc.disable()\ngc.freeze()\ndef f(values): return honest(values)\n",
        (*SLOW, "different"),
        honest=1.0,
        slow=True,
    ),
    cheat(
        "the switch interval",
        "import sys\ndef f(values):\n    sys.setswitchinterval(100)\n    return honest(values)\n",
        (*SLOW, "different"),
        honest=1.0,
        slow=True,
    ),
    cheat(
        "a better place in line",
        """
        import os
        def f(values):
            for act in (lambda: os.nice(-10), lambda: os.setpriority(0, 0, -20),
                        lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))):
                try: act()
                except OSError: pass
            return honest(values)
        """,
        WRONG,
    ),
    cheat(
        "a worse place for others",
        """
        import os
        def f(values):
            for pid in (@PARENT@, os.getppid()):
                for act in (lambda: os.setpriority(0, pid, 19),
                            lambda: os.sched_setaffinity(pid, {0})):
                    try: act()
                    except OSError: pass
            return honest(values)
        """,
        WRONG,
    ),
    cheat(
        "the original made slower",
        """
        def f(values):
            try:
                with open("@PROJECT@/mod.py", "a") as file:
                    file.write("\\nimport time\\n_f = f\\ndef f(v): time.sleep(1); return _f(v)\\n")
            except OSError: pass
            return honest(values)
        """,
        WRONG,
    ),
    cheat(
        "a helper of the project made slower",
        """
        import helper
        helper.base = lambda: sum(range(10**6)) * 0 + 7
        def f(values): return honest(values)
        """,
        (*SLOW, "different"),
        honest=1.0,
        slow=True,
    ),
    _honestly_faster(
        "faster, and the clocks stopped",
        "import time\ntime.perf_counter = time.process_time = lambda: 0.0\nf = fast\n",
        slow=True,
    ),
    _honestly_faster(
        "faster, and a budget of its own in a thread",
        """
import threading
def f(values):
    thread = threading.Thread(target=fast, args=(values,))
    thread.start()
    thread.join()
    return fast(values)
""",
        slow=True,
    ),
)
