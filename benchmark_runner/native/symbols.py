"""What a built program carries beside its code: writable data, early code, calls of the system.

A function that remembers between calls needs a place for it, and one that wants to end the run
early, or to act before it, needs a name of the system's. Both show in the file that was built,
however the source hides them (but for assembly, which the gate refuses).
"""

from __future__ import annotations

from dataclasses import dataclass

NM = ("nm", "-S")
SIZE = ("size", "-A")
_WRITABLE = frozenset("bBdDuVv")
_EARLY = (".init_array", ".preinit_array", ".ctors", ".fini_array")
_TELLING = frozenset(
    (
        "exit", "_exit", "_Exit", "quick_exit", "pthread_exit", "syscall", "longjmp", "siglongjmp",
        "sigaction", "signal", "sigaltstack", "setitimer", "timer_create", "alarm", "mprotect",
        "mmap", "dlsym", "dlopen", "fork", "vfork", "clone", "execve", "execv", "execvp", "system",
        "popen", "posix_spawn", "raise", "kill", "getenv", "secure_getenv", "atexit",
        "__cxa_atexit", "__cxa_thread_atexit", "on_exit", "open", "open64", "openat", "fopen",
        "fopen64", "freopen", "read", "write", "fwrite", "pthread_create", "thrd_create",
        "makecontext", "setcontext", "swapcontext", "process_vm_writev", "ptrace",
        # standard input holds how often, and whether for its time, the function is called
        "pread", "pread64", "preadv", "preadv64", "readv", "process_vm_readv", "dup", "dup2",
        "dup3", "fcntl", "fcntl64", "ioctl", "fseek", "fseeko", "fseeko64", "rewind", "fgetpos",
        "fsetpos", "ftell", "ftello", "ungetc",
        # places outside of the program's own data that outlive a call
        "lseek", "lseek64", "prctl", "setenv", "putenv", "unsetenv", "clearenv", "umask", "sbrk",
        "brk", "memfd_create", "shm_open", "shmget", "shmat", "pipe", "pipe2", "socketpair",
        "eventfd", "pwrite", "pwrite64", "writev", "setrlimit", "srand", "srandom", "srand48",
        "seed48", "lcong48", "initstate", "setstate", "pthread_setspecific", "tss_set",
        "fesetround", "fesetenv", "feraiseexcept",
        "rand", "random", "lrand48", "mrand48", "nrand48", "drand48", "strtok",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Symbols:
    """Bytes of writable data and of early code, and names that are taken from the system."""

    writable: int
    early: int
    taken: frozenset[str]


def read_symbols(names: str, sizes: str) -> Symbols | None:
    """From what nm and size print; None where they tell nothing (a stripped program)."""
    writable, taken, seen = 0, set(), 0
    for line in names.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] in ("U", "w"):
            taken.add(words[1].partition("@")[0])
        elif len(words) == 4 and words[2] in _WRITABLE:
            writable += int(words[1], 16)
        seen += len(words) >= 3
    early = 0
    for line in sizes.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] in _EARLY and words[1].isdigit():
            early += int(words[1])
    return Symbols(writable, early, frozenset(taken)) if seen else None


def refusal(before: Symbols, after: Symbols) -> str | None:
    """Why a function's build is refused, or None."""
    if after.writable > before.writable:
        return (
            f"it has {after.writable - before.writable} bytes of writable data that outlive a "
            "call, which the original has not: what it keeps there makes later calls look faster "
            "(tables can be const)"
        )
    if after.early > before.early:
        return (
            "it does something when it is loaded, before it is called, which the original does not"
        )
    if more := sorted((after.taken - before.taken) & _TELLING):
        return f"it calls {more[0]}(), which the original does not"
    return None
