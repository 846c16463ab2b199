"""What the rewrite rules gain, by interpreter and size.

    python -m benchmarks.rules [--python PATH]...
    python -m benchmarks.rules --aa 20 [--python PATH]...
    python -m benchmarks.rules --page

The first form measures two known findings on every CPython 3.9 to 3.13 that is found here: ruff's
rewrites PERF401 (append in a loop to `extend` of a generator) and PERF403 (items in a loop to
`update` of a comprehension) make code slower on short lists (ruff's issues 21891 and 21890). Peers
in the same run: our own rules for such loops, append-loop-extend and item-loop-comprehension, which
`hasten rules` does not hint on an interpreter where they lose.

The second form measures identical code: of each of so many cases the text before the edit against a
copy with another comment. It prints how many of the 95 % intervals leave 1 out, and how many would
count as a gain or a loss.

The third form writes docs/rules/gains.md from the table that ships (analysis/rules/evidence.json),
which `make rules-table` measures.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from analysis.rules.cases import Case, Measure, all_cases
from analysis.rules.evidence import SHIPPED, Evidence, Gain, Table, read_table
from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.measuring.rates import clopper_pearson
from benchmark_runner.rule_gains.run import jobs_for, measure_one
from benchmark_runner.rule_gains.targets import PYTHON, Target, all_targets, python_target

PAGE = Path(__file__).parent.parent / "docs" / "rules" / "gains.md"
_HEAD = """\
# What the rules gain

This page is made from `analysis/rules/evidence.json` by `python -m benchmarks.rules --page`; a
test checks that it is current. `make rules-table` measures the table, and `hasten rules measure`
does so on another machine, where its rows count before what ships.

Every case of a rule (`analysis/rules/cases/`, `analysis/languages/*/rules/cases/`) is run before
and after the edit on inputs of three sizes, in 5 or 8 pairs of fresh processes that take turns. A
number is the time before by the time after: above 1 is faster. **Bold** is faster for sure (the
95 % interval lies above 1, and the ratio is 1.03 at least), ~~struck~~ is slower for sure, all
others may be noise. For programs (C, C++, JavaScript) what starting them takes is taken off.
`hasten rules explain ID` shows the intervals.

"""
_FLAT = """\
def flat(n):
    found = []
    for size in range(n):
        {}
    return found
"""
_LAST = """\
def last(n):
    found = {{}}
    for size in range(n):
        {}
    return found
"""
_LOOP = "for i in range(size):\n            "
_RUFF = (
    (
        "ruff PERF401: extend(str(i) for i in ...)",
        _FLAT.format(_LOOP + "found.append(str(i))"),
        _FLAT.format("found.extend(str(i) for i in range(size))"),
        "flat(n)",
    ),
    (
        "ruff PERF401: extend(i for i in ...)",
        _FLAT.format(_LOOP + "found.append(i)"),
        _FLAT.format("found.extend(i for i in range(size))"),
        "flat(n)",
    ),
    (
        "ruff PERF403: update({i: j for ...})",
        _LAST.format("for i, j in zip(range(size), range(size)):\n            found[i] = j"),
        _LAST.format("found.update({i: j for i, j in zip(range(size), range(size))})"),
        "last(n)",
    ),
)
_SIZES = (2, 4, 8)
_OWN = ("append-loop-extend", "item-loop-comprehension")


def ruff_cases() -> Iterable[Case]:
    """The rewrites of the two issues, on lists of up to 1, 3 and 7 elements."""
    for name, before, after, line in _RUFF:
        measure = Measure(_SIZES, (line,))
        yield Case(Path(name), name, name, PYTHON, ".py", before, after, "", (), (), measure)


def compare(targets: Sequence[Target]) -> None:
    """Measure the findings and print them beside our rules."""
    own = [case for case in all_cases() if case.rule in _OWN and case.language == PYTHON]
    print(f"{'':44} {'n':>6} " + " ".join(f"{target.name:>14}" for target in targets))
    for case in (*ruff_cases(), *own):
        rows: dict[int, list[str]] = {}
        for target in targets:
            for job in jobs_for([case], [target]):
                outcome = measure_one(job)
                gains = {gain.size: gain for gain in outcome.gains}
                for size in job.measure.sizes:
                    rows.setdefault(size, []).append(_shown(gains.get(size)))
        for size, cells in rows.items():
            print(f"{case.name:44} {size:6} " + " ".join(f"{cell:>14}" for cell in cells))


def identical(targets: Sequence[Target], count: int) -> None:
    """Measure cases against copies of themselves, and print what would be claimed of them."""
    every = [case for case in all_cases() if case.language == PYTHON]
    cases = every[:: max(1, len(every) // count)][:count]
    gains: list[Gain] = []
    started = time.perf_counter()
    for case in cases:
        copy = replace(case, after=f"{case.before}\n# the same\n")
        for job in jobs_for([copy], targets):
            gains += measure_one(job).gains
    out = sum(not gain.low <= 1 <= gain.high for gain in gains)
    most = clopper_pearson(out, len(gains))[1]
    claimed = sum(gain.faster or gain.slower for gain in gains)
    seconds = (time.perf_counter() - started) / max(1, len(gains))
    print(f"{len(gains)} readings of identical code, {seconds:.1f} s each")
    print(f"1 lies outside of the interval in {out / len(gains):.1%} (at most {most:.1%}, 95 %)")
    print(f"gains and losses by the rule of the table: {claimed}")
    print(f"the ratio farthest from 1: {max(abs(gain.ratio - 1) for gain in gains):.1%}")


def _shown(gain: Gain | None) -> str:
    if gain is None or not gain.equal:
        return "-"
    return f"{gain.ratio:.2f} ±{(gain.high - gain.low) / 2:.2f}"


def render(table: Table) -> str:
    """The page as text."""
    if not table.gains:
        return _HEAD + "Nothing was measured yet.\n"
    machine = table.machine
    versions = ", ".join(f"{name} ({table.targets.get(name, '?')})" for name in _names(table))
    where = (
        f"Measured until {table.measured} on {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['platform']}, Linux {machine['kernel']}: {versions}.\n\n"
    )
    pythons = [name for name in _names(table) if name.startswith("cpython-")]
    others = [name for name in _names(table) if name not in pythons]
    parts = [_HEAD, where, _standings(table), _section("Python", table, pythons)]
    parts += [_section(name, table, [name]) for name in others]
    return "\n".join(part for part in parts if part).replace("\n\n\n", "\n\n")


def _names(table: Table) -> list[str]:
    """Targets, those of one tool together, the older version first."""

    def key(name: str) -> tuple[str, list[int]]:
        tool, _, version = name.rpartition("-")
        return tool, [int(part) for part in version.split(".") if part.isdigit()]

    return sorted({gain.target for gain in table.gains}, key=key)


def _standings(table: Table) -> str:
    """Which rules are not hinted where, and where they lose at some sizes."""
    lines = ["| on | wins | mixed | loses: not hinted there |", "|---|---|---|---|"]
    for name in _names(table):
        own = [gain for gain in table.gains if gain.target == name]
        evidence = Evidence(own, ())
        by: dict[str, list[str]] = {"wins": [], "mixed": [], "loses": []}
        for rule in sorted({gain.rule for gain in own}):
            by[evidence.standing(rule)].append(rule)
        loses = ", ".join(by["loses"]) or "none"
        lines.append(f"| {name} | {len(by['wins'])} | {', '.join(by['mixed'])} | {loses} |")
    return "\n".join(lines) + "\n"


def _section(title: str, table: Table, names: Sequence[str]) -> str:
    cells = {
        (gain.case, gain.size, gain.target): _cell(gain)
        for gain in table.gains
        if gain.target in names
    }
    if not cells:
        return ""
    rows = sorted({(case, size) for case, size, _ in cells})
    heads = " | ".join(name.removeprefix("cpython-") for name in names)
    lines = [f"| case | n | {heads} |", "|---|---:|" + "---:|" * len(names)]
    for case, size in rows:
        values = " | ".join(cells.get((case, size, name), "") for name in names)
        lines.append(f"| {case} | {size} | {values} |")
    return f"\n## {title}\n\n" + "\n".join(lines) + "\n"


def _cell(gain: Gain) -> str:
    if not gain.equal:
        return "not equal"
    text = f"{gain.ratio:.3g}" if gain.ratio >= 10 else f"{gain.ratio:.2f}"
    return f"**{text}**" if gain.faster else f"~~{text}~~" if gain.slower else text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--page", action="store_true", help="write docs/rules/gains.md")
    parser.add_argument("--aa", type=int, default=0, metavar="CASES", help="identical code")
    parser.add_argument("--python", action="append", type=Path, default=[])
    arguments = parser.parse_args()
    if arguments.page:
        PAGE.write_text(render(read_table(SHIPPED) if SHIPPED.exists() else Table()), "utf-8")
        return
    own = interpreter_at(Path(sys.executable))
    targets = [python_target(interpreter_at(path.absolute())) for path in arguments.python]
    targets = targets or [target for target in all_targets(own) if target.language == PYTHON]
    if arguments.aa:
        identical(targets, arguments.aa)
    else:
        compare(targets)


if __name__ == "__main__":
    main()
