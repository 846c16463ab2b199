from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from analysis.errors import Cancelled
from analysis.functions import function_named
from analysis.progress import CancelToken, silent
from analysis.text import changes_between, to_replacements
from benchmark_runner.bench import Bench
from benchmark_runner.receipt import Measurement, Verdict
from benchmark_runner.workload import Version
from optimizer.combine import BenchJudge, Combination, merge, prove_together
from optimizer.suggestion import Suggestion
from tests.optimizer.made import receipt, suggestion

PATH = "/w/m.py"
TEXT = "import os\n" + "".join(f"\n\ndef {name}(x):\n    return x\n" for name in "fgh")


def made(function: str, after: str) -> Suggestion:
    found = function_named(TEXT, PATH, function)
    assert found is not None
    return replace(
        suggestion(function, path=PATH, function=function),
        fingerprint=found.fingerprint,
        replacements=to_replacements(TEXT, changes_between(TEXT, after)),
    )


def faster(function: str, new: str = "    return 0 + x\n", above: str = "") -> Suggestion:
    at = TEXT.index(f"def {function}(x):\n") + len(f"def {function}(x):\n")
    after = TEXT[:at] + new + TEXT[at + len("    return x\n") :]
    return made(function, after.replace("import os\n", f"import os\n{above}"))


F, G, H = faster("f"), faster("g"), faster("h")


def test_edits_of_one_file_are_applied_together() -> None:
    found = merge([G, F], {PATH: TEXT})
    assert found.texts[PATH].count("return 0 + x") == 2
    assert found.originals == {PATH: TEXT}


def test_an_import_that_two_edits_need_is_added_once() -> None:
    found = merge(
        [faster("f", above="import bisect\n"), faster("g", above="import bisect\n")], {PATH: TEXT}
    )
    assert found.texts[PATH].count("import bisect") == 1
    assert len(found.suggestions) == 2


def test_edits_of_the_same_lines_are_not_combined() -> None:
    found = merge([F, faster("f", "    return x + 0\n")], {PATH: TEXT})
    assert found.suggestions == [F]
    assert [(r.function, r.stage) for r in found.rejected] == [("f", "combination")]


def test_a_member_that_breaks_is_left_out_and_the_rest_is_proved_again() -> None:
    asked: list[tuple[str, int]] = []

    def judge(one: Suggestion, all_: Combination) -> str | None:
        asked.append((one.function, len(all_.suggestions)))
        return "slower" if one.function == "g" else None

    found = prove_together([F, G, H], {PATH: TEXT}, judge, silent, CancelToken())
    assert [s.function for s in found.suggestions] == ["f", "h"]
    assert asked == [("f", 3), ("g", 3), ("f", 2), ("h", 2)]
    assert found.texts[PATH].count("return 0 + x") == 2
    assert [(r.function, r.reason) for r in found.rejected] == [
        ("g", "with the other edits: slower")
    ]


def test_one_alone_is_not_proved_again() -> None:
    found = prove_together([F], {PATH: TEXT}, lambda s, c: "never asked", silent, CancelToken())
    assert found.suggestions == [F]


def test_cancel_is_heard_between_members() -> None:
    cancel = CancelToken()

    def judge(one: Suggestion, all_: Combination) -> str | None:
        cancel.cancel()
        return None

    with pytest.raises(Cancelled):
        prove_together([F, G], {PATH: TEXT}, judge, silent, cancel)


class Whole:
    """A bench that times a whole file: seconds by the number of edited functions."""

    before = Version.of({Path(PATH): TEXT})

    def __init__(self) -> None:
        self.compared: list[tuple[int, int]] = []

    def check(self, after: Version, origin: str) -> Verdict:
        return Verdict("exact")

    def measure(self, before: Version, after: Version) -> Measurement:
        pair = [v.text_of(Path(PATH)) or "" for v in (before, after)]
        self.compared.append((pair[0].count("0 + x"), pair[1].count("0 + x")))
        measured = receipt().measurement
        assert measured is not None
        return measured


def test_a_member_is_timed_against_the_others_where_a_bench_times_all_of_them() -> None:
    for whole, base in ((frozenset({"f", "g"}), 1), (frozenset[str](), 0)):
        bench = Whole()
        benches = cast("dict[str, Bench]", {"f": bench, "g": bench})
        judge = BenchJudge(benches, ((PATH, TEXT),), whole)
        found = prove_together([F, G], {PATH: TEXT}, judge, silent, CancelToken())
        assert len(found.suggestions) == 2
        assert bench.compared == [(base, 2), (base, 2)]
