"""BM25 over documents that do not change: which of them have a word, and what it adds there.

The numbers are bm25s', and so are most of the files. Added up they are here, word by word and with
the best ones parted first, which takes a third of the time that the library takes.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import float32, int32, int64
    from numpy.typing import NDArray

K1, B = 1.5, 0.75
_IDS, _BOUNDS, _MODEL = "ids.txt", "bounds.npy", "bm25"
_PARTS = 64
"""So many parts the scores are cut into: the best of each say what is surely good enough."""
_COMMON = 8
"""A word that one of so many documents has is added to all at once, which is faster."""
_ROWS = 128
"""Common words that are kept like that: four bytes for each and each document."""


@dataclass(frozen=True)
class _Ids:
    """Ids as one text and where each begins in it: opened at once, however many there are."""

    text: str
    bounds: NDArray[int64]

    @staticmethod
    def of(ids: Sequence[str]) -> _Ids:
        import numpy as np

        return _Ids("".join(ids), np.array([0, *accumulate(map(len, ids))], dtype=np.int64))

    @staticmethod
    def read(folder: Path) -> _Ids:
        import numpy as np

        text = (folder / _IDS).read_bytes().decode("utf-8", "surrogatepass")
        return _Ids(text, np.load(folder / _BOUNDS))

    def save(self, folder: Path) -> None:
        import numpy as np

        (folder / _IDS).write_bytes(self.text.encode("utf-8", "surrogatepass"))
        np.save(folder / _BOUNDS, self.bounds)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def at(self, places: NDArray[int64]) -> list[str]:
        """Those at some places."""
        starts, ends = self.bounds[places].tolist(), self.bounds[places + 1].tolist()
        return [self.text[start:end] for start, end in zip(starts, ends, strict=True)]


_ROOM = threading.local()


def _zeros(size: int) -> NDArray[float32]:
    """Zeros until the next call by this thread; in the same memory, which is near at hand."""
    import numpy as np

    room: NDArray[float32] | None = getattr(_ROOM, "scores", None)
    if room is None or len(room) < size:
        room = _ROOM.scores = np.empty(size, dtype=np.float32)
    room[:size] = 0
    return room[:size]


def _good(scores: NDArray[float32], n: int) -> NDArray[int64]:
    """Places of the `n` best scores that are not zero, and of few others.

    Each of the `n` best columns has a score that is as good as the least of their best ones.
    """
    import numpy as np

    if len(scores) <= n * _PARTS:
        return np.flatnonzero(scores)
    table = scores.reshape(_PARTS, -1)
    tops = table.max(axis=0)
    least = np.partition(tops, len(tops) - n)[len(tops) - n]
    if not least:
        return np.flatnonzero(scores)
    columns = np.flatnonzero(tops >= least)
    rows, good = np.nonzero(table[:, columns] >= least)
    return rows * table.shape[1] + columns[good]


class Postings(Mapping[str, int]):
    """Some documents; as a mapping, by word in how many of them it is."""

    def __init__(self, ids: _Ids, model: Any) -> None:
        self._ids, self._model = ids, model
        self._numbers: Mapping[str, int] = {}
        self._starts: list[int] = [0]
        self._rows: dict[int, NDArray[float32]] = {}
        if model is not None:
            import numpy as np

            # The same memory, without what a memmap costs at each slice.
            self._gains: NDArray[float32] = np.asarray(model.scores["data"])
            self._places: NDArray[int32] = np.asarray(model.scores["indices"])
            self._starts = model.scores["indptr"].tolist()
            self._numbers = dict(model.vocab_dict)
            if self._numbers.get("", -1) == len(self._starts) - 1:
                del self._numbers[""]  # bm25s' own, for queries without a word

    @classmethod
    def build(cls, ids: Sequence[str], documents: list[list[str]]) -> Postings:
        """Those of documents, each given by its words."""
        model = None
        if any(documents):
            import bm25s

            model = bm25s.BM25(k1=K1, b=B, method="lucene")
            model.index(documents, show_progress=False)
        return cls(_Ids.of(ids), model)

    @classmethod
    def read(cls, folder: Path) -> Postings:
        """Those that were saved in a folder, with mmap. Raises what numpy and JSON raise."""
        import bm25s

        model = None
        if (folder / _MODEL).exists():
            model = bm25s.BM25.load(str(folder / _MODEL), mmap=True)
        return cls(_Ids.read(folder), model)

    def save(self, folder: Path) -> None:
        """Write them to a folder that there is. Raises OSError, TypeError (a text is none)."""
        self._ids.save(folder)
        if self._model is not None:
            self._model.save(str(folder / _MODEL), show_progress=False)

    def __getitem__(self, word: str) -> int:
        number = self._numbers[word]
        return self._starts[number + 1] - self._starts[number]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each document stands, by id."""
        import numpy as np

        every = np.arange(len(self._ids))
        return dict(zip(self._ids.at(every), every.tolist(), strict=True))

    def rarest(self, words: Iterable[str], n: int) -> list[str]:
        """The `n` rarest of some words, those of a single document last: they connect nothing."""
        numbers, starts = self._numbers, self._starts
        counted = []
        for word in words:
            number = numbers.get(word)
            count = 0 if number is None else starts[number + 1] - starts[number]
            counted.append((count < 2, count, word))
        return [word for _, _, word in sorted(counted)[:n]]

    def best(
        self, query: Sequence[str], n: int, without: Collection[int] = ()
    ) -> list[tuple[float, str]]:
        """Score and id of the `n` best that have a word of a query, in any order.

        Those at the places of `without` are left out. Raises IndexError or ValueError where the
        files were damaged since they were read.
        """
        import numpy as np

        numbers = [self._numbers[word] for word in query if word in self._numbers]
        if not numbers or n <= 0:
            return []
        scores = _zeros(-(-len(self._ids) // _PARTS) * _PARTS)
        for number in numbers:
            self._add(scores, number)
        if without:
            scores[list(without)] = 0
        found = _good(scores, n)
        if len(found) > n:
            worth = scores[found]
            found = found[np.argpartition(worth, len(found) - n)[len(found) - n :]]
        return list(zip(scores[found].tolist(), self._ids.at(found), strict=True))

    def _add(self, scores: NDArray[float32], number: int) -> None:
        """Add what a word adds."""
        import numpy as np

        part = slice(self._starts[number], self._starts[number + 1])
        places, gains = self._places[part], self._gains[part]
        if len(places) * _COMMON < len(scores):
            np.add.at(scores, places, gains)
            return
        row = self._rows.pop(number, None)
        if row is None:
            row = np.zeros_like(scores)
            row[places] = gains
            if len(self._rows) >= _ROWS:
                del self._rows[next(iter(self._rows))]  # the one that was not asked for longest
        self._rows[number] = row
        scores += row
