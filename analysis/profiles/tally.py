"""Adds stacks up to costs of functions, lines and calls, in memory that a huge profile can't grow.

Stacks are kept as one tree of frames. When the tree has too many nodes it is added up and begun
anew: costs are sums, so nothing is lost but the stacks themselves, of which the heaviest are kept.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import NamedTuple

from analysis.profiles.damage import Damaged
from analysis.profiles.frame_names import is_nameless
from analysis.profiles.model import (
    CallCost,
    FunctionCost,
    LineCost,
    Profile,
    StackCost,
    Unit,
)
from analysis.profiles.places import Place, Places

MAX_NODES = 500_000
MAX_FRAMES = 500_000
MAX_DEPTH = 5_000
MAX_NAME = 2_000
MAX_NAME_CHARS = 100_000_000
MAX_STACKS = 5_000
ROOT = 0
OWN = -2
"""The frame of what a function's own lines took, where a format writes that as one more frame."""
OWN_NAME = "[self]"
"""What pyinstrument calls it."""
_MAX_TOTAL = 1e300
_MAX_KNOWN = 50_000
_MAX_LINE = 10_000_000

Who = Place | tuple[str, str, int]


class Frame(NamedTuple):
    """A function at one of its lines, as a stack names it; `line` is the one that runs, or 0.

    `inner` tells that it is a lambda or comprehension in that function: no call of the function.
    """

    who: int
    line: int
    native: bool
    inner: bool


@dataclass
class _Edge:
    cost: float = 0.0
    calls: int = 0


class Tally:
    """Costs by function, added up from stacks.

    A reader interns frames (`frame`), then either adds whole stacks (`add`), or walks the tree of
    stacks itself: `child` of a node (`ROOT` is the empty stack), `spend` what ran in exactly that
    stack, `called` for each call where the format counts calls.

    `tells_native` says that native frames are told apart, so that what is not native is Python.
    `tells_lines` says that frames have the line that runs; None finds out: in a profile that has
    only the first lines of functions, no frame is at another line, and such a profile has no lines.
    """

    def __init__(
        self, places: Places, *, tells_native: bool = False, tells_lines: bool | None = None
    ) -> None:
        self._places, self._tells_native = places, tells_native
        self._tells_lines = tells_lines
        self._saw_lines = False
        self._name_chars = 0
        self._frames: list[Frame] = []
        self._frame_ids: dict[tuple[str, str, int, bool, int | None], int] = {}
        self._who: list[Who] = []
        self._who_ids: dict[Who, int] = {}
        self._counts_calls = False
        self.total = 0.0
        self._self: defaultdict[int, float] = defaultdict(float)
        self._total: defaultdict[int, float] = defaultdict(float)
        self._direct: defaultdict[int, float] = defaultdict(float)
        self._native: defaultdict[int, float] = defaultdict(float)
        self._calls: defaultdict[int, int] = defaultdict(int)
        self._line_self: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._line_total: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._line_direct: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._line_native: defaultdict[tuple[str, int], float] = defaultdict(float)
        # Lines have numbers, so that those on a path are counted fast; 0 is none.
        self._line_keys: list[tuple[str, int]] = [("", 0)]
        self._line_numbers: dict[tuple[str, int], int] = {}
        self._edges: defaultdict[tuple[int, int], _Edge] = defaultdict(_Edge)
        self._stacks: dict[tuple[int, ...], float] = {}
        self._begin()

    def _begin(self) -> None:
        self._children: dict[tuple[int, int], int] = {}
        self._known: dict[tuple[int, ...], int] = {}
        self._parent, self._frame = array("i", [0]), array("i", [-1])
        self._cost, self._count, self._depth = array("d", [0.0]), array("q", [0]), array("i", [0])

    # -- what a reader tells --------------------------------------------------------------------

    def frame(
        self,
        path: str,
        name: str,
        line: int | None,
        *,
        native: bool = False,
        runs: int | None = None,
    ) -> int:
        """The number of a frame, by what the profile calls its file and function.

        `line` is any line of the function: the one that runs where the format tells that, else
        its first. Where a format tells both, `runs` is the one that runs, and 0 where it is not
        known. Raises Damaged for more frames than any program has.
        """
        if len(path) > MAX_NAME or len(name) > MAX_NAME:
            path, name = path[:MAX_NAME], name[:MAX_NAME]
        key = (path, name, line or 0, native, runs)
        known = self._frame_ids.get(key)
        if known is not None:
            return known
        if len(self._frames) >= MAX_FRAMES:
            raise Damaged(f"more than {MAX_FRAMES} different frames")
        self._name_chars += len(path) + len(name)
        if self._name_chars > MAX_NAME_CHARS:
            raise Damaged("more names than any program has")
        line = line if line and 0 < line < _MAX_LINE else None
        path, name = _clean(path), _clean(name)
        place = None if native else self._places.place(path, name, line)
        who: Who = place or (path, name, 0 if native else line or 0)
        if who not in self._who_ids:
            self._who_ids[who] = len(self._who)
            self._who.append(who)
        at = (line or 0) if runs is None else runs if 0 < runs < _MAX_LINE else 0
        if place is not None and at not in (0, place.line) and not is_nameless(name):
            self._saw_lines = True
        inner = place is not None and is_nameless(name) and not is_nameless(place.name)
        self._frames.append(Frame(self._who_ids[who], at, native, inner))
        self._frame_ids[key] = len(self._frames) - 1
        return len(self._frames) - 1

    def child(self, node: int, frame: int) -> int:
        """The stack of a node with one more frame. Raises Damaged for endless stacks."""
        if frame == OWN:
            return node
        known = self._children.get((node, frame))
        if known is not None:
            return known
        if not 0 <= frame < len(self._frames):
            raise Damaged("a stack names a frame that is not there")
        if self._depth[node] >= MAX_DEPTH:
            raise Damaged(f"a stack of more than {MAX_DEPTH} frames")
        new = len(self._parent)
        self._children[node, frame] = new
        self._parent.append(node)
        self._frame.append(frame)
        self._cost.append(0.0)
        self._count.append(0)
        self._depth.append(self._depth[node] + 1)
        return new

    def spend(self, node: int, cost: float) -> None:
        """Add what ran in exactly this stack; what is not positive is left out."""
        if cost > 0:
            self._cost[node] += cost
            self.total += cost

    def called(self, node: int, times: int = 1) -> None:
        """Count calls of the node's function by the function below it in the stack."""
        self._counts_calls = True
        if not self._frames[self._frame[node]].inner:
            self._count[node] += times

    def add(self, stack: Iterable[int], cost: float) -> None:
        """Add a whole stack, outermost frame first."""
        frames = tuple(stack)
        node = self._known.get(frames)
        if node is None:
            node = self.node(frames)
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[frames] = node
        self.spend(node, cost)
        if len(self._parent) > MAX_NODES:
            self.settle()

    def node(self, stack: Iterable[int]) -> int:
        """The node of a whole stack, outermost frame first. Raises Damaged for endless stacks."""
        children, node = self._children, ROOT
        for frame in stack:
            below = children.get((node, frame))
            node = self.child(node, frame) if below is None else below
        return node

    @property
    def is_full(self) -> bool:
        """Whether a reader that holds nodes itself should `settle` as soon as it holds none."""
        return len(self._parent) > MAX_NODES

    def renewed(self, frames: Iterable[int]) -> list[int]:
        """As `settle` for a reader that holds a stack: its nodes in the new tree, ROOT first."""
        self.settle()
        nodes = [ROOT]
        for frame in frames:
            nodes.append(self.child(nodes[-1], frame))
        return nodes

    # -- adding up ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Add the tree up and begin a new one; nodes of the old one are void."""
        below, children = self._below(), self._below_each()
        told = [self._told(frame) for frame in self._frames]
        # What is on the path from the root is counted once, however often it recurs.
        on_path, lines_on_path = [0] * len(self._who), [0] * len(self._line_keys)
        open_nodes = children.get(ROOT, [])
        path: list[tuple[int, int, int, int]] = []
        # The innermost function of the workspace, and which of its lines runs.
        nearest, nearest_line = -1, 0
        while open_nodes:
            node = open_nodes.pop()
            if node < 0:
                who, line, nearest, nearest_line = path.pop()
                on_path[who] -= 1
                lines_on_path[line] -= 1
                continue
            who, ours, line, native = told[self._frame[node]]
            own, spent = self._cost[node], below[node]
            calls = self._count[node]
            self._calls[who] += calls
            self._self[who] += own
            if not on_path[who]:
                self._total[who] += spent
            if line:
                at = self._line_keys[line]
                self._line_self[at] += own
                if not lines_on_path[line]:
                    self._line_total[at] += spent
            on_path[who] += 1
            lines_on_path[line] += 1
            path.append((who, line, nearest, nearest_line))
            if ours:
                if nearest not in (-1, who):
                    edge = self._edges[nearest, who]
                    edge.cost += spent
                    edge.calls += calls
                nearest, nearest_line = who, line
            if own and nearest >= 0:
                at = self._line_keys[nearest_line]
                self._direct[nearest] += own
                self._line_direct[at] += own
                if native:
                    self._native[nearest] += own
                    self._line_native[at] += own
            open_nodes.append(-1)
            open_nodes += children.pop(node, ())
        self._keep_stacks()
        self._begin()

    def _told(self, frame: Frame) -> tuple[int, bool, int, bool]:
        """Its function, whether that is the workspace's, the number of its line (0 for none)."""
        person = self._who[frame.who]
        if not isinstance(person, Place):
            return frame.who, False, 0, frame.native
        if not frame.line:
            return frame.who, True, 0, frame.native
        key = (person.path, frame.line)
        number = self._line_numbers.get(key)
        if number is None:
            number = self._line_numbers[key] = len(self._line_keys)
            self._line_keys.append(key)
        return frame.who, True, number, frame.native

    def _below_each(self) -> dict[int, list[int]]:
        """The nodes right below each node that has any."""
        children: dict[int, list[int]] = {}
        for node in range(len(self._parent) - 1, 0, -1):
            parent = self._parent[node]
            known = children.get(parent)
            if known is None:
                children[parent] = [node]
            else:
                known.append(node)
        return children

    def _below(self) -> array[float]:
        """What ran in each node's stack and in those above it."""
        below = array("d", self._cost)
        for node in range(len(below) - 1, 0, -1):
            below[self._parent[node]] += below[node]
        return below

    def _keep_stacks(self) -> None:
        for node, cost in enumerate(self._cost):
            if node and cost > 0:
                frames = tuple(self._frames[frame].who for frame in self._frames_of(node))
                self._stacks[frames] = self._stacks.get(frames, 0.0) + cost
        if len(self._stacks) > 4 * MAX_STACKS:
            self._stacks = dict(nlargest(MAX_STACKS, self._stacks.items(), key=lambda s: s[1]))

    def _frames_of(self, node: int) -> list[int]:
        found: list[int] = []
        while node:
            found.append(self._frame[node])
            node = self._parent[node]
        found.reverse()
        return found

    # -- the profile ----------------------------------------------------------------------------

    def profile(self, tool: str, unit: Unit, *, sampled: bool, scale: float = 1.0) -> Profile:
        """All that was told, as a profile; functions that cost nothing are left out.

        Costs were told in `scale` of the unit. Raises Damaged where they are beyond all measure.
        """
        self.settle()
        if not self.total * max(1.0, scale) < _MAX_TOTAL:
            raise Damaged("costs beyond all measure")
        if scale != 1.0:
            self._scale(scale)
        kept = [n for n in range(len(self._who)) if self._total[n] > 0 or self._calls[n] > 0]
        place = {number: at for at, number in enumerate(kept)}
        stacks = nlargest(MAX_STACKS, self._stacks.items(), key=lambda s: s[1])
        return Profile(
            tool=tool,
            unit=unit,
            total=self.total,
            functions=tuple(self._function(number) for number in kept),
            sampled=sampled,
            lines=tuple(self._lines()),
            calls=tuple(
                CallCost(
                    place[caller], place[callee],
                    edge.calls if self._counts_calls else None, edge.cost,
                )
                for (caller, callee), edge in self._edges.items()
                if caller in place and callee in place
            ),
            stacks=tuple(StackCost(tuple(place[n] for n in who), cost) for who, cost in stacks),
        )  # fmt: skip

    def _scale(self, scale: float) -> None:
        self.total *= scale
        for costs in (self._self, self._total, self._direct, self._native):
            for who in costs:
                costs[who] *= scale
        for by_line in (self._line_self, self._line_total, self._line_direct, self._line_native):
            for line in by_line:
                by_line[line] *= scale
        for edge in self._edges.values():
            edge.cost *= scale
        for stack in self._stacks:
            self._stacks[stack] *= scale

    def _function(self, number: int) -> FunctionCost:
        who = self._who[number]
        ours = isinstance(who, Place)
        path, name, line = (who.path, who.name, who.line) if isinstance(who, Place) else who
        own = self._self[number]
        return FunctionCost(
            path=path,
            name=name,
            line=line,
            self_cost=own,
            total_cost=self._total[number],
            direct_cost=self._direct[number] if ours else own,
            calls=self._calls[number] if self._counts_calls else None,
            native_cost=self._native[number] if ours and self._tells_native else None,
        )

    def _lines(self) -> Sequence[LineCost]:
        if not (self._saw_lines if self._tells_lines is None else self._tells_lines):
            return []
        return [
            LineCost(
                path, line, self._line_self[path, line], total,
                self._line_native[path, line] if self._tells_native else None,
                direct_cost=self._line_direct[path, line],
            )
            for (path, line), total in sorted(self._line_total.items())
            if total > 0
        ]  # fmt: skip


def _clean(text: str) -> str:
    """A name that can be printed: lone halves of characters are replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
