"""Assembles the system call filter (classic BPF) that a worker puts on itself.

Written by hand so that nothing has to be installed: libseccomp is not on every machine and the
worker runs under the user's interpreter. Calls that no program under test has an honest use for
end the process; the other denied ones fail with EPERM.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark_runner.sandbox.syscalls import AARCH64, X86_64

Policy = Literal["worker", "program", "run"]
"""A Python worker; a program that may start others; a compiled program that runs alone."""
OWN_PID = 0x1A5EC0DE
"""Stands in a filter for a process id that is only known after the fork (see `with_pid`)."""

_LOAD, _JUMP_EQ, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_CLONE_THREAD = 0x00010000
_CLONE_NEW = 0x7E020000  # every CLONE_NEW* of clone(2); CLONE_NEWTIME only exists in clone3
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX = 1


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_DENIED_ALWAYS = _words("""
    socket connect bind listen accept accept4 pidfd_open pidfd_send_signal process_madvise
    io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key chroot unshare
    tkill rt_sigqueueinfo rt_tgsigqueueinfo setpriority sched_setscheduler sched_setparam
    sched_setattr ioprio_set sethostname setdomainname settimeofday clock_settime adjtimex
    clock_adjtime iopl ioperm acct quotactl syslog mknod mknodat name_to_handle_at kcmp
    lookup_dcookie shmget msgget semget mq_open personality vhangup modify_ldt
""")
_KILLED = _words("""
    ptrace process_vm_readv process_vm_writev pidfd_getfd mount umount2 pivot_root open_tree
    move_mount fsopen fsconfig fsmount fspick mount_setattr setns bpf perf_event_open
    userfaultfd reboot init_module finit_module delete_module kexec_load kexec_file_load swapon
    swapoff open_by_handle_at
""")
_KILLED_ALONE = _words("""
    connect bind listen accept accept4 pidfd_open pidfd_send_signal io_uring_setup chroot unshare
    setpriority sched_setscheduler sched_setparam sched_setattr ioprio_set mknod mknodat tkill
    rt_sigqueueinfo rt_tgsigqueueinfo
""")
_ENDING: dict[str, tuple[str, ...]] = {
    "network": _words("socket connect bind listen accept accept4"),
    "process": _words("execve execveat fork vfork clone"),
    "kill": _words("kill tgkill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal"),
    "": _words("""
        setpriority sched_setscheduler sched_setparam sched_setattr ioprio_set unshare chroot
        keyctl add_key request_key mknod mknodat mq_open
    """),
}
"""By what an original does (see harness.Tripwire): calls that else end its candidates."""
_WORKER_ONLY = _words("""
    execve execveat fork vfork chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr utime utimes futimesat
    utimensat
""")
"""Beside processes: Landlock says nothing about modes, owners, times and attributes of files."""


@dataclass(frozen=True)
class Architecture:
    """What the filter must know of a machine."""

    audit: int
    numbers: dict[str, int]


_ARCHITECTURES = {
    "x86_64": Architecture(0xC000003E, X86_64),
    "aarch64": Architecture(0xC00000B7, AARCH64),
    "arm64": Architecture(0xC00000B7, AARCH64),
}

Instruction = tuple[int, int, int, int]


def architecture(machine: str | None = None) -> Architecture | None:
    """The architecture of this (or the named) machine, or None where no filter can be made."""
    return _ARCHITECTURES.get(machine or platform.machine())


def _error(number: int) -> Instruction:
    return (_RETURN, 0, 0, 0x00050000 | number)


def _argument(index: int) -> Instruction:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


_DENY = _error(errno.EPERM)
_PASS: Instruction = (_RETURN, 0, 0, _ALLOW)
_KILLS: Instruction = (_RETURN, 0, 0, _KILL)


def _only_when(index: int, allowed: Sequence[int]) -> list[Instruction]:
    """Allow the call if the low word of an argument is one of the values."""
    body: list[Instruction] = [_argument(index)]
    for position, value in enumerate(allowed):
        body.append((_JUMP_EQ, len(allowed) - position, 0, value & 0xFFFFFFFF))
    return [*body, _DENY, _PASS]


def _clone(policy: Policy) -> list[Instruction]:
    """Threads only (worker), or processes too but no new namespaces (program)."""
    body: list[Instruction] = [_argument(0), (_JUMP_SET, 0, 1, _CLONE_NEW), _DENY]
    if policy == "worker":
        body += [(_JUMP_SET, 1, 0, _CLONE_THREAD), _DENY]
    return [*body, _PASS]


def _exec_only(addresses: Sequence[int]) -> list[Instruction]:
    """Allow execve(2) only with these three pointers (path, arguments, environment).

    They are random, and gone with the address space once the call has been made: the program
    that was started can't know them, nor try twice.
    """
    body: list[Instruction] = []
    for index, address in enumerate(addresses):
        for offset, word in ((0, address & 0xFFFFFFFF), (4, address >> 32)):
            body.append((_LOAD, 0, 0, _ARGUMENTS + 8 * index + offset))
            body += [(_JUMP_EQ, 1, 0, word), _KILLS]
    return [*body, _PASS]


def _alone(exec_at: Sequence[int]) -> list[tuple[str, list[Instruction]]]:
    """What is harder for a compiled program: other processes and networks end it."""
    rules = [(name, [_KILLS]) for name in ("fork", "vfork", "execveat")]
    rules += [(name, [_KILLS]) for name in _KILLED_ALONE]
    thread = [_argument(0), (_JUMP_SET, 1, 0, _CLONE_THREAD), _KILLS, _PASS]
    local = [_argument(0), (_JUMP_EQ, 0, 1, _AF_UNIX), _DENY, _KILLS]
    return [*rules, ("clone", thread), ("socket", local), ("execve", _exec_only(exec_at))]


def _rules(
    policy: Policy, pid: int, signals: bool, exec_at: Sequence[int]
) -> list[tuple[str, list[Instruction]]]:
    """What to do for each system call that is not simply allowed; the first rule for one holds."""
    rules = _alone(exec_at) if policy == "run" else []
    rules += [(name, [_DENY]) for name in _DENIED_ALWAYS]
    rules += [(name, [_KILLS]) for name in _KILLED]
    rules.append(("clone3", [_error(errno.ENOSYS)]))  # its flags lie in memory: can't be judged
    rules.append(("clone", _clone(policy)))
    rules.append(
        (
            "ioctl",
            [
                _argument(1),
                (_JUMP_EQ, 1, 0, _TIOCSTI),
                (_JUMP_EQ, 0, 1, _TIOCLINUX),
                _DENY,
                _PASS,
            ],
        )
    )
    if not signals:
        rules.append(("kill", _only_when(0, [pid])))
        rules.append(("tgkill", _only_when(0, [pid])))
    if policy != "program":
        rules += [(name, [_DENY]) for name in _WORKER_ONLY]
        rules.append(("prlimit64", _only_when(0, [0, pid])))
        rules.append(("sched_setaffinity", _only_when(0, [0, pid])))
    return rules


def assemble(
    policy: Policy,
    pid: int,
    machine: str | None = None,
    *,
    signals: bool = False,
    exec_at: Sequence[int] = (0, 0, 0),
    allowed: Iterable[str] | None = None,
) -> bytes:
    """The filter as `struct sock_filter[]`; `pid` is the worker's own, as it sees itself.

    `signals` allows signals to any process, for where something else confines them. `exec_at` are
    the addresses of the only execve that the policy "run" allows. `allowed` are the kinds of
    things that an original tries: what is denied and none of these ends its candidates, instead
    of failing. Empty bytes where the architecture is unknown.
    """
    known = architecture(machine)
    if known is None:
        return b""
    ending: set[str] = set()
    if allowed is not None:
        kinds = _ENDING.keys() - set(allowed)
        ending = {name for kind in kinds for name in _ENDING[kind]}
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQ, 1, 0, known.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if known.numbers is X86_64:  # the x32 ABI has its own numbers
        program += [(_JUMP_GE, 0, 1, 0x40000000), _DENY]
    for name, body in _rules(policy, pid, signals, exec_at):
        number = known.numbers.get(name)
        if number is not None:
            body = [_KILLS if name in ending and step == _DENY else step for step in body]
            program += [(_JUMP_EQ, 0, len(body), number), *body]
    program.append(_PASS)
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def seccomp_number(machine: str | None = None) -> int:
    """The number of seccomp(2), which glibc does not wrap; 0 where unknown."""
    known = architecture(machine)
    return known.numbers["seccomp"] if known else 0
