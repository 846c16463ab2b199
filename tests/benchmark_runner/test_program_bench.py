"""Programs against their original: what is equal, what is not, what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark_runner.errors import WorkloadError
from benchmark_runner.native.program import ProgramBench
from benchmark_runner.receipt import from_json, to_json
from benchmark_runner.receipts.dependencies import changes_since
from benchmark_runner.workload import ProgramWorkload, Version
from tests.benchmark_runner.native_programs import (
    FAST,
    HEAD,
    READ,
    SLOW,
    Judge,
    needs_compiler,
    program,
    write_cases,
)

PYTHON = Path(sys.executable)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    made = Judge(tmp_path_factory.mktemp("program"))
    with made.bench:
        yield made


@needs_compiler
def test_a_faster_program_is_proved(judge: Judge) -> None:
    receipt = judge.bench.prove(judge.version(FAST), origin="user")
    assert receipt.decision == "faster", receipt.reason
    assert receipt.equality == "exact", receipt.reason
    assert receipt.kind == "program"
    assert receipt.ratio is not None
    assert receipt.ratio > 1.5
    assert receipt.inputs.holdout
    assert {name for name, _ in receipt.inputs.sources} == {"cases", "mutated", "grown"}
    assert receipt.build is not None
    assert "-O2" in receipt.build.timed
    assert "-fsanitize=address,undefined" in receipt.build.checked
    assert {d.kind for d in receipt.dependencies} >= {"case", "compiler", "file"}
    assert changes_since(receipt.dependencies) == ()
    judge.path.write_text(FAST)
    assert changes_since(receipt.dependencies) == (), "as the edit leaves it"
    judge.path.write_text(FAST + "// more\n")
    assert changes_since(receipt.dependencies) == ("slow.c was changed",)
    judge.path.write_text(SLOW)
    assert from_json(to_json(receipt)) == receipt


@needs_compiler
def test_the_same_program_is_not_faster(judge: Judge) -> None:
    receipt = judge.bench.prove(judge.version(SLOW + "// the same\n"), origin="user")
    assert receipt.decision in ("not faster", "inconclusive", "slower")


@needs_compiler
def test_a_wrong_program_is_shown_on_a_small_input(judge: Judge) -> None:
    wrong = FAST.replace("(2LL * i - n + 1) * a[i]", "(2 * i - n + 1) * abs(a[i])")
    found = judge.check(wrong).counterexample
    assert found is not None
    assert found.what == "output"
    assert found.snippet is not None
    assert found.snippet.endswith("| ./after")
    assert len(found.snippet) < 200


WRONG = {
    "another exit code": ('printf("%lld\\n", total); exit(3);', "exit code"),
    "a crash": ('if (n > 3) abort(); printf("%lld\\n", total);', "end"),
    "an endless loop": ('while (n > 3) {} printf("%lld\\n", total);', "end"),
    "one more line": ('printf("%lld\\n0\\n", total);', "output"),
    "nothing": ("", "output"),
}


@needs_compiler
@pytest.mark.parametrize("name", WRONG)
def test_what_ends_or_prints_otherwise_differs(judge: Judge, name: str) -> None:
    body, what = WRONG[name]
    text = FAST.replace('printf("%lld\\n", total);', body)
    found = judge.check(text).counterexample
    assert found is not None
    assert found.what == what


UNSAFE = {
    "a read past the array": "int x = a[100000 + n % 7]; total += x * 0;",
    "a signed overflow": "int x = 2147483647 - 2; x += n; if (x == 12) total++;",
    "a use after free": "int *p = malloc(64); p[1] = n; free(p); if (p[1] == -5) total++;",
}


@needs_compiler
@pytest.mark.parametrize("name", UNSAFE)
def test_undefined_behaviour_that_is_new_is_refused(judge: Judge, name: str) -> None:
    text = FAST.replace("long long total = 0;", "long long total = 0; " + UNSAFE[name], 1)
    verdict = judge.check(text)
    assert verdict.equality is None
    assert verdict.refused is not None
    assert "undefined behaviour" in verdict.refused


@needs_compiler
def test_what_does_not_compile_is_refused_with_the_compilers_word(judge: Judge) -> None:
    verdict = judge.check(FAST.replace("long long total = 0", "long long total = lung"))
    assert verdict.refused is not None
    assert "lung" in verdict.refused


# -- the original


@needs_compiler
def test_an_original_that_fails_its_cases_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "p.c"
    path.write_text(SLOW)
    cases = write_cases(tmp_path / "cases", (3,))
    (cases / "n3.out").write_text("17\n")
    workload = ProgramWorkload(path, Version.of({path: SLOW}), cases)
    with ProgramBench(workload, python=PYTHON) as bench, pytest.raises(WorkloadError) as found:
        bench.prepare()
    assert found.value.code == "case-mismatch"
    assert "n3" in found.value.message


@needs_compiler
def test_an_original_with_undefined_behaviour_is_compared_as_far_as_it_goes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "p.c"
    before = program(
        'int x = 2147483000; x += n * 100; printf("%d %d\\n", n, a[0]); if (x == 7) puts("");'
    )
    path.write_text(before)
    folder = tmp_path / "cases"
    folder.mkdir()
    (folder / "x.in").write_text("9\n1 2 3 4 5 6 7 8 9\n")
    workload = ProgramWorkload(path, Version.of({path: before}), folder)
    with ProgramBench(workload, python=PYTHON) as bench:
        same = program('printf("%d %d\\n", n, a[0]);')
        receipt = bench.prove(Version.of({path: same}), origin="user")
    assert receipt.equality == "exact", receipt.reason
    assert any("undefined behaviour" in note for note in receipt.notes)
    assert receipt.decision == "inconclusive"
    assert "too short" in receipt.reason


@needs_compiler
def test_headers_beside_the_source_are_found_and_named(tmp_path: Path) -> None:
    path = tmp_path / "p.c"
    (tmp_path / "own.h").write_text("#define FACTOR 3\n")
    before = (
        HEAD
        + '#include "own.h"\n'
        + READ
        + 'int main(void) { input(); printf("%d\\n", n * FACTOR); }\n'
    )
    path.write_text(before)
    cases = write_cases(tmp_path / "cases", (3,))
    (cases / "n3.out").unlink()
    workload = ProgramWorkload(path, Version.of({path: before}), cases)
    with ProgramBench(workload, python=PYTHON) as bench:
        after = Version.of({path: before.replace("n * FACTOR", "FACTOR * n")})
        receipt = bench.prove(after, origin="user")
    assert receipt.equality == "exact", receipt.reason
    assert [d.name for d in receipt.dependencies if d.kind == "include"] == ["own.h"]


def test_a_python_program(tmp_path: Path) -> None:
    path = tmp_path / "p.py"
    before = "n = int(input())\nprint(sum(abs(int(x)) for x in input().split()))\n"
    path.write_text(before)
    cases = write_cases(tmp_path / "cases", (3, 50))
    for out in cases.glob("*.out"):
        out.unlink()
    workload = ProgramWorkload(path, Version.of({path: before}), cases)
    with ProgramBench(workload, python=PYTHON) as bench:
        right = "input()\nprint(sum(map(abs, map(int, input().split()))))\n"
        assert bench.check(Version.of({path: right}), "user").equality == "exact"
        wrong = "input()\nprint(sum(map(int, input().split())))\n"
        found = bench.check(Version.of({path: wrong}), "user").counterexample
        by_hash = "input()\nprint(sum(map(abs, map(int, {*input().split()}))))\n"
        other = bench.check(Version.of({path: by_hash}), "user").counterexample
    assert found is not None
    assert other is not None
