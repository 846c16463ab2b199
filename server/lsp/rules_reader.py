"""Looks with the rules at the files of one editor, in a process that lives as long as the front.

It holds what was found of each file, so that after a save only what changed is looked at. Whatever
a file does to it (a crash, a hang, all its memory) is its own matter: the front starts another.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import queue
import resource
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.languages import PYTHON, language_of
from analysis.rules.evidence import Evidence, load_evidence, load_gains
from analysis.rules.incremental import Lookout, RuleHint
from server.lsp.aside import aside, cores

logger = logging.getLogger(__name__)

MOST_FILES = 64
MOST_MEMORY = 4 << 30


def main() -> int:
    """A JSON request on each line of stdin, a JSON answer on each line of stdout.

    Request: `{"id", "path", "text", "names": [...] or null for all, "hot": [...], "target",
    "measured"}`, or `{"forget": path}`. Answer: `{"id", "hints": [...], "looked"}`, where a hint is
    `[rule, title, function, start, end, first, last]` with string offsets of its place and of its
    outermost function; or `{"id", "error"}`.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    finder = Finder()
    gc.collect()
    gc.freeze()
    gc.disable()
    while True:
        request = json.loads(requests.get())
        if "forget" in request:
            finder.forget(request["forget"])
            continue
        try:
            answer = finder.answer(request)
        except (Exception, RecursionError) as error:
            logger.exception("%s: the rules failed", request.get("path"))
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"id": request["id"], **answer}), flush=True)
        gc.collect()


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    """Hand lines on; with the front this process ends at once, whatever it is at."""
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


@dataclass(frozen=True)
class _Known:
    """What is known for a target; `losing` are the rules that are never hinted there."""

    stamp: int
    evidence: list[Evidence]
    losing: frozenset[str]


class Finder:
    """The files that were asked for last, each with what is known of it."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, Lookout] = OrderedDict()
        self._evidence: dict[str, _Known] = {}
        self._aside = aside if cores() > 1 else None

    def forget(self, path: str) -> None:
        """The file was closed."""
        self._files.pop(path, None)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The hints for one request. Raises what the rules raise."""
        path, text, names = request["path"], request["text"], request["names"]
        lookout = self._files.pop(path, None) or Lookout(path, self._aside)
        self._files[path] = lookout
        if len(self._files) > MOST_FILES:
            self._files.popitem(last=False)
        known = self._known_for(path, request["target"], Path(request["measured"]))
        evidence = known.evidence
        found = lookout.look(text, None if names is None else frozenset(names), known.losing)
        hot = frozenset(request["hot"])
        shown = [h for h in found if all(e.hints(h.rule, hot=h.function in hot) for e in evidence)]
        return {"hints": [_row(lookout, h) for h in shown], "looked": lookout.looked}

    def _known_for(self, path: str, target: str | None, measured: Path) -> _Known:
        """What is known for the target; read again when something new was measured.

        Where the target is not known, or of another language, a rule must not lose under any that
        was measured.
        """
        runs = (language_of(path) or PYTHON).runs
        asked = target if target is not None and target.startswith(runs) else runs
        stamp = measured.stat().st_mtime_ns if measured.exists() else 0
        known = self._evidence.get(asked)
        if known is None or known.stamp != stamp:
            names = {asked}
            if asked == runs:
                every = {gain.target for gain in load_gains(measured)}
                names = {name for name in every if name.startswith(runs)} or names
            evidence = [load_evidence(name, measured) for name in sorted(names)]
            losing = frozenset(rule for e in evidence for rule in e.losing)
            known = self._evidence[asked] = _Known(stamp, evidence, losing)
        return known


def _row(lookout: Lookout, hint: RuleHint) -> list[str | int]:
    start, end = lookout.offsets(hint.range)
    first, last = lookout.offsets(hint.extent)
    return [hint.rule, hint.title, hint.function, start, end, first, last]
