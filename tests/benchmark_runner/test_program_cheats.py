"""Programs that want to look faster than they are, or to leave their sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmark_runner.native_programs import (
    FAST,
    HEAD,
    SLOW,
    Judge,
    needs_compiler,
    program,
    write_cases,
)

pytestmark = needs_compiler

SYSTEM = HEAD + "#include <unistd.h>\n#include <signal.h>\n#include <string.h>\n"
SLOWLY = """
  long long total = 0;
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) total += a[i] > a[j] ? a[i] - a[j] : a[j] - a[i];
  printf("%lld\\n", total);
"""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    made = Judge(tmp_path_factory.mktemp("cheats"))
    with made.bench:
        yield made


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder that nothing may change."""
    (tmp_path / "own").write_text("own")
    before = sorted(tmp_path.iterdir()), tmp_path.stat().st_mtime_ns
    yield tmp_path
    assert (sorted(tmp_path.iterdir()), tmp_path.stat().st_mtime_ns) == before
    assert (tmp_path / "own").read_text() == "own"


def table(judge: Judge, otherwise: str) -> str:
    """A program that knows the answers of the given cases by a hash of their numbers."""
    rows = []
    for path in sorted((judge.folder / "cases").glob("*.in")):
        numbers = [int(token) for token in path.read_text().split()[1:]]
        known = sum((31 * i + 7) * (x % 2**32) for i, x in enumerate(numbers)) % 2**32
        answer = path.with_suffix(".out").read_text().strip()
        rows.append(f'  if (key == {known}u) {{ puts("{answer}"); return 0; }}\n')
    key = "unsigned key = 0; for (int i = 0; i < n; i++) key += (31u * i + 7) * (unsigned)a[i];\n"
    return program(key + "".join(rows) + otherwise)


def test_a_table_of_the_answers_is_wrong_on_made_cases(judge: Judge) -> None:
    found = judge.check(table(judge, 'puts("0");')).counterexample
    assert found is not None
    assert found.stage in ("mutated", "grown")
    assert "made from case" in found.call


def test_a_table_of_the_answers_with_the_original_behind_it_is_not_faster(judge: Judge) -> None:
    receipt = judge.prove(table(judge, SLOWLY))
    assert receipt.equality == "exact", receipt.reason
    assert receipt.decision == "refused"
    assert receipt.measurement is not None
    assert receipt.measurement.accepted, "on the given cases it is"
    assert "on the given cases" in receipt.reason


def test_the_expected_outputs_are_not_there_to_read(judge: Judge) -> None:
    place = judge.folder / "cases" / "n3.out"
    text = program(
        f'FILE *f = fopen("{place}", "r"); if (f) {{ puts("found"); return 0; }}' + SLOWLY
    )
    assert judge.check(text).equality == "exact"


def test_a_file_of_answers_does_not_last_until_the_next_run(judge: Judge) -> None:
    keep = """
  const char *home = getenv("HOME"); char name[400];
  snprintf(name, sizeof name, "%s/answer%d_%d", home ? home : "/tmp", n, a[0]);
  FILE *f = fopen(name, "r"); if (f) { puts("known"); return 0; }
  f = fopen(name, "w"); if (f) { fputs("x", f); fclose(f); }
"""
    assert judge.check(program(keep + SLOWLY)).equality == "exact"


@pytest.mark.parametrize("name", ["/etc/passwd", "cases/n3.out", "../cases/n3.out"])
def test_no_file_of_the_machine_is_compiled_into_it(judge: Judge, name: str) -> None:
    place = name if name.startswith("/") else str(judge.folder / name)
    verdict = judge.check(program("puts(answer);", before=f'char *answer =\n#include "{place}"\n;'))
    assert verdict.refused is not None
    assert verdict.refused.startswith("build: ")


def test_no_file_is_assembled_into_it(judge: Judge) -> None:
    place = judge.folder / "cases" / "n3.out"
    hidden = f'__asm__("answer: .inc" "bin \\"{place}\\"");'
    plain = f'__asm__("answer: .incbin \\"{place}\\"");'
    for text in (hidden, plain):
        verdict = judge.check(program(SLOWLY, before=text))
        assert verdict.refused is not None


def test_what_speaks_to_sanitizers_is_refused(judge: Judge) -> None:
    for text in (
        "#ifdef __SANITIZE_ADDRESS__\nint checked;\n#endif",
        '__attribute__((no_sanitize("undefined"))) int overflow(int x) { return x + x; }',
        'const char *__asan_default_options(void) { return "halt_on_error=0"; }',
    ):
        verdict = judge.check(program(SLOWLY, before=text))
        assert verdict.refused is not None
        assert "sanitizers" in verdict.refused


def test_endless_inclusion_ends(judge: Judge) -> None:
    verdict = judge.check(program(SLOWLY, before="#include __FILE__"))
    assert verdict.refused is not None
    assert verdict.refused.startswith("build: ")


ATTEMPTS = {
    "another process": 'if (fork() == 0) { puts("child"); exit(0); }',
    "a shell": 'system("touch {outside}/shell");',
    "another program": 'execl("/bin/touch", "touch", "{outside}/exec", (char *)0);',
    "a constructor that forks": "",
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_starting_anything_ends_it(judge: Judge, outside: Path, name: str) -> None:
    body = ATTEMPTS[name].replace("{outside}", str(outside))
    before = "" if body else "__attribute__((constructor)) static void early(void) { fork(); }"
    found = judge.check(program(body + SLOWLY, before=before, head=SYSTEM)).counterexample
    assert found is not None
    assert found.what in ("end", "output")
    assert not list(outside.glob("[se]*"))


QUIET = {
    "writing outside": 'FILE *f = fopen("{outside}/new", "w"); if (f) fputs("x", f);',
    "changing a file": 'FILE *f = fopen("{outside}/own", "a"); if (f) fputs("x", f);',
    "removing a file": 'remove("{outside}/own");',
    "a signal to its parent": "kill(getppid(), SIGKILL);",
    "a signal to all": "kill(-1, SIGKILL);",
    "rewriting its input": 'FILE *f = fopen("/proc/self/fd/0", "r+"); if (f) {{ fputs("9", f); }}',
}


@pytest.mark.parametrize("name", QUIET)
def test_what_the_sandbox_stops_changes_nothing(judge: Judge, outside: Path, name: str) -> None:
    body = QUIET[name].replace("{outside}", str(outside)).replace("{{", "{").replace("}}", "}")
    verdict = judge.check(program(body + SLOWLY, head=SYSTEM))
    assert verdict.equality == "exact" or verdict.counterexample or verdict.refused
    assert judge.check(FAST).equality == "exact", "and the next one is judged as ever"


GREEDY = {
    "memory": "for (;;) { char *p = malloc(1 << 26); if (p) memset(p, 1, 1 << 26); }",
    "output": 'for (;;) puts("more and more and more and more and more and more and more");',
    "time": "for (;;) {}",
    "sleep": "sleep(1000);",
}


@pytest.mark.parametrize("name", GREEDY)
def test_greed_has_an_end(judge: Judge, name: str) -> None:
    found = judge.check(program(GREEDY[name], head=SYSTEM)).counterexample
    assert found is not None
    assert found.what == "end"


def test_what_it_asks_of_the_processor_is_told(judge: Judge) -> None:
    text = '#pragma GCC optimize("O3")\n' + FAST.replace(
        "int main", '__attribute__((target("sse2"))) int main'
    )
    receipt = judge.bench.prove(judge.version(text), origin="user")
    assert receipt.equality == "exact", receipt.reason
    notes = " ".join(receipt.notes)
    assert "optimisation" in notes
    assert "instructions" in notes


def test_cases_alone_when_asked(tmp_path: Path) -> None:
    from benchmark_runner.native.program import ProgramBench

    judge = Judge(tmp_path)
    write_cases(tmp_path / "cases", (5,))
    alone = ProgramBench(judge.workload, python=judge.python, only_cases=True)
    with alone:
        used = alone.prepare()
    assert dict(used.sources) == {"cases": 5}
    assert SLOW in judge.workload.before.files[0][1]
