"""Attempts to make `hasten verify` say something untrue, through the real command line."""

from pathlib import Path

import pytest

from tests.e2e.cli import Cli, Done

WORK = """
def work(x):
    total = 0
    for i in range(60):
        total += i * x
    return total
"""
SIX = "def inputs():\n    for i in range(6):\n        yield (i,), {}\n"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def verify(cli: Cli, before: str, after: str, inputs: str) -> Done:
    for name, text in (("before.py", before), ("after.py", after), ("calls.py", inputs)):
        (cli.folder / name).write_text(text)
    return cli(
        "verify", "before.py", "after.py", "--function", "f", "--inputs", "calls.py", "--json"
    )


PLACES = {
    "a builtin": ("import builtins\nbuiltins.__dict__['_kept'] = {}", "builtins._kept"),
    "a library's class": ("import enum\nenum.Flag._kept = {}", "enum.Flag._kept"),
    "a library's own cache": ("import re\nre._cache['kept'] = {}", "re._cache['kept']"),
    "an iterator": ("import itertools\n_same = itertools.repeat({})", "next(_same)"),
    "a bound method": ("_get = {}.setdefault", "_get.__self__"),
    "a context variable": (
        "import contextvars\n_var = contextvars.ContextVar('v')\n_var.set({})",
        "_var.get()",
    ),
}


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_memory_of_microseconds_is_refused_wherever_it_hides(cli: Cli, place: str) -> None:
    setup, kept = PLACES[place]
    before = f"{WORK}\ndef f(x):\n    return work(x)\n"
    after = (
        f"{WORK}\n{setup}\n\ndef f(x):\n    kept = {kept}\n    found = kept.get(x)\n"
        "    if found is None:\n        found = kept[x] = work(x)\n    return found\n"
    )
    done = verify(cli, before, after, SIX)
    assert (done.code, done.value["decision"]) == (1, "refused"), done.out
    assert "state" in done.value["reason"]


SLOW = "    out = []\n    for x in xs:\n        if x not in out:\n            out.append(x)\n"
LISTS = """
def inputs():
    for n in (40, 90, 160):
        yield ([i * 7 % n for i in range(n)] * 2,), {}
"""


def test_answers_made_from_the_inputs_file_are_refused(cli: Cli) -> None:
    before = f"def f(xs):\n{SLOW}    return out\n"
    after = (
        "import calls\n_KNOWN = {tuple(args[0]): list(dict.fromkeys(args[0])) "
        "for args, _ in calls.inputs()}\n\n\ndef f(xs):\n    known = _KNOWN.get(tuple(xs))\n"
        f"    if known is not None:\n        return list(known)\n{SLOW}    return out\n"
    )
    done = verify(cli, before, after, LISTS)
    assert (done.code, done.value["decision"]) == (1, "refused"), done.out
    assert "inputs" in done.value["reason"]


def test_answers_in_the_text_are_refused(cli: Cli) -> None:
    before = f"{WORK}\ndef f(x):\n    return work(x)\n"
    after = (
        f"{WORK}\n_KNOWN = {{{', '.join(f'{x}: {1770 * x}' for x in range(0, 60, 10))}}}\n\n"
        "def f(x):\n    return _KNOWN[x] if x in _KNOWN else work(x)\n"
    )
    tens = SIX.replace("(i,)", "(10 * i,)")
    done = verify(cli, before, after, tens)
    assert (done.code, done.value["decision"]) == (1, "refused"), done.out
    assert "given inputs" in done.value["reason"]


def test_a_precomputed_table_of_constants_is_honest(cli: Cli) -> None:
    before = "def f(xs):\n    return [bin(x & 255).count('1') for x in xs]\n"
    after = (
        "_ONES = [bin(i).count('1') for i in range(256)]\n\n\n"
        "def f(xs):\n    ones = _ONES\n    return [ones[x & 255] for x in xs]\n"
    )
    done = verify(cli, before, after, LISTS)
    assert (done.code, done.value["decision"]) == (0, "faster"), done.out


def test_caches_of_libraries_and_imports_in_the_function_are_honest(cli: Cli) -> None:
    before = (
        "def f(xs):\n    out = ''\n    for x in xs:\n        for letter in str(x):\n"
        "            if letter != '7':\n                out = out + letter\n    return out[:]\n"
    )
    after = "def f(xs):\n    import re\n    return re.sub('7+', '', ''.join(map(str, xs)))\n"
    done = verify(cli, before, after, LISTS)
    assert (done.code, done.value["decision"]) == (0, "faster"), done.out


@pytest.mark.slow
def test_large_arguments_are_proved(cli: Cli) -> None:
    before = "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"
    after = "def f(xs):\n    return sum(xs)\n"
    inputs = "def inputs():\n    for k in range(2):\n        yield (list(range(k, 150_000)),), {}\n"
    done = verify(cli, before, after, inputs)
    assert (done.code, done.value["decision"]) == (0, "faster"), done.out


@pytest.mark.parametrize("wait", ["time.sleep(1000)", "while True:\n        pass"])
def test_inputs_that_never_end_are_taken_as_far_as_they_come(cli: Cli, wait: str) -> None:
    before = f"def f(xs):\n{SLOW}    return out\n"
    after = "def f(xs):\n    return sorted(set(xs))\n"
    inputs = f"import time\n{LISTS}    {wait}\n    yield ([],), {{}}\n"
    done = verify(cli, before, after, inputs)
    assert (done.code, done.value["decision"]) == (1, "different"), done.out
    assert done.value["inputs"]["count"] == 3


def test_gains_by_settings_of_the_interpreter_are_refused(cli: Cli) -> None:
    before = (
        "def f(n):\n    out = []\n    for i in range(n):\n        out.append([i, (i,)])\n"
        "    return len(out)\n"
    )
    after = f"import gc\n\ngc.disable()\n\n\n{before}"
    done = verify(cli, before, after, "def inputs():\n    yield (20_000,), {}\n")
    assert (done.code, done.value["decision"]) == (1, "refused"), done.out
    assert "gc enabled" in done.value["reason"]
