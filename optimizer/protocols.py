"""Nouns and seams of the search: what a strategy asks, a proposer sees, an evaluator answers.

One abstraction carries best-of-N, RAS, AEGIS and the tree searches: the driver spends the budget,
a strategy only says from where to go on (papers: RAS arXiv 2501.18916, REASONING COMPILER
2506.01374, MaxCode 2601.05475).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from analysis.edits import AtomicEdit, Origin
from index.record import Hit

Stage = Literal["static", "memory", "equivalence", "timing", "internal"]


@dataclass(frozen=True)
class Candidate:
    """A whole file's text with the edits that led to it from the original.

    Each edit of `edits` refers to the text after the previous one. `key` is the hash of the
    function's normalised tree, so that the same code reached twice is tried once.
    """

    source: str
    edits: tuple[AtomicEdit, ...]
    key: str

    @property
    def origin(self) -> Origin:
        """Model as soon as one edit came from a model: such code is trusted less."""
        return "model" if any(e.origin == "model" for e in self.edits) else "rule"

    @property
    def title(self) -> str:
        """The title of the last edit, the one that is new in this candidate."""
        return self.edits[-1].title if self.edits else "the original"


@dataclass(frozen=True)
class Evaluation:
    """What one try showed. `step_ratio` is parent's time / own time, `utility` the log of the
    original's time / own time along the path; both None and -inf where nothing was timed.
    """

    stage: Stage
    ok: bool
    failure: str | None = None
    utility: float = float("-inf")
    step_ratio: float | None = None
    interval: tuple[float, float] | None = None
    seconds: float = 0.0


@dataclass
class Node:
    """One tried candidate in the tree of a search."""

    id: int
    parent: Node | None
    candidate: Candidate
    evaluation: Evaluation
    depth: int
    asked: int = 0
    children: list[Node] = field(default_factory=list)

    @property
    def utility(self) -> float:
        """log(original's time / this candidate's time); 0 for the original."""
        return self.evaluation.utility

    def ancestors(self) -> tuple[Node, ...]:
        """From the parent up to the root."""
        found: list[Node] = []
        node = self.parent
        while node is not None:
            found.append(node)
            node = node.parent
        return tuple(found)


@dataclass(frozen=True)
class Request:
    """A strategy's wish: `n` new candidates from `parent`; keep the `keep` best before running."""

    parent: Node
    n: int
    keep: int | None = None


@dataclass(frozen=True)
class Observation:
    """All that a proposer may look at. `attempt` counts earlier requests for the same node."""

    node: Node
    ancestors: tuple[Node, ...]
    best: Node
    examples: tuple[Hit, ...]
    critique: str | None
    attempt: int


@dataclass(frozen=True)
class Proposal:
    """A proposer's answer: candidates, what was unusable (one reason each), and tokens spent."""

    candidates: tuple[Candidate, ...]
    invalid: tuple[str, ...] = ()
    tokens: int = 0


class Proposer(Protocol):
    """Says what to try next from an observation."""

    def propose(self, seen: Observation, n: int) -> Proposal:
        """At most `n` candidates, most promising first."""


class Retriever(Protocol):
    """Finds optimizations that worked on similar code."""

    def query(self, node: Node, k: int, skip: int) -> tuple[Hit, ...]:
        """The `k` nearest after the first `skip`."""


class Critic(Protocol):
    """Says in words what the tries so far show."""

    def critique(self, node: Node) -> str | None:
        """One short paragraph, or None when there is nothing to say."""


class Evaluator(Protocol):
    """Runs a candidate against the original and times it against its parent."""

    def evaluate(self, candidate: Candidate, parent: Node) -> Evaluation:
        """Never raises for a candidate that fails: that is an Evaluation with ok=False."""


class Reranker(Protocol):
    """Orders candidates before any of them is run."""

    def score(self, seen: Observation, candidate: Candidate) -> float:
        """Higher is tried earlier."""


class Strategy(Protocol):
    """Decides from where the search goes on."""

    def ask(self, tree: Sequence[Node]) -> list[Request]:
        """What to try next; an empty list ends the search. `tree[0]` is the original."""

    def tell(self, node: Node) -> None:
        """A request's candidate was evaluated."""
