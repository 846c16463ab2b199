"""Words: BM25 over the texts of records or passages, kept on disk beside the Chroma folder.

The index is built from the memory and read from the disk with mmap; what was added since is scored
by itself with the same formula and the same word counts (Lucene's BM25, as bm25s has it,
k1 1.5, b 0.75), until there is so much of it that building anew pays. The folder is written under
a new name and named by one small file, so that a kill leaves the old one.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.progress import Progress, silent
from index.manifest import checksum_of, checksums
from index.words import words

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_K1, _B = 1.5, 0.75
_NAMED = "words.json"
_FORMAT = 3
_ANEW = 500
"""Documents that changed or came since, beyond which the index is built anew."""

_ASKED = 24

Ranking = tuple[tuple[str, ...], ...]
"""Ids by place, best first; those of one place are equally good."""


@dataclass(frozen=True)
class Counts:
    """What the formula needs of all documents: how many, their mean length, words by documents."""

    documents: int
    mean: float
    containing: Mapping[str, int]

    def idf(self, word: str) -> float:
        """The weight of a word; one that no document has is as rare as that of a single one."""
        n = max(1, self.containing.get(word, 0))
        return math.log(1 + (max(n, self.documents) - n + 0.5) / (n + 0.5))

    def score(self, query: Sequence[str], document: Mapping[str, int]) -> float:
        """The score of one document, given by its words with how often each is in it."""
        length = sum(document.values())
        return sum(self.gain(word, document.get(word, 0), length) for word in query)

    def gain(self, word: str, times: int, length: int) -> float:
        """What a word adds to the score of a document of so many words that has it so often."""
        norm = _K1 * (1 - _B + _B * length / self.mean) if self.mean else _K1
        return self.idf(word) * times / (times + norm) if times else 0.0


class Lexical:
    """One word index in a folder of its own. Not safe to use from several threads at once.

    `tokens` cuts a text into what is counted; of a query the `asked` rarest of them are looked
    for, since the common ones cost the most and tell the least. `state` names what the texts'
    owner held at a revision: an index of another state is not believed.
    """

    def __init__(
        self,
        folder: Path | None,
        identity: str,
        tokens: Callable[[str], list[str]] = words,
        asked: int = _ASKED,
        state: Callable[[int], str] = str,
    ) -> None:
        self._folder, self._identity, self._state = folder, identity, state
        self._tokens, self._asked = tokens, asked
        self._model: Any = None
        self._ids: tuple[str, ...] = ()
        self._places: dict[str, int] = {}
        self._counts = Counts(0, 0.0, {})
        self._built = -1
        self._since: dict[str, tuple[int, tuple[str, ...]]] = {}  # length and words, of each
        self._having: dict[str, dict[str, int]] = {}  # by word, how often it is in which of them
        self._seen = -1
        self._stale: set[int] = set()

    @property
    def seen(self) -> int:
        """The revision that it knows; -1 before the first."""
        return self._seen

    def open(self) -> bool:
        """Read what is on the disk; False where there is nothing that can be believed."""
        folder = self._folder
        if folder is None or self._built >= 0:
            return self._built >= 0
        try:
            named = json.loads((folder / _NAMED).read_bytes())
            good = named.pop("sum") == checksum_of(named) and named["format"] == _FORMAT
            build, revision = folder / str(named["build"]), int(named["revision"])
            good = good and named["identity"] == self._identity
            good = good and named["state"] == self._state(revision)
            if not good or build.parent != folder or checksums(build) != named["files"]:
                return False
            import bm25s
            import numpy as np

            kept = json.loads((build / "documents.json").read_bytes())
            model = bm25s.BM25.load(str(build / "bm25"), mmap=True) if kept["ids"] else None
            if model is not None:  # the same memory, without what a memmap costs at each slice
                model.scores = {
                    name: np.asarray(part) if isinstance(part, np.memmap) else part
                    for name, part in model.scores.items()
                }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False
        self._take(model, tuple(kept["ids"]), Counts(**kept["counts"]), revision)
        return True

    def build(
        self, rows: Sequence[tuple[str, str]], revision: int, progress: Progress = silent
    ) -> None:
        """Build it from all documents, (id, text) each, as they are at a revision, and keep it."""
        tokens = []
        for number, (_, text) in enumerate(rows):
            if number % 1000 == 0:
                progress("reading words", number / len(rows))
            tokens.append(self._tokens(text))
        model = None
        if any(tokens):
            import bm25s

            progress("building the word index", None)
            model = bm25s.BM25(k1=_K1, b=_B, method="lucene")
            model.index(tokens, show_progress=False)
        containing = Counter(word for document in tokens for word in set(document))
        length = sum(map(len, tokens))
        mean = length / len(tokens) if tokens else 0.0
        counts = Counts(len(tokens), mean, dict(containing))
        self._take(model, tuple(item for item, _ in rows), counts, revision)
        self._keep(revision)

    def update(
        self, changed: Sequence[tuple[str, str]], gone: Sequence[str], revision: int
    ) -> bool:
        """Take in what changed since `seen`; False where it is so much that building anew pays."""
        for item in (*gone, *(item for item, _ in changed)):
            for word in self._since.pop(item, (0, ()))[1]:
                del self._having[word][item]
            if (place := self._places.get(item)) is not None:
                self._stale.add(place)
        for item, text in changed:
            document = Counter(self._tokens(text))
            self._since[item] = document.total(), tuple(document)
            for word, times in document.items():
                self._having.setdefault(word, {})[item] = times
        self._seen = revision
        return len(self._since) + len(self._stale) <= _ANEW

    def search(self, text: str, n: int) -> Ranking:
        """The `n` documents that fit a text best."""
        known = dict.fromkeys(self._tokens(text))
        query = sorted(known, key=self._worth)[: self._asked]
        scored = self._scored(query, n)
        scored += self._scored_since(query)
        scored.sort(key=lambda row: (-row[0], row[1]))
        # bm25s scores in single precision, what is added since in double.
        equal = groupby(scored[:n], key=lambda row: round(row[0], 4))
        return tuple(tuple(item for _, item in group) for _, group in equal)

    def _worth(self, word: str) -> tuple[bool, float, str]:
        """Rare words first, but those of a single document last: they connect nothing."""
        return self._counts.containing.get(word, 0) < 2, -self._counts.idf(word), word

    def _scored(self, query: list[str], n: int) -> list[tuple[float, str]]:
        import numpy as np

        known = [word for word in query if word in self._counts.containing]
        if self._model is None or not known:
            return []
        scores: NDArray[float32] = self._model.get_scores(known)
        if self._stale:
            scores[list(self._stale)] = 0
        # Most documents have no word of a query: to part those would be what takes the time.
        found = np.flatnonzero(scores > 0)
        if len(found) > n:
            worth = scores[found]
            found = found[np.argpartition(worth, len(found) - n)[len(found) - n :]]
        return [(float(scores[i]), self._ids[i]) for i in found]

    def _scored_since(self, query: list[str]) -> list[tuple[float, str]]:
        """Those documents added since that have a word of the query; the others are not read."""
        scores: dict[str, float] = {}
        for word in query:
            for item, times in self._having.get(word, {}).items():
                gain = self._counts.gain(word, times, self._since[item][0])
                scores[item] = scores.get(item, 0.0) + gain
        return [(score, item) for item, score in scores.items() if score > 0]

    def _take(self, model: Any, ids: tuple[str, ...], counts: Counts, revision: int) -> None:
        self._model, self._ids, self._counts = model, ids, counts
        self._places = {item: place for place, item in enumerate(ids)}
        self._built = self._seen = revision
        self._since, self._having, self._stale = {}, {}, set()

    def _keep(self, revision: int) -> None:
        """Write it to the disk; a disk that can't be written costs a rebuild, no more."""
        folder = self._folder
        if folder is None:
            return
        build = folder / f"build-{uuid.uuid4().hex[:12]}"
        part = folder / f"{_NAMED}.{os.getpid()}.part"
        # bm25s writes no text that damage made invalid (TypeError).
        with contextlib.suppress(OSError, ValueError, TypeError):
            build.mkdir(parents=True, mode=0o700)
            counts = {
                "documents": self._counts.documents,
                "mean": self._counts.mean,
                "containing": dict(self._counts.containing),
            }
            kept = {"ids": self._ids, "counts": counts}
            (build / "documents.json").write_text(json.dumps(kept), "utf-8")
            if self._model is not None:
                self._model.save(str(build / "bm25"), show_progress=False)
            named = {
                "format": _FORMAT,
                "identity": self._identity,
                "state": self._state(revision),
                "build": build.name,
                "revision": revision,
                "files": checksums(build),
            }
            part.write_text(json.dumps({**named, "sum": checksum_of(named)}), "utf-8")
            part.replace(folder / _NAMED)
            for old in folder.glob("build-*"):
                if old.name != build.name:
                    shutil.rmtree(old, ignore_errors=True)
            return
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        shutil.rmtree(build, ignore_errors=True)
