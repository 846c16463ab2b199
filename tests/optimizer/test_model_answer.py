from __future__ import annotations

from textwrap import dedent

import pytest

from analysis.gate import check_candidate
from optimizer.proposers.model_answer import BadAnswer, Declined, parse_answer, plain, to_edit

FILE = '''\
"""Doc."""
import os

LIMIT = 3


class Box:
    @staticmethod
    def find(items, wanted=LIMIT):
        """Which are wanted.

Kept as it is.
        """
        # slow
        text = """
  two
"""
        return [x for x in items if x in wanted], text

    def other(self):
        return 1
'''
GOOD = '''\
Sure:
CHANGE: Test membership in a set
WHY: Each test walked a list.
```python
import os
import bisect

@staticmethod
def find(items, wanted=LIMIT):
    """Other words."""
    # fast
    known = set(wanted)
    text = """
  two
"""
    return [x for x in items if x in known], text
```
'''


def edited(reply: str, text: str = FILE, qualname: str = "Box.find") -> str:
    answer = parse_answer(reply, qualname.rsplit(".", 1)[-1])
    return to_edit(text, "/w/m.py", qualname, answer, "m").apply(text)


def test_a_method_is_put_in_place_and_nothing_else_changes() -> None:
    want = (
        FILE.replace("import os\n", "import os\nimport bisect\n")
        .replace("        # slow\n", "        # fast\n        known = set(wanted)\n")
        .replace("if x in wanted]", "if x in known]")
    )
    assert edited(GOOD) == want


def test_the_title_is_the_answers_in_plain_words() -> None:
    answer = parse_answer(GOOD, "find")
    assert (answer.title, answer.why) == ("test membership in a set", "Each test walked a list")


def test_line_ends_of_the_file_are_kept() -> None:
    text = FILE.replace("\n", "\r\n")
    after = edited(GOOD, text)
    assert "\n" not in after.replace("\r\n", "")
    assert after.replace("\r\n", "\n") == edited(GOOD)


def test_a_tab_indented_file_stays_valid() -> None:
    text = "class Box:\n\tdef find(self, a):\n\t\tfor x in a:\n\t\t\treturn x\n"
    reply = "```python\ndef find(self, a):\n    for x in a:\n        return x + 0\n```"
    after = edited(reply, text)
    compile(after, "m", "exec")
    assert after.startswith("class Box:\n\tdef find(self, a):\n\t")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("no code at all", "one ```python block"),
        ("```python\ndef find(items, wanted=LIMIT):\n    return 1\n", "one ```python block"),
        ("```python\nx = 1\n```\n```python\ny = 1\n```", "one ```python block"),
        ("```\ndef find(): pass\n```", "not marked"),
        ("```python\ndef find(:\n```", "does not parse"),
        ("```python\ndef other(items): return 1\n```", "only 'find'"),
        ("```python\ndef find(a):\n    return 1\ndef find(b):\n    return 2\n```", "only 'find'"),
        ("```python\nimport os\n```", "does not define"),
        ("```python\nos.system('x')\ndef find(a):\n    return 1\n```", "more than imports"),
        ("```python\ncache = {}\ndef find(a):\n    return 1\n```", "more than imports"),
        ("```python\nfrom . import x\ndef find(a):\n    return 1\n```", "more than imports"),
        ("```python\ndef find(a):\n    return 1\nfind(3)\n```", "more than imports"),
        ("```python\n@staticmethod\ndef find(items):\n    return 1\n```", "parameters"),
        ("```python\ndef find(items, wanted=LIMIT):\n    return 1\n```", "decorators"),
        ("```python\n@staticmethod\nasync def find(items, wanted=LIMIT):\n    return 1\n```",
         "another function"),
        ("x" * 70_000, "longer than"),
        ("```python\n" + "(" * 5000 + "\n```", "does not parse"),
    ],
)  # fmt: skip
def test_anything_else_is_a_bad_answer(reply: str, why: str) -> None:
    with pytest.raises(BadAnswer, match=why):
        edited(reply)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("use a [link](http://x.y) <b>now</b>", "use a bnow/b"),
        ("visit https://evil.example/x?y now", "visit now"),
        ("a\nb\tc", "a b c"),
        ("", ""),
    ],
)
def test_words_of_a_model_are_shown_plain(words: str, shown: str) -> None:
    assert plain(words, 72) == shown


def test_long_words_are_cut() -> None:
    assert len(plain("word " * 50, 72)) <= 76


def test_a_constant_may_stand_above_the_function() -> None:
    text = "def f(s):\n    return s.split('a')\n"
    reply = dedent("""\
        ```python
        import re
        _PATTERN = re.compile("a")
        def f(s):
            return _PATTERN.split(s)
        ```
        """)
    after = edited(reply, text, "f")
    assert after.startswith('import re\n\n_PATTERN = re.compile("a")\n\n\ndef f(s):\n')


def test_a_constant_stands_where_what_it_is_made_of_is_bound() -> None:
    head = '"""Doc."""\n'
    text = head + 'NAMES = ["a"]\n\n\n# About f.\n@staticmethod\ndef f(s):\n    return s in NAMES\n'
    reply = dedent("""\
        ```python
        import re
        # Of NAMES.
        # All.
        _KNOWN: frozenset[str] = frozenset(NAMES)
        _text = '''one

        two'''
        @staticmethod
        def f(s):
            return s in _KNOWN
        ```
        """)
    after = edited(reply, text, "f")
    constants = "# Of NAMES.\n# All.\n_KNOWN: frozenset[str] = frozenset(NAMES)\n"
    constants += "_text = '''one\n\ntwo'''\n\n\n"
    want = text.replace(head, head + "import re\n").replace("in NAMES", "in _KNOWN")
    assert after == want.replace("# About f.", constants + "# About f.")
    assert check_candidate(text, after, "f", "m.py") is None


def test_thoughts_in_front_of_an_answer_are_not_part_of_it() -> None:
    thoughts = "<think>\nWhat of\n```python\ndef find(): ...\n```\n</think>\n"
    assert edited(thoughts + GOOD) == edited(GOOD)
    with pytest.raises(BadAnswer):
        edited("<think>\n```python\nx = 1\n```\n" + GOOD)  # cut off within its thoughts
    with pytest.raises(BadAnswer):
        edited(GOOD + thoughts)


def test_nothing_to_gain_is_an_answer_of_its_own() -> None:
    with pytest.raises(Declined, match="It is linear already"):
        parse_answer("NOTHING: It is linear already.\n", "f")
    for reply in ("NOTHING: so\n```python\ndef g(): pass\n```", "I see NOTHING: to gain"):
        with pytest.raises(BadAnswer):
            parse_answer(reply, "f")


def test_a_function_on_one_line_is_refused_and_not_broken() -> None:
    with pytest.raises(BadAnswer):
        edited("```python\ndef f(x): return x\n```", "def f(x): return x\n", "f")
