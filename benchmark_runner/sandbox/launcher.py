"""Starts compiled programs, each confined for itself, from one small process that stays.

It runs alone (`python -I -S launcher.py SOCKET HARNESS SCRATCH`, at L2 inside bubblewrap) and
never runs code of the user's itself. Starting an interpreter for every run would cost more than
most runs. One request is one message of canonical bytes with three descriptors (standard input,
output, error); one message answers it. It ends, and all that it started, with its socket.
"""

from __future__ import annotations

import _socket
import array
import ctypes
import os
import resource
import select
import shutil
import signal
import struct
import sys
import time
from typing import Any

_MESSAGE = 1 << 18
_POLL_MS = 10
_DISK_EVERY = 20
_PAGE = os.sysconf("SC_PAGE_SIZE")
_OWN_PID = struct.pack("<I", 0x1A5EC0DE)  # seccomp.OWN_PID
_STARTED = struct.Struct("<cQQQ")  # "S", clock, CPU clock, peak bytes at the exec: nanoseconds
_MAP_FIXED_NOREPLACE = 0x100000


def _harness(path: str) -> Any:
    from importlib.machinery import SourcelessFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    spec = spec_from_loader("harness", SourcelessFileLoader("harness", path))
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _receive(control: Any) -> tuple[bytes, list[int]]:
    """One message and its descriptors; empty when the other side is gone."""
    data, extra, _, _ = control.recvmsg(
        _MESSAGE, _socket.CMSG_SPACE(3 * 4), _socket.MSG_CMSG_CLOEXEC
    )
    found: list[int] = []
    for level, kind, piece in extra:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(piece[: len(piece) - len(piece) % numbers.itemsize])
            found += numbers
    return data, found


def _place(libc: Any, address: int, data: bytes) -> None:
    """Put bytes at an address that the parent drew at random."""
    start = address - address % _PAGE
    size = address - start + len(data)
    private_anonymous = 0x22
    at = libc.mmap(
        ctypes.c_void_p(start),
        ctypes.c_size_t(size),
        ctypes.c_int(3),
        ctypes.c_int(private_anonymous | _MAP_FIXED_NOREPLACE),
        ctypes.c_int(-1),
        ctypes.c_long(0),
    )
    if at != start:
        raise OSError("the addresses of this run are taken")
    ctypes.memmove(address, data, len(data))


def _strings(libc: Any, address: int, texts: list[str]) -> None:
    """A C array of strings at an address, its strings right behind it."""
    encoded = [os.fsencode(text) + b"\0" for text in texts]
    at, pointers = address + 8 * (len(texts) + 1), []
    for text in encoded:
        pointers.append(at)
        at += len(text)
    head = struct.pack(f"<{len(texts) + 1}Q", *pointers, 0)
    _place(libc, address, head + b"".join(encoded))


class Launcher:
    """Serves one parent until that closes its end."""

    def __init__(self, control: Any, harness: Any, scratch: str) -> None:
        self.control = control
        self.harness = harness
        self.scratch = scratch
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.mmap.restype = ctypes.c_void_p
        self.runs = 0
        self.libc.prctl(36, *[ctypes.c_ulong(n) for n in (1, 0, 0, 0)])  # adopt what is left

    def serve(self) -> None:
        """Answer until the parent is gone."""
        while True:
            data, descriptors = _receive(self.control)
            if not data:
                return
            if len(descriptors) != 3:  # a stop that came too late
                continue
            self.runs += 1
            folder = f"{self.scratch}/run-{self.runs}"
            os.mkdir(folder, 0o700)
            try:
                told = self.run(self.harness.decode_plain(data), descriptors, folder)
            except OSError as error:
                told = {"error": f"{error.strerror or error}"}
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
                _remove(folder)
            self.control.send(self.harness.encode(told))

    def run(self, config: dict[str, Any], files: list[int], folder: str) -> dict[str, Any]:
        """One run, to its end or its limit."""
        status_read, status_write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                self.become(config, files, folder, status_write)
            except BaseException as error:
                os.write(status_write, b"E" + str(error).encode("utf-8", "replace")[:500])
            os._exit(127)
        os.close(status_write)
        handle = os.pidfd_open(child)
        try:
            reason = self.watch(config, child, handle, folder)
        finally:
            os.close(handle)
        ended = time.perf_counter_ns()
        in_line = _in_line_ns(child)
        _, status, used = os.wait4(child, 0)
        self.sweep(child)
        said = os.read(status_read, 1000)
        os.close(status_read)
        failed = said.partition(b"E")[2] if said[:1] == b"E" else said[_STARTED.size :]
        if failed or len(said) < _STARTED.size:
            return {"error": failed.decode("utf-8", "replace") or "the program did not start"}
        _, started, before, floor = _STARTED.unpack(said)
        return {
            "status": status,
            "reason": reason,
            "wall_ns": max(ended - started, 0),
            "in_line_ns": in_line,
            "cpu_ns": max(int((used.ru_utime + used.ru_stime) * 1e9) - before, 0),
            "peak": used.ru_maxrss * 1024,
            "floor": floor,
        }

    def become(self, config: dict[str, Any], files: list[int], folder: str, status: int) -> None:
        """In the child: confine this process and turn it into the program."""
        os.setsid()
        for number, descriptor in enumerate(files):
            os.dup2(descriptor, number)
        os.chdir(config["cwd"] or folder)
        path_at, arguments_at, environment_at = config["exec_at"]
        environment = [*config["environment"], f"HOME={folder}", f"TMPDIR={folder}"]
        jail = dict(config["jail"])
        jail["parent"] = 0
        jail["seccomp"] = jail["seccomp"].replace(_OWN_PID, struct.pack("<I", os.getpid()))
        if jail["landlock"]:
            rules = [*jail["landlock"]["rules"], (folder, config["write_access"])]
            jail["landlock"] = {**jail["landlock"], "rules": rules}
        _place(self.libc, path_at, os.fsencode(config["argv"][0]) + b"\0")
        _strings(self.libc, arguments_at, config["argv"])
        _strings(self.libc, environment_at, environment)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which the interpreter ignores
            signal.signal(number, signal.SIG_DFL)
        self.harness.confine(jail)
        execve = self.libc.execve
        execve.argtypes = [ctypes.c_void_p] * 3
        floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        told = _STARTED.pack(b"S", time.perf_counter_ns(), time.process_time_ns(), floor)
        os.write(status, told)
        execve(path_at, arguments_at, environment_at)
        os.write(status, os.strerror(ctypes.get_errno()).encode())

    def watch(self, config: dict[str, Any], child: int, handle: int, folder: str) -> str:
        """Wait for the end; at a limit end it and say which."""
        poller = select.poll()
        poller.register(handle, select.POLLIN)
        poller.register(self.control.fileno(), select.POLLIN)
        until = time.monotonic() + config["wall_s"]
        turn, reason = 0, ""
        while True:
            ready = dict(poller.poll(_POLL_MS))
            if handle in ready:
                return reason
            turn += 1
            if ready:  # "stop", or the parent is gone
                os.kill(child, signal.SIGKILL)
                if not _receive(self.control)[0]:
                    os._exit(1)
                reason = reason or "cancelled"
            elif not reason:
                reason = _broken(config, child, folder, turn, until)
                if reason:
                    os.kill(child, signal.SIGKILL)

    def sweep(self, child: int) -> None:
        """End what a program left behind where no filter kept it from starting others."""
        for _ in range(1000):
            try:
                with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:
                    left = [int(pid) for pid in file.read().split()]
            except OSError:
                return
            if not left:
                return
            for pid in left:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _broken(config: dict[str, Any], child: int, folder: str, turn: int, until: float) -> str:
    """Which limit the program has passed; empty for none."""
    if time.monotonic() > until:
        return "timeout"
    try:
        with open(f"/proc/{child}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return ""
    if int(fields[17]) > config["threads"]:
        return "threads"
    if int(fields[21]) * _PAGE > config["memory"]:
        return "memory"
    if turn % _DISK_EVERY == 0 and _folder_bytes(folder) > config["scratch_bytes"]:
        return "disk"
    return ""


def _in_line_ns(child: int) -> int:
    """How long its main thread was ready to run while others had the CPUs; it is not reaped yet."""
    try:
        with open(f"/proc/{child}/schedstat", "rb") as file:
            return int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _folder_bytes(folder: str, most: int = 20_000) -> int:
    total, stack = 0, [folder]
    while stack and most > 0:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    most -= 1
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512 + 1024
        except OSError:
            continue
    return total


def _remove(folder: str) -> None:
    def mend(function: Any, name: str, _: object) -> None:
        try:
            os.chmod(os.path.dirname(name), 0o700)
            os.chmod(name, 0o700)
            function(name)
        except OSError:
            pass

    shutil.rmtree(folder, onerror=mend)


def main() -> None:
    """Serve on the socket whose descriptor the arguments name."""
    number, harness, scratch, parent = sys.argv[1:5]
    libc = ctypes.CDLL(None)
    libc.prctl(1, *[ctypes.c_ulong(n) for n in (9, 0, 0, 0)])  # die with the parent
    if int(parent) and os.getppid() != int(parent):
        return
    os.set_inheritable(int(number), False)
    Launcher(_socket.socket(fileno=int(number)), _harness(harness), scratch).serve()


if __name__ == "__main__":
    main()
