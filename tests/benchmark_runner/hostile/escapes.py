"""Ways out: files, processes, signals and networks. The attempt is a reason to refuse by itself."""

from __future__ import annotations

from tests.benchmark_runner.hostile.cheat import SLOW, WRONG, Cheat, cheat

_FAST = "def fast(values): return sum([value * value % 7 for value in values])\n"


def _tries(name: str, act: str, *, extra: str = "", honest: float | None = None) -> Cheat:
    """Honestly faster, but it tries something in each call and swallows the error."""
    body = "\n".join("            " + line for line in act.strip().splitlines())
    code = (
        _FAST + extra + "\ndef f(values):\n        try:\n" + body + "\n"
        "        except (Exception, SystemExit): pass\n        return fast(values)\n"
    )
    if honest is not None:
        return cheat(name, code, (*SLOW, "faster"), honest=honest, slow=True)
    return cheat(name, code, WRONG)


_SYSCALL = "import ctypes\n_call = ctypes.CDLL(None).syscall\n"
_LATER = "import itertools\n_calls = itertools.count()\n"

CHEATS = (
    _tries("TCP", "import socket\nsocket.create_connection(('127.0.0.1', @TCP@), 1)"),
    _tries(
        "UDP",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
        ".sendto(b'x', ('127.0.0.1', @UDP@))",
    ),
    _tries(
        "an abstract Unix socket",
        "import socket\nsocket.socket(socket.AF_UNIX).connect(b'\\0@ABSTRACT@')",
    ),
    _tries(
        "a Unix socket on disk", "import socket\nsocket.socket(socket.AF_UNIX).connect('@UNIX@')"
    ),
    _tries("names looked up", "import socket\nsocket.getaddrinfo('example.org', 80)"),
    _tries(
        "TCP by the module below",
        "import _socket\n_socket.socket(2, 1).connect_ex(('127.0.0.1', @TCP@))",
    ),
    _tries("a secret of the user", "open('@HOME@/.ssh/id_ed25519').read()"),
    _tries("a secret by os.open", "import posix\nposix.open('@HOME@/.ssh/id_ed25519', 0)"),
    _tries(
        "a secret through a symbolic link",
        "import os\nlink = os.environ['TMPDIR'] + '/link'\n"
        "os.path.islink(link) or os.symlink('@HOME@/.ssh', link)\n"
        "open(link + '/id_ed25519').read()",
    ),
    _tries(
        "a secret through the parent's root", "open('/proc/@PARENT@/root@HOME@/.ssh/id_ed25519')"
    ),
    _tries("the parent's environment", "open('/proc/@PARENT@/environ', 'rb').read()"),
    _tries("the parent's memory", "open('/proc/@PARENT@/mem', 'r+b').read(1)"),
    _tries("a file of the project", "open('@PROJECT@/helper.py', 'w').write('x = 1')"),
    _tries("a new file in the project", "open('@PROJECT@/sitecustomize.py', 'w').write('x = 1')"),
    _tries(
        "bytecode of the project",
        "import os\nos.makedirs('@PROJECT@/__pycache__', exist_ok=True)\n"
        "open('@PROJECT@/__pycache__/helper.cpython-311.pyc', 'wb').write(b'x')",
    ),
    _tries("the harness", "open('@HARNESS@', 'a').write('x')"),
    _tries("an installed package", "open('@SITE@/hasten_cheat.pth', 'w').write('import os')"),
    _tries("the shell's start file", "open('@HOME@/.bashrc', 'a').write('x')"),
    _tries("removing", "import os\nos.remove('@PROJECT@/helper.py')"),
    _tries("renaming", "import os\nos.rename('@PROJECT@/helper.py', '@PROJECT@/h2.py')"),
    _tries("modes", "import os\nos.chmod('@HOME@/.ssh/id_ed25519', 0o777)"),
    _tries("a link to the project", "import os\nos.link('@PROJECT@/mod.py', '@PROJECT@/mod2.py')"),
    _tries("a named pipe", "import os\nos.mkfifo('@PROJECT@/pipe')"),
    _tries("shared memory", "open('/dev/shm/hasten-cheat', 'w').write('x')"),
    _tries(
        "a write by another thread",
        "import threading\nthreading.Thread(target=lambda: open('@PROJECT@/t.txt', 'w')).start()",
    ),
    _tries(
        "a write by a finalizer",
        "class Late:\n    def __del__(self): open('@PROJECT@/t.txt', 'w')\nLate()",
    ),
    cheat(
        "a write when it is imported",
        _FAST + "try: open('@PROJECT@/t.txt', 'w')\nexcept OSError: pass\nf = fast\n",
        WRONG,
    ),
    cheat(
        "a write when the interpreter ends",
        _FAST + "import atexit\natexit.register(lambda: open('@PROJECT@/t.txt', 'w'))\n"
        "def f(values):\n    import os\n    os.kill(os.getpid(), 15)\n    return fast(values)\n",
        WRONG,
    ),
    cheat(
        "a write by a system call of its own",
        _FAST + _SYSCALL + "def f(values):\n"
        "    _call(@OPENAT@, -100, b'@PROJECT@/t.txt', 0o101, 0o644)\n    return fast(values)\n",
        WRONG,
    ),
    cheat(
        "a socket by a system call of its own",
        _FAST
        + _SYSCALL
        + "def f(values):\n    _call(@SOCKET@, 2, 1, 0)\n    return fast(values)\n",
        WRONG,
    ),
    cheat(
        "a socket in timed calls only",
        _FAST + _LATER + "import socket\ndef f(values):\n    if next(_calls) > 100:\n"
        "        try: socket.socket()\n        except OSError: pass\n    return fast(values)\n",
        WRONG,
    ),
    cheat(
        "a process in timed calls only",
        _FAST + _LATER + "import os\ndef f(values):\n    if next(_calls) > 100:\n"
        "        try: os.fork() or os._exit(0)\n        except OSError: pass\n"
        "    return fast(values)\n",
        WRONG,
    ),
    cheat(
        "a write in timed calls only",
        _FAST + _LATER + "def f(values):\n    if next(_calls) > 100:\n"
        "        try: open('@PROJECT@/t.txt', 'w')\n        except OSError: pass\n"
        "    return fast(values)\n",
        WRONG,
    ),
    _tries("a program", "import subprocess\nsubprocess.run(['touch', '@PROJECT@/t.txt'])"),
    _tries("a shell", "import os\nassert os.system('touch @PROJECT@/t.txt') == 0"),
    _tries("exec", "import os\nos.execv('/usr/bin/touch', ['touch', '@PROJECT@/t.txt'])"),
    _tries(
        "a process by the module below",
        "import _posixsubprocess, os\nr, w = os.pipe()\n"
        "import multiprocessing.util as u\n"
        "u.spawnv_passfds(b'/usr/bin/touch', [b'touch', b'@PROJECT@/t.txt'], [])",
    ),
    _tries(
        "a daemon",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        time.sleep(60)\n    os._exit(0)",
    ),
    _tries("a signal to the parent", "import os, signal\nos.kill(@PARENT@, signal.SIGUSR1)"),
    _tries(
        "a signal to the process that started it",
        "import os, signal\nos.kill(os.getppid(), signal.SIGUSR1)",
    ),
    _tries(
        "a signal by ctypes",
        "_libc.kill(@PARENT@, 10)",
        extra="import ctypes\n_libc = ctypes.CDLL(None)\n",
    ),
    _tries(
        "a core of its own",
        "import os\nos.sched_setaffinity(@PARENT@, {0})",
        honest=2.2,  # refused by the kernel, as libraries that place their threads expect
    ),
    _tries("ptrace", "_call(@PTRACE@, 16, @PARENT@, 0, 0)", extra=_SYSCALL),
    _tries("another name space", "_call(@UNSHARE@, 0x10000000)", extra=_SYSCALL),
    cheat(
        "only where it is not watched",
        _FAST
        + """
import os
_watched = "TMPDIR" in os.environ and "hasten" in os.environ["TMPDIR"]
def f(values):
    if not _watched:
        open('@HOME@/.ssh/id_ed25519').read()
    try: open('/proc/@PARENT@/cmdline').read()
    except OSError: pass
    return fast(values)
""",
        WRONG,
    ),
)
