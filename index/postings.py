"""BM25 over documents that do not change: which of them have a word, and what it adds there.

The numbers are bm25s', and so are most of the files. Added up they are here, word by word and with
the best ones parted first, which takes a third of the time that the library takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import float32, int32, int64, uint8
    from numpy.typing import NDArray

K1, B = 1.5, 0.75
_IDS, _BOUNDS, _MODEL = "ids.npy", "bounds.npy", "bm25"
_PARTS = 64
"""So many parts the scores are cut into: the best of each say what is surely good enough."""


@dataclass(frozen=True)
class _Ids:
    """Ids as one text and where each begins in it: opened at once, however many there are."""

    text: NDArray[uint8]
    bounds: NDArray[int64]

    @staticmethod
    def of(ids: Sequence[str]) -> _Ids:
        import numpy as np

        parts = [item.encode("utf-8", "surrogatepass") for item in ids]
        bounds = np.array([0, *accumulate(map(len, parts))], dtype=np.int64)
        return _Ids(np.frombuffer(b"".join(parts), dtype=np.uint8), bounds)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, place: int) -> str:
        start, end = self.bounds[place], self.bounds[place + 1]
        return self.text[start:end].tobytes().decode("utf-8", "surrogatepass")


class Postings(Mapping[str, int]):
    """Some documents; as a mapping, by word in how many of them it is."""

    def __init__(self, ids: _Ids, model: Any) -> None:
        self._ids, self._model = ids, model
        self._numbers: Mapping[str, int] = {}
        if model is not None:
            import numpy as np

            # The same memory, without what a memmap costs at each slice.
            self._gains: NDArray[float32] = np.asarray(model.scores["data"])
            self._places: NDArray[int32] = np.asarray(model.scores["indices"])
            self._starts: list[int] = model.scores["indptr"].tolist()
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
        import numpy as np

        text, bounds = (np.load(folder / name, mmap_mode="r") for name in (_IDS, _BOUNDS))
        model = None
        if (folder / _MODEL).exists():
            model = bm25s.BM25.load(str(folder / _MODEL), mmap=True)
        return cls(_Ids(np.asarray(text), np.asarray(bounds)), model)

    def save(self, folder: Path) -> None:
        """Write them to a folder that there is. Raises OSError, TypeError (a text is none)."""
        import numpy as np

        np.save(folder / _IDS, self._ids.text)
        np.save(folder / _BOUNDS, self._ids.bounds)
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
        return {self._ids[place]: place for place in range(len(self._ids))}

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
        scores = np.zeros(-(-len(self._ids) // _PARTS) * _PARTS, dtype=np.float32)
        for number in numbers:
            part = slice(self._starts[number], self._starts[number + 1])
            np.add.at(scores, self._places[part], self._gains[part])
        if without:
            scores[list(without)] = 0
        least = 0.0
        if len(scores) > n * _PARTS:  # each of the n best parts has one that is as good as this
            tops = scores.reshape(_PARTS, -1).max(axis=0)
            least = float(np.partition(tops, len(tops) - n)[len(tops) - n])
        found = np.flatnonzero(scores >= least) if least else np.flatnonzero(scores)
        if len(found) > n:
            worth = scores[found]
            found = found[np.argpartition(worth, len(found) - n)[len(found) - n :]]
        return [(float(scores[place]), self._ids[int(place)]) for place in found]
