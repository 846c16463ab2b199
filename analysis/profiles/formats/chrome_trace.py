"""Reads Chrome's trace events, as viztracer, py-spy, Perfetto's tools and Chrome write them.

Complete events (X) and pairs of begin and end (B, E) are nested by their times, thread by thread;
async, instant, counter and metadata events are no calls and left out. Of a trace of Chrome's
Performance panel that holds samples of V8 only these are read. Times are microseconds.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.formats.cpuprofile import CpuTree
from analysis.profiles.frame_names import parse_frame
from analysis.profiles.json_cursor import Cursor
from analysis.profiles.json_stream import as_dict, as_list, as_number, looks_like_json
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from analysis.profiles.tally import ROOT, Tally

MAX_CALLS = 4_000_000
"""Calls have to be sorted by their time, so all are held."""

_MAX_OPEN = 100_000
_MAX_THREADS = 10_000


def recognises(head: bytes) -> bool:
    """Whether it is an object with trace events, or an array of them."""
    if not looks_like_json(head):
        return False
    return b'"traceEvents"' in head or (
        head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and b'"ph"' in head
    )


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in a trace. Raises Truncated or Damaged."""
    trace = _Trace(places)
    with Cursor(file) as cursor:
        if cursor.kind() == "[":
            trace.read(cursor.values())
        else:
            for key in cursor.members():
                if key == "traceEvents":
                    trace.read(cursor.values())
        cursor.end()
    return trace.profile()


@dataclass
class _Thread:
    """The calls of one thread in the order of their ends, and those that are still open."""

    begins: array[float] = field(default_factory=lambda: array("d"))
    lasts: array[float] = field(default_factory=lambda: array("d"))
    frames: array[int] = field(default_factory=lambda: array("i"))
    open: list[tuple[float, int]] = field(default_factory=list)
    latest: float = 0.0

    def add(self, begin: float, lasts: float, frame: int) -> None:
        self.begins.append(begin)
        self.lasts.append(lasts)
        self.frames.append(frame)

    def in_order(self) -> Iterator[tuple[float, float, int]]:
        """Begin, duration and frame of each call, callers first."""
        begins, lasts = self.begins, self.lasts
        # Of two with equal times the one that ended later was around the other.
        for n in sorted(range(len(begins) - 1, -1, -1), key=lambda n: (begins[n], -lasts[n])):
            yield begins[n], lasts[n], self.frames[n]


class _Trace:
    def __init__(self, places: Places) -> None:
        self._places, self._tally = places, Tally(places)
        self._threads: defaultdict[tuple[str, str], _Thread] = defaultdict(_Thread)
        self._frames: dict[tuple[object, ...], int] = {}
        self._calls = 0
        self._tool = "Chrome trace"
        self._sampled = False
        self._v8: dict[tuple[str, str], CpuTree] = {}

    def read(self, events: Iterator[Any]) -> None:
        for raw in events:
            event = as_dict(raw)
            match event.get("ph"):
                case "X" if event.get("dur") is not None:
                    begin, lasts = as_number(event.get("ts")), as_number(event["dur"])
                    self._add(self._thread(event, begin), begin, lasts, self._frame(event))
                case "B":
                    begin = as_number(event.get("ts"))
                    thread = self._thread(event, begin)
                    if len(thread.open) >= _MAX_OPEN:
                        raise Damaged(f"more than {_MAX_OPEN} open calls")
                    thread.open.append((begin, self._frame(event)))
                case "E":
                    end = as_number(event.get("ts"))
                    thread = self._thread(event, end)
                    if thread.open:  # else it began before the trace
                        begin, frame = thread.open.pop()
                        self._add(thread, begin, end - begin, frame)
                case "P" if event.get("name") in ("Profile", "ProfileChunk"):
                    self._read_v8(event)

    def profile(self) -> Profile:
        trees = [tree for tree in self._v8.values() if not tree.is_empty]
        if trees:
            tally = Tally(self._places, tells_lines=True)
            for tree in trees[:-1]:
                tree.tell(tally)
            return trees[-1].profile(tally)
        for thread in self._threads.values():
            while thread.open:
                begin, frame = thread.open.pop()
                self._add(thread, begin, thread.latest - begin, frame)
            self._nest(thread)
        return self._tally.profile(self._tool, "seconds", sampled=self._sampled, scale=1e-6)

    def _thread(self, event: dict[str, Any], at: float) -> _Thread:
        key = (str(event.get("pid"))[:40], str(event.get("tid"))[:40])
        if key not in self._threads and len(self._threads) >= _MAX_THREADS:
            raise Damaged(f"more than {_MAX_THREADS} threads")
        thread = self._threads[key]
        thread.latest = max(thread.latest, at)
        return thread

    def _add(self, thread: _Thread, begin: float, lasts: float, frame: int) -> None:
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise Damaged(f"more than {MAX_CALLS} calls: trace a shorter run")
        thread.add(begin, max(0.0, lasts), frame)

    def _frame(self, event: dict[str, Any]) -> int:
        name, category, args = event.get("name"), event.get("cat"), event.get("args")
        text = name if isinstance(name, str) else "?"
        path = line = None
        if isinstance(args, dict):
            path, line = args.get("filename"), args.get("line")
            data = args.get("data")
            if isinstance(data, dict) and isinstance(data.get("functionName"), str):
                text, path = data["functionName"], data.get("url")
                line = data.get("lineNumber")
        path = path if isinstance(path, str) else None
        line = line if isinstance(line, int) and not isinstance(line, bool) else None
        key = (text, path, line, category == "fee")
        known = self._frames.get(key)
        if known is not None:
            return known
        if category == "py-spy":
            self._tool, self._sampled = "py-spy", True
        elif isinstance(category, str) and category.lower() == "fee":
            self._tool = "viztracer"
        if path is not None:
            frame = self._tally.frame(path, text, line)
        else:
            said = parse_frame(text)
            native = said.native or (not said.path and self._tool == "viztracer")
            frame = self._tally.frame(said.path, said.name, said.line, native=native)
        self._frames[key] = frame
        return frame

    def _nest(self, thread: _Thread) -> None:
        """Give each call what of its time no call inside of it took."""
        tally = self._tally
        nodes, ends, own, frames = [ROOT], [float("inf")], [0.0], [-1]
        for begin, lasts, frame in thread.in_order():
            while len(nodes) > 1 and ends[-1] <= begin:
                tally.spend(nodes.pop(), own.pop())
                ends.pop(), frames.pop()
            # Rounded times may pass the caller's end by a little.
            end = min(begin + lasts, ends[-1])
            own[-1] -= end - begin
            nodes.append(tally.child(nodes[-1], frame))
            ends.append(end)
            own.append(end - begin)
            frames.append(frame)
            if not self._sampled:
                tally.called(nodes[-1])
            if tally.is_full:
                nodes = tally.renewed(frames[1:])
        while len(nodes) > 1:
            tally.spend(nodes.pop(), own.pop())

    def _read_v8(self, event: dict[str, Any]) -> None:
        args = event.get("args")
        data = args.get("data") if isinstance(args, dict) else None
        if not isinstance(data, dict):
            return
        key = (str(event.get("pid"))[:40], str(event.get("id"))[:40])
        if key not in self._v8 and len(self._v8) >= _MAX_THREADS:
            raise Damaged(f"more than {_MAX_THREADS} profiles")
        tree = self._v8.setdefault(key, CpuTree())
        profile = as_dict(data.get("cpuProfile", {}))
        tree.add_nodes(as_list(profile.get("nodes", [])))
        tree.add_samples(as_list(profile.get("samples", [])))
        tree.add_deltas(as_list(data.get("timeDeltas", [])))
