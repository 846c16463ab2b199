"""Many rankings to one: weighted reciprocal ranks, what moves a record, and diversity.

A ranking says where one text of the query stands best among one key of the records, by words or by
vectors. Scores of different rankings can't be compared, so places are fused (Cormack, Clarke and
Büttcher 2009). The weights were tuned by `python -m benchmarks.retrieval --tune`, over folds that
share no program; docs/retrieval.md has the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from index.lexical import Ranking
from index.record import KINDS, Head, Key, Kind

RRF = 20
"""The paper's 60 suits thousands of records; with some hundreds it flattens the places."""
_ACCEPTED = 1.3
_REFUSED = 0.5
_CLAIMED = 0.8
"""What nobody proved here counts less than what is proved."""
_READ = 32
"""Heads that are read at a time, after as many as there must be programs and a quarter."""
CHOICE = 4
"""Programs that the diverse ones are chosen from, for each that is wanted."""
_DIVERSITY = 0.3
"""Share of the score that likeness to what was taken already costs (MMR's 1 - lambda)."""
_SAME_TITLE = 2.0
"""How alike two records of one title are, where others are 0 to 1: it is the same technique."""


@dataclass(frozen=True)
class Source:
    """One ranking: a text of the query ("facts", "shape", "code", "hint", "purpose") against a key.

    `by` is "words" (BM25) or "vectors".
    """

    query: str
    key: Key
    by: str

    def __str__(self) -> str:
        return f"{self.query} to {self.key} by {self.by}"


@dataclass(frozen=True)
class Ranked:
    """A record with its fused score, times its weight, and why it has that."""

    head: Head
    score: float
    weight: float
    why: str


WEIGHTS: Mapping[Source, float] = {
    Source("facts", "facts", "words"): 1.0,
    Source("shape", "shape", "words"): 1.0,
    Source("code", "code", "words"): 2.0,
    Source("facts", "edit", "words"): 1.0,
    Source("facts", "facts", "vectors"): 0.5,
    Source("hint", "bottleneck", "words"): 2.0,
    Source("hint", "bottleneck", "vectors"): 1.0,
    Source("hint", "edit", "words"): 2.0,
}
"""What a place counts. That of vectors is times `Embedder.trust`."""
EMBEDDED: tuple[Kind, ...] = tuple(
    kind for kind in KINDS if any(s.by == "vectors" and s.key == kind for s in WEIGHTS)
)
"""Texts of which a ranking by vectors counts."""


@dataclass(frozen=True)
class Opinion:
    """What moves a record: what this workspace's user thought of edits with its title, and proof.

    `liked` and `refused` are case-folded titles.
    """

    liked: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()

    @property
    def most(self) -> float:
        """The greatest weight that a record can have."""
        return _ACCEPTED if self.liked else 1.0

    def of(self, head: Head) -> tuple[float, str]:
        """The weight of a record, and why it is not 1."""
        if head.polarity in ("failed", "rejected"):
            return _REFUSED, f"it {'failed' if head.polarity == 'failed' else 'was rejected'}"
        if self.liked or self.refused:
            title = head.title.casefold()
            if title in self.refused - self.liked:
                return _REFUSED, "such an edit was rejected in this workspace"
            if title in self.liked:
                return _ACCEPTED, "such an edit was accepted in this workspace"
        if head.claimed:
            return _CLAIMED, "nobody proved it here"
        return 1.0, ""


def fuse(
    rankings: Mapping[Source, Ranking],
    read: Callable[[Sequence[str]], Mapping[str, Head]],
    weights: Mapping[Source, float],
    opinion: Opinion | None = None,
    programs: int | None = None,
) -> list[Ranked]:
    """Weighted reciprocal rank fusion, times the weights of `opinion`; best first, ties by id.

    `read` gives the heads of those of some ids that may be hits. It is asked for no more than can
    be among the best of so many `programs`; None is all.
    """
    scores: dict[str, float] = {}
    for source, ranking in rankings.items():
        weight = weights.get(source, 0.0)
        for place, ids in enumerate(ranking, 1):
            gain = weight / (RRF + place)
            for item in ids:
                scores[item] = scores.get(item, 0.0) + gain
    order = sorted(scores, key=lambda item: (-scores[item], item))
    rows: list[Ranked] = []
    best: dict[str, float] = {}
    most = opinion.most if opinion is not None else 1.0
    start, count = 0, len(order) if programs is None else programs + programs // 4
    while start < len(order):
        bound = scores[order[start]] * most
        if programs is not None and sum(score > bound for score in best.values()) >= programs:
            break
        for item, head in read(order[start : start + count]).items():
            weight, why = opinion.of(head) if opinion is not None else (1.0, "")
            row = Ranked(head, weight * scores[item], weight, why)
            rows.append(row)
            best[head.program] = max(best.get(head.program, 0.0), row.score)
        start, count = start + count, _READ
    return sorted(rows, key=lambda row: (-row.score, row.head.id))


def places_of(
    rankings: Mapping[Source, Ranking], ids: Collection[str]
) -> dict[str, tuple[tuple[str, int], ...]]:
    """Where each of some records stands, 1 is best, by the names of the rankings that have it."""
    found: dict[str, list[tuple[str, int]]] = {item: [] for item in ids}
    for source, ranking in rankings.items():
        for place, equal in enumerate(ranking, 1):
            for item in equal:
                if item in found:
                    found[item].append((str(source), place))
    return {item: tuple(places) for item, places in found.items()}


@dataclass
class _Candidate:
    """A row with the words by which it is alike to others, and what it is worth.

    `seen` of those taken were looked at; all of them can only make it worth less.
    """

    row: Ranked
    title: str
    words: frozenset[str]
    worth: tuple[float, str]
    likest: float = 0.0
    seen: int = 0

    def look(self, taken: Sequence[_Candidate]) -> None:
        """Look at those that were taken since."""
        for other in taken[self.seen :]:
            self.likest = max(self.likest, self.alike(other))
        self.seen = len(taken)
        self.worth = self.row.score * (1 - _DIVERSITY * self.likest), self.row.head.id

    def alike(self, other: _Candidate) -> float:
        """Jaccard's likeness of their words; equal titles are most alike."""
        if self.title == other.title:
            return _SAME_TITLE
        both = len(self.words & other.words)
        return both / max(1, len(self.words) + len(other.words) - both)


def diverse(rows: Iterable[Ranked], k: int) -> list[Ranked]:
    """The best `k`, no two of one program, like ones later (MMR, Carbonell and Goldstein 1998).

    Likeness is that of the words of titles and edits.
    """
    best: dict[str, _Candidate] = {}
    for row in rows:
        head = row.head
        if head.program not in best:
            words = frozenset(f"{head.title} {head.edit}".lower().split())
            worth = row.score, head.id
            best[head.program] = _Candidate(row, head.title.casefold(), words, worth)
        if len(best) >= CHOICE * k:
            break
    left, taken = list(best.values()), list[_Candidate]()
    while left and len(taken) < k:
        first = max(left, key=attrgetter("worth"))
        if first.seen < len(taken):
            first.look(taken)  # it may not be the first any more
        else:
            left.remove(first)
            taken.append(first)
    return [candidate.row for candidate in taken]
