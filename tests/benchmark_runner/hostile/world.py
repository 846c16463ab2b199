"""What a hostile candidate could touch, watched: files, sockets, processes, signals, priorities."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import signal
import site
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from benchmark_runner import lock, verify
from benchmark_runner.receipt import Level, Receipt
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.sandbox.probe import probe
from benchmark_runner.sandbox.syscalls import AARCH64, X86_64
from benchmark_runner.verify import FunctionBench
from benchmark_runner.worker import harness
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version
from tests.benchmark_runner.hostile.cheat import Cheat

_NUMBERS = X86_64 if os.uname().machine == "x86_64" else AARCH64
_OPENAT = 257 if _NUMBERS is X86_64 else 56


@dataclass(frozen=True)
class Outcome:
    """What became of a cheat. `touched` names what changed outside the scratch folder."""

    cheat: Cheat
    level: Level
    receipt: Receipt
    seconds: float
    touched: tuple[str, ...]

    @property
    def stage(self) -> str:
        """The stage that ended it."""
        return self.receipt.stages[-1].name if self.receipt.stages else ""

    @property
    def beyond(self) -> bool:
        """Whether it was accepted as faster than it honestly is."""
        measured = self.receipt.measurement
        if self.receipt.decision != "faster" or measured is None:
            return False
        return self.cheat.honest is None or measured.interval[0] > self.cheat.honest


class World:
    """A project, a home with a key, sockets that listen; `folder` holds them all.

    The project holds the original of one cheat, and serves all cheats with the same original.
    """

    def __init__(self, folder: Path, one: Cheat) -> None:
        layout_of(Path(sys.executable))  # its folder outlives this world
        self.locks = lock.runtime_dir()  # the machine's own: one timing at a time
        self.folder = folder
        self.home = folder / "home"
        self.project = folder / "project"
        self.shared = folder / "shared"
        self.scratch = folder / "tmp"
        for path in (self.home / ".ssh", self.project, self.shared, self.scratch):
            path.mkdir(parents=True)
        self.shared.chmod(0o1777)
        (self.home / ".ssh" / "id_ed25519").write_text("not a real key")
        (self.home / ".bashrc").write_text("# nothing\n")
        (self.project / "pyproject.toml").write_text("")
        (self.project / "helper.py").write_text("def base(): return 7\n")
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.name = f"hasten-test-{os.getpid()}-{folder.name}"
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0{self.name}")
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(os.fspath(self.shared / "socket"))
        self.sockets = (self.tcp, self.udp, self.abstract, self.unix)
        for end in self.sockets:
            end.setblocking(False)
            if end is not self.udp:
                end.listen()
        self.signals: list[int] = []
        self.source = self.project / "mod.py"
        self.source.write_text(one.before)
        (self.project / "calls.py").write_text(one.inputs)
        self._work = FunctionWorkload(
            path=self.source,
            function="f",
            before=Version.of({self.source: one.before}),
            inputs=InputsFile(self.project / "calls.py"),
        )
        self._benches: dict[Level, FunctionBench] = {}

    def bench(self, level: Level) -> FunctionBench:
        """The bench of its original; to be asked for while the world is lived in."""
        if level not in self._benches:
            self._benches[level] = FunctionBench(self._work, python=Path(sys.executable))
            self._benches[level].prepare()
        return self._benches[level]

    def close(self) -> None:
        """Close the sockets."""
        for one in self.sockets:
            one.close()

    def fill(self, text: str) -> str:
        """The code of a cheat with this world's names in it."""
        words: dict[str, object] = {
            "HOME": self.home,
            "PROJECT": self.project,
            "SHARED": self.shared,
            "HARNESS": harness.__file__,
            "SITE": site.getsitepackages()[0],
            "PARENT": os.getpid(),
            "TCP": self.tcp.getsockname()[1],
            "UDP": self.udp.getsockname()[1],
            "ABSTRACT": self.name,
            "UNIX": self.shared / "socket",
            "OPENAT": _OPENAT,
            **{name.upper(): _NUMBERS[name] for name in ("socket", "ptrace", "unshare")},
        }
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        return text

    def state(self) -> dict[str, object]:
        """All that must stay as it is."""
        found: dict[str, object] = {}
        for root in (self.home, self.project, self.shared, self.scratch):
            for path in (root, *root.rglob("*")):
                told = path.lstat()
                data = path.read_bytes() if path.is_file() else b""
                digest = hashlib.sha256(data).hexdigest()
                found[str(path)] = (told.st_mode, told.st_uid, told.st_nlink, digest)
        own = layout_of(Path(sys.executable)).harness
        for name in (Path(harness.__file__), own):
            found[str(name)] = hashlib.sha256(name.read_bytes()).hexdigest()
        for place in (
            Path(site.getsitepackages()[0]),
            Path("/dev/shm"),
            own.parent,
            own.parent.parent,
        ):
            names = [entry.name for entry in place.iterdir()] if place.is_dir() else []
            found[f"names in {place}"] = sorted(names)
        found["priority"] = os.getpriority(os.PRIO_PROCESS, 0)
        found["processors"] = sorted(os.sched_getaffinity(0))
        found["processes"] = _processes(os.fspath(own), os.fspath(self.folder))
        found["visitors"] = self._visitors()
        found["signals"] = list(self.signals)
        return found

    def _visitors(self) -> list[str]:
        """Who came to the sockets."""
        found = []
        for one in self.sockets:
            with contextlib.suppress(BlockingIOError):
                if one is self.udp:
                    found.append(f"datagram {one.recv(100)!r}")
                else:
                    one.accept()[0].close()
                    found.append("connection")
        return found

    @contextlib.contextmanager
    def lived_in(self) -> Iterator[None]:
        """Its home is the user's, its folder for temporary files ours; signals are counted."""
        before = signal.signal(signal.SIGUSR1, lambda number, _: self.signals.append(number))
        changed = {"HOME": os.fspath(self.home), "TMPDIR": os.fspath(self.scratch)}
        try:
            with (
                mock.patch.object(lock, "runtime_dir", lambda: self.locks),
                mock.patch.dict(os.environ, changed),
                mock.patch.object(tempfile, "tempdir", os.fspath(self.scratch)),
            ):
                yield
        finally:
            signal.signal(signal.SIGUSR1, before)


def _processes(*marks: str) -> list[str]:
    """Command lines of processes that name the harness or this world, and our children's."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes()
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if entry.name == str(os.getpid()):
            continue
        if parent == str(os.getpid()) or any(mark.encode() in line for mark in marks):
            found.append(f"{entry.name} {line[:200]!r}")
    return found


def prove(one: Cheat, level: Level, world: World) -> Outcome:
    """The whole proof of a cheat at a level, and what it did to the world."""
    after = Version.of({world.source: world.fill(one.after)})
    lowered = dataclasses.replace(probe(), level=level)
    with world.lived_in(), mock.patch.object(verify, "probe", lambda: lowered):
        bench = world.bench(level)
        before = world.state()
        since = time.perf_counter()
        receipt = bench.prove(after, origin="model")
        seconds = time.perf_counter() - since
        now = world.state()
    touched = tuple(
        name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)
    )
    return Outcome(one, level, receipt, seconds, touched)


class Worlds:
    """One world for each original, made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, str], World] = {}

    def prove(self, one: Cheat, level: Level) -> Outcome:
        """The whole proof of a cheat in its world."""
        key = one.before, one.inputs
        if key not in self._made:
            self._made[key] = World(self._folder / f"world-{len(self._made)}", one)
        return prove(one, level, self._made[key])

    def close(self) -> None:
        """Close all of them."""
        for world in self._made.values():
            world.close()
