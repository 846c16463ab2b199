"""C and C++ functions against their original."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from analysis.progress import CancelToken
from benchmark_runner.errors import CandidateFailed, InputsFailed, WorkloadError
from benchmark_runner.native.behaviour import Known
from benchmark_runner.native.calls import CallRace, Cost
from benchmark_runner.native.cases import Case
from benchmark_runner.native.function import NativeBench
from benchmark_runner.native.race import growth
from benchmark_runner.native.runner import Program, Run, Runner
from benchmark_runner.native.signature import signature_of
from benchmark_runner.native.values import call_text, encode, generated
from benchmark_runner.receipt import InputTiming, Receipt, Verdict, from_json, to_json
from benchmark_runner.workload import GeneratedInputs, InputsFile, NativeWorkload, Version
from tests.benchmark_runner.native_programs import needs_compiler

PYTHON = Path(sys.executable)

C = """
#include <stddef.h>
static void running(double *x, int n) {
  for (int i = n - 1; i >= 0; i--) {
    double total = 0;
    for (int j = 0; j <= i; j++) total += x[j] > 0 ? 1 : 0;
    x[i] = total;
  }
}
int main(void) { double x[2] = {1, -1}; running(x, 2); return 0; }
"""
BODY = C[C.index("{") + 1 : C.index("int main")].rstrip().rstrip("}")
FAST_BODY = """
  double total = 0;
  for (int i = 0; i < n; i++) { total += x[i] > 0 ? 1 : 0; x[i] = total; }
"""


class Judge:
    def __init__(self, folder: Path, text: str, function: str, name: str) -> None:
        self.path = folder / name
        self.text = text
        self.path.write_text(text)
        workload = NativeWorkload(
            self.path, function, Version.of({self.path: text}), GeneratedInputs()
        )
        self.bench = NativeBench(workload, python=PYTHON)

    def version(self, text: str) -> Version:
        return Version.of({self.path: text})

    def check(self, body: str, *, before: str = "") -> Verdict:
        text = self.text.replace(BODY, body)
        return self.bench.check(
            self.version(text.replace("static void", f"{before}static void")), "user"
        )

    def prove(self, text: str) -> Receipt:
        return self.bench.prove(self.version(text), origin="user")


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    made = Judge(tmp_path_factory.mktemp("c"), C, "running(double *, int)", "f.c")
    with made.bench:
        yield made


@needs_compiler
def test_a_faster_c_function_is_proved(c: Judge) -> None:
    receipt = c.prove(C.replace(BODY, FAST_BODY))
    assert receipt.decision == "faster", receipt.reason
    assert (receipt.kind, receipt.equality) == ("native", "exact")
    assert receipt.ratio is not None
    assert receipt.ratio > 3
    assert receipt.inputs.source == "generated"
    assert receipt.inputs.holdout
    assert receipt.build is not None
    assert receipt.build.sanitizers == ("address", "undefined")
    assert from_json(to_json(receipt)) == receipt


@needs_compiler
def test_a_wrong_element_is_shown_with_python_that_shows_it(c: Judge, tmp_path: Path) -> None:
    wrong = FAST_BODY.replace("> 0 ?", ">= -1 ?")
    found = c.check(wrong).counterexample
    assert found is not None
    assert found.call.startswith("running({")
    assert found.snippet is not None
    (tmp_path / "after.c").write_text(C.replace(BODY, wrong).replace("static ", ""))
    build = found.snippet.splitlines()[0].lstrip("# ").split()
    subprocess.run(build, cwd=tmp_path, check=True)
    done = subprocess.run(
        [PYTHON, "-c", found.snippet], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("None [")


UNSAFE = {
    "a write behind the array": FAST_BODY + "x[n] = 0;",
    "a read before the array": FAST_BODY + "if (n > 0 && x[-1] == 4.5) x[0] = 0;",
    "a wrong shift": FAST_BODY + "int y = 1 << (n + 31); if (y == 77) x[0] = 3;",
}


@needs_compiler
@pytest.mark.parametrize("name", UNSAFE)
def test_undefined_behaviour_is_refused(c: Judge, name: str) -> None:
    verdict = c.check(UNSAFE[name])
    assert verdict.refused is not None
    assert "undefined behaviour" in verdict.refused


KEEPING = {
    "a static cache": "static double last[64]; double was = last[n & 63]; "
    "last[n & 63] = n; if (was == -5) x[0] = was;",
    "a static pointer": "static double *known; if (!known) known = x;",
    "a thread's own": "static _Thread_local int calls; calls++;",
}


@needs_compiler
@pytest.mark.parametrize("name", KEEPING)
def test_a_place_to_remember_is_refused(c: Judge, name: str) -> None:
    verdict = c.check(KEEPING[name] + FAST_BODY)
    assert verdict.refused is not None
    assert "outlive a call" in verdict.refused


@needs_compiler
def test_a_constant_table_is_no_memory(c: Judge) -> None:
    table = "static const double one[2] = {0, 1};\n"
    body = FAST_BODY.replace("x[i] > 0 ? 1 : 0", "one[x[i] > 0]")
    assert c.check(body, before=table).equality == "exact"


SLY = {
    "ending the run": ("", "if (n == 4096) _exit(0);"),
    "acting before it is called": (
        "int puts(const char *);\n"
        '__attribute__((constructor)) static void early(void) { puts("x"); }\n',
        "",
    ),
    "assembly": ("", '__asm__("nop");'),
    "words put together": ("#define JOIN(a, b) a##b\n", "JOIN(_ex, it)(0);"),
    "another main": ("#undef main\nint main(void) { return 0; }\n#define main other\n", ""),
    "looking at its caller": ("", "if (__builtin_frame_address(1) == 0) return;"),
    "asking whether it is timed": (
        "long pread(int, void *, unsigned long, long);\n",
        "unsigned long long told[3]; if (pread(0, told, 24, 0) == 24 && !told[2]) return;",
    ),
    "looking into what was read": (
        "#include <stdio.h>\n", "if (stdin->_IO_read_base[16] == 0) return;"
    ),
    "a place of the kernel's": (
        "long lseek(int, long, int);\n", "if (lseek(0, 7, 0) == 8) return;"
    ),
    "code of ours replaced": ("void hasten_call(void *a) { (void)a; }\n", ""),
    "code of ours left out": ("#if 0\n", ""),
}  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("name", SLY)
def test_what_would_fool_the_measurement_is_refused(c: Judge, name: str) -> None:
    before, body = SLY[name]
    exits = "void _exit(int);\n" if "_ex" in body else ""
    verdict = c.check(body + FAST_BODY, before=exits + before)
    assert verdict.equality is None
    assert verdict.refused is not None


@needs_compiler
def test_every_timed_call_may_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark_runner.native.symbols.refusal", lambda own, its: None)
    works_first_and_last = """
  unsigned long long told[3];
  long start = 1L << 40, at = lseek(0, 1, 1);
  if (at < start) at = lseek(0, start + 1, 0);
  at -= start;
  if (pread(0, told, 24, 0) == 24 && at > 1 && (unsigned long long)at < told[0]) return;
"""
    names = "long pread(int, void *, unsigned long, long), lseek(int, long, int);\n"
    head = "void roots(double *x, int n) {"
    text = head + "for (int i = 0; i < n; i++) x[i] = x[i] / 3 + 1 / (x[i] * x[i] + 1); }\n"
    judge = Judge(tmp_path, text, "roots(double *, int)", "f.c")
    with judge.bench:
        receipt = judge.prove(names + text.replace(head, head + works_first_and_last))
    assert receipt.equality == "exact", receipt.reason
    assert receipt.decision == "refused", receipt.reason
    assert "another run" in receipt.reason


WALK = """double walk(const double *x, int n) {
  double total = 0;
  for (int i = 0; i < n; i++) total += x[i] / (1 + total * total);
  return total;
}
"""


@needs_compiler
def test_what_the_last_call_left_on_the_stack_is_no_gain(tmp_path: Path) -> None:
    judge = Judge(tmp_path, WALK, "walk(const double *, int)", "f.c")
    replays = WALK.replace(
        "  double total = 0;",
        "  volatile double left[5];\n"
        "  if (left[0] == 1234.5 && left[1] == n && n > 0 && left[2] == x[0]"
        " && left[3] == x[n - 1]) return left[4];\n  double total = 0;",
    ).replace(
        "  return total;",
        "  if (n > 0) { left[1] = n; left[2] = x[0]; left[3] = x[n - 1]; left[4] = total; }\n"
        "  left[0] = 1234.5;\n  return total;",
    )
    with judge.bench:
        receipt = judge.prove(replays)
    assert receipt.equality == "exact", receipt.reason
    assert receipt.decision == "inconclusive", receipt.reason
    assert "earlier call" in receipt.reason


class FakeRunner:
    """Gives each program's output, and the CPU time of its calls."""

    def __init__(self, outputs: dict[str, bytes]) -> None:
        self.outputs = outputs

    def run(self, program: Program, case: Case, seconds: float) -> Run:
        [calls] = struct.unpack("<Q", case.input[:8])
        spent = 1e-3 * (1 + calls)
        return Run(0, "", spent, spent, 0, 0, self.outputs[program.argv[0]], b"")


@pytest.mark.parametrize(("theirs", "told"), [(b"5\n", None), (b"6\n", "only its time")])
def test_timed_runs_give_the_same_digests(theirs: bytes, told: str | None) -> None:
    own, its = Program(("/own",)), Program(("/its",))
    known = Known(0, Case("0", b""), Run(0, "", 0.0, 0.0, 0, 0, b"", b""))
    runner = FakeRunner({"/own": b"5\n", "/its": theirs})
    race = CallRace(
        cast("Runner", runner), [own], [its], {0: known}, None, CancelToken(),
        arguments={0: b""}, costs={0: Cost(4, 1e-3)}, exact=True,
    )  # fmt: skip
    if told is None:
        assert race(0, [0]).pairs[0].log_cpu == 0.0
    else:
        with pytest.raises(CandidateFailed, match=told):
            race(0, [0])


@needs_compiler
def test_overloads_vectors_and_strings(tmp_path: Path) -> None:
    text = """
#include <string>
#include <vector>
typedef long long ll;
namespace lab {
int size(const std::string &s) { return (int)s.size(); }
std::vector<ll> size(std::vector<ll> v, const std::string &s) {
  for (auto &x : v) x += (ll)s.size();
  return v;
}
}
"""
    judge = Judge(tmp_path, text, "lab::size(std::vector<ll>, const std::string &)", "f.cpp")
    with judge.bench:
        assert (
            judge.bench.check(
                judge.version(text.replace("x += (ll)s.size()", "x = (ll)s.size() + x")), "user"
            ).equality
            == "exact"
        )
        found = judge.bench.check(
            judge.version(text.replace("x += (ll)s.size()", "x += (ll)s.length() % 257")), "user"
        ).counterexample
    assert found is not None
    assert found.what == "output"


@needs_compiler
def test_inputs_of_the_users_own_file(tmp_path: Path) -> None:
    text = "int third(const int *table, int place) { return table[place * 3]; }\n"
    path = tmp_path / "f.c"
    path.write_text(text)
    inputs = tmp_path / "inputs.py"
    inputs.write_text(
        "def inputs():\n    for n in (1, 5):\n        yield (list(range(3 * n)), n - 1), {}\n"
    )
    workload = NativeWorkload(
        path, "third(const int *, int)", Version.of({path: text}), InputsFile(inputs)
    )
    with NativeBench(workload, python=PYTHON) as bench:
        assert bench.prepare().source == "file"
        assert bench.prepare().count == 2
        wrong = Version.of({path: text.replace("place * 3", "place * 2")})
        found = bench.check(wrong, "user").counterexample
    assert found is not None
    assert "third({0, 1, 2, 3, 4, 5" in found.call


@needs_compiler
@pytest.mark.parametrize(
    "text",
    ["def inputs():\n    yield ('x', 'y', 3), {}\n", "def inputs():\n    1 / 0\n", "x = 1\n"],
)
def test_bad_inputs_are_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "f.c"
    path.write_text("int twice(int x) { return 2 * x; }\n")
    inputs = tmp_path / "inputs.py"
    inputs.write_text(text)
    version = Version.of({path: path.read_text()})
    workload = NativeWorkload(path, "twice(int)", version, InputsFile(inputs))
    with NativeBench(workload, python=PYTHON) as bench, pytest.raises(InputsFailed) as found:
        bench.prepare()
    assert "inputs.py" in found.value.message


def test_growth_with_a_case_that_reads_nothing_is_not_told() -> None:
    timings = [InputTiming(index, 0.0, 1.0 + index, 1.0) for index in range(3)]
    run = Run(0, "", 1.0, 1.0, 0, 0, b"", b"")
    sizes = {index: b"x" * size for index, size in enumerate((0, 10, 100))}
    cases = {index: Known(index, Case(str(index), data), run) for index, data in sizes.items()}
    assert growth(timings, cases, 0.0) is None
    cases[0] = Known(0, Case("0", b"x"), run)
    found = growth(timings, cases, 0.0)
    assert found is not None
    assert found.sizes == (1, 10, 100)


# -- signatures and values


@pytest.mark.parametrize(
    ("text", "function", "what"),
    [
        ("struct s { int x; };\nint f(struct s *p) { return p->x; }", "f", "struct s"),
        ("void *f(int n) { return 0; }", "f", "void *"),
        ("int f(int **p) { return **p; }", "f", "int **"),
        ("template <class T> T f(T x) { return x; }", "f", "template"),
        ("struct A { int f(int x) { return x; } };", "A::f", "method"),
    ],
)
def test_what_can_not_be_called_says_why(text: str, function: str, what: str) -> None:
    with pytest.raises(WorkloadError) as found:
        signature_of(text, Path("f.cpp"), function, "c++")
    assert found.value.code == "signature-unsupported"
    assert what in found.value.message


def test_a_missing_function_names_those_that_are_there() -> None:
    with pytest.raises(WorkloadError, match=r"it has: other\(int\)"):
        signature_of("int other(int x) { return x; }", Path("f.c"), "f", "c")


def test_lengths_are_found_behind_and_before_arrays() -> None:
    text = (
        "void f(const double *a, const double *b, double *out, size_t n, int k) {}\n"
        "void g(int n, const int *a) {}\nvoid h(int *a, int n, int *b, int m) {}\n"
    )
    path = Path("f.c")
    assert signature_of(text, path, "f", "c").lengths() == {3: (0, 1, 2)}
    assert signature_of(text, path, "g", "c").lengths() == {0: (1,)}
    assert signature_of(text, path, "h", "c").lengths() == {1: (0,), 3: (2,)}


def test_values_fit_their_types() -> None:
    text = "int f(const uint8_t *a, int n, const char *s, bool on, float x) { return 0; }"
    signature = signature_of(text, Path("f.c"), "f", "c")
    calls = list(generated(signature))
    assert len(calls) > 15
    for values in calls:
        encode(signature, values)
        assert values[1] == len(values[0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"argument 0"):
        encode(signature, ((256,), 1, b"", 0, 0.0))
    assert call_text(signature, ((1, 2), 2, b"x", 1, 0.5)) == "f({1, 2}, 2, 'x', 1, 0.5)"
