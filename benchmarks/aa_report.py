"""The tables of benchmarks/aa.py, from the rows of its log."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmark_runner.measuring.rates import clopper_pearson

Row = Mapping[str, Any]
SHORT_S = 5e-3
PHASES = ("timing", "confirmation")


def _rate(k: int, n: int) -> str:
    low, high = clopper_pearson(k, n)
    return f"{k:4} of {n:4}  {100 * k / n:5.1f} %  ({100 * low:4.1f} to {100 * high:5.1f})"


def _phase_s(row: Row) -> float:
    return sum(row["stages"].get(name, 0.0) for name in PHASES)


def _p90(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]


def _claims(rows: Sequence[Row], name: str) -> str:
    timed = [row for row in rows if row["ratio"] is not None]
    covered = sum(row["low"] <= row["truth"] <= row["high"] for row in timed)
    middle = statistics.median(row["ratio"] for row in timed) if timed else float("nan")
    others: dict[str, int] = {}
    for row in rows:
        if row["decision"] != "faster":
            others[row["decision"]] = others.get(row["decision"], 0) + 1
    told = ", ".join(f"{word} {count}" for word, count in sorted(others.items()))
    k = sum(row["decision"] == "faster" for row in rows)
    return (
        f"{name:12} {_rate(k, len(rows))}  {covered:4} of {len(timed):4} {middle:9.3f} "
        f"{statistics.median(row['seconds'] for row in rows):8.2f}  {told}"
    )


def print_claims(rows: Iterable[Row]) -> None:
    """P(faster) with one-sided 95 % bounds (Clopper-Pearson), by true gain and kind."""
    hasten = [row for row in rows if row["tool"] == "hasten"]
    for gain in sorted({row["gain"] for row in hasten}):
        here = [row for row in hasten if row["gain"] == gain]
        print(f"\ntrue gain {gain:.2f}x")
        print(f"{'':12} {'faster':>12}           one-sided 95 %    covered     estimate  seconds")
        for kind in dict.fromkeys(row["kind"] for row in here):
            print(_claims([row for row in here if row["kind"] == kind], kind))
        print(_claims(here, "all"))


def print_seconds(rows: Iterable[Row]) -> None:
    """The timing phase of short calls, and where the whole time goes."""
    hasten = [row for row in rows if row["tool"] == "hasten" and row["stages"]]
    if not hasten:
        return
    print("\ntiming phase (timing + confirmation), seconds, calls under 5 ms")
    for gain in sorted({row["gain"] for row in hasten}):
        took = [_phase_s(r) for r in hasten if r["gain"] == gain and r["call_s"] < SHORT_S]
        if took:
            print(
                f"  {gain:.2f}x  median {statistics.median(took):.2f}  p90 {_p90(took):.2f}  "
                f"(of {len(took)})"
            )
    print("\nwhole seconds by stage (median, p90)")
    names = dict.fromkeys(name for row in hasten for name in row["stages"])
    for name in names:
        took = [row["stages"][name] for row in hasten if name in row["stages"]]
        print(f"  {name:14} {statistics.median(took):6.2f} {_p90(took):6.2f}  (of {len(took)})")
    whole = [row["seconds"] for row in hasten]
    print(f"  {'whole proof':14} {statistics.median(whole):6.2f} {_p90(whole):6.2f}")
    loads = [row["load"] for row in hasten]
    print(f"load average: median {statistics.median(loads):.1f}, most {max(loads):.1f}")


def print_peers(rows: Sequence[Row]) -> None:
    """P(faster) of every tool's rule on the pairs that all of them have judged."""
    tools = dict.fromkeys(row["tool"] for row in rows)
    if len(tools) < 2:
        return
    judged = {
        tool: {(r["kind"], r["gain"], r["number"]) for r in rows if r["tool"] == tool}
        for tool in tools
    }
    shared = set.intersection(*judged.values())
    gains = sorted({gain for _, gain, _ in shared})
    print("\nthe same pairs under the same load: share called faster, median seconds for a pair")
    heads = "".join(
        f"{f'{gain:.2f}x ({sum(g == gain for _, g, _ in shared)})':>14}" for gain in gains
    )
    print(f"{'tool and rule':30}{heads}{'seconds':>10}")
    for tool in tools:
        own = [
            r for r in rows if r["tool"] == tool and (r["kind"], r["gain"], r["number"]) in shared
        ]
        seconds = statistics.median(row["seconds"] for row in own) if own else float("nan")
        for rule in dict.fromkeys(rule for row in own for rule in row["faster"]):
            cells = []
            for gain in gains:
                said = [row["faster"][rule] for row in own if row["gain"] == gain]
                cells.append(f"{100 * sum(said) / len(said):12.1f} %")
            print(f"{f'{tool}: {rule}':30}{''.join(cells)}{seconds:10.2f}")
