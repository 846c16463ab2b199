"""Where a proved edit goes in a text that changed since."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.functions import function_named
from analysis.text import apply_changes
from analysis.worth import share_text
from optimizer.words import ratio_words
from server.lsp.fitting import edits_of, numbered
from server.lsp.outline import Span
from tests.server.lsp.made import SLOW, suggestion

FILE = Path("/w/main.py")
ONE = SLOW.replace("    found = []\n", "    found = []\n    wanted = set(wanted)\n")
TWO = ONE.replace("import os\n", "import os\nimport re\n").replace(
    "return found", "return found[:]"
)


def span_of(text: str) -> Span:
    f = function_named(text, str(FILE), "find")
    assert f is not None
    return Span(f.start, f.end, f.body_start, (0, 0), False, (f.start, f.end))


def test_a_ladder_gives_the_whole_and_each_step_that_stands_alone():
    whole, first, second = edits_of(suggestion(FILE, "find", SLOW, ONE, TWO), SLOW)
    assert (whole.rung, first.rung, second.rung) == (None, 0, 1)
    assert apply_changes(SLOW, whole.changes) == TWO
    assert apply_changes(SLOW, first.changes) == ONE
    alone = SLOW.replace("import os\n", "import os\nimport re\n")
    assert apply_changes(SLOW, second.changes) == alone.replace("return found", "return found[:]")
    assert first.title == "3.1× faster: step 1"


def test_a_step_inside_an_earlier_one_is_not_offered_alone():
    third = ONE.replace("wanted = set(wanted)", "wanted = frozenset(wanted)")
    edits = edits_of(suggestion(FILE, "find", SLOW, ONE, third), SLOW)
    assert [e.rung for e in edits] == [None, 0]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("# a line\n", ""),
        ("", "\n\nlast = 1\n"),
        ("# a line\n", "\n\nlast = 1\n"),
        ("def other():\n    return 1\n\n\n", "\n\ndef last():\n    return 2\n"),
    ],
)
def test_edits_elsewhere_move_it(before: str, after: str, known: bool):
    [edit] = edits_of(suggestion(FILE, "find", SLOW, ONE), SLOW)
    text = before + SLOW + after
    changes = edit.fit(text, span_of(text) if known else None)
    assert changes is not None
    assert apply_changes(text, changes) == before + ONE + after


def test_an_import_is_moved_too():
    edit = edits_of(suggestion(FILE, "find", SLOW, ONE, TWO), SLOW)[0]
    text = SLOW + "\n\nlast = 1\n"
    changes = edit.fit(text, span_of(text))
    assert changes is not None
    assert apply_changes(text, changes) == TWO + "\n\nlast = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        SLOW.replace("item in wanted", "item not in wanted"),
        SLOW.replace("def find", "def found"),
        "",
    ],
)
def test_a_changed_function_fits_nothing(text: str):
    [edit] = edits_of(suggestion(FILE, "find", SLOW, ONE), SLOW)
    assert edit.fit(text) is None


def test_a_clash_outside_the_function_fits_nothing():
    edit = edits_of(suggestion(FILE, "find", SLOW, ONE, TWO), SLOW)[0]
    text = SLOW.replace("import os\n", "import re as os\n")
    changes = edit.fit(text, span_of(text))
    assert changes is None or "import re\n" in apply_changes(text, changes)


def test_took_compares_the_function():
    [edit] = edits_of(suggestion(FILE, "find", SLOW, ONE), SLOW)
    assert edit.took("# more\n" + ONE)
    assert not edit.took(SLOW)
    assert not edit.took("")


def test_numbers_as_people_read_them():
    assert [ratio_words(r) for r in (1.23, 9.94, 24.4)] == ["1.2×", "9.9×", "24×"]
    assert [share_text(s) for s in (0.31, 0.042, 0.0999, 1.0)] == ["31 %", "4.2 %", "10 %", "100 %"]
    assert numbered("use a set", 3.14) == "3.1× faster: use a set"
    assert numbered("3.1× faster: use a set", 3.14) == "3.1× faster: use a set"
