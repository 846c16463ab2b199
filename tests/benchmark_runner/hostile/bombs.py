"""Candidates that use up what the machine has, or never end."""

from __future__ import annotations

from tests.benchmark_runner.hostile.cheat import SLOW, WRONG, cheat

CHEATS = (
    cheat("an endless loop", "def f(values):\n    while True: pass\n", WRONG),
    cheat("an endless loop at import", "while True: pass\ndef f(values): pass\n", WRONG, slow=True),
    cheat(
        "an endless loop that ignores every signal",
        """
        import signal
        for n in range(1, 64):
            try: signal.signal(n, signal.SIG_IGN)
            except (OSError, ValueError): pass
        def f(values):
            while True:
                try:
                    while True: pass
                except BaseException: pass
        """,
        WRONG,
    ),
    cheat("sleeps for ever", "import time\ndef f(values): time.sleep(10**6)\n", WRONG, slow=True),
    cheat(
        "an endless generator",
        "import itertools\ndef f(values): return itertools.count()\n",
        WRONG,
    ),
    cheat(
        "a fork bomb",
        "import os\ndef f(values):\n    while True: os.fork()\n",
        WRONG,
    ),
    cheat(
        "a fork bomb that swallows errors",
        "import os\ndef f(values):\n    for _ in range(10**4):\n        try: os.fork()\n"
        "        except OSError: pass\n    return honest(values)\n",
        WRONG,
    ),
    cheat(
        "a thread bomb",
        """
        import threading, time
        def f(values):
            for _ in range(100_000):
                try: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                except RuntimeError: break
            return honest(values)
        """,
        WRONG,
    ),
    cheat(
        "a memory bomb",
        "def f(values):\n    kept = []\n    while True: kept.append(bytearray(b'x') * (1 << 22))\n",
        WRONG,
    ),
    cheat("one huge allocation", "def f(values): return len(bytearray(1 << 40))\n", WRONG),
    cheat(
        "fills the disk",
        """
        import itertools, os
        def f(values):
            for n in itertools.count():
                with open(f"{os.environ['TMPDIR']}/{n}", "wb") as file: file.write(bytes(1 << 22))
        """,
        WRONG,
    ),
    cheat(
        "a flood of output",
        "def f(values):\n    for _ in range(200): print('x' * (1 << 20))\n"
        "    return honest(values)\n",
        WRONG,
    ),
    cheat(
        "a flood of output by the descriptor",
        "import os\ndef f(values):\n    for _ in range(200): os.write(1, b'x' * (1 << 20))\n"
        "    return honest(values)\n",
        WRONG,
    ),
    cheat("a giant result", "def f(values): return ['y' * (1 << 20)] * 100_000\n", WRONG),
    cheat(
        "a result without a bottom",
        "def f(values):\n    x = []\n    for _ in range(10**6): x = [x]\n    return x\n",
        WRONG,
        slow=True,
    ),
    cheat(
        "too many open files",
        "import os\ndef f(values):\n    kept = []\n    try:\n        while True: kept.append("
        "os.dup(1))\n    except OSError: pass\n    return honest(values)\n",
        (*WRONG, *SLOW),  # it ends in the honest call: what a noisy machine can't tell is open
        honest=1.0,
        slow=True,
    ),
    cheat(
        "a recursion without end",
        "import sys\nsys.setrecursionlimit(10**9)\n"
        "def f(values):\n    def deep(n): return deep(n + 1)\n    return deep(0)\n",
        WRONG,
    ),
    cheat(
        "a crash",
        "import ctypes\ndef f(values): return ctypes.string_at(0)\n",
        WRONG,
    ),
)
