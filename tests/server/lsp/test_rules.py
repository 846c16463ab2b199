"""Hints of rules: in hot functions, after a save, from a process that may die."""

from __future__ import annotations

import dataclasses
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.rules.evidence import Evidence, Precision, Table, load_gains, write_table
from server.lsp import rules_reader
from tests.server.lsp.conftest import Start
from tests.server.lsp.made import SLOW, write_profile
from tests.server.lsp.wire import Wire

DIAGNOSTICS = "textDocument/publishDiagnostics"
RULE = "membership-set"
LINE = SLOW.split("\n").index("        if item in wanted:")
COLD = SLOW.replace("def find", "def other").replace("import os\n\n\n", "")


def rules_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    shown = message["params"]["diagnostics"]
    return [d for d in shown if d.get("code") == RULE]


def newest(wire: Wire) -> dict[str, Any] | None:
    return next((m for m in reversed(wire.seen) if m.get("method") == DIAGNOSTICS), None)


async def shown(wire: Wire, wanted: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """The hints of rules as soon as the newest ones are as wanted."""
    return rules_of(await wire.until(lambda m: m is newest(wire) and wanted(rules_of(m))))


def save(wire: Wire, uri: str) -> None:
    wire.notify("textDocument/didSave", {"textDocument": {"uri": uri}})


def replace(wire: Wire, uri: str, text: str) -> None:
    """Send another text as a whole."""
    wire.texts[uri] = text
    wire.versions[uri] += 1
    identifier = {"uri": uri, "version": wire.versions[uri]}
    change = {"textDocument": identifier, "contentChanges": [{"text": text}]}
    wire.notify("textDocument/didChange", change)


def lines(found: list[dict[str, Any]]) -> list[int]:
    return [d["range"]["start"]["line"] for d in found]


def child_of(wire: Wire) -> int:
    """The process that looks with the rules."""
    pid = wire.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    commands = {int(c): Path(f"/proc/{c}/cmdline").read_bytes() for c in children}
    [found] = [c for c, command in commands.items() if b"--find-rules" in command]
    return found


async def begin(workspace: Path, start: Start, text: str, **settings: Any) -> tuple[Wire, str]:
    (workspace / "main.py").write_text(text)
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start()
    await wire.initialize(folder=workspace, initializationOptions={"settings": settings})
    return wire, wire.open(workspace / "main.py")


async def test_a_rule_is_hinted_in_hot_functions_alone(workspace: Path, start: Start):
    wire, uri = await begin(workspace, start, SLOW + "\n\n" + COLD)
    [hint] = await shown(wire, bool)
    assert hint["code"] == RULE
    assert hint["source"] == "hasten"
    assert hint["severity"] == 4
    assert "not proved" in hint["message"]
    assert hint["range"]["start"] == {"line": LINE, "character": 11}
    message = newest(wire)
    assert message is not None
    others = message["params"]["diagnostics"]
    [action] = await wire.actions(uri, LINE, diagnostics=others)
    assert action["title"] == "Optimize `find` with hasten"
    assert hint in action["diagnostics"]
    starts = [d["range"]["start"]["line"] for d in others]
    assert len(starts) == len(set(starts))  # never two on one line


async def test_nothing_is_said_where_rules_are_off(workspace: Path, start: Start):
    wire, _ = await begin(workspace, start, SLOW)
    await shown(wire, bool)
    wire.notify("workspace/didChangeConfiguration", {"settings": {"hasten": {"rules": "off"}}})
    assert await shown(wire, lambda found: not found) == []


def test_all_functions_are_looked_at_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch):
    trusted = Evidence((), [Precision(RULE, 9, 9, 9, 9, 9)])
    monkeypatch.setattr(rules_reader, "load_evidence", lambda target, measured: trusted)
    text = SLOW + "\n\n" + COLD
    asked = {"path": "m.py", "text": text, "hot": ["find"], "target": None, "measured": "/none"}

    def found(names: list[str] | None) -> list[tuple[str, str]]:
        rows = rules_reader.Finder().answer({**asked, "names": names})["hints"]
        return [(text[row[3] : row[4]], row[2]) for row in rows if row[0] == RULE]

    assert found(["find"]) == [("item in wanted", "find")]
    assert found(None) == [("item in wanted", "find"), ("item in wanted", "other")]


@pytest.mark.parametrize("target", [None, "cpython-3.11", "node-20"])
def test_a_rule_that_loses_here_is_not_hinted(tmp_path: Path, target: str | None):
    text = "export function f(xs, ys) {\n  return xs.filter(x => ys.includes(x));\n}\n"
    asked = {"path": "m.js", "text": text, "hot": ["f"], "names": ["f"], "target": target}

    def found(measured: Path) -> set[str]:
        answer = rules_reader.Finder().answer({**asked, "measured": measured})
        return {row[0] for row in answer["hints"]}

    before = found(tmp_path / "nothing")
    assert before
    losing = [
        dataclasses.replace(g, ratio=0.5, low=0.4, high=0.6)
        for g in load_gains()
        if g.rule in before and g.target == "node-20"
    ]
    write_table(tmp_path / "table.json", Table(gains=tuple(losing)))
    assert found(tmp_path / "table.json") == set()


async def test_hints_move_with_edits_and_come_back_with_a_save(workspace: Path, start: Start):
    wire, uri = await begin(workspace, start, SLOW)
    assert lines(await shown(wire, bool)) == [LINE]
    wire.insert(uri, 0, 0, "import sys\n")
    assert lines(await shown(wire, lambda f: lines(f) != [LINE])) == [LINE + 1]
    wire.insert(uri, LINE + 1, 0, "        x = 1\n")  # in the function: not known any more
    assert await shown(wire, lambda f: not f) == []
    save(wire, uri)
    assert lines(await shown(wire, bool)) == [LINE + 2]


async def test_a_silenced_function_has_no_hints(workspace: Path, start: Start):
    wire, uri = await begin(workspace, start, SLOW)
    await shown(wire, bool)
    wire.insert(uri, 3, 0, "# hasten: ignore\n")
    save(wire, uri)
    assert await shown(wire, lambda found: not found) == []


async def test_the_process_is_started_again(workspace: Path, start: Start):
    wire, uri = await begin(workspace, start, SLOW)
    await shown(wire, bool)
    first = child_of(wire)
    os.kill(first, signal.SIGKILL)
    wire.insert(uri, LINE, 0, "        x = 1\n")
    save(wire, uri)
    assert await shown(wire, lambda found: lines(found) == [LINE + 1])
    assert child_of(wire) != first


async def test_the_process_ends_with_the_server(workspace: Path, start: Start):
    wire, _ = await begin(workspace, start, SLOW)
    await shown(wire, bool)
    child = os.pidfd_open(child_of(wire))
    wire.process.kill()
    await wire.process.wait()
    assert select.select([child], [], [], 20.0)[0]
    os.close(child)


HOSTILE = {
    "open brackets": "f(" * 20_000,
    "deep": "def find():\n    return " + "-" * 50_000 + "1\n",
    "no text": "\x00\ud800",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_text_does_not_stop_the_server(workspace: Path, start: Start, text: str):
    wire, uri = await begin(workspace, start, SLOW, rules="all")
    await shown(wire, bool)
    replace(wire, uri, text)
    save(wire, uri)
    assert await wire.hover(uri, 0, 0) is None
    replace(wire, uri, SLOW)
    save(wire, uri)
    assert lines(await shown(wire, bool)) == [LINE]
