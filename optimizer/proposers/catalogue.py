"""The catalogue of rewrite rules as a proposer: no model, nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from analysis.decompose import normalised_key
from analysis.edits import AtomicEdit
from analysis.functions import functions_in
from analysis.rules.catalogue import all_rules, find
from analysis.rules.evidence import Evidence
from optimizer.protocols import Candidate, Observation, Proposal

Idea = tuple[str, tuple[tuple[str, str], ...]]


class CatalogueProposer:
    """Every finding of every rule in one function, in the order of the catalogue.

    Rules may be bold: what is wrong or not faster is refused when it is run. A rule that can only
    gain little is tried at one place at a time, and no more once it gained nothing at one: its
    other places in the function are as cheap. A rule that was measured to gain nothing on what runs
    the function (`evidence`) is tried when all others were.
    """

    def __init__(self, path: str, qualname: str, evidence: Evidence | None = None) -> None:
        self._path, self._qualname, self._evidence = path, qualname, evidence
        self._proposed: dict[int, set[str]] = {}

    def propose(self, seen: Observation, n: int) -> Proposal:
        """The next `n` findings in the node's text; a node asked again goes on where it stopped."""
        parent = seen.node.candidate
        wrong, idle = _wrong_before(seen), _idle_before(seen)
        proposed = self._proposed.setdefault(seen.node.id, set())
        chosen: list[Candidate] = []
        for candidate in self._ordered(findings(parent, self._path, self._qualname)):
            rule = candidate.edits[-1].source
            if len(chosen) == n:
                break
            if candidate.key in proposed or _idea(parent.source, candidate.edits[-1]) in wrong:
                continue
            if rule in _small_rules():
                if rule in idle:
                    continue
                idle.add(rule)
            chosen.append(candidate)
        proposed.update(candidate.key for candidate in chosen)
        return Proposal(tuple(chosen))

    def _ordered(self, found: Sequence[Candidate]) -> list[Candidate]:
        """The order of the catalogue, but what loses here last: elsewhere, or larger, it may gain,
        and it is proved like any other."""
        evidence = self._evidence
        if evidence is None:
            return list(found)
        return sorted(found, key=lambda c: evidence.standing(c.edits[-1].source) == "loses")


@cache
def _small_rules() -> frozenset[str]:
    """Rules that save a constant factor of little at most."""
    return frozenset(rule.id for rule in all_rules() if rule.gain <= 1)


def _idle_before(seen: Observation) -> set[str]:
    """Rules that were tried on the way to here, or here, and were not faster."""
    return {
        child.candidate.edits[-1].source
        for up in (seen.node, *seen.ancestors)
        for child in up.children
        if child.evaluation.stage == "timing" and not child.evaluation.ok
    }


def _idea(text: str, edit: AtomicEdit) -> Idea:
    """An edit apart from its place: the rule, and what it replaces by what."""
    return edit.source, tuple((text[c.start : c.end], c.new_text) for c in edit.changes)


def _wrong_before(seen: Observation) -> frozenset[Idea]:
    """Edits that were tried further up and did not do the same: they would not do so here."""
    return frozenset(
        _idea(up.candidate.source, child.candidate.edits[-1])
        for up in seen.ancestors
        for child in up.children
        if child.evaluation.stage == "equivalence" and not child.evaluation.ok
    )


def findings(parent: Candidate, path: str, qualname: str) -> tuple[Candidate, ...]:
    """One candidate for each finding of a rule in the function as it stands in `parent`."""
    text = parent.source
    candidates: list[Candidate] = []
    for finding in find(text, path, functions_in(text, path), only=qualname):
        after = finding.edit.apply(text)
        if after != text:
            key = normalised_key(after, qualname, path)
            candidates.append(Candidate(after, (*parent.edits, finding.edit), key))
    return tuple(candidates)
