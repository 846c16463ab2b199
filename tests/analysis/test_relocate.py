from analysis.relocate import relocate
from analysis.text import apply_changes, changes_between, to_replacements

BEFORE = """import os

LIMIT = 3


def hot(xs):
    out = []
    for x in xs:
        if x not in out:
            out.append(x)
    return out


def other():
    return LIMIT
"""
OLD_BODY = """    out = []
    for x in xs:
        if x not in out:
            out.append(x)
    return out
"""
AFTER = BEFORE.replace(OLD_BODY, "    return list(dict.fromkeys(xs))\n").replace(
    "import os\n", "import os\nimport sys\n"
)
EDIT = to_replacements(BEFORE, changes_between(BEFORE, AFTER))


def moved(now: str) -> str | None:
    changes = relocate(BEFORE, now, "f.py", "hot", EDIT)
    return None if changes is None else apply_changes(now, changes)


def test_unchanged_text_takes_the_edit_as_it_is():
    assert moved(BEFORE) == AFTER


def test_lines_above_and_below_move_the_edit():
    now = BEFORE.replace("LIMIT = 3", "# three\nLIMIT = 3\nMORE = 4").replace(
        "return LIMIT", "return LIMIT + 1"
    )
    expected = AFTER.replace("LIMIT = 3", "# three\nLIMIT = 3\nMORE = 4").replace(
        "return LIMIT", "return LIMIT + 1"
    )
    assert moved(now) == expected


def test_a_changed_function_refuses_the_edit():
    assert moved(BEFORE.replace("out.append(x)", "out.append(x + 1)")) is None


def test_a_removed_function_refuses_the_edit():
    assert moved(BEFORE.replace("def hot", "def cold")) is None


def test_an_import_that_is_there_already_is_not_added_twice():
    now = BEFORE.replace("import os\n", "import os\nimport sys\n")
    assert moved(now) == AFTER


def test_another_import_at_the_same_place_is_kept():
    now = BEFORE.replace("import os\n", "import os\nimport re\n")
    assert moved(now) == AFTER.replace("import os\n", "import os\nimport re\n")


def test_a_comment_inside_the_function_where_the_edit_works_refuses_it():
    assert moved(BEFORE.replace("    out = []\n", "    out = []  # keep\n")) is None
