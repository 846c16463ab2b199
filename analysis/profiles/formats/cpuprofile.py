"""Reads the CPU profiles of V8: Node's ``--cpu-prof`` and what Chrome saves (.cpuprofile).

Nodes are a tree of functions; each sample names one, and each time delta (microseconds) is what
passed since the sample before. So a sample lasts up to the next one. Idle time is left out, and
the garbage collector counts for the function that it interrupted.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from analysis.profiles.damage import Damaged
from analysis.profiles.file import ProfileFile
from analysis.profiles.json_cursor import Cursor
from analysis.profiles.json_stream import as_dict, as_list, as_number, looks_like_json
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from analysis.profiles.tally import MAX_DEPTH, MAX_NODES, ROOT, Tally

_IDLE, _COLLECTOR = "(idle)", "(garbage collector)"
_MAX_SAMPLES = 20_000_000
_MAX_TICKS = 1_000_000
_Key = tuple[int, bool]


def recognises(head: bytes) -> bool:
    """Whether it is an object with nodes that are calls' frames."""
    return (
        looks_like_json(head) and b'"callFrame"' in head and b'"functionName"' in head
        and b'"traceEvents"' not in head and b'"nodes"' in head
    )  # fmt: skip


def read(file: ProfileFile, places: Places) -> Profile:
    """The profile in a .cpuprofile file. Raises Truncated or Damaged."""
    tree = CpuTree()
    end = start = None
    with Cursor(file) as cursor:
        for key in cursor.members():
            if key == "nodes":
                tree.add_nodes(cursor.values())
            elif key == "samples":
                tree.add_samples(cursor.values())
            elif key == "timeDeltas":
                tree.add_deltas(cursor.values())
            elif key == "startTime":
                start = as_number(cursor.value())
            elif key == "endTime":
                end = as_number(cursor.value())
        cursor.end()
    length = end - start if end is not None and start is not None else None
    return tree.profile(Tally(places, tells_lines=True), length)


@dataclass
class _Node:
    name: str
    url: str
    line: int
    parent: int | None = None
    hits: float = 0.0
    ticks: dict[int, float] = field(default_factory=dict)


class CpuTree:
    """The tree and the samples of one V8 profile, added up when all is known."""

    def __init__(self) -> None:
        self._nodes: dict[int, _Node] = {}
        self._children: list[tuple[int, int]] = []
        self._samples = array("q")
        self._deltas = array("d")
        self._ticks = 0

    def add_nodes(self, nodes: Iterable[Any]) -> None:
        """Nodes as V8 writes them, whose links are in the parent or in the child."""
        for raw in nodes:
            told = as_dict(raw)
            frame = as_dict(told.get("callFrame", told))
            number = _id(told.get("id"))
            if number in self._nodes or len(self._nodes) >= MAX_NODES:
                raise Damaged("a node that is told twice, or too many")
            name, url = frame.get("functionName"), frame.get("url")
            line = frame.get("lineNumber")
            node = _Node(
                name if isinstance(name, str) else "",
                url if isinstance(url, str) else "",
                line + 1 if isinstance(line, int) and line >= 0 else 0,
            )
            if told.get("parent") is not None:
                node.parent = _id(told["parent"])
            if told.get("hitCount") is not None:
                node.hits = as_number(told["hitCount"])
            self._children += ((_id(child), number) for child in as_list(told.get("children", [])))
            for tick in as_list(told.get("positionTicks", [])):
                self._ticks += 1
                if self._ticks > _MAX_TICKS:
                    raise Damaged(f"more than {_MAX_TICKS} lines")
                at, count = _id(as_dict(tick).get("line")), as_number(tick.get("ticks"))
                node.ticks[at] = node.ticks.get(at, 0.0) + max(0.0, count)
            self._nodes[number] = node

    def add_samples(self, samples: Iterable[Any]) -> None:
        """The node of each sample."""
        for sample in samples:
            self._samples.append(_id(sample))
            if len(self._samples) > _MAX_SAMPLES:
                raise Damaged(f"more than {_MAX_SAMPLES} samples")

    def add_deltas(self, deltas: Iterable[Any]) -> None:
        """Microseconds before each sample."""
        for delta in deltas:
            self._deltas.append(as_number(delta))
            if len(self._deltas) > _MAX_SAMPLES:
                raise Damaged(f"more than {_MAX_SAMPLES} samples")

    @property
    def is_empty(self) -> bool:
        """Whether no node was told."""
        return not self._nodes

    def profile(self, tally: Tally, length: float | None = None) -> Profile:
        """The profile of all that was told; it lasted `length` microseconds if that is known."""
        self.tell(tally, length)
        if self._deltas:
            return tally.profile("V8", "seconds", sampled=True, scale=1e-6)
        return tally.profile("V8", "samples", sampled=True)

    def tell(self, tally: Tally, length: float | None = None) -> None:
        """Add all samples up. Raises Damaged."""
        for child, parent in self._children:
            if child not in self._nodes or self._nodes[child].parent not in (None, parent):
                raise Damaged("a node's child is not there, or has two parents")
            self._nodes[child].parent = parent
        costs = self._timed(length) if self._deltas else self._hits()
        places = self._places(tally)
        collector = tally.frame("", _COLLECTOR, None, native=True)
        for (number, collects), cost in costs.items():
            if collects:
                tally.spend(tally.child(places[number], collector), cost)
            else:
                self._spend(tally, places, number, cost)

    def _hits(self) -> dict[_Key, float]:
        return {
            (number, False): node.hits
            for number, node in self._nodes.items()
            if node.url or node.name != _IDLE
        }

    def _timed(self, length: float | None) -> dict[_Key, float]:
        """Microseconds by node, and whether the garbage collector ran in its place."""
        if len(self._samples) != len(self._deltas):
            raise Damaged("not as many times as samples")
        special = {
            number: node.name
            for number, node in self._nodes.items()
            if node.name in (_IDLE, _COLLECTOR) and not node.url
        }
        costs: defaultdict[_Key, float] = defaultdict(float)
        interrupted: int | None = None
        passed = 0.0
        for at, number in enumerate(self._samples):
            if number not in self._nodes:
                raise Damaged("a sample names a node that is not there")
            passed += self._deltas[at]
            is_last = at + 1 == len(self._samples)
            rest = 0.0 if length is None else length - passed
            lasts = max(0.0, rest if is_last else self._deltas[at + 1])
            kind = special.get(number)
            if kind is None:
                interrupted = number
                costs[number, False] += lasts
            elif kind == _IDLE:
                interrupted = None
            elif interrupted is None:
                costs[number, False] += lasts
            else:
                costs[interrupted, True] += lasts
        return costs

    def _places(self, tally: Tally) -> dict[int, int]:
        """Each node's node in the tally; the root itself is none. Raises Damaged for cycles."""
        placed: dict[int, int] = {}
        for number in self._nodes:
            chain: list[int] = []
            at: int | None = number
            while at is not None and at not in placed:
                chain.append(at)
                if len(chain) > MAX_DEPTH:
                    raise Damaged("nodes that are nested too deeply, or in a circle")
                if at not in self._nodes:
                    raise Damaged("a node's parent is not there")
                at = self._nodes[at].parent
            for below in reversed(chain):
                parent = self._nodes[below].parent
                above = ROOT if parent is None else placed[parent]
                placed[below] = self._child(tally, above, self._nodes[below], 0)
        return placed

    def _child(self, tally: Tally, above: int, node: _Node, runs: int) -> int:
        if node.name == "(root)" and not node.url:
            return above
        native = not node.url
        name = node.name or "(anonymous)"
        frame = tally.frame(node.url, name, node.line or None, native=native, runs=runs)
        return tally.child(above, frame)

    def _spend(self, tally: Tally, places: dict[int, int], number: int, cost: float) -> None:
        """What ran in a node itself, by its lines where V8 counted them."""
        node = self._nodes[number]
        ticks = sum(node.ticks.values())
        if not ticks:
            tally.spend(places[number], cost)
            return
        above = ROOT if node.parent is None else places[node.parent]
        for line, count in node.ticks.items():
            tally.spend(self._child(tally, above, node, line), cost * count / ticks)


def _id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 62:
        raise Damaged("no number of a node where one is due")
    return value
