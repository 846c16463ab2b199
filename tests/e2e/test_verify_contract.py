"""`hasten verify`: its decisions, its JSON and its exit codes, through the real command line."""

from pathlib import Path
from typing import Any

import pytest

from benchmark_runner.receipt import from_json
from tests.e2e.cli import Cli, Done

SLOW = """
def unique(xs):
    seen = []
    for x in xs:
        if x not in seen:
            seen.append(x)
    return seen
"""
FAST = """
def unique(xs):
    return list(dict.fromkeys(xs))
"""
INPUTS = """
import random


def inputs():
    for n in (50, 120, 200, 400):
        yield ([random.randrange(n) for _ in range(n)],), {}
"""
KEYS = {
    "decision", "ratio", "interval", "equality", "counterexample", "slower_on", "reason", "inputs",
    "seconds", "sandbox", "receipt",
}  # fmt: skip


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def verify(
    cli: Cli, before: str, after: str, *flags: str, inputs: str | None = INPUTS, function="unique"
) -> Done:
    for name, text in (("before.py", before), ("after.py", after), ("inputs_file.py", inputs)):
        if text is not None:
            (cli.folder / name).write_text(text)
    more = ("--inputs", "inputs_file.py") if inputs is not None else ()
    return cli("verify", "before.py", "after.py", "--function", function, *more, *flags, "--json")


def test_a_true_gain_is_faster_and_exits_with_0(cli: Cli):
    done = verify(cli, SLOW, FAST)
    value: dict[str, Any] = done.value
    assert (done.code, value["decision"], value["equality"]) == (0, "faster", "exact"), done.out
    assert set(value) == KEYS
    low, high = value["interval"]
    assert 1 < low <= value["ratio"] <= high
    assert value["inputs"] == {"source": "file", "count": 4}
    assert value["sandbox"] in {"L0", "L1", "L2", "L3"}
    assert from_json(value["receipt"]).decision == "faster"


def test_the_same_text_is_not_faster(cli: Cli):
    done = verify(cli, SLOW, SLOW)
    assert (done.code, done.value["decision"]) in {(1, "not faster"), (1, "inconclusive")}
    assert done.value["equality"] == "exact", done.value["reason"]


def test_a_slower_version_is_slower(cli: Cli):
    done = verify(cli, FAST, SLOW)
    assert (done.code, done.value["decision"]) == (1, "slower")
    assert done.value["ratio"] < 1
    assert {row["input"] for row in done.value["slower_on"]} == {0, 1, 2, 3}


def test_another_result_is_different_with_a_counterexample(cli: Cli):
    done = verify(cli, SLOW, "def unique(xs):\n    return sorted(set(xs))\n")
    assert (done.code, done.value["decision"], done.value["ratio"]) == (1, "different", None)
    assert done.value["equality"] is None
    found = done.value["counterexample"]
    assert found["call"] == "unique([1, 0])"
    assert found["stage"] in ("file", "mutated")
    assert "print(unique([1, 0]))" in found["snippet"]


def test_a_memo_across_calls_is_refused(cli: Cli):
    memo = (
        "_memo = {}\n\ndef unique(xs):\n    key = tuple(xs)\n    if key not in _memo:\n"
        "        seen = []\n        for x in xs:\n            if x not in seen:\n"
        "                seen.append(x)\n        _memo[key] = seen\n    return list(_memo[key])\n"
    )
    done = verify(cli, SLOW, memo)
    assert (done.code, done.value["decision"]) == (1, "refused")
    assert "state" in done.value["reason"]


def test_an_after_that_does_not_parse_is_refused(cli: Cli):
    done = verify(cli, SLOW, "def unique(xs:\n")
    assert (done.code, done.value["decision"]) == (1, "refused")


@pytest.mark.slow
def test_a_patched_clock_gains_nothing(cli: Cli):
    patched = "import time\ntime.perf_counter = time.process_time = lambda: 0.0\n" + SLOW
    assert verify(cli, SLOW, patched).value["decision"] != "faster"


def test_rounding_counts_only_where_it_is_allowed(cli: Cli):
    before = (
        "def unique(xs):\n    t = 0.0\n    for x in xs:\n        t = t + x * 0.1\n    return t\n"
    )
    after = "def unique(xs):\n    return sum(xs) * 0.1\n"
    strict = verify(cli, before, after)
    lax = verify(cli, before, after, "--rounding", "1e-9")
    assert strict.value["decision"] == "different"
    assert (lax.code, lax.value["equality"]) == (0, "rounding"), lax.out


@pytest.mark.slow
def test_inputs_are_generated_where_none_are_given(cli: Cli):
    before, after = (
        text.replace("unique(xs)", "unique(xs: list[int]) -> list[int]") for text in (SLOW, FAST)
    )
    done = verify(cli, before, after, inputs=None)
    assert done.value["inputs"]["source"] == "generated"
    assert done.value["inputs"]["count"] > 10
    assert done.value["equality"] == "exact", done.value["reason"]


def test_no_inputs_to_be_had_is_bad_input_and_says_how_to_give_some(cli: Cli):
    text = "def unique(xs):\n    return xs.frobnicate()\n"
    done = verify(cli, text, text, inputs=None)
    assert done.code == 2
    assert "inputs()" in done.value["error"]["mend"]


def test_inputs_that_are_not_repeatable_are_bad_input(cli: Cli):
    inputs = "import os\n\ndef inputs():\n    yield (list(os.urandom(50)),), {}\n"
    done = verify(cli, SLOW, FAST, inputs=inputs)
    assert done.code == 2
    assert "inputs are not repeatable" in done.value["error"]["message"]


def test_a_non_deterministic_function_is_named_as_such(cli: Cli):
    text = "import os\n\ndef unique(xs):\n    return os.urandom(4)\n"
    done = verify(cli, text, text)
    assert done.code == 2
    assert done.value["error"]["code"] == "nondeterministic"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nowhere.py", "after.py", "--function", "unique"), "file-missing"),
        (("before.py", "after.py", "--function", "nothing"), "function-unknown"),
        (("before.py", "after.py", "--function", "unique", "--inputs", "no.py"), "file-missing"),
        (("before.py", "after.py", "--function", "unique", "--python", "/no/py"), None),
        (("before.py", "after.py"), "usage"),
        (("before.py", "after.py", "--function", "unique", "--rounding", "-1"), "usage"),
    ],
)
def test_bad_input_is_one_json_error_and_exits_with_2(cli: Cli, arguments, code):
    (cli.folder / "before.py").write_text(SLOW)
    (cli.folder / "after.py").write_text(FAST)
    done = cli("verify", *arguments, "--json")
    assert done.code == 2
    assert set(done.value["error"]) == {"code", "message", "mend"}
    assert code is None or done.value["error"]["code"] == code


def test_one_input_has_no_hold_out_and_says_so(cli: Cli):
    done = verify(cli, SLOW, FAST, inputs="def inputs():\n    yield (list(range(300)),), {}\n")
    assert done.value["decision"] == "faster"
    assert any("no hold-out" in note for note in done.value["receipt"]["notes"])


def test_a_method_takes_its_receiver_from_the_inputs(cli: Cli):
    before = (
        "class Bag:\n    def __init__(self, xs):\n        self.xs = xs\n\n"
        "    def hits(self, ys):\n        return [y for y in ys if y in self.xs]\n"
    )
    after = before.replace(
        "return [y for y in ys if y in self.xs]",
        "xs = set(self.xs)\n        return [y for y in ys if y in xs]",
    )
    inputs = (
        "from before import Bag\n\ndef inputs():\n    for n in (200, 300):\n"
        "        yield (Bag(list(range(n))), list(range(0, 2 * n, 2))), {}\n"
    )
    done = verify(cli, before, after, inputs=inputs, function="Bag.hits")
    assert (done.code, done.value["decision"]) == (0, "faster"), done.out


def test_neighbours_get_the_version_under_test(cli: Cli):
    package = cli.folder / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "core.py").write_text(
        "from . import user\n" + SLOW + "\ndef count(xs):\n    return user.distinct(xs)\n"
    )
    (package / "user.py").write_text(
        "def distinct(xs):\n    from pkg.core import unique\n    return len(unique(xs))\n"
    )
    elsewhere = cli.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "new.py").write_text(
        "from . import user\n" + FAST + "\ndef count(xs):\n    return user.distinct(xs)\n"
    )
    (cli.folder / "inputs_file.py").write_text(INPUTS)
    done = cli(
        "verify", "pkg/core.py", "elsewhere/new.py", "--function", "count",
        "--inputs", "inputs_file.py", "--json",
    )  # fmt: skip
    assert (done.code, done.value["decision"]) == (0, "faster"), done.out
