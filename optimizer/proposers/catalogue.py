"""The catalogue of rewrite rules as a proposer: no model, nothing leaves the machine."""

from __future__ import annotations

from analysis.decompose import normalised_key
from analysis.edits import AtomicEdit
from analysis.functions import functions_in
from analysis.rules.catalogue import find
from optimizer.protocols import Candidate, Observation, Proposal

Idea = tuple[str, tuple[tuple[str, str], ...]]


class CatalogueProposer:
    """Every finding of every rule in one function, in the order of the catalogue.

    Rules may be bold: what is wrong or not faster is refused when it is run.
    """

    def __init__(self, path: str, qualname: str) -> None:
        self._path, self._qualname = path, qualname

    def propose(self, seen: Observation, n: int) -> Proposal:
        """The next `n` findings in the node's text; a node asked again goes on where it stopped."""
        parent = seen.node.candidate
        wrong = _wrong_before(seen)
        found = tuple(
            c
            for c in findings(parent, self._path, self._qualname)
            if _idea(parent.source, c.edits[-1]) not in wrong
        )
        first = seen.attempt * n
        return Proposal(found[first : first + n])


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
            key = normalised_key(after, qualname)
            candidates.append(Candidate(after, (*parent.edits, finding.edit), key))
    return tuple(candidates)
