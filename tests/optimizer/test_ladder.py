"""Ladders over a bench that counts: each call of ``slow_N`` costs N, ``wrong`` differs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from analysis.edits import AtomicEdit, Origin
from analysis.errors import Cancelled
from analysis.gate import check_candidate
from analysis.progress import CancelToken
from analysis.text import TextChange, apply_replacements, changes_between
from benchmark_runner.receipt import Counterexample, Measurement, Receipt, Verdict
from optimizer.ladder import Ladder, LadderBuilder, Refused, title_of
from optimizer.words import ratio_words
from tests.optimizer.made import receipt

ORIGINAL = """\
def slow_1(x):
    return x


def f(items):
    a = slow_40(items)
    b = slow_30(items)
    c = slow_1(items)
    d = slow_1(a)
    return a, b, c, d


def slow_40(x):
    return x


def slow_30(x):
    return x
"""


def cost(text: str) -> int:
    body = text[text.index("def f") : text.index("def slow_40")]
    return 1 + sum(int(n) for n in re.findall(r"slow_(\d+)\(", body))


class CountingBench:
    """A Prover whose gains are exact."""

    def __init__(self) -> None:
        self.proved: list[tuple[int, int]] = []
        self.origins: set[str] = set()

    def check(self, after: str, origin: Origin) -> Verdict:
        if "wrong" in after:
            return Verdict(None, Counterexample(0, "f([])", "1", "2", "result"))
        return Verdict("exact", inputs=3)

    def measure(self, before: str, after: str) -> Measurement:
        ratio = cost(before) / cost(after)
        made = receipt().measurement
        assert made is not None
        return replace(made, ratio=ratio, accepted=ratio >= 1.05)

    def prove(self, after: str, origin: Origin, before: str | None = None) -> Receipt:
        self.origins.add(origin)
        start = ORIGINAL if before is None else before
        self.proved.append((cost(start), cost(after)))
        ratio = cost(start) / cost(after)
        decision = "faster" if ratio >= 1.05 else "not faster"
        if "wrong" in after:
            decision = "different"
        return receipt(ratio, decision)


def builder(bench: CountingBench, cancel: CancelToken | None = None) -> LadderBuilder:
    def gate(text: str) -> str | None:
        return check_candidate(ORIGINAL, text, "f", "/w/m.py")

    return LadderBuilder(bench, ORIGINAL, "/w/m.py", "f", gate=gate, cancel=cancel)


def edit(before: str, *pairs: tuple[str, str], origin: Origin = "rule") -> AtomicEdit:
    after = before
    for old, new in pairs:
        assert old in after
        after = after.replace(old, new)
    title = pairs[0][1]
    return AtomicEdit(title, f"uses {title}", changes_between(before, after), origin, "source")


def built(*edits: AtomicEdit) -> Ladder:
    found = builder(CountingBench()).build(edits)
    assert isinstance(found, Ladder)
    return found


def climb(ladder: Ladder) -> str:
    text = ORIGINAL
    for rung in ladder.rungs:
        text = apply_replacements(text, rung.replacements)
    return text


def test_one_edit_is_one_rung_with_one_proof() -> None:
    bench = CountingBench()
    one = edit(ORIGINAL, ("slow_40(items)", "list(items)"))
    ladder = builder(bench).build([one])
    assert isinstance(ladder, Ladder)
    assert [(r.title, r.alone) for r in ladder.rungs] == [("list(items)", True)]
    assert len(bench.proved) == 1
    assert climb(ladder) == ladder.text == one.apply(ORIGINAL)


def test_rules_become_rungs_that_lead_from_text_to_text() -> None:
    one = edit(ORIGINAL, ("slow_40(items)", "list(items)"))
    two = edit(one.apply(ORIGINAL), ("slow_30(items)", "tuple(items)"))
    ladder = built(one, two)
    assert [r.alone for r in ladder.rungs] == [True, True]
    assert climb(ladder) == ladder.text
    assert ladder.rungs[1].ratio == pytest.approx(33 / 3)
    assert ladder.ratio == pytest.approx(73 / 3)


def test_a_step_that_gains_nothing_alone_is_merged_with_the_one_that_needs_it() -> None:
    one = edit(ORIGINAL, ("    a = slow_40", "    n = len(items)\n    a = slow_40"))
    two = edit(one.apply(ORIGINAL), ("slow_40(items)", "list(items)[:n]"))
    ladder = built(one, two)
    assert len(ladder.rungs) == 1
    assert climb(ladder) == two.apply(one.apply(ORIGINAL))


def test_a_last_step_that_gains_nothing_is_dropped() -> None:
    one = edit(ORIGINAL, ("slow_40(items)", "list(items)"))
    two = edit(one.apply(ORIGINAL), ("return a, b, c, d", "return (a, b, c, d)"))
    assert climb(built(one, two)) == one.apply(ORIGINAL)


def test_a_later_step_that_needs_an_earlier_one_does_not_stand_alone() -> None:
    one = edit(ORIGINAL, ("slow_40(items)", "slow_30(items)"))
    after = one.apply(ORIGINAL)
    two = edit(after, ("a = slow_30(items)", "a = list(items)"))
    assert [r.alone for r in built(one, two).rungs] == [True, False]


def test_parts_of_a_models_answer_that_add_nothing_are_dropped() -> None:
    whole = edit(
        ORIGINAL,
        ("slow_40(items)", "list(items)"),
        ("slow_30(items)", "tuple(items)"),
        ("    c = slow_1(items)", "    c = list(items)"),
        ("return a, b, c, d", "result = a, b, c, d\n    return result"),
        origin="model",
    )
    ladder = built(whole)
    text = climb(ladder)
    assert "list(items)" in text
    assert "tuple(items)" in text
    assert "result" not in text
    assert all(r.origin == "model:source" for r in ladder.rungs)
    assert len(ladder.rungs) >= 2


def test_one_rung_of_a_whole_answer_has_the_answers_words_and_only_its_changes() -> None:
    whole = edit(
        ORIGINAL,
        ("    a = slow_40(items)", "    n = len(items)\n    a = list(items)[:n]"),
        origin="model",
    )
    padded = replace(
        whole, changes=(TextChange(0, len(ORIGINAL), whole.apply(ORIGINAL)),), title="the words"
    )
    ladder = built(padded)
    assert [r.title for r in ladder.rungs] == ["the words"]
    assert not any("slow_1(x)" in r.new_text for r in ladder.rungs[0].replacements)


def test_several_rungs_of_an_answer_are_named_by_what_each_does() -> None:
    whole = edit(
        ORIGINAL,
        ("slow_40(items)", "set(items)"),
        ("slow_30(items)", "' '.join(items)"),
        origin="model",
    )
    titles = [r.title for r in built(whole).rungs]
    assert titles == ["use a set", "join the pieces once"]


def test_what_is_left_of_an_answer_keeps_its_words_where_the_syntax_says_nothing() -> None:
    whole = edit(
        ORIGINAL,
        ("slow_40(items)", "slow_1(items)"),
        ("return a, b, c, d", "result = a, b, c, d\n    return result"),
        origin="model",
    )
    assert [r.title for r in built(whole).rungs] == [whole.title]


def test_a_models_code_is_proved_as_a_models() -> None:
    bench = CountingBench()
    builder(bench).build([edit(ORIGINAL, ("slow_40(items)", "list(items)"), origin="model")])
    assert bench.origins == {"model"}


def test_nothing_faster_is_refused_with_its_reason() -> None:
    found = builder(CountingBench()).build([edit(ORIGINAL, ("slow_1(a)", "wrong(a)"))])
    assert isinstance(found, Refused)


def test_cancel_is_heard() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        builder(CountingBench(), cancel).build([edit(ORIGINAL, ("slow_1(a)", "list(a)"))])


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (3.19, "3.1×"),
        (9.99, "9.9×"),
        (14.9, "14×"),
        (1.0799, "1.07×"),
        (2.3, "2.3×"),
        (1.25, "1.2×"),
    ],
)
def test_a_ratio_is_never_flattered(ratio: float, words: str) -> None:
    assert ratio_words(ratio) == words


def test_the_title_has_the_number_and_the_largest_gain_in_front() -> None:
    one = edit(ORIGINAL, ("slow_30(items)", "tuple(items)"))
    two = edit(one.apply(ORIGINAL), ("slow_40(items)", "list(items)"))
    assert title_of(built(one, two)) == "24× faster: list(items) and 1 more edit"
