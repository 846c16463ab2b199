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

from analysis.profiles.damage import Damaged
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
MAX_FRAMES = 2_000_000
MAX_DEPTH = 5_000
MAX_STACKS = 5_000
ROOT = 0

Who = Place | tuple[str, str, int]


@dataclass(frozen=True)
class Frame:
    """A function at one of its lines, as a stack names it; `line` is the one that runs, or 0."""

    who: int
    line: int
    native: bool


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
    """

    def __init__(self, places: Places, *, tells_native: bool = False) -> None:
        self._places, self._tells_native = places, tells_native
        self._frames: list[Frame] = []
        self._frame_ids: dict[tuple[str, str, int, bool], int] = {}
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
        self._line_native: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._edges: defaultdict[tuple[int, int], _Edge] = defaultdict(_Edge)
        self._stacks: dict[tuple[int, ...], float] = {}
        self._begin()

    def _begin(self) -> None:
        self._children: dict[tuple[int, int], int] = {}
        self._parent, self._frame = array("i", [0]), array("i", [-1])
        self._cost, self._count, self._depth = array("d", [0.0]), array("q", [0]), array("i", [0])

    # -- what a reader tells --------------------------------------------------------------------

    def frame(self, path: str, name: str, line: int | None, *, native: bool = False) -> int:
        """The number of a frame, by what the profile calls its file and function.

        `line` is any line of the function: the one that runs where the format tells that, else
        its first. Raises Damaged for more frames than any program has.
        """
        key = (path, name, line or 0, native)
        known = self._frame_ids.get(key)
        if known is not None:
            return known
        if len(self._frames) >= MAX_FRAMES:
            raise Damaged(f"more than {MAX_FRAMES} different frames")
        place = None if native else self._places.place(path, name, line)
        who: Who = place or (path, name, 0 if native else line or 0)
        if who not in self._who_ids:
            self._who_ids[who] = len(self._who)
            self._who.append(who)
        self._frames.append(Frame(self._who_ids[who], line or 0, native))
        self._frame_ids[key] = len(self._frames) - 1
        return len(self._frames) - 1

    def child(self, node: int, frame: int) -> int:
        """The stack of a node with one more frame. Raises Damaged for endless stacks."""
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
        self._count[node] += times

    def add(self, stack: Iterable[int], cost: float) -> None:
        """Add a whole stack, outermost frame first."""
        node = ROOT
        for frame in stack:
            node = self.child(node, frame)
        self.spend(node, cost)
        if len(self._parent) > MAX_NODES:
            self.settle()

    @property
    def is_full(self) -> bool:
        """Whether a reader that holds nodes itself should `settle` as soon as it holds none."""
        return len(self._parent) > MAX_NODES

    # -- adding up ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Add the tree up and begin a new one; nodes of the old one are void."""
        below = self._below()
        children: list[list[int]] = [[] for _ in self._parent]
        for node in range(1, len(self._parent)):
            children[self._parent[node]].append(node)
        # What is on the path from the root is counted once, however often it recurs.
        on_path: defaultdict[int, int] = defaultdict(int)
        lines_on_path: defaultdict[tuple[str, int], int] = defaultdict(int)
        path: list[tuple[int, int | None, tuple[str, int] | None]] = []
        open_nodes = [n for child in children[ROOT] for n in (~child, child)]
        while open_nodes:
            node = open_nodes.pop()
            if node < 0:
                who, _, line = path.pop()
                on_path[who] -= 1
                if line is not None:
                    lines_on_path[line] -= 1
                continue
            frame = self._frames[self._frame[node]]
            nearest = path[-1][1] if path else None
            person = self._who[frame.who]
            line = (person.path, frame.line) if isinstance(person, Place) and frame.line else None
            mine = frame.who if isinstance(person, Place) else nearest
            self._count_node(node, frame, line, nearest, mine, below[node], on_path, lines_on_path)
            on_path[frame.who] += 1
            if line is not None:
                lines_on_path[line] += 1
            path.append((frame.who, mine, line))
            for child in children[node]:
                open_nodes += (~child, child)
        self._keep_stacks()
        self._begin()

    def _below(self) -> array[float]:
        """What ran in each node's stack and in those above it."""
        below = array("d", self._cost)
        for node in range(len(below) - 1, 0, -1):
            below[self._parent[node]] += below[node]
        return below

    def _count_node(
        self,
        node: int,
        frame: Frame,
        line: tuple[str, int] | None,
        nearest: int | None,
        mine: int | None,
        below: float,
        on_path: defaultdict[int, int],
        lines_on_path: defaultdict[tuple[str, int], int],
    ) -> None:
        own, calls = self._cost[node], self._count[node]
        self._self[frame.who] += own
        self._calls[frame.who] += calls
        if not on_path[frame.who]:
            self._total[frame.who] += below
        if line is not None:
            self._line_self[line] += own
            if not lines_on_path[line]:
                self._line_total[line] += below
        if mine is not None:
            self._direct[mine] += own
            if frame.native:
                self._native[mine] += own
                self._native_line(node, own)
        if mine == frame.who and nearest is not None and nearest != mine:
            edge = self._edges[nearest, mine]
            edge.cost += below
            edge.calls += calls

    def _native_line(self, node: int, cost: float) -> None:
        """Native code below a line of the workspace ran for that line."""
        while node:
            frame = self._frames[self._frame[node]]
            person = self._who[frame.who]
            if isinstance(person, Place):
                self._line_native[person.path, frame.line] += cost
                return
            node = self._parent[node]

    def _keep_stacks(self) -> None:
        for node, cost in enumerate(self._cost):
            if node and cost > 0:
                frames = self._functions_of(node)
                self._stacks[frames] = self._stacks.get(frames, 0.0) + cost
        if len(self._stacks) > 4 * MAX_STACKS:
            self._stacks = dict(nlargest(MAX_STACKS, self._stacks.items(), key=lambda s: s[1]))

    def _functions_of(self, node: int) -> tuple[int, ...]:
        found: list[int] = []
        while node:
            found.append(self._frames[self._frame[node]].who)
            node = self._parent[node]
        return tuple(reversed(found))

    # -- the profile ----------------------------------------------------------------------------

    def profile(self, tool: str, unit: Unit, *, sampled: bool) -> Profile:
        """All that was told, as a profile."""
        self.settle()
        stacks = nlargest(MAX_STACKS, self._stacks.items(), key=lambda s: s[1])
        return Profile(
            tool=tool,
            unit=unit,
            total=self.total,
            functions=tuple(self._functions()),
            sampled=sampled,
            lines=tuple(self._lines()),
            calls=tuple(
                CallCost(caller, callee, edge.calls if self._counts_calls else None, edge.cost)
                for (caller, callee), edge in self._edges.items()
            ),
            stacks=tuple(StackCost(frames, cost) for frames, cost in stacks),
        )

    def _functions(self) -> Sequence[FunctionCost]:
        found = []
        for number, who in enumerate(self._who):
            ours = isinstance(who, Place)
            path, name, line = (who.path, who.name, who.line) if isinstance(who, Place) else who
            own = self._self[number]
            found.append(
                FunctionCost(
                    path=path,
                    name=name,
                    line=line,
                    self_cost=own,
                    total_cost=self._total[number],
                    direct_cost=self._direct[number] if ours else own,
                    calls=self._calls[number] if self._counts_calls else None,
                    native_cost=self._native[number] if ours and self._tells_native else None,
                )
            )
        return found

    def _lines(self) -> Sequence[LineCost]:
        return [
            LineCost(
                path, line, self._line_self[path, line], total,
                self._line_native[path, line] if self._tells_native else None,
            )
            for (path, line), total in sorted(self._line_total.items())
        ]  # fmt: skip
