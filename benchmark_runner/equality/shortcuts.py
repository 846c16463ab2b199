"""Gains that rest on what was asked before, or on the inputs that were given, and on nothing else.

Both show in the interpreter's steps, which depend neither on the machine nor on where something is
remembered. A version that takes fewer steps when the same call is made again has kept something
from the first one, be it in a global, in a library or in a closed-over iterator. One that saves
steps on a given input but not on any that differs from it a little knows the answers, not a way to
find them. Time can't tell either of calls of a few microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from analysis.progress import CancelToken
from benchmark_runner.equality.equivalence import Refused, refuse_uses, tried
from benchmark_runner.equality.original import Original
from benchmark_runner.errors import CandidateFailed, InputsFailed, WorkerDied
from benchmark_runner.worker.crew import Crew
from benchmark_runner.worker.observations import Steps
from benchmark_runner.worker.supervisor import Worker, WorkerSpec

MOST_STEPS = 60_000
"""Calls of more steps are not followed to their end: of them the first timed calls tell enough."""
_MOST_INPUTS = 8
_MOST_CALLS_S = 0.03
"""CPU seconds of the original that one call on each of these inputs may take together."""
_MOST_CALL_S = 0.5
_AGAIN = 0.9
"""Share of the steps that a call made again takes at least, unless something was kept."""
_SAVES = 0.5
"""Share of the original's steps below which a version saves some."""
_KNOWN = 0.25
"""Share of the inputs whose answers a version must know to be refused."""
_FEW_STEPS = 50
_LOST = 0.75
"""Share of the inputs that differ a little on which a made-up gain is lost."""
_SIMILAR = (0.5, 2.0)
"""Share of its steps that the original takes on inputs that differ a little, to compare them."""


def followed_inputs(original: Original) -> tuple[int, ...]:
    """A few inputs whose calls are short and end without an exception, spread over their sizes."""
    sizes = {info.index: info.size for info in original.infos}
    fine = [index for index in original.own if not original.raises_on(index)]
    ranked = sorted(fine, key=lambda index: (sizes[index], index))
    chosen: list[int] = []
    left_s = _MOST_CALLS_S
    for index in ranked[:: max(1, -(-len(ranked) // _MOST_INPUTS))]:
        left_s -= original.costs_s[index]
        if left_s >= 0 or not chosen:
            chosen.append(index)
    return tuple(index for index in chosen if original.costs_s[index] <= _MOST_CALL_S)


def find_shortcut(
    after: WorkerSpec, before: WorkerSpec, original: Original, cancel: CancelToken
) -> str | None:
    """Why a gain of the version that `after` runs would not count, or None.

    `before` runs the original; it is only started where something is odd. Raises Cancelled.
    """
    inputs = followed_inputs(original)
    if not inputs:
        return None
    with Crew(cancel) as crew:
        try:
            [found] = crew.together([lambda: follow(crew.start(after), inputs, original)])
        except Refused as refused:
            return str(refused)
        except WorkerDied as error:
            cancel.check()
            return f"start: {error.message}"

        def usual() -> Mapping[int, Steps]:
            try:
                [own] = crew.together([lambda: follow(crew.start(before), inputs, original)])
            except (Refused, WorkerDied):
                cancel.check()
                return {}  # the original can't be followed, so nothing can be said
            return own

        return shortcut(found, usual)


def follow(worker: Worker, inputs: Sequence[int], original: Original) -> dict[int, Steps]:
    """The steps of a version's calls on some inputs. Raises Refused when it does not answer."""
    found = {}
    try:
        loaded = worker.load()
        worker.make_inputs([info.copied for info in original.infos])
        for index in inputs:
            found[index] = worker.steps(index, MOST_STEPS)
    except (CandidateFailed, InputsFailed, WorkerDied) as error:
        raise Refused(f"called with its steps counted: {error.message}") from None
    used = tried(loaded.attempts, *(steps.attempts for steps in found.values()))
    refuse_uses(used, next(iter(original.behaviours.values())))
    return found


def shortcut(after: Mapping[int, Steps], before: Callable[[], Mapping[int, Steps]]) -> str | None:
    """Why the gain doesn't count, or None. `before` gives the original's steps, if needed."""
    kept = _kept(after)
    if not kept and not any(_suspicious(steps) for steps in after.values()):
        return None
    original = before()
    if not original:
        return None
    if kept and not _kept(original):
        first, again = kept[0].same[0], kept[0].same[1]
        return (
            f"keeps state across calls: the same call made again takes {again} steps of the "
            f"interpreter, the first one took {first}"
        )
    known = [index for index in after if _knows(after[index], original[index])]
    if known and len(known) >= _KNOWN * len(after):
        index = known[0]
        return (
            f"made for the given inputs: on input {index} it takes {after[index].same[-1]} steps "
            f"of the interpreter where the original takes {_shown(original[index].same[-1])}; on "
            "inputs that differ a little the gain is lost, or the answer is another one"
        )
    return None


def _shown(count: int) -> str:
    return str(count) if count >= 0 else f"more than {MOST_STEPS}"


def _kept(seen: Mapping[int, Steps]) -> list[Steps]:
    """Inputs whose calls took fewer steps later on; none unless they show it together."""
    first = again = 0
    found = []
    for steps in seen.values():
        if min(steps.same) <= 0:
            continue
        first += steps.same[0]
        again += max(steps.same[1:])
        if max(steps.same[1:]) < _AGAIN * steps.same[0]:
            found.append(steps)
    return found if again < _AGAIN * first else []


def _work(count: int) -> float:
    """Steps as a number: too many to count are more than any."""
    return math.inf if count == -1 else float(count)


def _suspicious(steps: Steps) -> bool:
    """Whether any input that differs a little goes another way than the given one."""
    given = steps.same[-1]
    return given > 0 and any(_work(count) * _SAVES > given for count, _ in steps.other)


def _knows(after: Steps, before: Steps) -> bool:
    """Whether a version saves steps on an input, but next to it nowhere that can be compared."""
    given, usual = after.same[-1], _work(before.same[-1])
    if given <= 0 or usual < _FEW_STEPS or given > _SAVES * usual:
        return False
    compared, lost = 0, 0
    for (mine, its), (theirs, right) in zip(after.other, before.other, strict=False):
        low, high = (share * usual for share in _SIMILAR)
        if theirs == -2 or not low <= _work(theirs) <= high:
            continue
        compared += 1
        wrong = mine == -2 or (mine > 0 and theirs > 0 and its != right)
        lost += wrong or _work(mine) >= max(_AGAIN * min(_work(theirs), MOST_STEPS), given / _SAVES)
    return compared >= 2 and lost >= _LOST * compared
