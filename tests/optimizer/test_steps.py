from __future__ import annotations

import random

from analysis.edits import AtomicEdit
from analysis.text import TextChange, apply_changes
from optimizer.steps import alone, commute, merged, texts, without


def edit(*changes: TextChange) -> AtomicEdit:
    return AtomicEdit("t", "d", changes, "rule", "r")


def some_changes(rng: random.Random, text: str) -> tuple[TextChange, ...]:
    cuts = sorted(rng.sample(range(len(text) + 1), 4))
    letters = rng.choice(["", "X", "YY", "ZZZ"])
    first = TextChange(cuts[0], cuts[1], letters)
    return (first, TextChange(cuts[2], cuts[3], "q")) if rng.random() < 0.5 else (first,)


def test_commuting_gives_the_same_text_in_the_other_order() -> None:
    rng = random.Random(1)
    swapped = 0
    for _ in range(3000):
        text = "abcdefghijklmnop"[: rng.randrange(6, 16)]
        a = some_changes(rng, text)
        after_a = apply_changes(text, a)
        if len(after_a) < 4:
            continue
        b = some_changes(rng, after_a)
        both = apply_changes(after_a, b)
        found = commute(a, b)
        if found is None:
            continue
        swapped += 1
        assert apply_changes(apply_changes(text, found[0]), found[1]) == both
    assert swapped > 500


def test_changes_that_touch_do_not_commute() -> None:
    a = (TextChange(2, 4, "XYZ"),)
    assert commute(a, (TextChange(3, 4, "-"),)) is None
    assert commute((TextChange(2, 4, ""),), (TextChange(2, 2, "-"),)) is None


TEXT = "one\ntwo\nthree\n"
EDITS = (
    edit(TextChange(0, 3, "1")),  # 1 two three
    edit(TextChange(2, 5, "22222")),  # 1 22222 three
    edit(TextChange(0, 1, "first")),  # first 22222 three
)


def test_an_edit_is_left_out_where_no_later_one_needs_it() -> None:
    fewer = without(EDITS, 1)
    assert fewer is not None
    assert texts(TEXT, fewer)[-1] == "first\ntwo\nthree\n"
    assert without(EDITS, 0) is None
    last = without(EDITS, 2)
    assert last is not None
    assert texts(TEXT, last)[-1] == "1\n22222\nthree\n"


def test_an_edit_stands_alone_where_it_needs_no_earlier_one() -> None:
    found = alone(EDITS, 1, 1)
    assert found is not None
    assert texts(TEXT, found)[-1] == "one\n22222\nthree\n"
    assert alone(EDITS, 2, 2) is None


def test_a_block_of_edits_moves_together() -> None:
    found = alone(EDITS, 1, 2)
    assert found is None
    found = alone((EDITS[1], *EDITS[:1]), 0, 1)
    assert found is not None


def test_merged_edits_lead_to_the_same_text_and_keep_each_title_once() -> None:
    whole = merged(TEXT, EDITS)
    assert whole.apply(TEXT) == texts(TEXT, EDITS)[-1]
    assert whole.title == "t"
