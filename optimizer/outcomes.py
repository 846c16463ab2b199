"""What a search leaves for later searches: records of what worked, refusals of what did not."""

from __future__ import annotations

import logging
from dataclasses import replace

from analysis.decompose import edit_key
from analysis.errors import HastenError
from analysis.facts import static_facts
from analysis.functions import function_named
from analysis.languages import language_of
from analysis.rules.catalogue import all_rules
from analysis.text import apply_replacements
from benchmark_runner.receipt import to_json
from index.record import Record, Refusal, record_id
from index.store import Memory, now
from optimizer.here import requirements_of
from optimizer.ladder import Ladder, Refused
from optimizer.proposers.splice import dedented
from optimizer.protocols import Candidate, Evaluation, Node
from optimizer.targets import Target

logger = logging.getLogger(__name__)


def rule_titled(title: str) -> str:
    """The id of the rewrite rule with a title, "" for none."""
    return next((rule.id for rule in all_rules() if rule.title == title), "")


class Outcomes:
    """The memory as one function's search sees it; without a memory it remembers nothing.

    An edit that was not equal is remembered for the function's fingerprint, the interpreter and the
    libraries ("numpy 2.1.0") that its file imports. One that was not faster is remembered for the
    inputs too: other inputs may show a gain.
    """

    def __init__(
        self,
        memory: Memory | None,
        target: Target,
        interpreter: str,
        inputs_digest: str,
        libraries: str = "",
    ) -> None:
        self._memory = memory if memory is None or not memory.read_only else None
        self._target, self._interpreter, self._digest = target, interpreter, inputs_digest
        self._libraries = libraries
        self._known: dict[str, Refusal] = {}
        if memory is not None:
            try:
                fingerprint = target.function.fingerprint
                self._known = memory.refusals(fingerprint, interpreter, libraries)
            except Exception:
                logger.exception("the memory could not be read")

    def refused_before(self, candidate: Candidate) -> Evaluation | None:
        """The refusal of the very same edit in an earlier search, or None."""
        for key in (self._key(candidate), self._timing_key(candidate)):
            known = self._known.get(key)
            if known is not None:
                by = "you rejected it" if known.outcome == "rejected" else "it failed before"
                return Evaluation("memory", False, f"{by}: {known.reason}")
        return None

    def remember_failures(self, failures: list[Node]) -> None:
        """Keep what was refused by running it."""
        for node in failures:
            stage, reason = node.evaluation.stage, node.evaluation.failure or ""
            if stage == "equivalence":
                key = self._key(node.candidate)
            elif stage == "timing" and node.depth == 1:  # deeper ones were timed against another
                key = self._timing_key(node.candidate)
            else:
                continue
            self._refuse(key, reason)

    def remember_unproved(self, candidate: Candidate, refused: Refused) -> None:
        """Keep what the search believed and the proof did not; what is open may be tried again."""
        if refused.decision == "different":
            self._refuse(self._key(candidate), refused.reason)
        elif refused.decision in ("refused", "not faster", "slower"):
            self._refuse(self._timing_key(candidate), refused.reason)

    def refuses(self, candidate: Candidate, text: str) -> str | None:
        """Why a text that a candidate was reduced to is not offered, or None.

        The candidate is then refused as well: it would be proved and reduced to the same again.
        """
        refused = self.refused_before(replace(candidate, source=text))
        if refused is None or refused.failure is None:
            return None
        self._refuse(self._key(candidate), f"what is left of it: {refused.failure}")
        return refused.failure

    def remember_ladder(self, ladder: Ladder, source: str) -> None:
        """Keep each rung as a slow and fast pair that worked; `source` is its provenance."""
        if self._memory is None:
            return
        target = self._target
        text = target.text
        for rung in ladder.rungs:
            after = apply_replacements(text, rung.replacements)
            slow, fast = (self._function(t) for t in (text, after))
            facts = self._facts(text)
            language = language_of(target.path).name
            record = Record(
                id=record_id(language, slow, fast, "", rung.description, source),
                language=language,
                slow=slow,
                fast=fast,
                title=rung.title,
                bottleneck="",
                edit=rung.description,
                ratio=rung.ratio,
                polarity="worked",
                provenance=source,
                receipt=to_json(rung.receipt),
                created=now(),
                facts=facts,
                requires=requirements_of(after, fast),
                rule=rule_titled(rung.title) if rung.origin == "rule" else "",
            )
            try:
                self._memory.add(record)
            except HastenError as error:
                logger.warning("a record could not be kept: %s", error.message)
            text = after

    def _function(self, text: str) -> str:
        function = function_named(text, str(self._target.path), self._target.function.qualname)
        return "" if function is None else dedented(text, function)

    def _facts(self, text: str) -> str:
        function = function_named(text, str(self._target.path), self._target.function.qualname)
        return "" if function is None else static_facts(text, function).text

    def _key(self, candidate: Candidate) -> str:
        target = self._target
        return edit_key(target.text, candidate.source, target.function.qualname, str(target.path))

    def _timing_key(self, candidate: Candidate) -> str:
        return f"{self._key(candidate)}:{self._digest}"

    def _refuse(self, key: str, reason: str) -> None:
        if self._memory is None:
            return
        fingerprint = self._target.function.fingerprint
        refusal = Refusal(
            fingerprint, self._interpreter, key, "failed", reason[:500], now(), self._libraries
        )
        try:
            self._memory.record_outcome(refusal)
        except HastenError as error:
            logger.warning("a refusal could not be kept: %s", error.message)
