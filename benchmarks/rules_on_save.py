"""From a save to the hints of rules, and a whole file at once, beside ruff and pylint.

    python -m benchmarks.rules_on_save [--saves 60] [--passes 7] [--pylint build/pylint/bin/pylint]

All on one file of 10,000 lines in one run: modules of the running interpreter's standard library,
one below the other. A save is a real one over stdio: one function of the open file is changed, the
file saved, and the time stops at the diagnostics that have the new hint. Twenty functions are hot.
The cold pass is that of the process that looks with the rules, over all functions of the file;
meanwhile another client hovers. pylint is not among hasten's own tools; to have it in the table:

    python -m venv build/pylint && build/pylint/bin/pip install pylint perflint
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analysis.functions import Function, functions_in  # noqa: E402
from analysis.rules.catalogue import find, python_rules  # noqa: E402
from analysis.text import LineIndex  # noqa: E402
from benchmarks.lsp import Server, Times, hover, write_profile  # noqa: E402

LINES = 10_000
MODULES = """
    argparse inspect tarfile zipfile typing mailbox pathlib shutil difflib csv statistics textwrap
    heapq calendar ast doctest optparse cgi configparser smtplib imaplib ftplib pickle
"""
HASTEN = [sys.executable, str(ROOT / "hasten" / "__main__.py"), "lsp"]
NEW_LINE, NEW_RULE = "_first = sorted(_values)[0]", "sorted-first"
PYLINT_CHECKS = (
    "C0200,C0201,C0206,C0207,R1714,R1721,R1728,R1729,R1733,R1734,R1735,R1736,R6201,W3301"
)
PERFLINT_CHECKS = "W8101,W8102,W8201,W8202,R8203,W8204,W8205,W8301,W8401,W8402,W8403"
PAUSE_S = 0.5
"""Between two saves: nobody saves while the last answer is being made."""

DIAGNOSTICS = "textDocument/publishDiagnostics"
Settings = dict[str, Any]


def source() -> str:
    """Whole modules, of the last one as many top-level statements as there is room for."""
    folder, lines = Path(sysconfig.get_paths()["stdlib"]), list[str]()
    for name in MODULES.split():
        file = folder / f"{name}.py"
        if not file.exists() and (folder / name / "__init__.py").exists():
            file = folder / name / "__init__.py"
        if file.exists():
            text = file.read_text("utf-8").replace("from __future__ import annotations\n", "\n")
            lines += text.splitlines()
        if len(lines) >= LINES:
            break
    end = next(n for n in range(LINES, 0, -1) if lines[n][:4] in ("def ", "clas"))
    return "\n".join(lines[:end]) + "\n"


def start(folder: Path, environment: dict[str, str], rules: str) -> Server:
    """A server for the folder, with the setting `rules`."""
    server = Server("hasten", HASTEN, environment)
    capabilities = json.loads((ROOT / "tests/data/clients/code-server.json").read_text())
    capabilities["workspace"].pop("configuration", None)
    server.request(
        "initialize",
        {
            "processId": None,
            "rootUri": folder.as_uri(),
            "capabilities": capabilities,
            "initializationOptions": {"settings": {"rules": rules}},
        },
    )
    server.send({"method": "initialized", "params": {}})
    return server


def until(server: Server, uri: str, holds: Callable[[list[Any]], bool]) -> None:
    """Read messages until the diagnostics of the file's newest version are as wanted."""
    while True:
        message = server.receive()
        if "method" in message and "id" in message:
            server.send({"id": message["id"], "result": None})
        if message.get("method") != DIAGNOSTICS or message["params"]["uri"] != uri:
            continue
        newest = message["params"].get("version") == server.version
        if newest and holds(message["params"]["diagnostics"]):
            return


def has_new(shown: list[Any], line: int) -> bool:
    return any(d["code"] == NEW_RULE and d["range"]["start"]["line"] == line for d in shown)


def insert(server: Server, uri: str, line: int, text: str) -> None:
    """Add a line and save."""
    server.version += 1
    at = {"line": line, "character": 0}
    identifier = {"uri": uri, "version": server.version}
    change = {"range": {"start": at, "end": at}, "text": text}
    params = {"textDocument": identifier, "contentChanges": [change]}
    server.send({"method": "textDocument/didChange", "params": params})
    server.send({"method": "textDocument/didSave", "params": {"textDocument": {"uri": uri}}})


def finder_of(server: Server) -> int:
    """The process that looks with the rules."""
    pid = server.process.pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if b"--find-rules" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise RuntimeError("no process looks with the rules")


def saves(
    server: Server, file: Path, text: str, hot: list[Function], times: int
) -> dict[str, Times]:
    """Milliseconds from a save to the hints; each save adds a line on top of a function's body.

    Also the mean CPU time of a save in the server and in the process that looks.
    """
    uri, index, taken = file.as_uri(), LineIndex(text), Times()
    chance, added = random.Random(1), list[int]()
    server.open(uri, text)
    until(server, uri, lambda shown: any(d["code"] != "hot" for d in shown))
    finder = finder_of(server)
    used = [0.0, 0.0]
    for at in range(times + 3):
        if at == 3:
            used = [cpu_ms(server.process.pid), cpu_ms(finder)]
        time.sleep(PAUSE_S)
        function = chance.choice(hot)
        line = index.line_of(function.body_start)
        indent = text[index.starts[line] : function.body_start]
        moved = line + sum(other < line for other in added)
        added.append(line)
        began = time.perf_counter()
        insert(server, uri, moved, f"{indent}{NEW_LINE}\n")
        until(server, uri, lambda shown, line=moved: has_new(shown, line))  # type: ignore[misc]
        if at >= 3:
            taken.values.append((time.perf_counter() - began) * 1000)
    found = {"one changed function": taken}
    for name, pid, before in (
        ("  mean CPU of the server", server.process.pid, used[0]),
        ("  mean CPU of the rules", finder, used[1]),
    ):
        found[name] = Times([(cpu_ms(pid) - before) / times])
    return found


def cpu_ms(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def cold_passes(text: str, environment: dict[str, str], passes: int) -> dict[str, Times]:
    """Whole-file passes, each in a process of its own: with its start, and without."""
    found = {"start and pass, wall": Times(), "pass, wall": Times(), "pass, CPU": Times()}
    request = {"names": None, "hot": [], "target": None, "measured": "/nonexistent"}
    for _ in range(passes):
        for warm in (False, True):
            began = time.perf_counter()
            process = subprocess.Popen(
                [*HASTEN, "--find-rules"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env=environment, cwd="/",
            )  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            if warm:
                small = {**request, "id": 1, "path": "/small.py", "text": "x = 1\n"}
                process.stdin.write(json.dumps(small).encode() + b"\n")
                process.stdin.flush()
                process.stdout.readline()
                began, used = time.perf_counter(), cpu_ms(process.pid)
            whole = {**request, "id": 2, "path": "/whole.py", "text": text}
            process.stdin.write(json.dumps(whole).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            taken = (time.perf_counter() - began) * 1000
            assert answer["id"] == 2
            if not warm:
                found["start and pass, wall"].values.append(taken)
            else:
                found["pass, wall"].values.append(taken)
                found["pass, CPU"].values.append(cpu_ms(process.pid) - used)
            process.kill()
            process.communicate()
    return found


def hovers(server: Server, file: Path, text: str, passes: int) -> dict[str, Times]:
    """Hovers on a file, and on the same while another file of that size is looked at."""
    uri, found = file.as_uri(), {"idle": Times(), "during a cold pass": Times()}
    server.open(uri, text)
    until(server, uri, bool)
    for kind, times in found.items():
        for at in range(passes):
            if kind != "idle":
                other = file.with_name(f"other_{at}.py")
                other.write_text(text)
                server.open(other.as_uri(), text)
                time.sleep(0.05)
            end = time.perf_counter() + 0.4
            while time.perf_counter() < end:
                began = time.perf_counter()
                hover(server, uri, 6)
                times.values.append((time.perf_counter() - began) * 1000)
                time.sleep(0.01)
    return found


def of_hasten(text: str) -> Counter[str]:
    """Findings by rule."""
    return Counter(f.rule for f in find(text, "whole.py", functions_in(text, "whole.py")))


def of_ruff(file: Path) -> tuple[float, Counter[str]]:
    """Seconds and findings of ruff."""
    program = shutil.which("ruff", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    command = [
        str(program), "check", "--isolated", "--no-cache", "--preview", "--output-format", "json",
        "--select", "PERF,FURB,C4,SIM", str(file),
    ]  # fmt: skip
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    taken = time.perf_counter() - began
    return taken, Counter(row["code"] for row in json.loads(done.stdout))


def of_pylint(program: str, file: Path) -> tuple[float, Counter[str]]:
    """Seconds and findings of pylint, with perflint where that is installed beside it."""
    plugins = ["--load-plugins=pylint.extensions.set_membership,pylint.extensions.for_any_all"]
    checks = PYLINT_CHECKS
    python = Path(program).with_name("python")
    asked = subprocess.run([str(python), "-c", "import perflint"], capture_output=True, check=False)
    if asked.returncode == 0:
        plugins = [f"{plugins[0]},perflint"]
        checks += f",{PERFLINT_CHECKS}"
    command = [
        program, "--rcfile=/dev/null", *plugins, "--disable=all", f"--enable={checks}",
        "--output-format=json", "--score=n", str(file),
    ]  # fmt: skip
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    taken = time.perf_counter() - began
    return taken, Counter(row["message-id"] for row in json.loads(done.stdout or b"[]"))


def show_times(title: str, times: dict[str, Times]) -> None:
    print(f"\n{title + ', ms':40}{'n':>6}{'p50':>9}{'p95':>9}{'max':>9}")
    for name, taken in times.items():
        values = f"{taken.at(0.5):9.1f}{taken.at(0.95):9.1f}{max(taken.values):9.1f}"
        print(f"{name:40}{len(taken.values):6}{values}")


def show_findings(name: str, findings: Counter[str], family: Callable[[str], str]) -> None:
    families = Counter[str]()
    for rule, count in findings.items():
        families[family(rule)] += count
    shown = ", ".join(f"{key} {count}" for key, count in families.most_common())
    print(f"{name}: {findings.total()} findings: {shown}")


def peers(file: Path, text: str, pylint: str, passes: dict[str, Times]) -> None:
    """Time and findings, side by side."""
    print(f"\n{'whole file, seconds':40}{'time':>9}{'findings':>10}")
    homes = {r.id: r.check.__module__.rpartition(".")[2] for r in python_rules()}
    ours = of_hasten(text)
    taken, by_ruff = min((of_ruff(file) for _ in range(3)), key=lambda run: run[0])
    start = passes["start and pass, wall"].at(0.5) / 1000
    print(f"{'hasten, start and cold pass':40}{start:9.2f}{ours.total():10}")
    print(f"{'ruff PERF,FURB,C4,SIM --preview':40}{taken:9.2f}{by_ruff.total():10}")
    by_pylint = None
    if shutil.which(pylint):
        taken, by_pylint = of_pylint(pylint, file)
        print(f"{'pylint, its checks of performance':40}{taken:9.2f}{by_pylint.total():10}")
    else:
        print("pylint was not found: see the head of this file for how to install it")
    print()
    show_findings("hasten", ours, lambda rule: homes[rule])
    show_findings("ruff", by_ruff, lambda rule: rule.rstrip("0123456789"))
    if by_pylint is not None:
        show_findings("pylint", by_pylint, lambda rule: rule)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--saves", type=int, default=60)
    parser.add_argument("--passes", type=int, default=7)
    parser.add_argument("--pylint", default=str(ROOT / "build" / "pylint" / "bin" / "pylint"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        folder.mkdir()
        (folder / "pyproject.toml").write_text("")
        os.environ["XDG_STATE_HOME"] = str(Path(name) / "state")
        os.environ["XDG_DATA_HOME"] = str(Path(name) / "data")
        environment = dict(os.environ)
        text, file = source(), folder / "whole.py"
        file.write_text(text)
        functions = [f for f in functions_in(text, str(file)) if f.kind != "nested"]
        index = LineIndex(text)
        apart = [
            f for f in functions
            if not text[index.starts[index.line_of(f.body_start)] : f.body_start].strip()
        ]  # fmt: skip
        names = Counter(f.qualname for f in functions)
        hot = random.Random(2).sample([f for f in apart if names[f.qualname] == 1], 20)
        write_profile(folder, file, {f.qualname: 1.0 for f in hot})
        lines = text.count("\n")
        print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        print(f"{lines} lines, {len(functions)} functions, {len(python_rules())} rules")
        server = start(folder, environment, "hot")
        taken = saves(server, file, text, hot, options.saves)
        server.close()
        show_times("from a save to the hints", taken)
        passes = cold_passes(text, environment, options.passes)
        show_times("all functions, nothing known", passes)
        server = start(folder, environment, "all")
        show_times("hovers", hovers(server, file, text, options.passes))
        server.close()
        peers(file, text, options.pylint, passes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
