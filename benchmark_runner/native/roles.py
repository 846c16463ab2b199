"""The values of one role in a program's inputs: what they are, and what they have in common."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,15}\.\d{1,15}")
_SURE = math.log(1000)
_FEW = 32
_ALIKE = 3
"""Like values that one would expect by chance, where seeing none is taken for a rule."""

Line = list[str]


def integer(token: str) -> int | None:
    """The number that a token is, None for what is none."""
    return int(token) if _INTEGER.fullmatch(token) else None


@dataclass
class Values:
    """What holds for the values of one role (a line, a column) in all given cases."""

    integers: bool = True
    decimals: bool = True
    low: int = 0
    high: int = 0
    signs: bool = False
    rising: bool = True
    falling: bool = True
    distinct: bool = True
    permutation: bool = True
    lengths: set[int] = field(default_factory=set)
    letters: str = ""
    bounded_by: frozenset[int] = frozenset()
    """Places of the first line whose number none of the values is above."""
    seen: int = 0
    orders: float = 0.0
    """log of the number of orders that the lists of values could have had."""
    couples: int = 0
    """Couples of values of one list, any of which could have been alike."""

    words: set[str] = field(default_factory=set)
    tokens: int = 0

    @property
    def vocabulary(self) -> list[str]:
        """The few words that there are, where they come again and again; else none."""
        few = len(self.words) <= _FEW and self.tokens >= 2 * len(self.words)
        return sorted(self.words) if few else []

    @property
    def ordered(self) -> bool:
        """Whether all lists rise (or all fall), and that is no chance."""
        return (self.rising or self.falling) and self.orders > _SURE

    @property
    def unlike(self) -> bool:
        """Whether no list holds a value twice, and that is no chance."""
        width = self.high - self.low + 1 if self.integers else len(self.letters) ** 2
        return self.distinct and self.couples >= _ALIKE * width

    @property
    def shuffled(self) -> bool:
        """Whether all lists are permutations, and that is no chance."""
        return self.permutation and self.integers and self.orders > _SURE / 2

    def learn(self, tokens: Sequence[str], header: Sequence[int | None]) -> None:
        """Take one more list of values of this role."""
        numbers = [integer(token) for token in tokens]
        known = [number for number in numbers if number is not None]
        self.integers &= len(known) == len(tokens)
        self.decimals &= all(_DECIMAL.fullmatch(t) or integer(t) is not None for t in tokens)
        self.lengths |= {len(token) for token in tokens}
        self.letters = "".join(sorted(set(self.letters).union(*tokens)))[:200]
        if len(self.words) <= _FEW:
            self.words |= set(tokens)
        self.tokens += len(tokens)
        self.orders += math.lgamma(len(tokens) + 1)
        self.couples += len(tokens) * (len(tokens) - 1) // 2
        if known:
            first = not self.seen
            self.low = min(known) if first else min(self.low, *known)
            self.high = max(known) if first else max(self.high, *known)
            bounds = {p for p, n in enumerate(header) if n is not None and max(known) <= n}
            self.bounded_by = frozenset(bounds) if first else self.bounded_by & bounds
        if len(known) == len(tokens):
            pairs = list(pairwise(known))
            self.rising &= all(a <= b for a, b in pairs)
            self.falling &= all(a >= b for a, b in pairs)
            self.distinct &= len(set(known)) == len(known)
            ordered = sorted(known)
            starts = ordered[0] if ordered else 0
            self.permutation &= starts in (0, 1) and ordered == list(
                range(starts, starts + len(ordered))
            )
        else:
            self.distinct &= len(set(tokens)) == len(tokens)
            self.rising = self.falling = self.permutation = False
        self.seen += 1

    def fresh(
        self, rng: random.Random, tokens: Sequence[str], header: Sequence[int | None]
    ) -> Line:
        """Other values that hold the same rules; as many as given."""
        if not tokens:
            return []
        if self.shuffled and len(tokens) > 1:
            start = min(int(token) for token in tokens) if tokens else 0
            return [str(n) for n in rng.sample(range(start, start + len(tokens)), len(tokens))]
        if not self.integers:
            return self._strings(rng, tokens)
        top = min(
            [self.high, *(n for p in self.bounded_by if p < len(header) and (n := header[p]))],
            default=self.high,
        )
        low = min(self.low, top)
        if self.unlike and len(tokens) > 1:
            if top - low + 1 < len(tokens):
                return list(tokens)
            numbers = rng.sample(range(low, top + 1), len(tokens))
        else:
            numbers = [rng.randint(low, top) for _ in tokens]
        if self.ordered:
            numbers.sort(reverse=not self.rising)
        return [str(number) for number in numbers]

    def _strings(self, rng: random.Random, tokens: Sequence[str]) -> Line:
        if self.decimals:
            made = [
                "".join(rng.choice("0123456789") if c.isdigit() else c for c in token)
                for token in tokens
            ]
            return [re.sub(r"^([+-]?)0+(?=\d)", r"\1", token) for token in made]
        if words := self.vocabulary:
            return [rng.choice(words) for _ in tokens]
        made = ["".join(rng.choice(self.letters) for _ in token) for token in tokens]
        return made if not self.unlike or len(set(made)) == len(made) else list(tokens)
