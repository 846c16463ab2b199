"""Findings of a file that is edited: as new, and only what changed is looked at."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from analysis.functions import functions_in
from analysis.rules import incremental
from analysis.rules.base import Finding
from analysis.rules.catalogue import find
from analysis.rules.incremental import Aside, Lookout, RuleHint
from analysis.rules.module import Module

LOOP = """\
def kept(words, stop):
    stop = list(stop)
    return [w for w in words if w not in stop]
"""
TEXT = "import os\n\n\n" + "\n\n".join(LOOP.replace("kept", f"kept_{n}") for n in range(5))


def fresh(text: str) -> tuple[RuleHint, ...]:
    return Lookout("f.py").look(text, None)


def test_the_findings_are_those_of_the_catalogue() -> None:
    found = find(TEXT, "f.py", functions_in(TEXT, "f.py"))
    expected = {(f.rule, f.function, f.range) for f in found}
    assert expected
    assert {(h.rule, h.function, h.range) for h in fresh(TEXT)} == expected


def test_only_the_changed_function_is_looked_at() -> None:
    lookout = Lookout("f.py")
    lookout.look(TEXT, None)
    assert lookout.looked == 5
    text = TEXT.replace("def kept_2(words, stop):\n", "def kept_2(words, stop):\n    x = 1\n\n")
    assert lookout.look(text, None) == fresh(text)
    assert lookout.looked == 1
    assert lookout.look(text, None) == fresh(text)
    assert lookout.looked == 0


def test_only_named_functions_are_looked_at() -> None:
    lookout = Lookout("f.py")
    assert {h.function for h in lookout.look(TEXT, ["kept_1", "kept_3"])} == {"kept_1", "kept_3"}
    assert lookout.looked == 2


def _at_once(work: Callable[[], bytes]) -> Callable[[], bytes]:
    data = work()
    return lambda: data


def _never(work: Callable[[], bytes]) -> Callable[[], bytes]:
    raise BlockingIOError("no more processes")


def _dies(work: Callable[[], bytes]) -> Callable[[], bytes]:
    def wait() -> bytes:
        raise ChildProcessError("it ended with 1")

    return wait


@pytest.mark.parametrize("aside", [_at_once, _never, _dies])
def test_half_of_much_text_may_be_looked_at_elsewhere(
    aside: Aside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incremental, "_WORTH_ASIDE", 10)
    lookout = Lookout("f.py", aside)
    assert lookout.look(TEXT, None) == fresh(TEXT)
    assert lookout.looked == 5
    text = TEXT.replace("import os\n", "import os\n\nfound = 1\n")
    assert lookout.look(text, None) == fresh(text) != ()
    assert lookout.looked == 5


def test_rules_that_are_left_out_find_nothing() -> None:
    lookout = Lookout("f.py")
    assert {h.rule for h in lookout.look(TEXT, None)} == {"membership-set"}
    assert lookout.look(TEXT, None, frozenset({"membership-set"})) == ()
    assert lookout.look(TEXT, None) == fresh(TEXT)


def test_the_file_outside_of_functions_counts() -> None:
    lookout = Lookout("f.py")
    lookout.look(TEXT, None)
    text = TEXT.replace("import os\n", "import os\n\n\ndef list(x):\n    return x\n")
    assert lookout.look(text, None) == fresh(text) != ()
    assert lookout.looked == 6


def test_a_name_that_is_taken_elsewhere_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    look = incremental.find_in

    def find_in(module: Module, *more: Any, **options: Any) -> object:
        found = look(module, *more, **options)
        names.extend(finding.edit.changes[0].new_text.split()[0] for _, _, finding in found)
        return found

    monkeypatch.setattr(incremental, "find_in", find_in)
    lookout = Lookout("f.py")
    lookout.look(TEXT, ["kept_1"])
    assert names == ["stop_set"]
    text = TEXT.replace("kept_4(words, stop):\n", "kept_4(words, stop):\n    stop_set = 1\n")
    lookout.look(text, ["kept_1"])
    assert names == ["stop_set", "stop_set_2"]
    lookout.look(text.replace("stop_set = 1", "stop_set = 2"), ["kept_1"])
    assert names == ["stop_set", "stop_set_2"]


def test_random_edits_give_what_a_fresh_look_gives() -> None:
    chance = random.Random(4)
    lines = ["    x = list(words)", "", "    # words", "    (", "def g(a):", "    stop = set(stop)"]
    text, lookout = TEXT, Lookout("f.py")
    for _ in range(40):
        old = text.split("\n")
        at = chance.randrange(3, len(old))
        if chance.random() < 0.5:
            old.insert(at, chance.choice(lines))
        else:
            del old[at]
        text = "\n".join(old)
        assert lookout.look(text, None) == fresh(text)
        text = chance.choice([text, TEXT])


def test_another_language_is_looked_at_by_its_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def found(text: str, path: str, functions: object) -> tuple[Finding, ...]:
        calls.append(path)
        return ()

    monkeypatch.setattr(incremental, "find", found)
    lookout = Lookout("f.c")
    text = "int twice(int x) { return 2 * x; }\nint same(int x) { return x; }\n"
    lookout.look(text, ["twice(int)"])
    lookout.look(text + "\n", ["twice(int)"])
    assert lookout.looked == 2  # the text around the functions changed
    lookout.look(text + "\n", ["same(int)"])
    assert (lookout.looked, calls) == (0, ["f.c", "f.c"])
