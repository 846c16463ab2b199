from __future__ import annotations

import ast
import json.decoder
import sys
import textwrap
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.functions import function_at, function_named, functions_in, parse

NAMES = textwrap.dedent(
    """
    import os
    def plain(): pass
    async def coroutine(): pass
    @decorator
    @other(1)
    def decorated(): pass
    class A:
        def method(self):
            def inner(): pass
            class B:
                def deep(self): pass
        class C:
            async def m(self): pass
        if os:
            def guarded(self): pass
    if os:
        def in_if(): pass
    else:
        def in_else(): pass
    try:
        def in_try(): pass
    except ValueError:
        def in_except(): pass
    finally:
        def in_finally(): pass
    with os:
        def in_with(): pass
    for x in y:
        def in_for(): pass
    while x:
        def in_while(): pass
    def outer():
        global lifted
        def lifted(): pass
        for x in y:
            def looped(): pass
        return lambda: 0
    def twice(): return 1
    def twice(): return 2
    def generic(x: "def not_one(): pass" = "class Nope"): pass
    """
)


def compiled_names(text: str) -> set[tuple[str, int]]:
    """Qualified names and first lines as the compiler gives them (from Python 3.11 on)."""
    defined = {
        (node.name, min([node.lineno, *(d.lineno for d in node.decorator_list)]))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    found = set()
    codes = [compile(text, "m", "exec", dont_inherit=True)]
    while codes:
        code = codes.pop()
        codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        if (code.co_name, code.co_firstlineno) in defined:
            found.add((code.co_qualname, code.co_firstlineno))
    return found


@pytest.mark.skipif(sys.version_info < (3, 11), reason="code objects have no qualified names yet")
@pytest.mark.parametrize(
    "source", [NAMES, *(Path(m.__file__) for m in (ast, json.decoder, textwrap))]
)
def test_names_and_lines_are_those_of_the_compiler(source):
    text = source if isinstance(source, str) else source.read_text(encoding="utf-8")
    found = [(f.qualname, f.first_line + 1) for f in functions_in(text, "m.py")]
    assert set(found) == compiled_names(text)
    assert found == sorted(found, key=lambda item: item[1])


@pytest.mark.parametrize(
    ("qualname", "kind"),
    [
        ("plain", "function"),
        ("A.method", "method"),
        ("A.C.m", "method"),
        ("A.method.<locals>.inner", "nested"),
        ("A.method.<locals>.B.deep", "nested"),
        ("outer.<locals>.looped", "nested"),
        ("lifted", "nested"),
        ("in_finally", "function"),
    ],
)
def test_kinds(qualname, kind):
    function = function_named(NAMES, "m.py", qualname)
    assert function is not None
    assert function.kind == kind


def test_of_two_definitions_the_last_has_the_name_and_both_are_listed():
    assert [f.qualname for f in functions_in(NAMES, "m.py")].count("twice") == 2
    function = function_named(NAMES, "m.py", "twice")
    assert function is not None
    assert "return 2" in function.source


def test_ranges():
    text = 'x = "😀"\n@a\n@b\nasync def f(y):  # c\n    # d\n    "doc"\n    return y\nz = 1\n'
    (function,) = functions_in(text, "m.py")
    assert text[function.start : function.end] == text[8 : text.index("\nz")]
    assert text[function.def_start :].startswith("async def f")
    assert text[function.body_start :].startswith('"doc"')
    assert (function.first_line, function.line) == (1, 3)
    assert (function.range.start.line, function.range.end.line) == (1, 6)
    assert (function.name_range.start.character, function.name_range.end.character) == (10, 11)
    assert function.is_async


def test_columns_are_counted_in_utf_16():
    text = 'class A:\n    """😀"""; x = "😀😀"\n    def é(self): return "😀"\n'
    (function,) = functions_in(text, "m.py")
    assert function.qualname == "A.é"
    assert function.range.end.character == len("    def é(self): return ") + 4


ODD = "def f(x):\n\x0c\n\tif x:\n\t\treturn 'é😀'\n\n\ndef g():\n\treturn 1\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_ends_form_feeds_tabs_and_byte_order_marks(end, bom):
    text = bom + ODD.replace("\n", end)
    found = functions_in(text, "m.py")
    assert [(f.qualname, f.line) for f in found] == [("f", 0), ("g", 6)]
    assert [f.fingerprint for f in found] == [f.fingerprint for f in functions_in(ODD, "m.py")]
    assert text[found[1].start : found[1].end] == f"def g():{end}\treturn 1"


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n    pass\n\ndef good():\n    return 1\n",
        "x = (1,\n\ndef good():\n    return 1\n",
        "def bad(x):\n    return (x[\n\ndef good():\n    return 1\n\ndef g(): pass\n",
        "class A:\n    x = f({\n\n    def m(self): pass\n\ndef good():\n    return 1\n",
        "class A:\n    def broken(self)\n        pass\n\ndef good():\n    return 1\n",
        "def good():\n    return 1\n\ndef bad(x):\n    return (x\n",
        "def good():\n    return 1\nprint 'python 2'\nx = = 3\n",
        "def good():\n    return 1\n'''never closed\n",
    ],
)
def test_a_syntax_error_leaves_the_rest_usable(text):
    function = function_named(text, "m.py", "good")
    assert function is not None
    assert text[function.start : function.end] == "def good():\n    return 1"


def test_a_definition_inside_an_open_string_is_none():
    text = "x = (\n\ny = '''\ndef quoted():\n    pass\n'''\n"
    assert functions_in(text, "m.py") == ()


@pytest.mark.parametrize("text", ["", "\n", "\x00", "\ud800", "def", "def f", "class", "@", "\\"])
def test_texts_without_functions(text):
    assert functions_in(text, "m.py") == ()


BASE = """\
class A:
    @d
    def f(self, a, b=1):
        x = [a, b]
        return (x[0], 'text')
"""


@pytest.mark.parametrize(
    "same",
    [
        BASE.replace("        x =", "        # why\n\n        x   =  "),
        BASE.replace("[a, b]", "[\n            a,\n            b,\n        ]"),
        BASE.replace("'text'", '"text"'),
        BASE.replace("(self", "(self,").replace(",,", ",").replace("b=1)", "b=1,)"),
        BASE.replace("        x", '        """Doc."""\n        x'),
        BASE.replace("return (x[0], 'text')", "return x[0], 'text'"),
        BASE.replace("\n        return", "; return"),
        "\n\n" + BASE.replace("    ", "\t"),
    ],
)
def test_comments_docstrings_and_formatting_leave_the_fingerprint(same):
    (one,), (other,) = functions_in(BASE, "m.py"), functions_in(same, "m.py")
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        BASE.replace("b=1", "b=2"),
        BASE.replace("@d", "@e"),
        BASE.replace("def f", "async def f"),
        BASE.replace("'text'", "'text '"),
        BASE.replace("'text'", "b'text'"),
        BASE.replace("[a, b]", "[b, a]"),
        BASE.replace("[a, b]", "(a, b)"),
        BASE.replace("(x[0], 'text')", "x[0] + 'text'"),
    ],
)
def test_another_syntax_has_another_fingerprint(other):
    (one,), (two,) = functions_in(BASE, "m.py"), functions_in(other, "m.py")
    assert one.fingerprint != two.fingerprint


def test_parentheses_that_matter_are_in_the_fingerprint():
    (one,) = functions_in("def f(a): return a * (a + 1)\n", "m.py")
    (two,) = functions_in("def f(a): return a * a + 1\n", "m.py")
    assert one.fingerprint != two.fingerprint


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("x = 1\ndef f():  # hasten: ignore\n    pass\ndef g(): pass\n", ["f"]),
        ("x = 1\n# hasten: ignore\ndef f(): pass\ndef g(): pass\n", ["f"]),
        ("x = 1\n@a  # hasten: ignore\n@b\ndef f(): pass\ndef g(): pass\n", ["f"]),
        ("x = 1\n#hasten:ignore\n@a\n@b\ndef f(): pass\ndef g(): pass\n", ["f"]),
        ("class A:\n    # hasten: ignore\n    def f(self): pass\n    def g(self): pass\n", ["A.f"]),
        ("# hasten: ignore\ndef f(): pass\ndef g(): pass\n", ["f", "g"]),
        ("#!/usr/bin/env python\n\n# hasten: ignore\nimport os\ndef f(): pass\n", ["f"]),
        ("\n\n\n\n\n# hasten: ignore\n\ndef f(): pass\n", []),
        ("x = 1  # hasten: ignore\ndef f(): pass\n", []),
        ("def f(x='# hasten: ignore'): pass\n", []),
        ("'''\n# hasten: ignore\n'''\ndef f(): pass\n", []),
        ("def f():\n    pass  # hasten: ignore\n", []),
    ],
)
def test_what_is_silenced(text, ignored):
    assert [f.qualname for f in functions_in(text, "m.py") if f.ignored] == ignored


def test_the_innermost_function_is_at_an_offset():
    functions = functions_in(NAMES, "m.py")
    inner = function_at(functions, NAMES.index("def inner") + 2)
    assert inner is not None
    assert inner.qualname == "A.method.<locals>.inner"
    assert function_at(functions, 1) is None


PIECES = ["def f():\n", "    x = 1\n", "\treturn 'é'\n", "😀", "'''", "(", "\r", "\r\n", "\x0c"]
PIECES += ["class A:\n", "    def m(self):\n", "        pass\n", "# c\n", "@d\n", "\n", "\ud800"]
pieces = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(pieces, pieces, st.integers(0, 200), st.integers(0, 50))
def test_a_tree_made_step_by_step_gives_the_same_functions(text, piece, at, removed):
    at = min(at, len(text))
    after = text[:at] + piece + text[at + removed :]
    tree = parse(after, parse(text))
    assert tree.text == after
    assert functions_in(after, "m.py", tree) == functions_in(after, "m.py")


@given(pieces)
def test_ranges_lie_in_the_text(text):
    for function in functions_in(text, "m.py"):
        head = text[function.def_start :]
        assert head.startswith(("def", "async"))
        assert function.start <= function.def_start < function.body_start <= function.end
        assert text[function.start : function.end] in function.source
