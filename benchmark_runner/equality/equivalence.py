"""Differential equivalence: what the original did, call by call, and whether a candidate does it.

All calls of one *script* are made in one worker per hash seed, in the order of the inputs' sizes,
so that the first difference is on the smallest input. The original's observations never enter a
candidate's process; they are compared here, as bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmark_runner.equality.imported import same_output
from benchmark_runner.errors import CandidateFailed, InputsFailed, WorkerDied
from benchmark_runner.receipt import Counterexample
from benchmark_runner.sandbox.needs import not_as_original
from benchmark_runner.worker import canonical, harness
from benchmark_runner.worker.supervisor import (
    Attempts,
    InputInfo,
    Loaded,
    Mode,
    Observation,
    Worker,
)

HASH_SEEDS = (0, 1)
"""PYTHONHASHSEED of the workers: an order that leaks from a set differs between them."""
_FULL = 12
"""Inputs that are observed with globals, and once more with the first result changed in place."""
_ORDERED = 3
"""Inputs on which the order of output and changes of arguments is observed, if they write."""
_CHAINED = 4
"""Inputs from which several calls are made on the same object, if the first one changes it."""
_IDLE_S = 0.06
_IDLE_SHARE = 0.25

_LASTING = ("read", "write", "introspection", "ctypes")

Call = tuple[int, Mode]
Script = tuple[Call, ...]


@dataclass(frozen=True)
class Behaviour:
    """What a version did in one worker. `remembers` names state that the calls changed."""

    loaded: Loaded
    infos: tuple[InputInfo, ...]
    seen: Mapping[Call, Observation]
    remembers: frozenset[str]
    attempts: frozenset[tuple[str, str]]
    settings: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What is told of a version that is equal: differences that are none by our rules."""
    numbers: bool = True
    """Whether the numbers in what it writes at import are the same in every run."""

    def cores(self) -> dict[int, bytes]:
        """Digests of outcome and arguments by input, which timed calls must repeat."""
        return {i: seen.core for (i, mode), seen in self.seen.items() if mode in ("full", "light")}


@dataclass(frozen=True)
class Difference:
    """Where a candidate departs from the original; `rounding` when only in the last places."""

    call: Call
    what: str
    before: str
    after: str
    max_relative: float = 0.0
    max_ulp: int = 0
    rounding: bool = False
    part: str = ""
    """Which part of the observation: "outcome", "arguments", "globals" ..."""
    sequence: tuple[int, ...] = ()
    """The inputs that had been called with, in order, where it takes a sequence of calls."""


class Refused(Exception):
    """The candidate is not compared any further; the text says why, with the stage."""


class Differs(Exception):
    """The candidate behaves differently."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.what)
        self.difference = difference


def script_of(infos: Sequence[InputInfo]) -> list[Call]:
    """The first calls to make: each input once, small ones first and with globals."""
    ranked = sorted(infos, key=lambda info: (info.size, info.index))
    full = [i.index for i in ranked if not i.extra][:_FULL]
    full += [i.index for i in ranked if i.extra][:_FULL]
    return [(info.index, "full" if info.index in full else "light") for info in ranked]


def further_calls(seen: Mapping[Call, Observation]) -> list[Call]:
    """More calls on some inputs: the result changed in place between two, iterators left early."""
    more: list[Call] = []
    written = chains = 0
    for (index, mode), observation in seen.items():
        if mode == "full" and "output" in observation.marks and written < _ORDERED:
            written += 1
            more.append((index, "order"))
        if mode != "full" or observation.kind == "raise":
            continue
        if "changed" in observation.marks and chains < _CHAINED:
            chains += 1
            more.append((index, "chain"))
        more.append((index, "twice"))
        if observation.rng:
            more.append((index, "unseeded"))
        if observation.kind == "iterator":
            more.append((index, "partial"))
    return more


def notes_on(before: Observation, after: Observation) -> Iterator[str]:
    """What two equal observations differ in without being told apart by the comparison."""
    ours, theirs = before.marks, after.marks
    if ours.get("context") != theirs.get("context"):
        shown = (seen.get("context", ("nothing",))[0] for seen in (ours, theirs))
        yield "an exception is raised while handling {}, now while handling {}".format(*shown)
    if ours.get("layout") != theirs.get("layout"):
        yield "an array of the same content lies in another order in memory (C or F, or strided)"


def unseen(observations: Iterable[Observation]) -> list[str]:
    """What of these observations nothing can be said about, in words."""
    opaque, capped = {}, {}
    for seen in observations:
        opaque.update(dict.fromkeys(seen.marks.get("opaque", ())))
        capped.update(dict.fromkeys(seen.marks.get("capped", ())))
    notes = [f"compared no further than {name}" for name in capped]
    if opaque:
        notes.append(f"compared by their type only: {', '.join(opaque)}")
    return notes


def unencodable(observation: Observation) -> str | None:
    """Why a call's outcome can't be compared at all, or None."""
    if len(observation.payload) > 4096:
        return None
    outcome = canonical.parts_of(observation.payload).get("outcome")
    if outcome is None or len(outcome.children) < 2 or outcome.children[0].value != "unencodable":
        return None
    return str(outcome.children[1].value)


def changed(before: bytes, after: bytes) -> frozenset[str]:
    """Names whose state is not as it was. A module that is new says nothing, a new name does."""
    old, new = harness.decode_plain(before), harness.decode_plain(after)
    modules = {name.partition(":")[0] for name in old}
    return frozenset(
        name
        for name in set(old) | set(new)
        if old.get(name) != new.get(name) and (name in old or name.partition(":")[0] in modules)
    )


_SETTINGS = ("recursion limit", "gc enabled", "gc threshold", "threads", "trace", "profile")


def settings_of(state: bytes) -> dict[str, object]:
    """The settings of the process in a worker's state, which an import must leave alone."""
    told = harness.decode_plain(state)
    return {name: told.get(f"process {name}") for name in (*_SETTINGS, "switch interval")}


def _refuse_settings(state: bytes, original: Behaviour) -> None:
    """Refuse a version whose import sets the interpreter up otherwise, which is no gain."""
    own = settings_of(state)
    for name, value in original.settings.items():
        if own.get(name) != value:
            raise Refused(
                f"import: it changes a setting of the process that the original leaves alone: "
                f"{name}: {value}, now {own.get(name)}"
            )


def tried(*attempts: Attempts) -> frozenset[tuple[str, str]]:
    """What was tried; details only of kinds whose details are the same in each run.

    Without them (an address, a command line) the kind as a whole is what an original needs.
    """
    return frozenset(
        (kind, detail if kind in _LASTING else "") for group in attempts for kind, detail in group
    )


def raised(observation: Observation) -> str | None:
    """The name of the exception type that a call ended with, or None."""
    outcome = canonical.parts_of(observation.payload).get("outcome")
    if observation.kind != "raise" or outcome is None or len(outcome.children) < 2:
        return None
    return str(outcome.children[1].value)


def compare(
    call: Call, before: Observation, after: Observation, rounding: float | None = None
) -> Difference | None:
    """How two observations of the same call differ; None when they are the same."""
    if before.payload == after.payload and before.core == after.core:
        return None
    most = canonical.MOST_RELATIVE if rounding is None else rounding
    try:
        found = canonical.compare(before.payload, after.payload, most_relative=most)
        texts = [canonical.outcome_text(seen.payload) for seen in (before, after)]
    except canonical.Malformed as error:
        raise Refused(f"its answer is malformed: {error}") from None
    if found.level == "exact":
        # Too large to be sent whole: then only the digests tell.
        found = canonical.Difference("different", "outcome", "result", what="value")
    if rounding is not None and found.part == "first":
        return None  # the digest of what mode full has compared on this input
    if found.part != "outcome":
        texts = [found.before, found.after]
    return Difference(
        call=call,
        what=_what(found),
        before=texts[0],
        after=texts[1],
        max_relative=found.max_relative,
        max_ulp=found.max_ulp,
        rounding=found.level == "rounding",
        part=found.part.removesuffix(" alone"),
    )


_PARTS = {
    "outcome": "",
    "arguments": "arguments after the call: ",
    "output": "output: ",
    "rng": "state of the random number generator (rng): ",
    "warnings": "warnings: ",
    "globals": "globals: ",
    "process": "process settings: ",
    "first": "",
    "unstarted": "an iterator that is closed before its first item: ",
    "steps": "calls one after the other on the same object: ",
    "order": "order of output and other effects: ",
}


def _what(found: canonical.Difference) -> str:
    """Which observation differs, in words: "result[2]: value"."""
    if found.part.endswith(" alone"):  # of an observation that is too large to be sent
        return f"{_PARTS.get(found.part[:-6], '') or 'result: '}value"
    if found.path in ("", "outcome"):
        return f"{_PARTS.get(found.part, '')}kind of outcome"
    if found.path == found.part:
        return f"{_PARTS.get(found.part, '')}{found.what}"
    return f"{_PARTS.get(found.part, '')}{found.path}: {found.what}"


def observe_candidate(
    worker: Worker,
    script: Script,
    original: Behaviour,
    *,
    slowest_s: float,
    rounding: float | None,
) -> tuple[Behaviour, list[Difference]]:
    """Load a candidate and make the script's calls, comparing each with the original's.

    Returns its behaviour and the differences in rounding. Raises Differs and Refused.
    """
    loaded, infos = _load(worker, original)
    state = worker.state()
    _refuse_settings(state, original)
    seen: dict[Call, Observation] = {}
    roundings: list[Difference] = []
    notes: dict[str, None] = {}
    remembers: frozenset[str] = frozenset()
    for call in script:
        observation = _observe(worker, call, infos, slowest_s)
        seen[call] = observation
        refuse_uses(tried(loaded.attempts, observation.attempts), original)
        found = compare(call, original.seen[call], observation, rounding)
        if found is None:
            notes.update(dict.fromkeys(notes_on(original.seen[call], observation)))
            continue
        if found.rounding and rounding is not None:
            roundings.append(found)
            continue
        if found.what.startswith((_PARTS["globals"], _PARTS["process"])):
            _refuse_state(worker, state, original)
        raise Differs(found)
    remembers = _refuse_state(worker, state, original)
    try:
        idle = worker.idle(_IDLE_S)
    except WorkerDied as error:
        raise Refused(f"after its calls: {error.message}") from None
    if idle > _IDLE_S * _IDLE_SHARE:
        raise Refused(
            f"goes on working in the background: {idle * 1e3:.0f} ms of CPU in "
            f"{_IDLE_S * 1e3:.0f} ms in which nothing was asked"
        )
    attempts = tried(loaded.attempts, *(observation.attempts for observation in seen.values()))
    told = tuple(notes)
    return Behaviour(loaded, infos, seen, remembers, attempts, notes=told), roundings


def _load(worker: Worker, original: Behaviour) -> tuple[Loaded, tuple[InputInfo, ...]]:
    """Import the candidate and make its inputs. Raises Refused with the stage."""
    try:
        loaded = worker.load()
    except CandidateFailed as error:
        raise Refused(f"{error.stage}: {error.message}") from None
    except WorkerDied as error:
        raise Refused(f"import: {error.message}") from None
    refuse_uses(tried(loaded.attempts), original)
    if not same_output(loaded, original.loaded, numbers=original.numbers):
        raise Refused("import: it writes other output than the original when it is imported")
    try:
        infos = worker.make_inputs()
    except (InputsFailed, WorkerDied) as error:
        raise Refused(f"inputs: they can't be made with this version: {error.message}") from None
    if [info.digest for info in infos] != [info.digest for info in original.infos]:
        raise Refused("inputs: made with this version they are other values")
    return loaded, infos


def _observe(
    worker: Worker, call: Call, infos: Sequence[InputInfo], slowest_s: float
) -> Observation:
    index, mode = call
    try:
        return worker.observe(index, mode=mode)
    except WorkerDied as error:
        where = f"on input {index}, ({infos[index].call[:120]})"
        if error.code == "timeout":
            raise Refused(
                f"no answer within {worker.spec.limits.call_s:.3g} s {where}; the original's "
                f"slowest call takes {slowest_s:.3g} s"
            ) from None
        if error.code == "tried":
            raise Refused(error.message) from None
        raise Refused(f"{error.message}, {where}") from None


def refuse_uses(used: frozenset[tuple[str, str]], original: Behaviour) -> None:
    """Refuse what the original does not need (the policy is the original's own behaviour)."""
    more = sorted(used - original.attempts)
    if more:
        kind, detail = more[0]
        raise Refused(not_as_original(kind, detail))


def _refuse_state(worker: Worker, before: bytes, original: Behaviour) -> frozenset[str]:
    """The state that the calls changed. Raises Refused where the original's calls do not."""
    try:
        remembers = changed(before, worker.state())
    except WorkerDied as error:
        raise Refused(f"after its calls: {error.message}") from None
    more = sorted(remembers - original.remembers)
    if more:
        shown = ", ".join(name.replace(":", ".") for name in more[:3])
        raise Refused(f"keeps state across calls that the original does not: {shown}")
    return remembers


def counterexample(difference: Difference, infos: Sequence[InputInfo], name: str) -> Counterexample:
    """The difference as a person reads it: a call to paste, and both outcomes."""
    index, mode = difference.call
    found = described(difference, {index: infos[index].call}, name)
    if not difference.sequence:
        return replace(found, stage=_STAGES.get(mode) or infos[index].source)
    before = [str(one) for one in difference.sequence[:-1]]
    shown = ", ".join(before[-6:])
    after = f", in a new process after calls on inputs {shown}" if before else ", in a new process"
    return replace(found, what=found.what + after, stage="sequence")


def described(difference: Difference, calls: Mapping[int, str], name: str) -> Counterexample:
    """The same, with the texts of the calls by input."""
    index, mode = difference.call
    extra = {"twice": ", called again after its first result was changed in place"}
    extra["partial"] = ", its iterator closed after one item"
    extra["order"] = ", looked at whenever it writes"
    extra["unseeded"] = ", in a second call without a new seed"
    extra["chain"] = ", then three calls more on what it has changed"
    return Counterexample(
        input=index,
        call=f"{name}({calls[index]})",
        before=difference.before,
        after=difference.after,
        what=difference.what + extra.get(mode, ""),
    )


_STAGES = {
    "twice": "twice",
    "partial": "closed early",
    "order": "order of effects",
    "chain": "sequence",
    "unseeded": "sequence",
}
"""The stages that are no plain call on an input of some source."""
