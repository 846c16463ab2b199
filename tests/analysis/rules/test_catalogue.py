"""The catalogue on awkward files: errors, odd characters, clashes of names, places of imports."""

from __future__ import annotations

import ast
import logging

import pytest

from analysis.functions import functions_in
from analysis.rules import catalogue
from analysis.rules.base import Finding, Rewrite, Rule
from analysis.rules.catalogue import all_rules, find, python_rules
from analysis.rules.scope import Scope

LOOP = """\
def kept(words, stop):
    stop = list(stop)
    return [w for w in words if w not in stop]
"""


def found(text: str, only: str | None = None) -> tuple[Finding, ...]:
    return find(text, "f.py", functions_in(text, "f.py"), only)


def after(text: str, rule: str) -> str:
    return next(f for f in found(text) if f.rule == rule).edit.apply(text)


def test_an_error_elsewhere_does_no_harm() -> None:
    text = "def broken(:\n    pass\n\n\n" + LOOP + "\n\nx = (\n"
    assert "stop_set = set(stop)" in after(text, "membership-set")


def test_a_file_of_errors_gives_nothing() -> None:
    assert found("def f(:\n\x00 \ud800 ((\n") == ()


def test_form_feeds_and_astral_characters() -> None:
    text = "# 😀é\n\x0c\n" + LOOP.replace("words", "wörter")
    result = after(text, "membership-set")
    assert result == text.replace("    return", "    stop_set = set(stop)\n    return").replace(
        "in stop]", "in stop_set]"
    )


def test_form_feed_in_the_indentation() -> None:
    text = (
        "class A:\n\x0c    def f(self, xs, ys: list):\n        return [x for x in xs if x in ys]\n"
    )
    ast.parse(after(text, "membership-set"))


def test_lone_carriage_returns() -> None:
    text = LOOP.replace("\n", "\r")
    assert "\rstop_set" in after(text, "membership-set").replace("    ", "")
    assert "\n" not in after(text, "membership-set")


def test_ranges_are_utf16() -> None:
    text = "def f(xs):\n    a = '😀'; return sorted(xs)[0]\n"
    finding = next(f for f in found(text) if f.rule == "sorted-first")
    assert finding.range.start.character == len("    a = '😀'; return ") + 1


def test_ignored_functions_give_nothing() -> None:
    assert found(LOOP) != ()
    assert found("# hasten: ignore\n" + LOOP) == ()


def test_only_one_function() -> None:
    text = LOOP + "\n\n" + LOOP.replace("kept", "other")
    assert {f.function for f in found(text)} == {"kept", "other"}
    assert {f.function for f in found(text, "other")} == {"other"}


def test_only_takes_nested_functions_along() -> None:
    inner = LOOP.replace("\n", "\n    ").rstrip()
    text = f"def outer(words, stop):\n    {inner}\n    return kept(words, stop)\n"
    assert {f.function for f in found(text)} == {"outer.<locals>.kept"}
    assert {f.function for f in found(text, "outer")} == {"outer"}
    assert {f.function for f in found(text, "outer.<locals>.kept")} == {"outer.<locals>.kept"}


def test_a_decorator_belongs_to_the_function_around() -> None:
    text = (
        "def outer(n):\n    def walk(i):\n"
        "        return i if i < 2 else walk(i - 1) + walk(i - 2)\n\n    return walk(n)\n"
    )
    functions = {f.function for f in found(text) if f.rule == "nested-recursion-cache"}
    assert functions == {"outer"}


def test_defaults_and_decorators_are_left_alone() -> None:
    text = (
        "import re\n\n\n@deco(re.compile('b'))\n"
        "def f(line, pattern=re.compile('a')):\n    return pattern.match(line)\n"
    )
    assert found(text) == ()


def test_order_by_gain() -> None:
    text = LOOP + "\n\ndef deep(xs):\n    return [y.z * xs.w for x in xs for y in x]\n"
    rules = [f.rule for f in found(text)]
    assert rules[0] == "membership-set"
    assert "hoist-attribute" in rules


def test_a_name_in_use_is_not_taken() -> None:
    text = "stop_set = 3\n\n\n" + LOOP
    assert "stop_set_2 = set(stop)" in after(text, "membership-set")


def test_a_shadowed_import_gets_another_name() -> None:
    text = "def f(xs, nsmallest):\n    return sorted(xs)[:nsmallest]\n"
    result = after(text, "sorted-slice")
    assert result.startswith("from heapq import nsmallest as _nsmallest\n")
    assert "_nsmallest(nsmallest, xs)" in result


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "from heapq import nsmallest\n\n\n"),
        ('"""Doc."""\n\n', '"""Doc."""\n\nfrom heapq import nsmallest\n\n'),
        ("import heapq\n\n\n", "import heapq\n\n\n"),
        ("from heapq import nsmallest as ns\n\n\n", "from heapq import nsmallest as ns\n\n\n"),
        ("import os\nimport re\n\n\n", "import os\nimport re\nfrom heapq import nsmallest\n\n\n"),
        (
            "from a import b\nfrom z import y\n",
            "from a import b\nfrom heapq import nsmallest\nfrom z import y\n",
        ),
        (
            "from __future__ import annotations\n\n",
            "from __future__ import annotations\n\nfrom heapq import nsmallest\n\n",
        ),
        (
            "from __future__ import annotations\n\nimport os\n\n",
            "from __future__ import annotations\n\nimport os\nfrom heapq import nsmallest\n\n",
        ),
        (
            "#!/bin/python\n# Tool.\n\n\n",
            "#!/bin/python\n# Tool.\n\nfrom heapq import nsmallest\n\n",
        ),
        ("# About f.\n", "from heapq import nsmallest\n\n\n# About f.\n"),
    ],
)
def test_places_of_imports(head: str, expected: str) -> None:
    text = head + "def f(xs):\n    return sorted(xs)[:3]\n"
    result = after(text, "sorted-slice")
    assert result.startswith(expected)
    assert result.count("heapq") == expected.count("heapq") + ("import heapq\n" in head)
    compile(result, "f.py", "exec")


def test_no_newline_at_the_end() -> None:
    text = "def f(xs):\n    out = ''\n    for x in xs:\n        out = x + out"
    assert after(text, "string-prepend-join").endswith('\n    out = "".join(reversed(out_parts))')


def test_statements_that_share_a_line_are_left_alone() -> None:
    text = "def f(xs, ys: list):\n    if xs: return [x for x in xs if x in ys]\n"
    assert [f for f in found(text) if f.rule == "membership-set"] == []


def test_inside_of_f_strings_quotes_are_left_alone() -> None:
    text = "def f(xs):\n    return f'{sorted(xs)[0]} {sorted(xs)[:2]}'\n"
    for finding in found(text):
        compile(finding.edit.apply(text), "f.py", "exec")


def test_elif_conditions() -> None:
    text = (
        "def f(a, xs, ys: list):\n    if a:\n        return 1\n"
        "    elif [x for x in xs if x in ys]:\n        return 2\n"
    )
    assert "    ys_set = set(ys)\n    if a:" in after(text, "membership-set")


def test_a_failing_rule_takes_no_other_down(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(scope: Scope, node: ast.AST) -> Rewrite | None:
        raise KeyError("boom")

    bad = Rule("bad", "t", "d.", ({"kind": "comparison_operator"},), (ast.Compare,), 1, fail)
    rules = catalogue.python_rules()
    monkeypatch.setattr(catalogue, "python_rules", lambda: (bad, *rules))
    with caplog.at_level(logging.ERROR):
        assert any(f.rule == "membership-set" for f in found(LOOP))
    assert "rule bad failed in kept" in caplog.text


def test_an_edit_that_breaks_the_text_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(code: str) -> Rule:
        def check(scope: Scope, node: ast.Compare) -> Rewrite | None:
            return Rewrite((scope.replace(node, code),))

        return Rule("bad", "t", "d.", ({"kind": "comparison_operator"},), (ast.Compare,), 1, check)

    for code, count in (("x +", 0), ("unknown(w)", 0), ("bool(w)", 1)):
        monkeypatch.setattr(catalogue, "python_rules", lambda code=code: (make(code),))
        assert len(found(LOOP)) == count


def test_rule_ids_and_words() -> None:
    rules = all_rules()
    assert len({r.id for r in rules}) == len(rules)
    assert len(python_rules()) >= 78
    for rule in rules:
        for part in ("Why it is slow:", "Example:", "When not to:"):
            assert part in rule.doc, rule.id
