"""Claims before the bench: what holds becomes a record with its steps, the rest is told why not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner.errors import InterpreterError
from index.errors import StoreError
from index.importers import Claim
from index.importers.claim import ClaimError
from index.record import Record
from index.store import Memory
from optimizer import claims as claims_module
from optimizer.claim_bench import Place, Within, _made
from optimizer.claim_records import unproved_record
from optimizer.claims import Unproved, _proved_steps, import_claims, prove_claim
from tests.benchmark_runner.native_programs import needs_compiler

PYTHON = Path(sys.executable)

SLOW = """\
def work(items, wanted):
    wanted = list(wanted)
    hits = 0
    for item in items:
        if item in wanted:
            hits += 1
    total = 0
    for size in items:
        total += sum([x for x in range(size % 300)])
    return hits, total
"""
MIDDLE = SLOW.replace("wanted = list(wanted)", "wanted = set(wanted)")
FAST = MIDDLE.replace(
    "total += sum([x for x in range(size % 300)])", "total += (size % 300) * (size % 300 - 1) // 2"
)
INPUTS = """\
def inputs():
    for size in (100, 200, 400):
        for case in range(3):
            yield ([n * 7 % 311 for n in range(size + case)], list(range(0, 3 * size, 2))), {}
"""
CLAIM = Claim(
    language="python",
    slow=SLOW,
    fast=FAST,
    origin="test:work",
    function="work",
    purpose="It counts and adds.",
    edits=("Look members up in a set. It is hashed.", "Use the formula for a sum"),
    licence="MIT",
    notice="somebody",
    inputs_source=INPUTS,
    sizes=(100, 200, 400),
)
PROGRAM_SLOW = """\
#include <cstdio>
#include <vector>
int main() {
    int n;
    if (std::scanf("%d", &n) != 1) return 1;
    std::vector<int> v(n);
    for (int &x : v) if (std::scanf("%d", &x) != 1) return 1;
    long long total = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) total += v[i] ^ v[j] & 1;
    std::printf("%lld\\n", total);
}
"""
PROGRAM_FAST = PROGRAM_SLOW.replace(
    "        for (int j = 0; j < n; j++) total += v[i] ^ v[j] & 1;\n",
    "        total += (long long)(n - odd) * v[i] + (long long)odd * (v[i] ^ 1);\n",
).replace(
    "    long long total = 0;\n",
    "    long long total = 0;\n    int odd = 0;\n    for (int x : v) odd += x & 1;\n",
)


def program_case(size: int) -> tuple[str, str]:
    values = [n * 37 % 1009 for n in range(size)]
    odd = sum(value & 1 for value in values)
    total = sum((size - odd) * value + odd * (value ^ 1) for value in values)
    return f"{size}\n{' '.join(map(str, values))}\n", f"{total}\n"


@pytest.fixture(scope="module")
def proved() -> Record:
    found = prove_claim(CLAIM, PYTHON)
    assert isinstance(found, Record), found
    return found


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory(tmp_path / "memory.db") as opened:
        yield opened


@pytest.mark.slow
def test_a_claim_that_holds_is_a_record_proved_here(proved: Record) -> None:
    assert proved.provenance == "claim:test:work"
    assert proved.proved
    assert (proved.slow, proved.fast) == (SLOW, FAST)
    assert proved.ratio is not None
    assert proved.ratio > 1.5
    assert proved.purpose == "It counts and adds."
    assert proved.notice == "MIT: somebody"
    assert proved.title.startswith("Without: membership tests against a list inside a loop")
    assert [size for size, _ in proved.sizes][-1] == 400


@pytest.mark.slow
def test_each_of_its_steps_was_proved(proved: Record) -> None:
    assert [step.code for step in proved.steps] == [MIDDLE, FAST]
    assert [step.title for step in proved.steps] == [
        "Look members up in a set", "Use the formula for a sum"
    ]  # fmt: skip
    assert all(step.receipt and step.receipt["decision"] == "faster" for step in proved.steps)


@pytest.mark.slow
def test_its_receipts_name_no_folder_that_is_gone(proved: Record) -> None:
    assert proved.receipt is not None
    assert proved.receipt["path"] == "claimed.py"
    assert "claim-" not in str(proved.receipt["dependencies"])
    assert proved.receipt["function"] == "work"


def test_a_claim_that_is_not_equal_is_none() -> None:
    wrong = replace(CLAIM, fast=FAST.replace("// 2", "// 2 + (size == 310)"))
    found = prove_claim(wrong, PYTHON)
    assert isinstance(found, Unproved)
    assert found.kind == "not equal"


def test_a_claim_that_is_not_faster_is_none() -> None:
    same = replace(CLAIM, slow=FAST, fast=FAST.replace("hits += 1", "hits = hits + 1"))
    found = prove_claim(same, PYTHON)
    assert isinstance(found, Unproved)
    assert found.kind in ("not faster", "not decided")


@needs_compiler
def test_a_program_is_proved_on_its_cases() -> None:
    claim = Claim(
        "c++", PROGRAM_SLOW, PROGRAM_FAST, "test:program",
        cases=tuple(program_case(size) for size in (1, 50, 6000, 8000)),
    )  # fmt: skip
    found = prove_claim(claim, PYTHON)
    assert isinstance(found, Record), found
    assert found.language == "c++"
    assert found.receipt is not None
    assert found.receipt["kind"] == "program"
    assert found.receipt["inputs"]["count"] == 4


@needs_compiler
def test_a_program_that_prints_what_no_case_expects_is_wrong() -> None:
    claim = Claim("c++", PROGRAM_SLOW, PROGRAM_FAST, "test:wrong", cases=(("1\n5\n", "77\n"),))
    found = prove_claim(claim, PYTHON)
    assert isinstance(found, Unproved)
    assert found.kind == "its slow side is wrong"
    assert "/claim-" not in found.reason


SCRIPT = "n = int(input())\ntotal = 0\nfor i in range(n):\n    total += i\nprint(total)\n"
SUM = "n = int(input())\nprint(n * (n - 1) // 2)\n"


def test_a_script_is_proved_on_what_its_generator_makes() -> None:
    inputs = "def inputs():\n    for n in (5, 400_000, 600_000):\n        yield f'{n}\\n'\n"
    found = prove_claim(Claim("python", SCRIPT, SUM, "test:script", inputs_source=inputs), PYTHON)
    assert isinstance(found, Record), found


ODD: dict[str, tuple[Claim, str]] = {
    "the same": (replace(CLAIM, fast=SLOW), "no pair"),
    "empty": (replace(CLAIM, fast=" \n"), "no pair"),
    "no cases": (Claim("python", SCRIPT, SUM, "x"), "nothing to run it on"),
    "no such function": (replace(CLAIM, function="other"), "nothing to run it on"),
    "inputs that fail": (
        replace(CLAIM, inputs_source="def inputs():\n    raise ValueError\n"),
        "nothing to run it on",
    ),
    "a generator that fails": (
        Claim("python", SCRIPT, SUM, "x", inputs_source="raise SystemExit\n"),
        "nothing to run it on",
    ),
    "an import of nothing": (
        replace(CLAIM, slow=f"import nowhere_at_all\n{SLOW}"),
        "its slow side does not work",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_can_not_be_run_is_told(name: str) -> None:
    claim, kind = ODD[name]
    found = prove_claim(claim, PYTHON)
    assert isinstance(found, Unproved)
    assert found.kind == kind, found.reason


def test_a_generator_reaches_no_file_of_the_user(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("7\n")
    inputs = f"def inputs():\n    yield open({str(secret)!r}).read()\n"
    found = prove_claim(Claim("python", SCRIPT, SUM, "x", inputs_source=inputs), PYTHON)
    assert isinstance(found, Unproved)
    assert found.kind == "nothing to run it on"


def test_an_endless_generator_is_cut_off(tmp_path: Path) -> None:
    inputs = "def inputs():\n    n = 0\n    while True:\n        n += 1\n        yield f'{n}\\n'\n"
    claim = Claim("python", SCRIPT, SUM, "x", inputs_source=inputs)
    assert _made(claim, tmp_path / "given.py", PYTHON, CancelToken())[-1] == "40\n"


def test_without_a_sandbox_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "refusal", lambda: "sandbox: there is none")
    assert prove_claim(CLAIM, PYTHON) == Unproved("sandbox: there is none", "no sandbox")


def test_a_claim_that_takes_too_long_is_told_and_a_cancel_is_raised() -> None:
    found = prove_claim(CLAIM, PYTHON, seconds=0.0)
    assert isinstance(found, Unproved)
    assert found.kind == "took too long"
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        prove_claim(CLAIM, PYTHON, cancel=token)


def test_time_in_line_does_not_count() -> None:
    token = Within(CancelToken(), 1000.0)
    left = token._until
    token.wait(0.01)
    assert token._until > left
    assert not token.cancelled


# -- steps


@dataclass
class ScriptedBench:
    """Texts are numbers: an edit that does not raise the number gains nothing, "x" is not equal."""

    def check(self, after: Any, origin: str) -> Any:
        return SimpleNamespace(equality=None if "x" in text_of(after) else "exact")

    def prove(self, after: Any, *, origin: str, before: Any) -> Any:
        faster = float(text_of(after)) > float(text_of(before))
        return SimpleNamespace(decision="faster" if faster else "not faster", equality="exact")


def text_of(version: Any) -> str:
    return str(version.files[0][1])


def steps_of(*texts: str) -> list[tuple[str, str]]:
    place = Place(ScriptedBench(), Path("/claimed.py"))  # type: ignore[arg-type]
    return [(step.before, step.after) for step in _proved_steps(place, texts)]


@pytest.mark.parametrize(
    ("texts", "steps"),
    [
        (("1", "2", "3"), [("1", "2"), ("2", "3")]),
        (("1", "x2", "3"), []),
        (("1", "1.0", "2", "3"), [("1", "2"), ("2", "3")]),
        (("1", "2", "2.0", "3"), [("1", "2"), ("2", "3")]),
        (("1", "2", "3", "3.0"), [("1", "2"), ("2", "3.0")]),
        (("1", "2", "2.0"), []),
        (("1", "1.0", "2"), []),
    ],
    ids=["both gain", "one is broken", "the first gains nothing", "the middle gains nothing",
         "the last gains nothing", "one gain, then none", "none, then one gain"],
)  # fmt: skip
def test_steps_that_gain_nothing_are_merged(
    texts: tuple[str, ...], steps: list[tuple[str, str]]
) -> None:
    assert steps_of(*texts) == steps


# -- many claims


def proved_record_of(claim: Claim) -> Record:
    """A record as a proof would leave it, for all that a memory sees."""
    return replace(unproved_record(claim), provenance=claim.provenance)


def quick(origin: str) -> Claim:
    """A claim that is refused before anything runs."""
    return Claim("python", SCRIPT, SCRIPT, origin, reported_ratio=3.0)


def test_each_record_is_added_before_the_next_claim_is_read(memory: Memory) -> None:
    def claims() -> Iterator[Claim]:
        yield quick("a")
        assert [record.provenance for record in memory.all()] == ["import:a"]
        raise ClaimError("cut off", code="x", mend="y")

    with pytest.raises(ClaimError):
        import_claims(memory, claims(), PYTHON, unproved=True)
    assert len(memory.all()) == 1


def test_what_is_there_already_is_skipped(memory: Memory) -> None:
    memory.add(proved_record_of(CLAIM))
    done = import_claims(memory, [CLAIM, quick("a"), quick("a")], PYTHON)
    assert (done.read, done.skipped, done.proved, done.kept) == (3, 2, 0, 0)
    assert done.reasons == (("no pair", 1),)
    assert done.unproved == 1


def test_unproved_claims_are_kept_only_when_asked_for(memory: Memory) -> None:
    import_claims(memory, [quick("a")], PYTHON)
    assert memory.all() == ()
    done = import_claims(memory, [quick("a")], PYTHON, unproved=True)
    assert done.kept == 1
    (record,) = memory.all()
    assert record.provenance == "import:a"
    assert (record.receipt, record.ratio, record.proved) == (None, 3.0, False)
    assert memory.proved() == 0
    assert import_claims(memory, [quick("a")], PYTHON, unproved=True).skipped == 1


def test_a_mere_claim_is_tried_again_and_gives_way_to_its_proof(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_claims(memory, [quick("a"), quick("b")], PYTHON, unproved=True)
    tried: list[str] = []

    def prove(claim: Claim, *given: object, **more: object) -> Record | Unproved:
        tried.append(claim.origin)
        return proved_record_of(claim) if claim.origin == "a" else Unproved("why", "no pair")

    monkeypatch.setattr(claims_module, "prove_claim", prove)
    done = import_claims(memory, [quick("a"), quick("b")], PYTHON)
    assert (tried, done.proved, done.skipped) == (["a", "b"], 1, 0)
    assert {record.provenance for record in memory.all()} == {"claim:a", "import:b"}
    done = import_claims(memory, [quick("a"), quick("b")], PYTHON, unproved=True)
    assert (tried, done.skipped) == (["a", "b"], 2)


def test_progress_names_the_claim_and_the_share(memory: Memory) -> None:
    told: list[tuple[str, float | None]] = []
    import_claims(
        memory, [quick("a"), quick("b")], PYTHON, total=2,
        progress=lambda message, share=None: told.append((message, share)),
    )  # fmt: skip
    assert told[0][0].startswith("1/2 a: no pair")
    assert [share for _, share in told] == [0.5, 1.0]


def test_a_wrong_interpreter_is_told_before_anything_is_read(memory: Memory) -> None:
    def claims() -> Iterator[Claim]:
        raise AssertionError("it was read")
        yield CLAIM

    with pytest.raises(InterpreterError):
        import_claims(memory, claims(), Path("/nowhere/python"))


def test_a_memory_that_can_not_be_written_is_told_before_anything_is_proved(
    memory: Memory,
) -> None:
    memory.read_only = True
    with pytest.raises(StoreError, match="read-only"):
        import_claims(memory, [CLAIM], PYTHON)
