"""Many rankings to one: weighted reciprocal ranks, what moves a record, and diversity.

A ranking says where one text of the query stands best among one key of the records, by words or by
vectors. Scores of different rankings can't be compared, so places are fused (Cormack, Clarke and
Büttcher 2009). The weights were tuned by `python -m benchmarks.retrieval --tune`, over folds that
share no program; docs/retrieval.md has the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from index.lexical import Ranking
from index.record import KINDS, Head, Key, Kind

RRF = 20
"""The paper's 60 suits thousands of records; with some hundreds it flattens the places."""
_ACCEPTED = 1.3
_REFUSED = 0.5
_CLAIMED = 0.8
"""What nobody proved here counts less than what is proved."""
_READ = 64
"""Heads that are read at a time."""
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
    """A record with its fused score, its place in each ranking (1 is best), and its weight."""

    head: Head
    score: float
    places: tuple[tuple[str, int], ...]
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


def fuse(
    rankings: Mapping[Source, Ranking],
    read: Callable[[Sequence[str]], Mapping[str, Head]],
    weights: Mapping[Source, float],
    opinion: Callable[[Head], tuple[float, str]] = lambda _: (1.0, ""),
    programs: int | None = None,
) -> list[Ranked]:
    """Weighted reciprocal rank fusion, times what `opinion` says; best first, ties by id.

    `read` gives the heads of those of some ids that may be hits. It is asked for no more than can
    be among the best of so many `programs`; None is all.
    """
    scores: dict[str, float] = {}
    places: dict[str, list[tuple[str, int]]] = {}
    for source, ranking in rankings.items():
        weight, name = weights.get(source, 0.0), str(source)
        for place, ids in enumerate(ranking, 1):
            gain = weight / (RRF + place)
            for item in ids:
                scores[item] = scores.get(item, 0.0) + gain
                places.setdefault(item, []).append((name, place))
    order = sorted(scores, key=lambda item: (-scores[item], item))
    rows: list[Ranked] = []
    best: dict[str, float] = {}
    for start in range(0, len(order), _READ):
        most = scores[order[start]] * _ACCEPTED
        if programs is not None and sum(score > most for score in best.values()) >= programs:
            break
        part = order[start : start + _READ]
        for item, head in read(part).items():
            weight, why = opinion(head)
            row = Ranked(head, weight * scores[item], tuple(places[item]), weight, why)
            rows.append(row)
            best[head.program] = max(best.get(head.program, 0.0), row.score)
    return sorted(rows, key=lambda row: (-row.score, row.head.id))


def opinion_of(liked: frozenset[str], refused: frozenset[str], head: Head) -> tuple[float, str]:
    """What moves a record: what this workspace's user thought of edits with its title, and proof.

    `liked` and `refused` are case-folded titles.
    """
    title = head.title.casefold()
    if head.polarity in ("failed", "rejected"):
        return _REFUSED, f"it {'failed' if head.polarity == 'failed' else 'was rejected'}"
    if title in refused - liked:
        return _REFUSED, "such an edit was rejected in this workspace"
    if title in liked:
        return _ACCEPTED, "such an edit was accepted in this workspace"
    if head.claimed:
        return _CLAIMED, "nobody proved it here"
    return 1.0, ""


def diverse(rows: Iterable[Ranked], k: int) -> list[Ranked]:
    """The best `k`, no two of one program, like ones later (MMR, Carbonell and Goldstein 1998).

    Likeness is that of the words of titles and edits (Jaccard); equal titles are most alike.
    """
    best: dict[str, Ranked] = {}
    for row in rows:
        best.setdefault(row.head.program, row)
        if len(best) >= CHOICE * k:
            break
    left = list(best.values())
    bags = {r.head.id: frozenset(f"{r.head.title} {r.head.edit}".lower().split()) for r in left}
    taken: list[Ranked] = []
    likest = dict.fromkeys(bags, 0.0)
    while left and len(taken) < k:
        row = max(left, key=lambda r: (r.score * (1 - _DIVERSITY * likest[r.head.id]), r.head.id))
        left.remove(row)
        taken.append(row)
        for other in left:
            alike = _alike(row.head, other.head, bags)
            likest[other.head.id] = max(likest[other.head.id], alike)
    return taken


def _alike(one: Head, other: Head, bags: Mapping[str, frozenset[str]]) -> float:
    if one.title.casefold() == other.title.casefold():
        return _SAME_TITLE
    a, b = bags[one.id], bags[other.id]
    return len(a & b) / max(1, len(a | b))
