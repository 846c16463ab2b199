"""What the rules' findings are worth in code that nobody here wrote.

`python -m tools.rules_precision FOLDER [--package NAME] [--rule ID] [--seconds S]`

For each package: its source distribution is fetched with pip and unpacked into FOLDER, all rules
are run over it, and its own tests, and our workload for what they don't reach (rules_workloads/),
are run once while the calls of the functions with findings are captured. Then findings are tried, a
function at a time, those first in which rules with few trials have findings, until twenty of each
rule were tried or none is left: the original against itself, equality on all inputs under two hash
seeds, and some paired fresh processes for time. A finding counts as tried where the original could
be judged; it is good where it was equal and not slower. "Slower" is a mean ratio below 0.97 whose
95 % interval lies below 1.

Each trial is written to benchmarks/rules_trials.jsonl at once; a second call goes on where the
first one stopped. `--write` makes analysis/rules/precision.json of the trials, and lets go of those
whose findings are no longer made.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from analysis.errors import Cancelled, HastenError
from analysis.progress import CancelToken
from analysis.rules.catalogue import all_rules
from analysis.rules.evidence import PRECISION, SCHEMA, Precision
from benchmark_runner.errors import CandidateFailed
from benchmark_runner.verify import FunctionBench
from benchmark_runner.workload import CapturedInputs, FunctionWorkload, Inputs, Version
from tools.rules_bundles import (
    Bundle,
    Place,
    capture,
    environment,
    inputs_of,
    places_in,
    unpacked,
)
from tools.rules_packages import PACKAGES

TRIALS = Path(__file__).parent.parent / "benchmarks" / "rules_trials.jsonl"
WANTED = 20
ATTEMPTS = 60
"""Of a rule, findings that are begun; those that have no inputs at all are not counted."""
PAIRS = 5
SLOWER = math.log(0.97)
FUNCTION_S, TRIAL_S = 20.0, 8.0
"""A function that takes longer than this to judge, and so much more for each finding, is left;
`--patience` multiplies both, for packages that are slow to import."""
TOO_SLOW = "too slow"
_T_95 = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571}


@dataclass
class Trial:
    """What came of one finding; `ratio` is the mean of the pairs, with its 95 % interval."""

    key: str
    rule: str
    package: str
    file: str
    function: str
    tried: bool = False
    equal: bool = False
    not_slower: bool = False
    inputs: str = ""
    reason: str = ""
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    seconds: float = 0.0


def tried(
    bundle: Bundle, places: Sequence[Place], others: Sequence[Place], patience: float
) -> Iterator[Trial]:
    """Try findings of one function on one bench: its original is judged once for all of them.

    Where it can't be judged, that is told of its `others` too: they were begun, and would end so.
    """
    first = places[0]
    inputs = inputs_of(bundle, first)
    text = first.path.read_text("utf-8", "replace")
    before = Version.of({first.path: text})
    workload = FunctionWorkload(first.path, first.function, before, inputs)

    def begun(place: Place) -> Trial:
        file = place.path.relative_to(bundle.root).as_posix()
        trial = Trial(place.key, place.finding.rule, place.package, file, place.function)
        trial.inputs = _source(inputs)
        return trial

    trials = [begun(place) for place in places]
    judged = False
    started = time.perf_counter()
    cancel = CancelToken()
    limit = threading.Timer(patience * (FUNCTION_S + TRIAL_S * len(places)), cancel.cancel)
    limit.start()
    try:
        with FunctionBench(workload, python=bundle.python, cancel=cancel) as bench:
            bench.prepare()
            judged = True
            for place, trial in zip(places, trials, strict=True):
                after = Version.of({first.path: place.finding.edit.apply(text)})
                _judge(bench, before, after, trial)
                trial.seconds = round(time.perf_counter() - started, 2)
                yield trial
                started = time.perf_counter()
    except (HastenError, Cancelled) as error:
        why = f"{error.code}: {error.message}" if isinstance(error, HastenError) else TOO_SLOW
        trials += [] if judged else [begun(place) for place in others]
        for trial in trials:
            if not trial.seconds:
                trial.tried, trial.reason = False, why[:300]
                trial.seconds = round(time.perf_counter() - started, 2)
                yield trial
    finally:
        limit.cancel()


def _judge(bench: FunctionBench, before: Version, after: Version, trial: Trial) -> None:
    trial.tried = True
    try:
        verdict = bench.check(after, "rule")
        trial.equal = verdict.equality is not None
        if trial.equal:
            _time(bench, before, after, trial)
            return
        found = verdict.counterexample
        trial.reason = (
            verdict.refused
            or (f"{found.what}: {found.before} / {found.after}" if found else "different")
        )[:300]
    except CandidateFailed as error:
        trial.equal, trial.reason = False, error.message[:300]


def _time(bench: FunctionBench, before: Version, after: Version, trial: Trial) -> None:
    logs: list[float] = []
    for first in range(PAIRS):
        logs += bench.sample(before, after, first=first, count=1, share=1.0)
        if len(logs) >= 3:
            low, high = interval_of(logs)
            if low > SLOWER or high < SLOWER:
                break
    low, high = interval_of(logs)
    mean = statistics.fmean(logs)
    trial.ratio = round(math.exp(mean), 4)
    trial.interval = (round(math.exp(low), 4), round(math.exp(high), 4))
    trial.not_slower = not (mean < SLOWER and high < 0)
    if not trial.not_slower:
        trial.reason = "slower"


def interval_of(logs: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean log-ratio, by Student's t."""
    mean = statistics.fmean(logs)
    half = _T_95.get(len(logs) - 1, 12.706) * statistics.stdev(logs) / math.sqrt(len(logs))
    return mean - half, mean + half


def read_trials(file: Path) -> dict[str, Trial]:
    """The trials made so far, by key."""
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]
    return {row["key"]: Trial(**row) for row in rows}


def try_rules(
    bundles: dict[str, Bundle], file: Path, rules: Sequence[str], end: float, patience: float = 1.0
) -> None:
    """Try findings until each rule has enough, until `end`.

    First come functions with findings of rules that have few, or that lack few.

    Several may share one file, each with packages of its own: it is read again at every step.
    """
    known, slow_s = read_trials(file), patience * FUNCTION_S
    waiting: defaultdict[tuple[str, Path, str], list[Place]] = defaultdict(list)
    left: Counter[str] = Counter()
    for bundle in bundles.values():
        for place in bundle.places:
            rule = place.finding.rule
            if (not rules or rule in rules) and _is_open(
                known.get(place.key), bundle, place, slow_s
            ):
                waiting[place.package, place.path, place.function].append(place)
                left[rule] += 1
    took: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for trial in known.values():
        took[trial.package, trial.inputs].append(trial.seconds)
    done: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    started: Counter[tuple[str, str]] = Counter()
    judged: Counter[tuple[str, str]] = Counter()
    source = {
        key: (key[0], _source(inputs_of(bundles[key[0]], places[0])))
        for key, places in waiting.items()
    }

    def wanted(places: Sequence[Place]) -> list[Place]:
        """One finding of each rule that needs more."""
        first = {p.finding.rule: p for p in reversed(places)}
        return [p for r, p in first.items() if done[r] < WANTED and spent[r] < ATTEMPTS]

    def worth(key: tuple[str, Path, str]) -> float:
        rarity = sum(
            1 / (1 + done[p.finding.rule]) ** 2
            + 1 / (1 + WANTED - done[p.finding.rule])
            + 1 / (5 + left[p.finding.rule])
            for p in wanted(waiting[key])
        )
        # slow imports cost others their turn
        seconds = statistics.fmean([4.0, *took[source[key]][-8:]])
        hope = (judged[source[key]] + 1) / (started[source[key]] + 2)
        return rarity * (hope / 4 if waiting[key][0].key in known else hope) / seconds

    while waiting and time.monotonic() < end:
        known = read_trials(file)
        done = Counter(trial.rule for trial in known.values() if trial.tried)
        spent = Counter(trial.rule for trial in known.values() if trial.seconds >= 1)
        started = Counter((trial.package, trial.inputs) for trial in known.values())
        judged = Counter((trial.package, trial.inputs) for trial in known.values() if trial.tried)
        key = max(waiting, key=worth)
        places = waiting.pop(key)
        chosen = wanted(places)
        if not chosen:
            break
        rest = [place for place in places if place not in chosen]
        told: set[str] = set()
        for trial in tried(bundles[key[0]], chosen, rest, patience):
            took[source[key]].append(trial.seconds)
            for folder in (bundles[key[0]].root, bundles[key[0]].python.parents[1]):
                trial.reason = trial.reason.replace(str(folder), "")
            trial.reason = trial.reason[:120]
            with file.open("a") as out:
                out.write(json.dumps(asdict(trial)) + "\n")
            told.add(trial.key)
        waiting[key] = [place for place in rest if place.key not in told]
        if not waiting[key]:
            del waiting[key]
        print(f"{sum(done.values())} tried; {key[0]} {key[2]}", flush=True)


def _is_open(was: Trial | None, bundle: Bundle, place: Place, slow_s: float) -> bool:
    """Whether a finding is to be tried: never begun, or with more time or calls than then."""
    if was is None or was.tried:
        return was is None
    if was.reason == TOO_SLOW:
        return was.seconds < slow_s
    return was.inputs == "generated" and _source(inputs_of(bundle, place)) == "captured"


def _source(inputs: Inputs) -> str:
    return "captured" if isinstance(inputs, CapturedInputs) else "generated"


def write_table(bundles: dict[str, Bundle], file: Path) -> None:
    """analysis/rules/precision.json of all trials; those of findings that are no longer made go."""
    found: Counter[str] = Counter()
    keys: set[str] = set()
    for bundle in bundles.values():
        for place in bundle.places:
            found[place.finding.rule] += 1
            keys.add(place.key)
    trials = [trial for trial in read_trials(file).values() if trial.key in keys]
    whole = file.with_suffix(".new")
    whole.write_text("".join(json.dumps(asdict(trial)) + "\n" for trial in trials), "utf-8")
    whole.replace(file)
    rows = []
    for rule in all_rules():
        if "python" not in rule.languages:
            continue
        begun = [t for t in trials if t.rule == rule.id]
        own = [t for t in begun if t.tried]
        rows.append(
            Precision(
                rule=rule.id,
                found=found[rule.id],
                tried=len(own),
                equal=sum(t.equal for t in own),
                not_slower=sum(t.not_slower for t in own),
                good=sum(t.equal and t.not_slower for t in own),
                begun=len(begun),
            )
        )
    table = {
        "schema": SCHEMA,
        "measured": time.strftime("%Y-%m-%d"),
        "python": f"cpython-{sys.version_info.major}.{sys.version_info.minor}",
        "packages": [f"{b.package.name} {b.package.version}" for b in bundles.values()],
        "rules": [asdict(row) for row in rows],
    }
    PRECISION.write_text(json.dumps(table, indent=1) + "\n", "utf-8")


def main() -> int:
    """Prepare the packages, try the rules, write the table if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a scratch folder; filled, never emptied")
    parser.add_argument("--package", action="append", default=[], help="default: all")
    parser.add_argument("--rule", action="append", default=[], help="default: all")
    parser.add_argument("--seconds", type=float, default=120.0, help="of a package's tests")
    parser.add_argument("--minutes", type=float, default=120.0, help="to try findings for")
    parser.add_argument("--patience", type=float, default=1.0, help="times the usual for a trial")
    parser.add_argument("--trials", type=Path, default=TRIALS, help="default: benchmarks/")
    parser.add_argument("--write", action="store_true", help="write analysis/rules/precision.json")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    bundles = {}
    for package in PACKAGES:
        if options.package and package.name not in options.package:
            continue
        bundle = Bundle(
            package, unpacked(package, folder), environment(package, folder),
            folder / "captures" / package.name,
        )  # fmt: skip
        bundle.places = list(places_in(package, bundle.root))
        print(f"{package.name}: {len(bundle.places)} findings", flush=True)
        capture(bundle, options.seconds)
        bundles[package.name] = bundle
    if not options.write:
        end = time.monotonic() + 60 * options.minutes
        try_rules(bundles, options.trials, options.rule, end, options.patience)
    else:
        write_table(bundles, options.trials)
    return 0


if __name__ == "__main__":
    sys.exit(main())
