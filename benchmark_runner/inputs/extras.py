"""Inputs beside those that were given: made here, tried on the original, kept where it takes them.

The given calls say what the function is for. So an extra one on which the original raises is left
out unless its own file raises that exception by name: an error that it promises is part of what it
does, an AttributeError of a call that nobody would make is not. What takes far longer than the
given calls, or can't be stopped, is left out too. The originals' trial calls are made in one worker
of their own, so that nothing of them is left where calls are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from analysis.errors import Cancelled, HastenError
from analysis.progress import CancelToken
from benchmark_runner.errors import WorkerDied
from benchmark_runner.inputs.literals import Literals, branching, literals_of, raised_names
from benchmark_runner.inputs.mutation import Seed, mutated, seeds_of
from benchmark_runner.inputs.stressing import stressing
from benchmark_runner.inputs.symbolic import covering
from benchmark_runner.worker import harness
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.observations import Extra, InputInfo, WorkerSpec
from benchmark_runner.worker.supervisor import Worker

_MOST_GIVEN = 40
"""Given calls that are looked at."""
_TRIAL_S = 0.1
"""Wall seconds after which a trial call is stopped."""
_CALL_S = 0.02
"""CPU seconds that an extra call may take, or as long as the longest given one."""
_MOST_TRIALS_S = 0.4
_MOST_DEATHS = 2
_MOST_LATE = 3
_MOST_RAISING = 6

Spec = Callable[[], WorkerSpec]


@dataclass(frozen=True)
class Wanted:
    """How many extra inputs of each kind to make, and what their trial may cost.

    `trials_s` is CPU seconds of the original's calls in all, `stressing_steps` how many of its
    steps are counted to find slow inputs, `number` seeds the random choices.
    `literals` are put in instead of those of the original's text; `symbolic_s` is what CrossHair
    may take, in seconds. `finite`: floats stay such that a difference of rounding can be told.
    """

    mutated: int = 56
    branches: int = 40
    number: int = 0
    finite: bool = False
    literals: Literals | None = None
    symbolic_s: float = 0.0
    trials_s: float = 0.06
    stressing_steps: int = 120_000


THOROUGH = Wanted(mutated=200, branches=80, symbolic_s=8.0, trials_s=0.5, stressing_steps=600_000)
"""For a proof that may take some seconds more."""
NONE_WANTED = Wanted(mutated=0, branches=0, trials_s=0.0, stressing_steps=0)
"""For given calls that say all there is to say."""


@dataclass
class Tried:
    """What became of the candidates for extra inputs."""

    kept: list[Extra] = field(default_factory=list)
    dropped: int = 0
    raising: int = 0
    deaths: int = 0
    late: int = 0
    stressed: bool = False
    slowest: float = 0.0
    spent_s: float = 0.0
    digests: set[bytes] = field(default_factory=set)

    def note(self) -> str | None:
        """What the receipt says of those that were left out."""
        notes = []
        if self.dropped:
            notes.append(
                f"{self.dropped} inputs made from the given ones left out: the original does not "
                "take them (it raises what its file does not, or takes far longer)"
            )
        if self.slowest:
            notes.append(
                f"an input was found that takes the original {self.slowest:.3g} times the steps "
                "usual for its size: equality is judged on it, time is not"
            )
        return "; ".join(notes) or None


def find_extras(spec: Spec, text: str, called: str, wanted: Wanted, cancel: CancelToken) -> Tried:
    """Extra inputs of a function, tried on its original in fresh workers.

    `text` is the original's. What is wrong with the original or its inputs is not told here: then
    there are no extra inputs, and the run that follows says why. Raises Cancelled.
    """
    tried = Tried()
    if not (wanted.mutated or wanted.branches or wanted.stressing_steps or wanted.symbolic_s):
        return tried
    candidates: list[Extra] | None = None
    longest = 0.0
    paths = covering(text, called, seconds=wanted.symbolic_s, cancel=cancel)
    while candidates is None or (candidates and tried.deaths <= _MOST_DEATHS):
        with Crew(cancel) as crew:

            def job(crew: Crew = crew) -> None:
                nonlocal candidates, longest
                worker = crew.start(spec())
                worker.load()
                infos, seeds = worker.make_inputs(), None
                if candidates is None:
                    tried.digests |= {info.digest for info in infos}
                    seeds = given_seeds(worker, infos)
                    longest = _longest(worker, seeds)
                    candidates = make(seeds, text, called, wanted, paths)
                _try_all(worker, candidates, tried, wanted, longest, raised_names(text))
                if not tried.stressed and wanted.stressing_steps:
                    tried.stressed = True
                    _stress(
                        worker,
                        seeds or given_seeds(worker, infos),
                        text,
                        called,
                        wanted,
                        tried,
                        longest,
                    )

            try:
                crew.together([job])
            except WorkerDied:
                tried.deaths += 1
            except Cancelled:
                raise
            except HastenError:
                return tried
        if candidates is None:
            return tried
    return tried


def given_seeds(worker: Worker, infos: Sequence[InputInfo]) -> list[Seed]:
    """The given calls of builtin values, the smaller ones first."""
    ranked = sorted(infos, key=lambda info: (info.size, info.index))
    return seeds_of(worker.values([info.index for info in ranked[:_MOST_GIVEN]]))


def make(
    seeds: Sequence[Seed], text: str, called: str, wanted: Wanted, paths: Sequence[Extra] = ()
) -> list[Extra]:
    """Candidates for extra inputs, the most telling kinds first."""
    literals = literals_of(text, called) if wanted.literals is None else wanted.literals
    branches = branching(seeds, literals, number=wanted.number, count=wanted.branches)
    changed = mutated(seeds, number=wanted.number, count=wanted.mutated, finite=wanted.finite)
    known: dict[tuple[bytes, int | None], Extra] = {}
    for extra in (*branches, *paths, *changed):
        known.setdefault((extra.value, extra.seed), extra)
    return sorted(known.values(), key=_risk)


def _risk(extra: Extra) -> int:
    """How likely a call never ends: by the size of the ints that stand alone."""
    value = harness.decode_plain(extra.value)
    alone = value.values() if isinstance(value, dict) else [*value[0], *value[1].values()]
    largest = max((abs(x) for x in alone if type(x) is int), default=0)
    return (largest > 1_000) + (largest > 1 << 20)


def _stress(
    worker: Worker,
    seeds: Sequence[Seed],
    text: str,
    called: str,
    wanted: Wanted,
    tried: Tried,
    longest: float,
) -> None:
    """Look for slow inputs, and keep those that don't take too long all the same."""
    for stress in stressing(
        worker, seeds, literals=literals_of(text, called), number=wanted.number,
        budget=wanted.stressing_steps,
    ):  # fmt: skip
        if stress.call_s <= max(_CALL_S, 2 * longest):
            tried.kept.append(stress.extra)
            tried.slowest = max(tried.slowest, stress.times)


def _longest(worker: Worker, seeds: Sequence[Seed]) -> float:
    """CPU seconds of the longest of some given calls."""
    calls = [seed.changed(seed.values, "given") for seed in seeds[:: max(1, len(seeds) // 4)]]
    return max((worker.examine(call, _TRIAL_S).call_s for call in calls), default=0.0)


def _try_all(
    worker: Worker,
    candidates: list[Extra],
    tried: Tried,
    wanted: Wanted,
    longest: float,
    promised: frozenset[str],
) -> None:
    """Try one candidate after the other; each is gone from the list before its call."""
    budget = max(wanted.trials_s, min(3 * longest, _MOST_TRIALS_S))
    while candidates and tried.spent_s < budget:
        extra = candidates.pop(0)
        found = worker.examine(extra, max(_TRIAL_S, 4 * longest))
        if found.kind == "late":
            tried.late += 1
            tried.dropped += 1
            if tried.late > _MOST_LATE:
                break  # what follows holds larger numbers
            continue
        tried.spent_s += found.call_s
        if found.digest in tried.digests:
            continue
        tried.digests.add(found.digest)
        name = found.exception.rpartition(".")[2]
        promise = found.kind == "raised" and name in promised and tried.raising < _MOST_RAISING
        if found.call_s > max(_CALL_S, 2 * longest) or not (found.kind == "fine" or promise):
            tried.dropped += 1
            continue
        tried.raising += promise
        tried.kept.append(extra)
    candidates.clear()
