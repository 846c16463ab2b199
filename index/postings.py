"""BM25 over documents that do not change: which of them have a word, and what it adds there.

The numbers are bm25s'. They are kept and added up here: word by word and with the best ones parted
first, which takes a third of the time that the library takes.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.manifest import bytes_of

if TYPE_CHECKING:
    from numpy import float32, int32, int64
    from numpy.typing import NDArray

K1, B = 1.5, 0.75
_TEXT, _WORDS = "ids.txt", "vocabulary.json"
_ARRAYS = {"ids": "<i8", "starts": "<i8", "places": "<i4", "gains": "<f4"}
_PARTS = 64
"""So many parts the scores are cut into: the best of each say what is surely good enough."""
_COMMON = 8
"""A word that one of so many documents has is added to all at once, which is faster."""
_ROWS = 128
"""Common words that are kept like that, of each index: four bytes for each and each document."""


@dataclass(frozen=True)
class _Ids:
    """Ids as one text and where each begins in it: opened at once, however many there are."""

    text: str
    bounds: NDArray[int64]

    @staticmethod
    def of(ids: Sequence[str]) -> _Ids:
        import numpy as np

        return _Ids("".join(ids), np.array([0, *accumulate(map(len, ids))], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def at(self, places: NDArray[int64]) -> list[str]:
        """Those at some places."""
        starts, ends = self.bounds[places].tolist(), self.bounds[places + 1].tolist()
        return [self.text[start:end] for start, end in zip(starts, ends, strict=True)]


@dataclass(frozen=True)
class _Gains:
    """For each word in turn what it adds in which documents; where each begins in both."""

    words: list[str]
    starts: NDArray[int64]
    places: NDArray[int32]
    gains: NDArray[float32]

    @staticmethod
    def of(documents: list[list[str]]) -> _Gains:
        """Those of documents, each given by its words, as bm25s computes them."""
        import numpy as np

        if not any(documents):
            empty = np.empty(0, np.int32)
            return _Gains([], np.zeros(1, np.int64), empty, empty.astype(np.float32))
        import bm25s

        model = bm25s.BM25(k1=K1, b=B, method="lucene")
        model.index(documents, show_progress=False)
        starts = model.scores["indptr"].astype(np.int64)
        # Behind the words there may be one of bm25s' own, for queries without a word.
        words = sorted(model.vocab_dict, key=model.vocab_dict.__getitem__)[: len(starts) - 1]
        places, gains = model.scores["indices"], model.scores["data"]
        return _Gains(words, starts, places.astype(np.int32), gains.astype(np.float32))


def _array(path: Path) -> NDArray[Any]:
    """The numbers in a file, with mmap. Raises OSError, ValueError."""
    import numpy as np

    kind = np.dtype(_ARRAYS[path.name])
    if not path.is_file():
        raise FileNotFoundError(path)
    if not path.stat().st_size:  # of which there is no mmap
        return np.empty(0, kind)
    # The same memory, without what a memmap costs at each slice.
    return np.asarray(np.memmap(path, kind, "r"))


def _write(path: Path, data: bytes) -> None:
    """Write a file that is on the disk when its stamps are noted."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


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

    def __init__(self, ids: _Ids, gains: _Gains) -> None:
        self._ids, self._gains = ids, gains
        self._starts: list[int] = gains.starts.tolist()
        self._numbers = {word: number for number, word in enumerate(gains.words)}
        self._rows: dict[int, NDArray[float32]] = {}

    @classmethod
    def build(cls, ids: Sequence[str], documents: list[list[str]]) -> Postings:
        """Those of documents, each given by its words."""
        return cls(_Ids.of(ids), _Gains.of(documents))

    @classmethod
    def read(cls, folder: Path) -> Postings:
        """Those that were saved in a folder, with mmap.

        The files may be anything, so that they have no header: what numpy and bm25s write as one
        can be made to raise everything. Raises OSError, ValueError, TypeError, RecursionError.
        """
        text = bytes_of(folder / _TEXT).decode("utf-8", "surrogatepass")
        words = json.loads(bytes_of(folder / _WORDS))
        bounds, starts, places, gains = (_array(folder / name) for name in _ARRAYS)
        if not isinstance(words, list) or set(map(type, words)) - {str}:
            raise ValueError(f"{folder}: words that are none")
        ends = (bounds, len(text)), (starts, len(gains))
        if any(len(a) < 1 or a[0] or a[-1] != end or (a[1:] < a[:-1]).any() for a, end in ends):
            raise ValueError(f"{folder}: bounds that are none")
        if len(starts) != len(words) + 1 or len(places) != len(gains):
            raise ValueError(f"{folder}: files that do not belong together")
        return cls(_Ids(text, bounds), _Gains(words, starts, places, gains))

    def save(self, folder: Path) -> None:
        """Write them to a folder that there is. Raises OSError."""
        ids, gains = self._ids, self._gains
        _write(folder / _TEXT, ids.text.encode("utf-8", "surrogatepass"))
        _write(folder / _WORDS, json.dumps(gains.words).encode())
        arrays: list[NDArray[Any]] = [ids.bounds, gains.starts, gains.places, gains.gains]
        for (name, kind), array in zip(_ARRAYS.items(), arrays, strict=True):
            _write(folder / name, array.astype(kind).tobytes())

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

    def rarest(self, words: Iterable[str], n: int, also: Container[str] = ()) -> list[str]:
        """The `n` rarest of those words that a document has, or that are in `also`; those of a
        single document last: they connect nothing."""
        numbers, starts = self._numbers, self._starts
        counted = []
        for word in words:
            number = numbers.get(word)
            if number is not None:
                count = starts[number + 1] - starts[number]
            elif word in also:
                count = 1
            else:
                continue
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
        places, gains = self._gains.places[part], self._gains.gains[part]
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
