"""Examples for a model: what worked on code with the same static facts."""

from __future__ import annotations

import os

from analysis.facts import static_facts
from analysis.functions import function_named
from analysis.languages import language_of
from analysis.shape import shape_of
from index.query import Here, Query
from index.record import IMPORTED, Hit, Passage, home_of, workspace_provenance
from optimizer.protocols import Node
from optimizer.services import Services

_SPARE = 16
"""Hits that are asked for beyond those needed, since some may not be shown."""


NOTES = 2
"""Passages of research notes that a model is shown."""


class IndexRetriever:
    """Queries the index by what the function's syntax shows (contextual retrieval of RAS).

    A description of the bottleneck retrieves better than the code: RAS loses more than half of its
    gain when it embeds code (8.61x against 3.63x on PIE).
    """

    def __init__(
        self, services: Services, path: str, qualname: str, here: Here | None = None
    ) -> None:
        self._services, self._path, self._qualname = services, path, qualname
        self._here = here or Here()
        # Records of this very function are the same code, not evidence.
        self._program = program_of(services, path, qualname)

    def query(self, node: Node, k: int, skip: int) -> tuple[Hit, ...]:
        """The `k` nearest records that worked, after the first `skip`."""
        query = self._query(node.candidate.source)
        if query is None:
            return ()
        hits = self._services.retrieve(query, k + skip + _SPARE)
        fit = (h for h in hits if h.record.polarity in ("worked", "accepted") and self._may(h))
        return tuple(fit)[skip : skip + k]

    def notes(self, text: str, k: int) -> tuple[Passage, ...]:
        """The `k` passages of research notes that fit the function as it is in a text."""
        query = self._query(text)
        return () if query is None else self._services.passages(query, k)

    def _query(self, text: str) -> Query | None:
        function = function_named(text, self._path, self._qualname)
        if function is None:
            return None
        return Query(
            facts=static_facts(text, function).text,
            shape=shape_of(text, self._path, self._qualname),
            code=text[function.start : function.end],
            language=language_of(self._path).name,
            program=self._program,
            here=self._here,
        )

    def _may(self, hit: Hit) -> bool:
        """Code of another workspace of this user is not shown to this one's model."""
        provenance, state = hit.record.provenance, self._services.state
        home = home_of(provenance)
        if home is None or home == state.name:
            return True
        # What was learnt on another machine was given to be used; what was learnt here was not.
        given = provenance.startswith((f"{IMPORTED}:workspace:", f"{IMPORTED}:claim:"))
        return given and not (state.parent / home).is_dir()


def program_of(services: Services, path: str, qualname: str) -> str:
    """The provenance of records that come from a function of the workspace."""
    relative = os.path.relpath(path, services.workspace)
    return workspace_provenance(services.state.name, relative, qualname)
