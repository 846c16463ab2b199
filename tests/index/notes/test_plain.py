"""Plain text, reStructuredText and the tops of source files to passages."""

from __future__ import annotations

import pytest

from index.notes.reading import NO_HEAD
from index.notes.text import MOST_LINE
from tests.index.notes.conftest import read

RST = """\
=====
Title
=====

Intro::

    for x in xs:

        f(x)

Section
=======
Text of
two lines.

Sub
---
sub

Table
=====

====  ====
a     b
====  ====
1     2
====  ====

----

end
"""


def test_underlined_headings() -> None:
    assert read("a.rst", RST).passages == (
        ("Title", "Intro::\n\n    for x in xs:\n\n        f(x)", 5),
        ("Title > Section", "Text of\ntwo lines.", 13),
        ("Title > Section > Sub", "sub", 18),
        (
            "Title > Table",
            "====  ====\na     b\n====  ====\n1     2\n====  ====\n\n----\n\nend",
            23,
        ),
    )


def test_plain_paragraphs() -> None:
    assert read("a.txt", "\none\ntwo\n\n\nthree").passages == (("", "one\ntwo\n\nthree", 2),)


def test_a_readme_without_a_suffix_is_read() -> None:
    assert read("README", "hello").passages == (("", "hello", 1),)


def test_a_line_that_does_not_end_is_cut() -> None:
    found = read("a.txt", "x" * 5_000_000 + "\nend").passages
    assert sum(len(text) for _, text, _ in found) <= MOST_LINE + 5
    assert found[-1][1].endswith("end")


def test_the_docstring_of_a_module() -> None:
    text = (
        "#!/usr/bin/env python3\n# Copyright me.\nr'''Sums fast.\n\n    Usage\n    -----\n"
        "    ::\n\n        sum()\n    '''\nx = '''no'''\n"
    )
    assert read("a.py", text).passages == (
        ("", "Sums fast.", 3),
        ("Usage", "::\n\n    sum()", 7),
    )


def test_comments_where_there_is_no_docstring() -> None:
    text = (
        "#!/bin/sh\n# vim: set et:\n# Copyright 2020 me\n#\n# Sums fast,\n#   and well.\n\nx\n# no"
    )
    assert read("a.sh", text).passages == (("", "Sums fast,\n  and well.", 5),)


@pytest.mark.parametrize("name", ["a.c", "a.rs", "a.ts", "a.go"])
def test_comments_of_other_languages(name: str) -> None:
    text = (
        "/* SPDX-License-Identifier: MIT */\n\n/**\n * Sums fast.\n *\n *     sum(a);\n */\n"
        "//! And well.\n\nint x; // no\n/* no */\n"
    )
    (passage,) = read(name, text).passages
    assert passage == ("", "Sums fast.\n\n    sum(a);\n\nAnd well.", 4)


@pytest.mark.parametrize("text", ["", "x = 1\n", "b'''no'''", "'''never closed", "# (c) me\nx"])
def test_a_source_file_that_says_nothing(text: str) -> None:
    assert read("a.py", text).missing == NO_HEAD


def test_source_is_never_run() -> None:
    found = read("a.py", "'''a''' + __import__('os').abort()\n").passages
    assert found == (("", "a", 1),)
