"""The original against itself: what candidates are compared with, and whether it can be.

Four workers: two under each of two hash seeds. What they saw must be the same under the same
seed; only then does a difference say something about a candidate.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.progress import CancelToken, Progress
from benchmark_runner.equality.equivalence import (
    HASH_SEEDS,
    Behaviour,
    Call,
    Script,
    changed,
    compare,
    further_calls,
    raised,
    script_of,
    settings_of,
    tried,
    unencodable,
    unseen,
)
from benchmark_runner.equality.imported import NUMBERS_LEFT_OUT, keeps_numbers
from benchmark_runner.equality.sequences import Track, keeps_state, orders, tracks
from benchmark_runner.errors import CandidateFailed, InputsFailed, WorkerDied, WorkloadError
from benchmark_runner.measuring.statistics import median
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.supervisor import InputInfo, Loaded, Observation, Worker, WorkerSpec

_ENOUGH_S = 10.0
"""Wall seconds of calls after which no more inputs are taken."""
_FURTHER_S = 1.0
"""Wall seconds of further calls on inputs that were observed already."""
_REPEAT_S = 2.0
_MOST_RESTARTS = 8
_GIVE_UP = frozenset({"RecursionError", "MemoryError"})
_GIVE_INPUTS = (
    "give some: --inputs FILE.py with a function inputs() that yields (args, kwargs), "
    'or a program that calls it: --workload "python main.py"'
)

SpecFor = Callable[[int, "int | None"], WorkerSpec]
"""The worker of the original under a hash seed, with the exact number of inputs if known."""


@dataclass(frozen=True)
class Original:
    """All that is known of the original. `costs_s` are CPU seconds per call by input."""

    behaviours: Mapping[int, Behaviour]
    script: Script
    infos: tuple[InputInfo, ...]
    costs_s: Mapping[int, float]
    slowest_s: float
    notes: tuple[str, ...]
    tracks: tuple[Track, ...] = ()
    """Sequences of calls in fresh processes, where the calls change state of the project's."""
    depends: str | None = None
    """Which answer depends on the calls before, if one does: then calls can't be repeated."""

    @property
    def used(self) -> tuple[int, ...]:
        """The inputs that count."""
        return tuple(sorted(self.costs_s))

    @property
    def own(self) -> tuple[int, ...]:
        """The inputs that count and were given: all but the extra ones."""
        return tuple(index for index in self.used if not self.infos[index].extra)

    @property
    def sources(self) -> tuple[tuple[str, int], ...]:
        """How many of the inputs that count come from where, in order."""
        found: dict[str, int] = {}
        for index in self.used:
            source = self.infos[index].source
            found[source] = found.get(source, 0) + 1
        return tuple(found.items())

    @property
    def digest(self) -> str:
        """One digest of all inputs that count."""
        data = b"".join(self.infos[index].digest for index in self.used)
        return hashlib.sha256(data).hexdigest()

    @property
    def attempts(self) -> tuple[tuple[str, str], ...]:
        """What it touched outside of its inputs and the project: the policy for its candidates."""
        return tuple(sorted({pair for one in self.behaviours.values() for pair in one.attempts}))

    @property
    def silent(self) -> bool:
        """Whether most of its calls make no audit event, so that listening costs nothing."""
        seen = self.behaviours[HASH_SEEDS[0]].seen.values()
        return median([float(observation.heard) for observation in seen]) == 0.0

    def raises_on(self, index: int) -> bool:
        """Whether the original's call on this input ends with an exception."""
        seen = self.behaviours[HASH_SEEDS[0]].seen
        return any(seen[call].kind == "raise" for call in seen if call[0] == index)


@dataclass
class _Exploration:
    """A first run, in which the script is found."""

    loaded: Loaded
    infos: tuple[InputInfo, ...]
    seen: dict[Call, Observation]
    remembers: frozenset[str]
    slowest_s: float
    cut: bool


class _Dropped(Exception):
    """A generated input that the original can't take within reason."""

    def __init__(self, index: int) -> None:
        super().__init__(str(index))
        self.index = index


def observe_original(
    spec_for: SpecFor, *, generated: bool, progress: Progress, cancel: CancelToken
) -> Original:
    """Run the original against itself.

    Raises WorkloadError: original-failed, inputs-failed, inputs-none, inputs-not-repeatable,
    nondeterministic; and Cancelled.
    """
    dropped: set[int] = set()
    first = _explore_all(spec_for, dropped, generated, progress, cancel)
    script = tuple(first.seen)
    progress("comparing the original with itself", 0.5)
    count = len(first.infos)
    with Crew(cancel) as crew:

        def again(number: int) -> tuple[Behaviour, str | None]:
            seed = HASH_SEEDS[number // 2]
            worker = _guarded(lambda: crew.start(spec_for(seed, count)))
            return _repeat(worker, script, first, within=number == 1)

        runs = crew.together([functools.partial(again, number) for number in (1, 2, 3)])
    second, *others = (run for run, _ in runs)
    remembers = first.remembers.union(*(run.remembers for run in (second, *others)))
    _same(first.seen, second, script)
    _same(others[0].seen, others[1], script)
    by_seed = [(first.loaded, second.loaded), (others[0].loaded, others[1].loaded)]
    numbers = keeps_numbers(by_seed)
    if numbers is None:
        raise _failed_import()
    behaviours = {
        HASH_SEEDS[0]: replace(second, remembers=remembers, numbers=numbers),
        HASH_SEEDS[1]: replace(others[0], remembers=remembers, numbers=numbers),
    }
    costs = _costs([first.seen, second.seen, *(run.seen for run in others)])
    notes = []
    if dropped:
        notes.append(f"{len(dropped)} generated inputs dropped: the original can't take them")
    notes += unseen(first.seen.values())
    if not numbers:
        notes.append(NUMBERS_LEFT_OUT)
    if first.cut:
        notes.append(f"calls are slow: {len(costs)} of {count} inputs are used")
    found: tuple[Track, ...] = ()
    if keeps_state(remembers):
        progress("calling it in other orders", 0.8)
        found = _tracks(spec_for(HASH_SEEDS[0], count), script, first.infos, costs, cancel)
        shown = "after each call its state was compared too"
        notes.append(f"it keeps state: {len(found)} sequences of calls were compared, {shown}")
    slowest = first.slowest_s
    return Original(
        behaviours, script, first.infos, costs, slowest, tuple(notes), found, runs[0][1]
    )


def _tracks(
    spec: WorkerSpec,
    script: Script,
    infos: tuple[InputInfo, ...],
    costs: Mapping[int, float],
    cancel: CancelToken,
) -> tuple[Track, ...]:
    """The sequences of a function that keeps state. Raises WorkloadError (nondeterministic)."""
    wanted = orders([index for index, mode in script if _main(mode)], costs)
    try:
        with Crew(cancel) as crew:
            found, other = tracks(crew, spec, infos, wanted)
    except (CandidateFailed, InputsFailed, WorkerDied) as error:
        raise _failed(f"called in another order: {error.message}") from None
    if other is not None:
        raise _nondeterministic(
            f"in another order of calls {other.what} differs between two runs "
            f"({other.before[:60]}, then {other.after[:60]})",
            infos[other.call[0]],
        )
    return found


def _costs(runs: Sequence[Mapping[Call, Observation]]) -> dict[int, float]:
    """CPU seconds of a call on each input: the quickest of the runs, which noise adds to."""
    return {
        call[0]: max(min(run[call].call_s for run in runs), 1e-7)
        for call in runs[0]
        if _main(call[1])
    }


def _main(mode: str) -> bool:
    return mode in ("full", "light")


def _guarded(job: Callable[[], Worker]) -> Worker:
    try:
        return job()
    except WorkerDied as error:
        raise _failed(error.message) from None


def _failed(message: str) -> WorkloadError:
    return WorkloadError(
        f"the original fails: {message}",
        code="original-failed",
        mend="make the file load and the function run on these inputs first",
    )


def _failed_import() -> WorkloadError:
    return WorkloadError(
        "the original writes other output each time it is imported",
        code="nondeterministic",
        mend="let it write nothing at import that depends on chance or on the order of a set",
    )


def _uncomparable(why: str, info: InputInfo) -> WorkloadError:
    return WorkloadError(
        f"what the original gives can't be compared: {why}, on input {info.index}, "
        f"({info.call[:120]})",
        code="original-failed",
        mend="give smaller inputs: --inputs FILE.py",
    )


def _explore_all(
    spec_for: SpecFor,
    dropped: set[int],
    generated: bool,
    progress: Progress,
    cancel: CancelToken,
) -> _Exploration:
    """Explore, again without an input that a generated set should not have had."""
    while True:
        progress("running the original", 0.1)
        with Crew(cancel) as crew:
            try:
                [found] = crew.together(
                    [
                        lambda: _explore(
                            crew.start(spec_for(HASH_SEEDS[0], None)), dropped, generated
                        )
                    ]
                )
            except _Dropped as drop:
                dropped.add(drop.index)
                if len(dropped) > _MOST_RESTARTS:
                    raise _failed("it takes too long or too much memory on many inputs") from None
                continue
            except WorkerDied as error:
                raise _failed(error.message) from None
        break
    kinds = [seen.kind for (_, mode), seen in found.seen.items() if _main(mode)]
    if not kinds:
        raise WorkloadError("there are no inputs", code="inputs-none", mend=_GIVE_INPUTS)
    if generated and all(kind == "raise" for kind in kinds):
        raise WorkloadError(
            "the original raises an exception on all inputs that were generated for it",
            code="inputs-none",
            mend=_GIVE_INPUTS,
        )
    return found


def _explore(worker: Worker, dropped: set[int], generated: bool) -> _Exploration:
    """Load, make the inputs, and call each of them once, small ones first."""
    try:
        loaded = worker.load()
    except CandidateFailed as error:
        raise _failed(f"{error.stage}: {error.message}") from None
    infos = _inputs(worker)
    state = worker.state()
    seen: dict[Call, Observation] = {}
    started, slowest, cut = time.perf_counter(), 0.0, False
    extra = worker.spec.inputs.only_extra
    for call in script_of([info for info in infos if info.extra or not extra]):
        if call[0] in dropped:
            continue
        if seen and time.perf_counter() - started > _ENOUGH_S:
            cut = True
            if any(not infos[index].extra for index, _ in seen):
                break
            if infos[call[0]].extra:
                continue  # on to a given one: without any there is nothing to time
        observation = _first(worker, call, infos, generated)
        too_large = unencodable(observation)
        if generated and (too_large or raised(observation) in _GIVE_UP):
            dropped.add(call[0])
            raise _Dropped(call[0])
        if too_large:
            raise _uncomparable(too_large, infos[call[0]])
        seen[call] = observation
        slowest = max(slowest, observation.wall_s)
    started = time.perf_counter()
    for call in further_calls(seen):
        if time.perf_counter() - started > _FURTHER_S:
            break
        seen[call] = _first(worker, call, infos, generated)
    return _Exploration(loaded, infos, seen, changed(state, worker.state()), slowest, cut)


def _inputs(worker: Worker) -> tuple[InputInfo, ...]:
    """The inputs as they come the first time."""
    try:
        return worker.make_inputs()
    except WorkerDied as error:
        limit = f" within {worker.spec.limits.inputs_s:.3g} s" if error.code == "timeout" else ""
        raise InputsFailed(f"the inputs can't be made: {error.message}{limit}") from None


def _first(
    worker: Worker, call: Call, infos: tuple[InputInfo, ...], generated: bool
) -> Observation:
    try:
        return worker.observe(call[0], mode=call[1])
    except WorkerDied as error:
        if generated and error.code in ("timeout", "memory"):
            raise _Dropped(call[0]) from None
        where = f"on input {call[0]}, ({infos[call[0]].call[:120]})"
        limit = f" (within {worker.spec.limits.call_s:.3g} s)" if error.code == "timeout" else ""
        raise _failed(f"{error.message}{limit}, {where}") from None


def _repeat(
    worker: Worker, script: Script, first: _Exploration, *, within: bool
) -> tuple[Behaviour, str | None]:
    """The same calls in another process; with `within`, some once more in that process.

    Beside the behaviour, which answer was another one within the process.
    """
    try:
        loaded = worker.load()
        infos = worker.make_inputs()
    except CandidateFailed as error:
        raise _failed(f"the second time, {error.stage}: {error.message}") from None
    except InputsFailed as error:
        raise _not_repeatable(error.message) from None
    for one, other in zip(first.infos, infos, strict=True):
        if one.digest != other.digest:
            raise _not_repeatable(
                f"input {one.index} is ({one.call[:60]}), then ({other.call[:60]})"
            )
    state = worker.state()
    seen: dict[Call, Observation] = {}
    for call in script:
        seen[call] = _first(worker, call, infos, generated=False)
    behaviour = Behaviour(
        loaded=loaded,
        infos=infos,
        seen=seen,
        remembers=changed(state, worker.state()),
        attempts=tried(loaded.attempts, *(observation.attempts for observation in seen.values())),
        settings=settings_of(state),
    )
    return behaviour, _within_one_process(worker, behaviour) if within else None


def _not_repeatable(why: str) -> WorkloadError:
    return WorkloadError(
        f"inputs are not repeatable: {why}",
        code="inputs-not-repeatable",
        mend="make inputs() give the same values in every process: no time, no os.urandom, no "
        "order of a set (random is seeded for it)",
    )


def _within_one_process(worker: Worker, behaviour: Behaviour) -> str | None:
    """Timed calls are repeated in one process, so they must repeat their answers there.

    Tells which one does not, where state that the function keeps explains it. Raises
    WorkloadError (nondeterministic) where nothing does.
    """
    started = time.perf_counter()
    for (index, mode), observation in reversed(list(behaviour.seen.items())):
        if not _main(mode):
            continue
        if time.perf_counter() - started > _REPEAT_S:
            break
        try:
            worker.stage(index, 1, encode=observation.lazy)
            worker.run()
            [digest] = worker.check([0])
        except WorkerDied as error:
            raise _failed(error.message) from None
        if digest != observation.core:
            info = behaviour.infos[index]
            if keeps_state(behaviour.remembers):
                return f"on input {index}, ({info.call[:120]})"
            raise _nondeterministic(
                "result or arguments differ between two calls in one process",
                info,
            )
    return None


def _nondeterministic(what: str, info: InputInfo) -> WorkloadError:
    return WorkloadError(
        f"the function is not deterministic: {what}, on input {info.index}, ({info.call[:120]})",
        code="nondeterministic",
        mend="make it depend on its arguments only: pass the clock, the random generator or the "
        "counter in",
    )


def _same(first: Mapping[Call, Observation], second: Behaviour, script: Script) -> None:
    """Compare two runs under the same hash seed. Raises WorkloadError (nondeterministic)."""
    for call in script:
        found = compare(call, first[call], second.seen[call])
        if found is not None:
            raise _nondeterministic(
                f"{found.what} differs between two runs ({found.before[:60]}, then "
                f"{found.after[:60]})",
                second.infos[call[0]],
            )
