"""Each case file: the rule finds its golden, spares the look-alikes, and changes no result."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

import pytest

from analysis.functions import functions_in
from analysis.rules.base import Finding
from analysis.rules.cases import Case, all_cases
from analysis.rules.catalogue import find, python_rules

CASES = [case for case in all_cases() if case.language == "python"]
each_case = pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])


def found(text: str, rule: str | None = None) -> list[Finding]:
    findings = find(text, "case.py", functions_in(text, "case.py"))
    return [f for f in findings if rule is None or f.rule == rule]


def outcome(module: str, call: str) -> str:
    """What a call gives in a module: value, or error, and what it prints."""
    space: dict[str, object] = {"__name__": "case"}
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(module, "case.py", "exec"), space)
        try:
            value = repr(eval(call, space))
        except Exception as error:
            value = f"{type(error).__name__}: {error}"
    return value + printed.getvalue()


def test_every_rule_has_a_case() -> None:
    assert {r.id for r in python_rules()} == {c.rule for c in CASES}


@each_case
def test_golden(case: Case) -> None:
    findings = found(case.before, case.rule)
    assert findings, "nothing found"
    assert findings[0].edit.apply(case.before) == case.after


@each_case
def test_same_results(case: Case) -> None:
    assert case.inputs
    for call in case.inputs:
        expected = outcome(case.before, call)
        assert not expected.startswith(("NameError", "SyntaxError"))
        assert outcome(case.after, call) == expected


@each_case
def test_look_alikes(case: Case) -> None:
    for text in case.unchanged:
        compile(text, "unchanged", "exec")
        assert [f.edit.apply(text) for f in found(text, case.rule)] == []


@pytest.mark.parametrize("rule", [r.id for r in python_rules()])
def test_every_rule_has_look_alikes(rule: str) -> None:
    assert any(c.unchanged for c in CASES if c.rule == rule)


@each_case
def test_ends_on_its_own_output(case: Case) -> None:
    text = case.before
    for _ in range(8):
        findings = found(text, case.rule)
        if not findings:
            return
        text = findings[0].edit.apply(text)
        compile(text, case.name, "exec")
    pytest.fail("the rule goes on and on")


@each_case
def test_python_rules_in_turn_keep_the_results(case: Case) -> None:
    for finding in found(case.before):
        after = finding.edit.apply(case.before)
        for call in case.inputs[:1]:
            assert outcome(after, call) == outcome(case.before, call), finding.rule


@each_case
def test_crlf_and_tabs(case: Case) -> None:
    before = case.before.replace("    ", "\t").replace("\n", "\r\n")
    golden = case.after.replace("    ", "\t").replace("\n", "\r\n")
    assert found(before, case.rule)[0].edit.apply(before) == golden


@each_case
def test_words_are_general(case: Case) -> None:
    edit = found(case.before, case.rule)[0].edit
    assert edit.title[0].islower()
    assert not edit.title.endswith(".")
    assert len(edit.title) < 72
    assert edit.description.endswith(".")
    assert (edit.origin, edit.source) == ("rule", case.rule)
