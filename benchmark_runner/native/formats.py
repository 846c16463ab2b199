"""The format of a program's inputs as far as given cases tell it: lines of tokens, and counts.

"First line n, then n numbers" is the commonest one; others: n lines, several counts in the first
line, a string as long as a count, and a number of test cases, each a block of so many lines in
a format of its own. What holds in every given case is kept as a rule (sorted, distinct, a
permutation, not above a count), because nobody tells us what else an input must be. The inputs
made from it are only kept where the original handles them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmark_runner.native.roles import Line, Values, integer

_MOST_TOKENS = 400_000

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


class Format:
    """What all given cases have in common. `None` from `infer` where they share no shape."""

    def __init__(self, counts: tuple[Count, ...], inner: Format | None) -> None:
        self.counts = counts
        self.inner = inner
        self.roles: dict[tuple[int, int], Values] = {}
        self.self_counted: frozenset[int] = frozenset()
        """Roles of lines that begin with the number of their other tokens."""

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
        made.self_counted = made._self_counted(texts)
        for text in texts:
            made._learn(text)
        return made

    def _role(self, text: Text, line: int) -> tuple[int, int]:
        """Which role a line plays: all lines that a count counts play one."""
        for count in self.counts:
            if count.kind == "lines" and line >= count.line:
                return count.line, len(text[line])
        return line, -1

    def _self_counted(self, texts: Sequence[Text]) -> frozenset[int]:
        lines: dict[int, list[Line]] = {}
        for text in texts:
            for at, line in enumerate(text):
                lines.setdefault(self._role(text, at)[0], []).append(line)
        return frozenset(
            role
            for role, own in lines.items()
            if all(line and integer(line[0]) == len(line) - 1 for line in own)
            and max(map(len, own)) > 2
        )

    def _columns(self, text: Text, line: int) -> list[tuple[tuple[int, int], list[int]]]:
        """The roles of a line's tokens, with their places: a row has one, a record has several."""
        role, width = self._role(text, line)
        rows = {c.line for c in self.counts if c.kind == "row"}
        places = list(range(len(text[line])))
        if role in self.self_counted:
            return [((role, -2), places[1:])]
        if line in rows or (width == -1 and len(places) > 4) or width > 4:
            return [((role, -1), places)]
        return [((role, place), [place]) for place in places]

    def _learn(self, text: Text) -> None:
        header = [integer(token) for token in text[0]]
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
        header: list[int | None] = [integer(token) for token in text[0]]
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
                header = [integer(token) for token in result[0]]
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
        header = [integer(token) for token in result[0]]
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
                header[:] = [integer(token) for token in text[0]]

    def _again(
        self, line: Line, count: Count, text: Text, rng: random.Random, header: list[int | None]
    ) -> Line:
        made = list(line)
        if count.line in self.self_counted:
            return made
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
        numbers = [integer(text[0][place]) for text in texts]
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
