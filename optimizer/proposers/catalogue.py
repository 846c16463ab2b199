"""The catalogue of rewrite rules as a proposer: no model, nothing leaves the machine."""

from __future__ import annotations

from analysis.decompose import normalised_key
from analysis.functions import functions_in
from analysis.rules.catalogue import find
from optimizer.protocols import Candidate, Observation, Proposal


class CatalogueProposer:
    """Every finding of every rule in one function, in the order of the catalogue.

    Rules may be bold: what is wrong or not faster is refused when it is run.
    """

    def __init__(self, path: str, qualname: str) -> None:
        self._path, self._qualname = path, qualname

    def propose(self, seen: Observation, n: int) -> Proposal:
        """The next `n` findings in the node's text; a node asked again goes on where it stopped."""
        parent = seen.node.candidate
        found = findings(parent, self._path, self._qualname)
        first = seen.attempt * n
        return Proposal(found[first : first + n])


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
