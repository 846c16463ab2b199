"""The one loop that spends the budget of a search.

ask -> observation -> propose (the fallback stands in for what was unusable) -> static gate and
dedup -> rerank -> evaluate -> tell -> log. A try that fails is a node with a reason; it never ends
the search. Cancel is heard between all steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from analysis.errors import Cancelled
from analysis.progress import CancelToken, Progress, silent
from optimizer.budget import Budget
from optimizer.protocols import (
    Candidate,
    Critic,
    Evaluation,
    Evaluator,
    Node,
    Observation,
    Proposal,
    Proposer,
    Request,
    Reranker,
    Retriever,
    Strategy,
)
from optimizer.trial_log import TrialLog

logger = logging.getLogger(__name__)

Gate = Callable[[Candidate], "Evaluation | None"]
"""The Evaluation of a candidate that is not to be run at all, or None."""


@dataclass(frozen=True)
class Parts:
    """What a search is made of.

    `may_wait` tells of a candidate that a later request will bring again on a better text;
    `enough` tells of the best node that the search may end.
    """

    strategy: Strategy
    proposer: Proposer
    evaluator: Evaluator
    fallback: Proposer | None = None
    gate: Gate | None = None
    retriever: Retriever | None = None
    critic: Critic | None = None
    reranker: Reranker | None = None
    may_wait: Callable[[Candidate, Node], bool] | None = None
    enough: Callable[[Node], bool] | None = None


@dataclass
class SearchResult:
    """The tree of a search. `best` is the original when nothing was faster."""

    tree: list[Node]
    best: Node
    invalid: list[str] = field(default_factory=list)
    fallbacks: int = 0
    duplicates: int = 0

    @property
    def failures(self) -> list[Node]:
        """Nodes that were refused, in the order of the tries."""
        return [n for n in self.tree if not n.evaluation.ok]


class Driver:
    """Runs one search over one function."""

    def __init__(
        self,
        parts: Parts,
        budget: Budget,
        *,
        log: TrialLog | None = None,
        progress: Progress = silent,
        cancel: CancelToken | None = None,
    ) -> None:
        self._parts = parts
        self._budget = budget
        self._log = log or TrialLog(None)
        self._progress = progress
        self._cancel = cancel or CancelToken()
        self._seen: set[str] = set()

    def run(self, original: Candidate) -> SearchResult:
        """Search until the strategy or the budget ends. Raises Cancelled."""
        root = Node(0, None, original, Evaluation("timing", True, utility=0.0, step_ratio=1.0), 0)
        result = SearchResult([root], root)
        self._seen = {original.key}
        while self._goes_on(result):
            self._cancel.check()
            requests = self._parts.strategy.ask(result.tree)
            if not requests:
                break
            for request in requests:
                if not self._goes_on(result):
                    break
                self._serve(request, result)
        return result

    def _goes_on(self, result: SearchResult) -> bool:
        enough = self._parts.enough
        return self._budget.has_left() and not (enough is not None and enough(result.best))

    def _serve(self, request: Request, result: SearchResult) -> None:
        self._cancel.check()
        seen = self._observe(request, result)
        request.parent.asked += 1
        fresh = self._propose(seen, request, result)
        if self._parts.reranker is not None:
            reranker = self._parts.reranker
            fresh.sort(key=lambda c: reranker.score(seen, c), reverse=True)
        may_wait = self._parts.may_wait
        kept = fresh[: request.keep]
        self._expect(
            [c for c in kept if may_wait is None or not may_wait(c, request.parent)],
            request.parent,
        )
        for candidate in kept:
            if not self._goes_on(result):
                return
            if may_wait is not None and may_wait(candidate, request.parent):
                continue
            self._cancel.check()
            self._try(candidate, request.parent, result)

    def _expect(self, candidates: list[Candidate], parent: Node) -> None:
        """Tell the evaluator what comes next: one with several hosts evaluates them at once.

        Which of them are tried, in which order, and what is made of it stays the same.
        """
        expected = candidates[: self._budget.evaluations_left]
        expect = getattr(self._parts.evaluator, "expect", None)
        if expect is None or len(expected) < 2:
            return
        try:
            expect(expected, parent)
        except Cancelled:
            raise
        except Exception:  # they are then evaluated one by one
            logger.exception("evaluating several candidates at once failed")

    def _observe(self, request: Request, result: SearchResult) -> Observation:
        node, parts = request.parent, self._parts
        examples = (
            parts.retriever.query(node, request.n, node.asked * request.n)
            if parts.retriever
            else ()
        )
        critique = parts.critic.critique(node) if parts.critic else None
        return Observation(node, node.ancestors(), result.best, examples, critique, node.asked)

    def _propose(
        self, seen: Observation, request: Request, result: SearchResult
    ) -> list[Candidate]:
        """Fresh candidates that passed the gate; the fallback fills in for unusable answers."""
        proposal = self._ask_proposer(self._parts.proposer, seen, request.n)
        fresh = self._admit(proposal.candidates, seen.node, result)
        if proposal.invalid:
            result.invalid += proposal.invalid
            self._log.write("invalid", node=seen.node.id, reasons=list(proposal.invalid))
            if self._parts.fallback is not None:
                self._cancel.check()
                result.fallbacks += len(proposal.invalid)
                spare = self._ask_proposer(self._parts.fallback, seen, request.n)
                admitted = self._admit(spare.candidates, seen.node, result)
                fresh += admitted[: len(proposal.invalid)]
        return fresh

    def _ask_proposer(self, proposer: Proposer, seen: Observation, n: int) -> Proposal:
        try:
            proposal = proposer.propose(seen, n)
        except Cancelled:
            raise
        except Exception as error:  # a proposer's bug costs its proposals, not the search
            logger.exception("a proposer failed")
            return Proposal((), (f"the proposer failed: {error}",))
        self._budget.spent_tokens += proposal.tokens
        return proposal

    def _admit(
        self, candidates: tuple[Candidate, ...], parent: Node, result: SearchResult
    ) -> list[Candidate]:
        """Static gate and dedup; what the gate refuses becomes a node with its reason."""
        admitted: list[Candidate] = []
        for candidate in candidates:
            if candidate.key in self._seen:
                result.duplicates += 1
                continue
            self._seen.add(candidate.key)
            refused = self._parts.gate(candidate) if self._parts.gate else None
            if refused is None:
                admitted.append(candidate)
            else:
                self._add(candidate, refused, parent, result)
        return admitted

    def _try(self, candidate: Candidate, parent: Node, result: SearchResult) -> None:
        self._progress(f"trying: {candidate.title}", self._budget.share)
        started = time.monotonic()
        self._budget.spent_evaluations += 1
        try:
            evaluation = self._parts.evaluator.evaluate(candidate, parent)
        except Cancelled:
            raise
        except Exception as error:  # "a failing evaluation never ends the search"
            logger.exception("an evaluation failed")
            evaluation = Evaluation(
                "internal",
                False,
                f"{type(error).__name__}: {error}",
                seconds=time.monotonic() - started,
            )
        self._add(candidate, evaluation, parent, result)

    def _add(
        self, candidate: Candidate, evaluation: Evaluation, parent: Node, result: SearchResult
    ) -> None:
        node = Node(len(result.tree), parent, candidate, evaluation, parent.depth + 1)
        result.tree.append(node)
        parent.children.append(node)
        if evaluation.ok and node.utility > result.best.utility:
            result.best = node
        self._parts.strategy.tell(node)
        self._log.write(
            "try",
            node=node.id,
            parent=parent.id,
            title=candidate.title,
            origin=candidate.origin,
            by=candidate.edits[-1].origin if candidate.edits else None,
            depth=node.depth,
            key=candidate.key,
            stage=evaluation.stage,
            ok=evaluation.ok,
            failure=evaluation.failure,
            step_ratio=evaluation.step_ratio,
            interval=evaluation.interval,
            seconds=round(evaluation.seconds, 3),
        )
