"""A pytest plugin: which tests reach a function, with what arguments, and how each test ends.

Standalone: it is copied beside `recorder.py` into a scratch folder and loaded by the user's pytest
(`-p hasten_tests_plugin`, CPython 3.9 or newer), inside the sandbox. The file that
HASTEN_TESTS_REQUEST names tells what to do; what was found goes to its "out", while tests run and
at the end, always as a whole file.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

WRITE_EVERY_S = 2.0
MOST_MESSAGE = 300


class Listener:
    """Hears the first call of each target in each test, through the recorder's own means."""

    def __init__(self, request: dict[str, Any], recorder: Any) -> None:
        self.recording = recorder.Capturing(request)
        self.test: str | None = None
        self.reached: dict[str, None] = {}
        self.plain = self.recording.heard
        self.recording.heard = self.heard
        self.undo = (
            self.recording.monitor() if self.recording.monitored else self.recording.patch_loader()
        )

    def heard(self, target: Any, frame: Any) -> bool:
        """A call: the running test reaches the function. Whether later ones are of interest."""
        if self.test is not None and not self.recording.stopped:
            self.reached.setdefault(self.test)
        return bool(self.plain(target, frame))

    def begin(self, test: str | None) -> None:
        """The calls that follow belong to this test; code that was switched off is heard again."""
        self.test = test
        for target in self.recording.targets:
            target.quiet = 0  # the first call of a test is of interest
        if test is not None and self.recording.monitored:
            monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
            monitoring.restart_events()

    def write(self) -> None:
        """Write the calls that were kept so far."""
        common = {
            "main_module": "__main__",
            "main_path": None,
            "sys_path": [entry for entry in sys.path if isinstance(entry, str)],
            "python": list(sys.version_info[:3]),
        }
        for target in self.recording.targets:
            target.write(common)


class Plugin:
    """What is kept of a session."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.out = request["out"]
        self.deadline = time.monotonic() + request["seconds"]
        self.last = frozenset(request["last"])
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.listener: Listener | None = None
        self.written = time.monotonic()
        self.cut = False
        if request["targets"]:
            import hasten_recorder  # type: ignore[import-not-found,unused-ignore]

            self.listener = Listener(request, hasten_recorder)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Tests that were recorded without the function run last: a hint, since some of coverage's
        cores tell only the first test that runs a line."""
        items.sort(key=lambda item: item.nodeid in self.last)

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        """A test begins, its fixtures included."""
        if self.listener:
            self.listener.begin(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One phase of a test has ended; the worst of them counts."""
        known = self.outcomes.setdefault(
            report.nodeid, {"outcome": "passed", "message": "", "seconds": 0.0}
        )
        known["seconds"] += report.duration
        if report.outcome != "passed" and known["outcome"] != "failed":
            known["outcome"] = report.outcome
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash is not None else str(report.longrepr or "")
            known["message"] = text[:MOST_MESSAGE]

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        """A test has ended; what was found is written from time to time."""
        if self.listener:
            self.listener.begin(None)
        if time.monotonic() - self.written > WRITE_EVERY_S:
            self.write()

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> None:
        """Stop in time, between two tests."""
        if time.monotonic() > self.deadline:
            self.cut = True
            item.session.shouldstop = "out of time"

    def pytest_sessionfinish(self, session: Any) -> None:
        """Write all of it."""
        if self.listener:
            self.listener.undo()
        self.write()

    def write(self) -> None:
        """The answer so far, and the calls so far."""
        if self.listener:
            self.listener.write()
        told = {
            "outcomes": self.outcomes,
            "reached": list(self.listener.reached) if self.listener else [],
            "cut": self.cut,
        }
        partial = self.out + ".part"
        with open(partial, "w", encoding="utf-8") as file:
            json.dump(told, file)
        os.replace(partial, self.out)
        self.written = time.monotonic()


def pytest_configure(config: Any) -> None:
    """Register the session's plugin."""
    with open(os.environ["HASTEN_TESTS_REQUEST"], encoding="utf-8") as file:
        request = json.load(file)
    config.pluginmanager.register(Plugin(request), "hasten-tests")
