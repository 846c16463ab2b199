"""Learns laws from the original and tests a candidate by them on inputs far larger than given.

On large inputs the original may take too long to be asked about everything; a law needs the
candidate's answers alone. One that a candidate breaks is no proof against it: perhaps the original
breaks it there too. So the original is asked at these few points, and only another answer of it
is a difference.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.progress import CancelToken
from benchmark_runner.errors import CandidateFailed, InputsFailed, WorkerDied
from benchmark_runner.receipt import Counterexample
from benchmark_runner.relations.algebra import learn, samples_needed
from benchmark_runner.relations.laws import FAMILIES, LIST_LAWS, Law, law_of
from benchmark_runner.worker import canonical, harness
from benchmark_runner.worker.canonical_tree import Malformed, Node, parts_of
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.observations import Observation, WorkerSpec

Call = tuple[tuple[Any, ...], dict[str, Any]]
SpecFor = Callable[["tuple[bytes, ...]"], WorkerSpec]
"""The worker of a version on these calls (canonical bytes of (args, kwargs))."""

_LIST_DRAWS = 6
_MOST_SEEDS = 2
_FRESH = 4
_LARGE_NUMBERS = (1_000, 100_000)
_LARGE_LISTS = (1_000, 6_000)
_BETWEEN_NUMBERS = (150, 300, 600, 1_250, 2_500, 5_000, 10_000, 20_000, 40_000)
_BETWEEN_LISTS = (40, 80, 160, 320, 640, 1_250, 2_500)
_MOST_LIST_LAWS = 4
_MOST_PLAIN = 100_000


@dataclass(frozen=True)
class Held:
    """A law that held for the original on fresh draws; `place` is the argument that varies."""

    law: Law
    place: int
    seed: Call
    listed: bool
    floats: bool


@dataclass(frozen=True)
class Broken:
    """A law that a candidate breaks on a large input, and the call that shows it."""

    text: str
    call: Call
    before: Observation | None
    after: Observation

    def counterexample(self, name: str) -> Counterexample:
        """The call and both answers, shortened."""
        args, kwargs = self.call
        parts = [_shown(value) for value in args]
        parts += [f"{key}={_shown(value)}" for key, value in kwargs.items()]
        before = canonical.outcome_text(self.before.payload) if self.before else "no answer"
        return Counterexample(
            input=-1,
            call=f"{name}({', '.join(parts)})",
            before=before,
            after=canonical.outcome_text(self.after.payload),
            what="result",
            stage="relations",
        )


@dataclass
class Answers:
    """What a version answered: plain numbers or lists by call, None for everything else."""

    values: list[Any] = field(default_factory=list)
    seen: list[Observation | None] = field(default_factory=list)


def plain(node: Node) -> Any:
    """Numbers, texts and containers of them as Python values. Raises ValueError for the rest."""
    if node.tag in "NTFijs":
        return node.value
    if node.tag == "f" and isinstance(node.value, tuple):
        return node.value[0]
    if node.tag in "lt":
        items = [plain(child) for child in node.children]
        return items if node.tag == "l" else tuple(items)
    if node.tag == "d":
        return {plain(k): plain(v) for k, v in node.pairs()}
    raise ValueError(node.tag)


def call_of(observation: Observation) -> Call | None:
    """The arguments of an observed call, where they are plain."""
    try:
        args, kwargs = plain(parts_of(observation.payload)["arguments"])
    except (Malformed, KeyError, ValueError, TypeError, RecursionError):
        return None
    return (tuple(args), kwargs) if isinstance(kwargs, dict) else None


def _answer(observation: Observation | None) -> Any:
    if observation is None or observation.kind == "raise":
        return None
    try:
        kind, node = parts_of(observation.payload)["outcome"].children
        if kind.value != "return" or len(node.children) > _MOST_PLAIN:
            return None
        value = plain(node)
    except (Malformed, KeyError, ValueError, TypeError, RecursionError):
        return None
    listed = isinstance(value, list) and all(type(v) in (int, float) for v in value)
    return value if listed or type(value) in (int, float) else None


def _shown(value: Any) -> str:
    try:
        if isinstance(value, list) and len(value) > 6:
            return repr(value[:6])[:-1] + ", ...]"
        return repr(value)[:80]
    except ValueError:  # an int of more digits than Python writes
        return "..."


def is_numeric(observation: Observation) -> bool:
    """Whether a call was answered by a number or a list of some numbers."""
    return _answer(observation) not in (None, [])


def ask(crew: Crew, spec_for: SpecFor, calls: Sequence[Call]) -> Answers:
    """One worker's answers to some calls; it is not started anew when it dies."""
    found = Answers()
    try:
        worker = crew.start(spec_for(tuple(harness.encode(call) for call in calls)))
        worker.load()
        worker.make_inputs()
        for index in range(len(calls)):
            seen = worker.observe(index, mode="light")
            found.seen.append(seen)
            found.values.append(_answer(seen))
    except (WorkerDied, CandidateFailed, InputsFailed):
        pass
    missing = len(calls) - len(found.values)
    found.values += [None] * missing
    found.seen += [None] * missing
    return found


def _with(seed: Call, place: int, value: Any) -> Call:
    args, kwargs = seed
    return ((*args[:place], value, *args[place + 1 :]), kwargs)


def _places(seeds: Sequence[Call]) -> Iterator[tuple[Call, int]]:
    """Arguments that may vary: numbers, and lists of two numbers or more."""
    for seed in seeds:
        for place, value in enumerate(seed[0]):
            if type(value) in (int, float) or (
                isinstance(value, list)
                and len(value) > 1
                and all(type(v) in (int, float) for v in value)
            ):
                yield seed, place


@dataclass(frozen=True)
class _Question:
    """Points of one draw, as calls `start` to `end` of those that are asked."""

    law: int
    start: int
    end: int


class Relations:
    """The laws of one original, learned once.

    `largest` is the largest number that stands in its text: there a law may end.
    """

    def __init__(
        self, spec_for: SpecFor, seeds: Sequence[Call], cancel: CancelToken, largest: int = 0
    ) -> None:
        self._spec_for, self._cancel, self._largest = spec_for, cancel, largest
        self.held: tuple[Held, ...] = ()
        usable = [s for s in seeds if _encodable(s)]
        for seed, place in list(_places(usable[:_MOST_SEEDS]))[:3]:
            listed = isinstance(seed[0][place], list)
            self.held += self._of_list(seed, place) if listed else self._of_number(seed, place)

    def texts(self) -> tuple[str, ...]:
        """The laws in words."""
        return tuple(dict.fromkeys(held.law.text for held in self.held))

    def _ask(self, calls: Sequence[Call]) -> Answers:
        with Crew(self._cancel) as crew:
            [found] = crew.together([lambda: ask(crew, self._spec_for, calls)])
        return found

    def _of_number(self, seed: Call, place: int) -> tuple[Held, ...]:
        """Equations of the families, learned on some draws and tested on others."""
        rng = random.Random(place)
        given = seed[0][place]
        floats = type(given) is float
        reach = max(abs(given), 8) if not floats else max(abs(given), 1.0)
        families = [f for f in FAMILIES if floats or not (f.floats or (f.signed and given >= 0))]
        rows: list[tuple[int, list[Call]]] = []
        for number, family in enumerate(families):
            for _ in range(samples_needed(len(family.names)) + 8):
                x, r = _draws(rng, min(reach, 60), given)
                rows.append((number, [_with(seed, place, p) for p in family.points(x, r)]))
        answers = self._ask([call for _, calls in rows for call in calls]).values
        samples: list[list[list[Any]]] = [[] for _ in families]
        at = 0
        for number, calls in rows:
            row = answers[at : at + len(calls)]
            at += len(calls)
            if all(type(v) in (int, float) for v in row):
                samples[number].append(row)
        held: list[Held] = []
        for family, found in zip(families, samples, strict=True):
            enough = samples_needed(len(family.names))
            fresh = found[enough:]
            held += [
                Held(law_of(family, equation), place, seed, False, floats)
                for equation in learn(family.names, found[:enough])
                if len(fresh) >= _FRESH and all(equation.holds(row) for row in fresh)
            ]
        return tuple(held)

    def _of_list(self, seed: Call, place: int) -> tuple[Held, ...]:
        """Laws of lists that hold on every draw, of which some are longer than others."""
        rng = random.Random(place)
        floats = any(type(v) is float for v in seed[0][place])
        calls: list[Call] = []
        questions: list[_Question] = []
        for draw in range(_LIST_DRAWS):
            u, v = (_numbers(rng, 3 + draw * 2 + n, seed[0][place], floats) for n in range(2))
            for number, law in enumerate(LIST_LAWS):
                points = [_with(seed, place, p) for p in law.points(u, v)]
                questions.append(_Question(number, len(calls), len(calls) + len(points)))
                calls += points
        answers = self._ask(calls).values
        broken, distinct = set(), set()
        for q in questions:
            row = answers[q.start : q.end]
            if any(value is None for value in row) or not LIST_LAWS[q.law].holds(row):
                broken.add(q.law)
            distinct.add(tuple(row[-1]) if isinstance(row[-1], list) else row[-1])
        if len(distinct) < 3:
            return ()  # an answer that is always the same has no laws worth the name
        return tuple(
            Held(law, place, seed, True, floats)
            for number, law in enumerate(LIST_LAWS)
            if number not in broken
        )[:_MOST_LIST_LAWS]

    def broken_by(self, spec_for: SpecFor) -> Broken | None:
        """The first law that a version breaks where the original answers otherwise, or None.

        Where the original does not answer in time at all, the law alone speaks (`before` is None).
        """
        asked = list(self._large())
        if not asked:
            return None
        with Crew(self._cancel) as crew:
            [found] = crew.together(
                [lambda: ask(crew, spec_for, [call for _, calls in asked for call in calls])]
            )
        at = 0
        for held, calls in asked:
            row = found.values[at : at + len(calls)]
            seen = found.seen[at : at + len(calls)]
            at += len(calls)
            if any(value is None for value in row) or held.law.holds(row):
                continue
            if (broken := self._really(held, calls, row, seen)) is not None:
                return broken
        return None

    def _really(
        self, held: Held, calls: list[Call], row: list[Any], seen: Sequence[Observation | None]
    ) -> Broken | None:
        """Whether the original answers otherwise at a point where a law is broken."""
        own = self._ask(calls)
        unanswered = None
        for call, mine, its in zip(calls, seen, own.seen, strict=True):
            if mine is None:
                continue
            if its is None:
                unanswered = unanswered or Broken(held.law.text, call, None, mine)
            elif canonical.compare(its.payload, mine.payload).level == "different":
                return Broken(held.law.text, call, its, mine)
        return unanswered if unanswered and self._goes_on(held) else None

    def _goes_on(self, held: Held) -> bool:
        """Whether a law is to be believed where the original gives no answer in time.

        It must hold as far as the original does answer, and no number in its text (a modulus, a
        limit) may lie beyond what was seen there: `% 1_000_003` ends a law that holds below. A law
        that ends is forgotten.
        """
        rng = random.Random(held.place)
        given = held.seed[0][held.place]
        rows = []
        for reach in _BETWEEN_LISTS if held.listed else _BETWEEN_NUMBERS:
            u, v = (
                [_numbers(rng, reach + more, given, held.floats) for more in (0, 1)]
                if held.listed
                else _draws(rng, reach, given)
            )
            rows.append([_with(held.seed, held.place, p) for p in held.law.points(u, v)])
        answers = self._ask([call for calls in rows for call in calls]).values
        seen: list[Any] = []
        for calls in rows:
            row, answers = answers[: len(calls)], answers[len(calls) :]
            if any(value is None for value in row):
                break
            seen += row
            if not held.law.holds(row):
                seen = []
                break
        if seen and _most(seen) >= self._largest:
            return True
        self.held = tuple(other for other in self.held if other != held)
        return False

    def _large(self) -> Iterator[tuple[Held, list[Call]]]:
        """Each law at a few draws that are far larger than what was given."""
        for number, held in enumerate(self.held):
            rng = random.Random(1000 + number)
            for large in range(2):
                u, v = _large_draws(rng, held, large)
                yield held, [_with(held.seed, held.place, p) for p in held.law.points(u, v)]


def _large_draws(rng: random.Random, held: Held, large: int) -> tuple[Any, Any]:
    given = held.seed[0][held.place]
    if not held.listed:
        return _draws(rng, _LARGE_NUMBERS[large], given)
    size = _LARGE_LISTS[large]
    return (
        _numbers(rng, size, given, held.floats),
        _numbers(rng, size + 1, given, held.floats),
    )


def _most(answers: Sequence[Any]) -> float:
    """The largest number among some answers."""
    numbers = [v for a in answers for v in (a if isinstance(a, list) else [a])]
    return max(map(abs, numbers), default=0)


def _encodable(call: Call) -> bool:
    try:
        harness.encode(call)
    except (TypeError, ValueError, RuntimeError):
        return False
    return True


def _draws(rng: random.Random, reach: float, given: int | float) -> tuple[Any, Any]:
    """Two numbers of the given one's type; where that is not negative, nor is their difference."""
    if type(given) is float:
        x, r = rng.uniform(-reach, reach), rng.uniform(-reach, reach)
    else:
        x, r = rng.randint(-int(reach), int(reach)), rng.randint(-int(reach), int(reach))
    if given >= 0:
        x, r = max(abs(x), abs(r)), min(abs(x), abs(r))
    return x, r


def _numbers(rng: random.Random, count: int, given: list[Any], floats: bool) -> list[Any]:
    """A list like the given one: its range, and its sign."""
    low, high = min(given), max(given)
    if low == high:
        low, high = min(low, -high), max(high, -low) + 1
    return [rng.uniform(low, high) if floats else rng.randint(int(low), int(high))
            for _ in range(count)]  # fmt: skip
