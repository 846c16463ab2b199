"""Programs that need edits of given kinds in a given order, as a search without a model sees them.

A proposer that is shown an example of the kind that is needed next succeeds half of the time,
otherwise nearly never; a quarter of all answers are broken. Code is made of words of a naming style
and few words of its kind, a description the other way round (papers: RAS, section 3).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass

from analysis.edits import AtomicEdit
from index.record import Hit, Record
from optimizer.budget import Budget
from optimizer.driver import Driver, Parts, SearchResult
from optimizer.protocols import (
    Candidate,
    Evaluation,
    Node,
    Observation,
    Proposal,
    Retriever,
    Strategy,
)

KINDS, STYLES, STEP = 12, 8, 1.8


def code_words(kind: int, style: int) -> Counter[str]:
    return Counter({f"style{style}.{i}": 3 for i in range(4)} | {f"kind{kind}": 1})


def description_words(kind: int) -> Counter[str]:
    return Counter({f"kind{kind}": 4, "the": 1})


def similarity(a: Counter[str], b: Counter[str]) -> float:
    dot = sum(a[w] * b[w] for w in a)
    norms = (math.sqrt(sum(v * v for v in c.values())) for c in (a, b))
    return dot / math.prod(norms)


def record(kind: int, style: int) -> Record:
    return Record(
        f"{kind}-{style}", "python", f"{kind} {style}", "", str(kind), "", "", None, "worked",
        "toy", None, "",
    )  # fmt: skip


@dataclass(frozen=True)
class Program:
    """`needed` kinds in order; `done` of them are applied."""

    needed: tuple[int, ...]
    style: int
    done: int = 0

    def candidate(self, edits: tuple[AtomicEdit, ...] = (), mark: str = "") -> Candidate:
        text = f"{'-'.join(map(str, self.needed))}/{self.style}/{self.done}/{mark}"
        return Candidate(text, edits, text)


def read(candidate: Candidate) -> Program:
    needed, style, done, _ = candidate.source.split("/")
    return Program(tuple(map(int, needed.split("-"))), int(style), int(done))


class ToyRetriever:
    """Nearest examples by code or by description."""

    def __init__(self, by: str) -> None:
        self._by = by

    def query(self, node: Node, k: int, skip: int) -> tuple[Hit, ...]:
        program = read(node.candidate)
        if program.done == len(program.needed):
            return ()
        kind = program.needed[program.done]

        def score(example: tuple[int, int]) -> float:
            if self._by == "description":
                return similarity(description_words(kind), description_words(example[0]))
            own = code_words(kind, program.style)
            return similarity(own, code_words(*example))

        every = [(k, s) for k in range(KINDS) for s in range(STYLES)]
        random.Random(len(every) + kind).shuffle(every)
        every.sort(key=score, reverse=True)
        return tuple(Hit(record(*e), score(e)) for e in every[:k])


class ToyProposer:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.calls = 0

    def propose(self, seen: Observation, n: int) -> Proposal:
        program = read(seen.node.candidate)
        found: list[Candidate] = []
        for i in range(n):
            self.calls += 1
            example = seen.examples[i].record if i < len(seen.examples) else None
            left = program.done < len(program.needed)
            match = (
                left and example is not None and example.title == str(program.needed[program.done])
            )
            works = left and self._rng.random() < (0.5 if match else 0.06)
            broken = self._rng.random() < 0.25
            mark = f"{self.calls}{'!' if broken else ''}"
            then = Program(program.needed, program.style, program.done + works)
            found.append(then.candidate((AtomicEdit("t", "d", (), "model", "toy"),), mark))
        return Proposal(tuple(found))


class ToyEvaluator:
    def evaluate(self, candidate: Candidate, parent: Node) -> Evaluation:
        if candidate.source.endswith("!"):
            return Evaluation("equivalence", False, "broken")
        utility = read(candidate).done * math.log(STEP)
        return Evaluation("timing", utility > parent.utility, None, utility, STEP)


def search(strategy: Strategy, retriever: Retriever | None, seed: int, length: int) -> SearchResult:
    rng = random.Random(seed)
    program = Program(tuple(rng.sample(range(KINDS), length)), rng.randrange(STYLES))
    parts = Parts(strategy, ToyProposer(rng), ToyEvaluator(), retriever=retriever)
    return Driver(parts, Budget(32)).run(program.candidate())


def mean_speedup(results: list[SearchResult]) -> float:
    """Geometric mean."""
    return math.exp(sum(r.best.utility for r in results) / len(results))
