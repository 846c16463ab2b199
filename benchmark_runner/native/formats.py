"""The format of a program's inputs as far as given cases tell it: lines of tokens, and counts.

"First line n, then n numbers" is the commonest one; others: n lines, several counts in the first
line, a string as long as a count, and a number of test cases, each a block of so many lines in
a format of its own. What holds in every given case is kept as a rule (sorted, distinct, a
permutation, not above a count), because nobody tells us what else an input must be. The inputs
made from it are only kept where the original handles them.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,15}\.\d{1,15}")
_MOST_TOKENS = 400_000
_SURE = math.log(1000)
_FEW = 32
_ALIKE = 3
"""Like values that one would expect by chance, where seeing none is taken for a rule."""

Line = list[str]
Text = list[Line]


def parse(data: bytes) -> Text | None:
    """The lines as tokens; None for what is no such text."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return None
    lines = [line.split() for line in text.rstrip().split("\n")]
    if not any(lines) or sum(map(len, lines)) > _MOST_TOKENS:
        return None
    return lines


def render(text: Text) -> bytes:
    """The text of lines of tokens."""
    return "".join(" ".join(line) + "\n" for line in text).encode("ascii")


def _integer(token: str) -> int | None:
    return int(token) if _INTEGER.fullmatch(token) else None


@dataclass(frozen=True)
class Count:
    """A token of the first line that tells how much follows.

    `kind`: "row" (tokens of a line), "string" (length of the only token of a line), "lines"
    (lines from `line` to the end), "blocks" (blocks of `height` lines from line 1 on).
    """

    place: int
    kind: str
    line: int
    height: int = 1


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
        numbers = [_integer(token) for token in tokens]
        known = [number for number in numbers if number is not None]
        self.integers &= len(known) == len(tokens)
        self.decimals &= all(_DECIMAL.fullmatch(t) or _integer(t) is not None for t in tokens)
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


class Format:
    """What all given cases have in common. `None` from `infer` where they share no shape."""

    def __init__(self, counts: tuple[Count, ...], inner: Format | None) -> None:
        self.counts = counts
        self.inner = inner
        self.roles: dict[tuple[int, int], Values] = {}
        self.fixed_lines = 0

    @classmethod
    def infer(cls, texts: Sequence[Text], depth: int = 0) -> Format | None:
        """The format of these cases; None where there is none to be seen."""
        texts = [text for text in texts if text and text[0]]
        if not texts or len({len(text[0]) for text in texts}) != 1:
            return None
        counts = tuple(_counts(texts))
        blocks = next((c for c in counts if c.kind == "blocks"), None)
        inner = None
        if blocks and depth == 0:
            parts = [part for text in texts for part in _blocks(text, blocks.height)]
            inner = cls.infer(parts, depth + 1)
            if inner is None:
                return None
        elif blocks:
            counts = tuple(c for c in counts if c.kind != "blocks")
        if not counts and len({len(text) for text in texts}) != 1:
            return None
        made = cls(counts, inner)
        for text in texts:
            made._learn(text)
        return made

    def _role(self, text: Text, line: int) -> tuple[int, int]:
        """Which role a line plays: all lines that a count counts play one."""
        for count in self.counts:
            if count.kind == "lines" and line >= count.line:
                return count.line, len(text[line])
        return line, -1

    def _columns(self, text: Text, line: int) -> list[tuple[tuple[int, int], list[int]]]:
        """The roles of a line's tokens, with their places: a row has one, a record has several."""
        role, width = self._role(text, line)
        rows = {c.line for c in self.counts if c.kind == "row"}
        places = list(range(len(text[line])))
        if line in rows or (width == -1 and len(places) > 4) or width > 4:
            return [((role, -1), places)]
        return [((role, place), [place]) for place in places]

    def _learn(self, text: Text) -> None:
        header = [_integer(token) for token in text[0]]
        if self.inner is not None:
            self.roles.setdefault((0, 0), Values()).learn(text[0], header)
            return
        for line in range(len(text)):
            for role, places in self._columns(text, line):
                tokens = [text[line][place] for place in places]
                self.roles.setdefault(role, Values()).learn(tokens, header)

    def _counted(self) -> set[int]:
        return {count.place for count in self.counts}

    # -- other inputs

    def perturbed(self, text: Text, rng: random.Random, share: float) -> Text:
        """The same shape with other values, about `share` of them (1: all)."""
        if self.inner is not None:
            blocks = next(c for c in self.counts if c.kind == "blocks")
            parts = _blocks(text, blocks.height)
            made = [
                self.inner.perturbed(part, rng, share) if rng.random() < share else part
                for part in parts
            ]
            return [text[0], *(line for part in made for line in part)]
        result = [list(line) for line in text]
        counted = self._counted()
        header: list[int | None] = [_integer(token) for token in text[0]]
        for line in range(len(text)):
            for role, places in self._columns(text, line):
                chosen = [p for p in places if line or p not in counted]
                values = self.roles.get(role)
                if values is None or not chosen or rng.random() >= max(share, 0.3):
                    continue
                whole = values.ordered or values.shuffled or values.unlike
                if not whole or len(chosen) == 1:
                    chosen = [p for p in chosen if rng.random() < share] or [rng.choice(chosen)]
                fresh = values.fresh(rng, [text[line][p] for p in chosen], header)
                for place, token in zip(chosen, fresh, strict=True):
                    result[line][place] = token
            if line == 0:  # what is bounded by a number of the first line is so by the new one
                header = [_integer(token) for token in result[0]]
        return result

    def resized(self, text: Text, rng: random.Random, factor: float) -> Text | None:
        """A larger or smaller input: every count times `factor`; None where there is no count."""
        if self.inner is not None:
            blocks = next(c for c in self.counts if c.kind == "blocks")
            parts = _blocks(text, blocks.height)
            if factor < 1 and len(parts) > 1:
                parts = parts[: max(1, int(len(parts) * factor))]
                return [[str(len(parts))], *(line for part in parts for line in part)]
            sized = [self.inner.resized(part, rng, factor) or part for part in parts]
            if sized != parts:
                return [text[0], *(line for part in sized for line in part)]
            wanted = max(1, int(len(parts) * factor))
            made = [self.inner.perturbed(rng.choice(parts), rng, 1.0) for _ in range(wanted)]
            return [[str(wanted)], *(line for part in made for line in part)]
        if not self.counts:
            return None
        result = [list(line) for line in text]
        sizes = {}
        for place in sorted(self._counted()):
            now = int(text[0][place])
            sizes[place] = max(1, int(now * factor))
            result[0][place] = str(sizes[place])
        header = [_integer(token) for token in result[0]]
        rows = [c for c in self.counts if c.kind in ("row", "string")]
        for count in rows:
            role = self.roles.get((count.line, -1)) or self.roles.get((count.line, 0))
            result[count.line] = _resized_row(text[count.line], count, sizes, role, rng, header)
        for count in self.counts:
            if count.kind == "lines":
                old = result[count.line :]
                lines = _cycled(old, sizes[count.place])
                result[count.line :] = [
                    self._again(line, count, text, rng, header) if at >= len(old) else line
                    for at, line in enumerate(lines)
                ]
        self._clamp(result, rng, header)
        return result

    def _clamp(self, text: Text, rng: random.Random, header: list[int | None]) -> None:
        """What was never above a number of the first line is not so now either."""
        for line in range(len(text)):
            for role, places in self._columns(text, line):
                values = self.roles.get(role)
                if values is None or not values.integers or not values.bounded_by:
                    continue
                top = min(n for p in values.bounded_by if (n := header[p]) is not None)
                for place in places:
                    if int(text[line][place]) > top:
                        text[line][place] = str(rng.randint(min(values.low, top), top))
            if line == 0:
                header[:] = [_integer(token) for token in text[0]]

    def _again(
        self, line: Line, count: Count, text: Text, rng: random.Random, header: list[int | None]
    ) -> Line:
        made = list(line)
        width = len(line)
        for place in range(width):
            wide = self.roles.get((count.line, -1)) if width > 4 else None
            values = wide or self.roles.get((count.line, place))
            if values is not None:
                [made[place]] = values.fresh(rng, [line[place]], header)
        return made

    def smaller(self, text: Text) -> Iterator[Text]:
        """Smaller inputs of the same format, the smallest first."""
        rng = random.Random(0)
        for factor in (0.02, 0.1, 0.25, 0.5, 0.75):
            made = self.resized(text, rng, factor)
            if made is not None and len(render(made)) < len(render(text)):
                yield made


def _cycled(lines: list[Line], count: int) -> list[Line]:
    return [lines[at % len(lines)] for at in range(count)] if lines else []


def _resized_row(
    row: Line,
    count: Count,
    sizes: dict[int, int],
    values: Values | None,
    rng: random.Random,
    header: list[int | None],
) -> Line:
    size = sizes[count.place]
    if count.kind == "string":
        letters = values.letters if values and values.letters else row[0]
        more = "".join(rng.choice(letters) for _ in range(max(0, size - len(row[0]))))
        return [(row[0] + more)[:size]]
    if size <= len(row) and not (values and values.shuffled):
        return row[:size]
    longer = [row[at % len(row)] for at in range(size)]
    if values is None:
        return longer
    if values.shuffled or values.unlike or values.ordered:
        if values.integers and values.unlike and values.high - values.low + 1 < size:
            values.high = values.low + 4 * size
        return values.fresh(rng, longer, header)
    return row + values.fresh(rng, longer[len(row) :], header)


def _blocks(text: Text, height: int) -> list[Text]:
    return [text[at : at + height] for at in range(1, len(text), height)]


def _counts(texts: Sequence[Text]) -> Iterator[Count]:
    """Every relation of a token of the first line that holds in all cases."""
    taken: set[int] = set()
    for place in range(len(texts[0][0])):
        numbers = [_integer(text[0][place]) for text in texts]
        if any(number is None or number < 1 for number in numbers):
            continue
        sizes = [number for number in numbers if number is not None]
        if max(sizes) < 2:
            continue
        lines = min(len(text) for text in texts)
        for line in range(1, min(lines, 4)):
            if line in taken:
                continue
            pairs = list(zip(texts, sizes, strict=True))
            if all(len(text[line]) == size for text, size in pairs):
                taken.add(line)
                yield Count(place, "row", line)
            elif all(len(t[line]) == 1 and len(t[line][0]) == size for t, size in pairs):
                taken.add(line)
                yield Count(place, "string", line)
            elif all(len(text) - line == size for text, size in pairs):
                yield Count(place, "lines", line)
                break
        heights = {divmod(len(t) - 1, n) for t, n in zip(texts, sizes, strict=True)}
        if len(texts[0][0]) == 1 and len(heights) == 1:
            height, rest = heights.pop()
            if rest == 0 and height >= 2:
                yield Count(place, "blocks", 1, height)
