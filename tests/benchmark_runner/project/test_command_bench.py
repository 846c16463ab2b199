"""Proofs by commands whose numbers are known: the benchmark prints what a file of the tree says."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark_runner.errors import WorkloadError
from benchmark_runner.project.bench import CommandBench
from benchmark_runner.project.copies import Copies, Ran
from benchmark_runner.project.metrics import Metric, Reading
from benchmark_runner.project.original import _repeatable
from benchmark_runner.project.trees import PREFIX
from benchmark_runner.receipt import Receipt
from benchmark_runner.receipts.dependencies import changes_since
from benchmark_runner.sandbox.leftovers import own_folder
from benchmark_runner.workload import CommandWorkload, Origin, Version

FILES = {
    "cost.txt": "sort: 10 ms\njoin: 20 ms\n",
    "answer.txt": "42\n",
    "tests/run.sh": 'test "$(cat answer.txt)" = 42\n',
    "build.sh": "true\n",
}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandWorkload:
    (tmp_path / "runtime").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    tree = tmp_path / "tree"
    for name, text in FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    return CommandWorkload(
        tree, Version(), benchmark=("cat", "cost.txt"), test=("sh", "tests/run.sh")
    )


def prove(work: CommandWorkload, files: dict[str, str], origin: Origin = "user") -> Receipt:
    after = Version.of({work.tree / name: text for name, text in files.items()})
    with CommandBench(work, python=Path(sys.executable)) as bench:
        return bench.prove(after, origin=origin)


def test_a_smaller_number_is_faster_and_each_benchmark_has_its_ratio(work: CommandWorkload):
    receipt = prove(work, {"cost.txt": "sort: 2 ms\njoin: 25 ms\n"})
    assert receipt.decision == "faster", receipt.reason
    measured = receipt.measurement
    assert measured is not None
    assert {t.name: round(t.before_s / t.after_s, 3) for t in measured.inputs} == {
        "sort": 5.0, "join": 0.8,
    }  # fmt: skip
    assert receipt.slower_on == (1,)
    assert receipt.ratio == pytest.approx(2.0)


def test_a_larger_number_is_slower_unless_more_is_better(work: CommandWorkload):
    files = {"cost.txt": "sort: 20 ms\njoin: 40 ms\n"}
    assert prove(work, files).decision == "slower"
    assert prove(replace(work, higher_is_better=True), files).decision == "faster"


def test_a_plain_number_of_a_models_code_needs_shorter_runs(work: CommandWorkload):
    timed = "cat cost.txt; test ! -e longer || sleep 0.02"
    work = replace(work, benchmark=("sh", "-c", timed))
    receipt = prove(work, {"cost.txt": "sort: 1 ms\njoin: 1 ms\n", "longer": ""}, "model")
    assert receipt.decision == "inconclusive"
    assert "own word" in receipt.reason


def test_what_fails_the_tests_is_different(work: CommandWorkload):
    receipt = prove(work, {"answer.txt": "41\n"})
    assert (receipt.decision, receipt.measurement) == ("different", None)
    found = receipt.counterexample
    assert found is not None
    assert (found.call, found.stage) == ("sh tests/run.sh", "tests")


@pytest.mark.parametrize("origin", ["rule", "model"])
def test_a_candidate_that_edits_a_test_is_refused(work: CommandWorkload, origin: Origin):
    receipt = prove(work, {"tests/run.sh": "true\n"}, origin)
    assert receipt.decision == "refused"
    assert "tests/run.sh" in receipt.reason


def test_tests_are_the_originals_whatever_a_setup_does_to_them(work: CommandWorkload):
    """Neither an edited test nor a build that replaces it makes a wrong version pass."""
    work = replace(work, setup=("sh", "build.sh"))
    wrong = {"answer.txt": "41\n", "tests/run.sh": "true\n"}
    assert prove(work, wrong).decision == "different"
    wrong["build.sh"] = "rm -r tests; mkdir tests; echo true > tests/run.sh\n"
    assert prove(work, wrong).decision == "different"
    assert prove(replace(work, own_tests=True), wrong).equality == "exact"


def test_a_benchmark_that_is_gone_or_fails_is_refused(work: CommandWorkload):
    gone = prove(work, {"cost.txt": "sort: 2 ms\n"})
    assert (gone.decision, "'join'" in gone.reason) == ("refused", True)
    other_unit = prove(work, {"cost.txt": "sort: 1 MB\njoin: 2 MB\n"})
    assert other_unit.decision == "refused"
    failing = replace(work, benchmark=("sh", "-c", "cat cost.txt; test ! -e stop"))
    assert "exit code 1" in prove(failing, {"stop": ""}).reason


def test_a_budget_that_is_too_small_leaves_it_open(work: CommandWorkload):
    receipt = prove(replace(work, budget_s=0.0), {"cost.txt": "sort: 2 ms\njoin: 2 ms\n"})
    assert receipt.decision == "inconclusive"
    assert "would decide it" in receipt.reason


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"test": None}, "command-test-missing"),
        ({"test": ("false",)}, "original-failed"),
        ({"setup": ("false",)}, "original-failed"),
        ({"benchmark": ("true",)}, "metric-missing"),
        ({"benchmark": ("no-such-program",)}, "original-failed"),
        ({"timeout_s": 0.2, "test": ("sleep", "60")}, "original-failed"),
    ],
)
def test_an_original_that_can_not_be_judged(
    work: CommandWorkload, change: dict[str, object], code: str
) -> None:
    with pytest.raises(WorkloadError) as caught:
        prove(replace(work, **change), {})  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.mend


def readings(*values: float) -> list[Reading]:
    return [Reading("number", (Metric("a", value),)) for value in values]


def test_numbers_that_vary_too_much_are_no_metric(work: CommandWorkload) -> None:
    assert _repeatable(work, readings(1.0, 1.3)) == pytest.approx(0.2624, abs=1e-3)
    assert _repeatable(work, readings(1.0, 9.0, 1.1, 1.0, 1.1)) == pytest.approx(0.0953, abs=1e-3)
    for apart in ((1.0, 1.7), (1.0, 2.0, 2.0, 1.0, 1.0)):
        with pytest.raises(WorkloadError) as caught:
            _repeatable(work, readings(*apart))
        assert caught.value.code == "metric-unrepeatable"


def tell(monkeypatch: pytest.MonkeyPatch, costs: list[float]) -> None:
    """The next runs of the benchmark say that sorting took `costs` (ms)."""
    real = Copies.benchmark

    def benchmark(copies: Copies, version: Version) -> Ran:
        ran = real(copies, version)
        if costs and ran.reading is not None:
            first, *others = ran.reading.metrics
            told = replace(first, value=costs.pop(0) * 1e-3)
            return replace(ran, reading=replace(ran.reading, metrics=(told, *others)))
        return ran

    monkeypatch.setattr(Copies, "benchmark", benchmark)


def test_one_disturbed_run_of_the_original_is_not_its_end(
    work: CommandWorkload, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster = {"cost.txt": "sort: 2 ms\njoin: 4 ms\n"}
    tell(monkeypatch, [10.0, 90.0])  # the next three are the file's, 10 ms
    assert prove(work, faster).decision == "faster"
    tell(monkeypatch, [1.0, 90.0, 2.0, 300.0, 10.0])
    with pytest.raises(WorkloadError) as caught:
        prove(work, faster)
    assert caught.value.message == "sort: the same code gave 0.001, 0.09, 0.002, 0.3, 0.01"


def test_runs_leave_nothing_for_the_next_one_and_the_bench_no_folder(
    work: CommandWorkload, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    real = Copies._execute

    def watched(self: Copies, line):  # type: ignore[no-untyped-def]
        seen.append((self._place / "left").exists())
        return real(self, line)

    monkeypatch.setattr(Copies, "_execute", watched)
    line = ("sh", "-c", "test ! -e left && touch left && cat cost.txt")
    prove(replace(work, benchmark=line, budget_s=0.0), {"answer.txt": "42\n\n"})
    assert len(seen) >= 6 and not any(seen)
    assert not list(own_folder().glob(PREFIX + "*"))
    assert not (work.tree / "left").exists()


def test_a_search_measures_versions_that_passed(work: CommandWorkload) -> None:
    fast = Version.of({work.tree / "cost.txt": "sort: 5 ms\njoin: 10 ms\n"})
    with CommandBench(work, python=Path(sys.executable)) as bench:
        with pytest.raises(ValueError, match="equal"):
            bench.measure(bench.before, fast)
        assert bench.check(fast, "rule").equality == "exact"
        found = bench.measure(bench.before, fast)
        assert (round(found.ratio, 3), found.accepted) == (2.0, True)
        assert bench.prepare().count == 2


def test_a_claim_rests_on_the_changed_files_all_before_or_all_after(work: CommandWorkload):
    fast = {"cost.txt": "sort: 2 ms\njoin: 2 ms\n", "new.txt": "more\n"}
    known = prove(work, fast).dependencies
    assert changes_since(known) == ()
    for name, text in fast.items():
        (work.tree / name).write_text(text)
    assert changes_since(known) == ()
    (work.tree / "cost.txt").write_text(FILES["cost.txt"])
    [mixed] = changes_since(known)
    assert "some files of the change are as before it" in mixed
    (work.tree / "cost.txt").write_text("sort: 3 ms\n")
    assert changes_since(known) == ("cost.txt was changed",)


def test_a_claim_about_a_function_rests_on_what_it_calls_and_reads(work: CommandWorkload):
    path = work.tree / "shop.py"
    text = "from tax import rate\n\nFEE = 3\n\n\ndef price(n):\n    return n * rate(n) + FEE\n"
    path.write_text(text)
    (work.tree / "tax.py").write_text("def rate(n):\n    return 2\n")
    named = replace(work, path=path, function="price", before=Version.of({path: text}))
    known = prove(
        named, {"shop.py": text.replace("n *", "1 * n *"), "cost.txt": "sort: 2 ms\njoin: 2 ms\n"}
    ).dependencies
    kinds = {(d.kind, d.name) for d in known}
    assert {("callee", "rate"), ("constant", "FEE"), ("interpreter", "CPython")} <= kinds
    assert changes_since(known) == ()
    (work.tree / "tax.py").write_text("def rate(n):\n    return 3\n")
    assert changes_since(known) == ("callee rate of tax.py is changed",)
