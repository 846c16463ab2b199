"""Answers of a model that do the same as the original, and something else beside it or in its
place: none is offered, and nothing outside the folders of hasten changes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark_runner.sandbox.probe import probe
from optimizer.engine.protocol import ModelSpec
from tests.optimizer.openai_server import Answer, openai_server
from tests.optimizer.test_search import GOOD, NUMBERS, PAIRS, applied, job, spec

pytestmark = pytest.mark.skipif(probe().level == "L0", reason="no sandbox: no model's code is run")

BODY = """\
    found = 0
    seen = {}
    for number in numbers:
        found += seen.get(total - number, 0)
        seen[number] = seen.get(number, 0) + 1
    return found
"""


def reply(code: str, above: str = "") -> Answer:
    return Answer(
        f"CHANGE: do it\nWHY: it was slow\n```python\n{above}def pairs(numbers, total):\n{code}```"
    )


def guarded(statement: str) -> str:
    """A body that does the right thing after a statement whose failure nobody sees."""
    return f"    try:\n        {statement}\n    except OSError:\n        pass\n{BODY}"


def writes(path: Path) -> Answer:
    return reply(guarded(f"pathlib.Path({str(path)!r}).write_text('x')"), "import pathlib\n")


def connects(port: int) -> Answer:
    return reply(
        guarded(f"socket.create_connection(('127.0.0.1', {port}), 1).close()"), "import socket\n"
    )


EXITS = reply("    os._exit(0)\n", "import os\n")
SLOW = reply("    time.sleep(60)\n" + BODY, "import time\n")
REMEMBERS = reply(
    "    seen = pairs.__dict__\n    key = (tuple(numbers), total)\n    if key in seen:\n"
    "        return seen[key]\n    found = 0\n    for i, number in enumerate(numbers):\n"
    "        found += numbers[:i].count(total - number)\n    seen[key] = found\n    return found\n"
)
KNOWS = reply(
    "    if len(numbers) in _KNOWN:\n        return _KNOWN[len(numbers)]\n    found = 0\n"
    "    for i, number in enumerate(numbers):\n        found += numbers[:i].count(total - number)\n"
    "    return found\n",
    'import importlib\n_INPUTS = importlib.import_module("given").inputs()\n'
    "_KNOWN = {len(a[0]): sum(a[0][:i].count(a[1] - x) for i, x in enumerate(a[0]))"
    " for a, _ in _INPUTS}\n",
)


@contextmanager
def listener() -> Iterator[tuple[int, list[str]]]:
    """A port of this machine, and who connected to it."""
    came: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stop = threading.Event()

        def accept() -> None:
            while not stop.is_set():
                try:
                    connection, who = server.accept()
                except TimeoutError:
                    continue
                came.append(str(who))
                connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1], came
        stop.set()
        thread.join()


def files(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_hostile_answers_are_refused_and_leave_no_trace(workspace: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("as it was")
    asked = spec(workspace, PAIRS, "pairs", NUMBERS)
    before = files(workspace), files(outside)
    with listener() as (port, came):
        hostile = [
            connects(port), EXITS, writes(workspace / "mod.py"), writes(outside / "kept"),
            REMEMBERS, KNOWS,
        ]  # fmt: skip
        replies = [*hostile, Answer(GOOD)]
        with openai_server(lambda body, n: replies[min(n, len(hostile))]) as server:
            model = ModelSpec("openai/toy", server.url, "k", timeout_s=20.0)
            asked = replace(asked, model=model, budget=len(replies) + 4, examples=len(replies) + 4,
                            depth=1)  # fmt: skip
            outcome = job(workspace, asked)
        assert came == []
    assert (files(workspace), files(outside)) == before
    (found,) = outcome.suggestions
    after = applied(found, PAIRS)
    assert "seen.get(total - number, 0)" in after
    for word in ("socket", "_exit", "pathlib", "__dict__", "_KNOWN"):
        assert word not in after
    assert len(server.requests) >= len(replies)
    refused = [r.reason for r in outcome.rejected if r.stage == "equivalence"]
    assert len(refused) == len(hostile)
    written = (str(workspace / "mod.py"), str(outside / "kept"))
    others = ("the network", "the worker ended", "keeps state across calls", "inputs themselves")
    for reason in (*written, *others):
        assert sum(reason in why for why in refused) == 1, reason


def test_an_answer_that_takes_for_ever_is_ended(workspace: Path) -> None:
    asked = spec(workspace, PAIRS, "pairs", NUMBERS)
    with openai_server(lambda body, n: SLOW) as server:
        model = ModelSpec("openai/toy", server.url, "k", timeout_s=20.0)
        outcome = job(workspace, replace(asked, model=model, budget=2, examples=1, depth=1))
    assert outcome.suggestions == ()
    assert any("no answer within" in r.reason for r in outcome.rejected)
