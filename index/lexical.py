"""Words: BM25 over the texts of records or passages, kept on disk beside the Chroma folder.

The index is built from the memory and read from the disk with mmap; what was added since is scored
by itself with the same formula and the same word counts (Lucene's BM25, as bm25s has it,
k1 1.5, b 0.75), until there is so much of it that building anew pays. The folder is written under
a new name and named by one small file, so that a kill leaves the old one.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.progress import Progress, silent
from index.manifest import (
    UNREADABLE,
    bytes_of,
    checksums,
    is_build,
    sealed,
    stamps,
    unsealed,
)
from index.postings import K1, B, Postings
from index.words import words

_NAMED = "words.json"
_FORMAT = 5
_ANEW = 500
"""Documents that changed or came since, beyond which the index is built anew."""

_SAME = 1e-4
"""How far apart equal scores can be: bm25s has single precision, what is added since double."""
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
        norm = K1 * (1 - B + B * length / self.mean) if self.mean else K1
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
        self._postings = Postings.build((), [])
        self._counts = Counts(0, 0.0, self._postings)
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
            named = self._named(folder)
            build, revision = folder / named["build"], int(named["revision"])
            if named["identity"] != self._identity or named["state"] != self._state(revision):
                return False
            # As with Chroma's files: where nobody has written to them since, they are not read.
            now = stamps(build)
            if now != named["stamps"] and checksums(build) != named["files"]:
                return False
            postings = Postings.read(build)
            counts = Counts(int(named["documents"]), float(named["mean"]), postings)
        except UNREADABLE:
            return False
        self._take(postings, counts, revision)
        if now != named["stamps"]:  # it was copied
            with contextlib.suppress(OSError):
                self._name(folder, {**named, "stamps": now})
        return True

    def intact(self) -> bool:
        """Whether the files still have the bytes that were written; reads all of them.

        True where there are none that `open` would believe, or where another process is just
        replacing them. As `Chroma.intact`, for what a bad disk changes.
        """
        if self._folder is None:
            return True
        try:
            named = self._named(self._folder)
            same = checksums(self._folder / named["build"]) == named["files"]
            return same or self._named(self._folder) != named
        except UNREADABLE:
            return True

    def _named(self, folder: Path) -> dict[str, Any]:
        """What was written of the build that counts. Raises what UNREADABLE lists."""
        named = unsealed(bytes_of(folder / _NAMED))
        if named["format"] != _FORMAT or not is_build(named["build"]):
            raise ValueError(_NAMED)
        return named

    def _name(self, folder: Path, named: dict[str, Any]) -> None:
        """Replace that in one step. Raises OSError."""
        part = folder / f"{_NAMED}.{os.getpid()}.part"
        try:
            part.write_text(sealed(named), "utf-8")
            part.replace(folder / _NAMED)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise

    def build(
        self, rows: Sequence[tuple[str, str]], revision: int, progress: Progress = silent
    ) -> None:
        """Build it from all documents, (id, text) each, as they are at a revision, and keep it."""
        tokens = []
        for number, (_, text) in enumerate(rows):
            if number % 1000 == 0:
                progress("reading words", number / len(rows))
            tokens.append(self._tokens(text))
        progress("building the word index", None)
        postings = Postings.build([item for item, _ in rows], tokens)
        mean = sum(map(len, tokens)) / len(tokens) if tokens else 0.0
        self._take(postings, Counts(len(tokens), mean, postings), revision)
        self._keep(revision)

    def update(
        self, changed: Sequence[tuple[str, str]], gone: Sequence[str], revision: int
    ) -> bool:
        """Take in what changed since `seen`; False where it is so much that building anew pays."""
        for item in (*gone, *(item for item, _ in changed)):
            for word in self._since.pop(item, (0, ()))[1]:
                del self._having[word][item]
            if (place := self._postings.places.get(item)) is not None:
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
        tokens = dict.fromkeys(self._tokens(text))
        query = self._postings.rarest(tokens, self._asked, self._having)
        scored = self._postings.best(query, n, self._stale)
        scored += self._scored_since(query)
        scored.sort(key=lambda row: (-row[0], row[1]))
        places: list[tuple[str, ...]] = []
        last = math.inf
        for score, item in scored[:n]:
            if last - score < _SAME:
                places[-1] += (item,)
            else:
                places.append((item,))
                last = score
        return tuple(places)

    def _scored_since(self, query: list[str]) -> list[tuple[float, str]]:
        """Those documents added since that have a word of the query; the others are not read."""
        scores: dict[str, float] = {}
        for word in query if self._having else ():
            for item, times in self._having.get(word, {}).items():
                gain = self._counts.gain(word, times, self._since[item][0])
                scores[item] = scores.get(item, 0.0) + gain
        return [(score, item) for item, score in scores.items() if score > 0]

    def _take(self, postings: Postings, counts: Counts, revision: int) -> None:
        self._postings, self._counts = postings, counts
        self._built = self._seen = revision
        self._since, self._having, self._stale = {}, {}, set()

    def _keep(self, revision: int) -> None:
        """Write it to the disk; a disk that can't be written costs a rebuild, no more."""
        folder = self._folder
        if folder is None:
            return
        build = folder / f"build-{uuid.uuid4().hex[:12]}"
        with contextlib.suppress(OSError):
            build.mkdir(parents=True, mode=0o700)
            self._postings.save(build)
            named = {
                "format": _FORMAT,
                "identity": self._identity,
                "state": self._state(revision),
                "build": build.name,
                "revision": revision,
                "documents": self._counts.documents,
                "mean": self._counts.mean,
                "stamps": stamps(build),
                "files": checksums(build),
            }
            self._name(folder, named)
            for old in folder.glob("build-*"):
                if old.name != build.name:
                    shutil.rmtree(old, ignore_errors=True)
            return
        shutil.rmtree(build, ignore_errors=True)
