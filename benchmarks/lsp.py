"""Latency and memory of `hasten lsp` beside a bare pygls server and jedi-language-server.

    python benchmarks/lsp.py [--rounds 200] [--starts 10] [--no-jedi]

All servers run in one go and take turns, idle and with one busy process for each core. Every
request is a real round trip over pipes. The file has a profile, so that hasten has something to
say; "change" is a key stroke inside a function followed by a hover on another one.
jedi-language-server is installed into build/jedi when it is not there; without the registry it is
left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

JEDI = ROOT / "build" / "jedi"
BODY = '''def function_{n}(items, wanted):
    """The wanted ones of the items, number {n}."""
    found = []
    for item in items:
        if item in wanted:
            found.append(item * {n})
    total = 0
    for value in found:
        total += value
    return total, "{n}"

'''
EVERY = BODY.count("\n")


def source(lines: int) -> str:
    return "".join(BODY.format(n=n) for n in range(lines // EVERY))


class Server:
    """One server process and a client that waits for each answer."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self.ids = 0
        self.version = 1
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment, cwd="/",
        )  # fmt: skip

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not line:
            raise RuntimeError(f"{self.name} ended")
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        return message

    def request(self, method: str, params: Any) -> Any:
        self.ids += 1
        wanted = self.ids
        self.send({"id": wanted, "method": method, "params": params})
        while True:
            message = self.receive()
            if "method" in message and "id" in message:
                self.send({"id": message["id"], "result": None})
            elif message.get("id") == wanted:
                return message.get("result")

    def initialize(self, folder: Path) -> None:
        capabilities = json.loads((ROOT / "tests/data/clients/code-server.json").read_text())
        root = folder.as_uri()
        self.request(
            "initialize", {"processId": None, "rootUri": root, "capabilities": capabilities}
        )
        self.send({"method": "initialized", "params": {}})

    def open(self, uri: str, text: str) -> None:
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": item}})

    def rss_mb(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def place(line: int) -> dict[str, int]:
    return {"line": line, "character": 6}


def hover(server: Server, uri: str, line: int) -> None:
    server.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": place(line)})


def code_action(server: Server, uri: str, line: int) -> None:
    where = {"start": place(line), "end": place(line)}
    server.request(
        "textDocument/codeAction",
        {"textDocument": {"uri": uri}, "range": where, "context": {"diagnostics": []}},
    )


def change(server: Server, uri: str, line: int) -> None:
    """One more letter behind the string of a function's last line, then a hover elsewhere."""
    server.version += 1
    at = {"line": line + EVERY - 2, "character": 22}
    server.send(
        {
            "method": "textDocument/didChange",
            "params": {
                "textDocument": {"uri": uri, "version": server.version},
                "contentChanges": [{"range": {"start": at, "end": at}, "text": "0"}],
            },
        }
    )
    hover(server, uri, 0)


KINDS = {"hover": hover, "codeAction": code_action, "change": change}


@dataclass
class Times:
    """Milliseconds of one server under one condition."""

    values: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Processes that burn a core each."""
    burning = [
        subprocess.Popen([sys.executable, "-c", "while True: sum(range(10**6))"])
        for _ in range(processes)
    ]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


def jedi() -> list[str] | None:
    """The command of jedi-language-server, installed on first use."""
    program = JEDI / "bin" / "jedi-language-server"
    if not program.exists():
        print("installing jedi-language-server into build/jedi ...", file=sys.stderr)
        venv.create(JEDI, with_pip=True)
        subprocess.run(
            [str(JEDI / "bin" / "pip"), "install", "--quiet", "jedi-language-server"], check=False
        )
    return [str(program)] if program.exists() else None


def commands(with_jedi: bool) -> dict[str, list[str]]:
    found = {
        "bare pygls": [sys.executable, str(ROOT / "benchmarks" / "bare_pygls.py")],
        "hasten": [sys.executable, str(ROOT / "hasten" / "__main__.py"), "lsp"],
    }
    if with_jedi and (program := jedi()):
        found["jedi-ls"] = program
    elif with_jedi:
        print("jedi-language-server could not be installed: left out", file=sys.stderr)
    return found


def starts(
    found: dict[str, list[str]], environment: dict[str, str], folder: Path, times: int
) -> None:
    """Spawn to the answer of initialize."""
    taken: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(times):
        for name, command in found.items():
            began = time.perf_counter()
            server = Server(name, command, environment)
            server.initialize(folder)
            taken[name].append((time.perf_counter() - began) * 1000)
            server.close()
    floor = taken["bare pygls"]
    print(f"\n{'start to initialize, ms':32}{'min':>8}{'p50':>8}{'min / bare':>12}")
    for name, values in taken.items():
        p50 = sorted(values)[len(values) // 2]
        print(f"{name:32}{min(values):8.0f}{p50:8.0f}{min(values) / min(floor):12.2f}")


def round_trips(
    found: dict[str, list[str]], environment: dict[str, str], folder: Path, lines: int, rounds: int
) -> None:
    """Round trips in turns, idle and under load, for one size of file."""
    file = folder / f"lines_{lines}.py"
    text = source(lines)
    file.write_text(text)
    hot = [f"function_{n}" for n in range(0, lines // EVERY, max(1, lines // EVERY // 20))]
    write_profile(folder, file, dict.fromkeys(hot, 1.0))
    servers = []
    for name, command in found.items():
        server = Server(name, command, environment)
        server.initialize(folder)
        server.open(file.as_uri(), text)
        servers.append(server)
    wait_for_heat(next(s for s in servers if s.name == "hasten"), file.as_uri())
    chance = random.Random(1)
    for load in ("idle", "load"):
        cores = os.cpu_count() or 1
        with busy(cores if load == "load" else 0):
            measured = turns(servers, file.as_uri(), len(hot), rounds, chance)
        show(measured, f"{lines} lines, {load}" + (f" ({cores} busy)" if load == "load" else ""))
    print(f"\n{f'memory, {lines} lines, MB':32}" + "".join(f"{s.name:>14}" for s in servers))
    print(f"{'RSS':32}" + "".join(f"{s.rss_mb():14.1f}" for s in servers))
    for server in servers:
        server.close()


def wait_for_heat(server: Server, uri: str) -> None:
    """Until the profile was read, so that its hovers have something to say."""
    while True:
        message = server.receive()
        if "method" in message and "id" in message:
            server.send({"id": message["id"], "result": None})
        if message.get("method") == "textDocument/publishDiagnostics":
            return


def turns(
    servers: list[Server], uri: str, hot: int, rounds: int, chance: random.Random
) -> dict[str, dict[str, Times]]:
    measured = {kind: {s.name: Times() for s in servers} for kind in KINDS}
    for at in range(rounds):
        for kind, act in KINDS.items():
            line = EVERY * chance.randrange(hot)
            for server in chance.sample(servers, len(servers)):
                if server.name == "jedi-ls" and (kind == "codeAction" or at >= 30):
                    continue  # seconds each at 10,000 lines
                began = time.perf_counter()
                act(server, uri, line)
                if at >= 5:
                    taken = (time.perf_counter() - began) * 1000
                    measured[kind][server.name].values.append(taken)
    return measured


def show(measured: dict[str, dict[str, Times]], title: str) -> None:
    print(f"\n{title + ', ms':32}{'p50':>8}{'p95':>8}{'p95 / bare':>12}{'p95 - bare':>12}")
    for kind, by_server in measured.items():
        floor = by_server["bare pygls"].at(0.95)
        for name, times in by_server.items():
            if times.values:
                p95 = times.at(0.95)
                print(
                    f"{kind + ', ' + name:32}{times.at(0.5):8.2f}{p95:8.2f}"
                    f"{p95 / floor:12.2f}{p95 - floor:12.2f}"
                )


def write_profile(workspace: Path, file: Path, seconds: dict[str, float]) -> None:
    from tests.server.lsp.made import write_profile as write

    write(workspace, file, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--no-jedi", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        folder.mkdir()
        (folder / "pyproject.toml").write_text("")
        os.environ["XDG_STATE_HOME"] = str(Path(name) / "state")
        os.environ["XDG_DATA_HOME"] = str(Path(name) / "data")
        environment = dict(os.environ)
        found = commands(not options.no_jedi)
        print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        starts(found, environment, folder, options.starts)
        for lines in (2000, 10_000):
            round_trips(found, environment, folder, lines, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
