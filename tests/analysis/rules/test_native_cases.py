"""Case files of C and C++: goldens, look-alikes, and the same output of both compiled programs."""

from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.functions import functions_in, parse_file
from analysis.gate import check_candidate
from analysis.languages.native.rules.catalogue import RULES
from analysis.rules.base import Finding
from analysis.rules.cases import Case, all_cases
from analysis.rules.catalogue import find

CASES = [case for case in all_cases() if case.language in ("c", "c++")]
COMPILERS = {"c": "cc", "c++": "c++"}
# A build takes about a second, and there are two of each case.
QUICK = ("find-in-loop-set", "front-erase-deque", "recursion-memo", "strcat-end", "strlen-once")
each_case = pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])


def found(text: str, case: Case) -> list[Finding]:
    findings = find(text, case.file_name, functions_in(text, case.file_name))
    return [f for f in findings if f.rule == case.rule]


def built(text: str, case: Case, folder: Path) -> Path:
    compiler = shutil.which(COMPILERS[case.language])
    assert compiler is not None, "the tests of C and C++ need a compiler: gcc or clang"
    source, program = folder / case.file_name, folder / "program"
    folder.mkdir()
    source.write_text(f"{text}\n{case.main}", "utf-8")
    command = [compiler, "-O0", "-w", "-pipe", str(source), "-o", str(program), "-lm"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return program


def output(program: Path, line: str) -> str:
    ran = subprocess.run([program], input=f"{line}\n", capture_output=True, text=True, check=True)
    return ran.stdout


def same_output(case: Case, folder: Path) -> None:
    before, after = (
        built(text, case, folder / name)
        for name, text in (("before", case.before), ("after", case.after))
    )
    shown = {line: output(before, line) for line in case.inputs}
    assert any(shown.values())
    assert {line: output(after, line) for line in case.inputs} == shown


def test_every_rule_has_a_case() -> None:
    assert {r.id for r in RULES} == {c.rule for c in CASES}
    assert len(RULES) >= 25


@each_case
def test_golden(case: Case) -> None:
    findings = found(case.before, case)
    assert findings, "nothing found"
    assert findings[0].edit.apply(case.before) == case.after


@each_case
def test_the_gate_lets_it_pass(case: Case) -> None:
    name = found(case.before, case)[0].function
    assert check_candidate(case.before, case.after, name, case.file_name) is None


@each_case
def test_look_alikes(case: Case) -> None:
    for text in case.unchanged:
        assert not parse_file(text, case.file_name).root.has_error
        assert [f.edit.apply(text) for f in found(text, case)] == []


@pytest.mark.parametrize("rule", [r.id for r in RULES])
def test_every_rule_has_look_alikes_and_is_measured(rule: str) -> None:
    cases = [c for c in CASES if c.rule == rule]
    assert any(c.unchanged for c in cases)
    assert all(c.measure is not None and c.inputs for c in cases)


@each_case
def test_all_rules_give_text_that_parses(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    for text in (case.before, case.after, *case.unchanged):
        with caplog.at_level(logging.ERROR):
            findings = find(text, case.file_name, functions_in(text, case.file_name))
        for finding in findings:
            after = finding.edit.apply(text)
            assert not parse_file(after, case.file_name).root.has_error, finding.rule
            assert check_candidate(text, after, finding.function, case.file_name) is None
    assert caplog.records == []


@each_case
def test_ends_on_its_own_output(case: Case) -> None:
    text = case.before
    for _ in range(8):
        findings = found(text, case)
        if not findings:
            return
        text = findings[0].edit.apply(text)
        assert not parse_file(text, case.file_name).root.has_error
    pytest.fail("the rule goes on and on")


@each_case
def test_crlf_and_tabs(case: Case) -> None:
    before = case.before.replace("    ", "\t").replace("\n", "\r\n")
    golden = case.after.replace("    ", "\t").replace("\n", "\r\n")
    assert found(before, case)[0].edit.apply(before) == golden


@each_case
def test_words_are_general(case: Case) -> None:
    edit = found(case.before, case)[0].edit
    assert edit.title[0].islower()
    assert not edit.title.endswith(".")
    assert len(edit.title) < 72
    assert edit.description.endswith(".")
    assert (edit.origin, edit.source) == ("rule", case.rule)


def test_rules_say_why() -> None:
    for rule in RULES:
        for part in ("Why it is slow:", "Example:", "When not to:"):
            assert part in rule.doc, rule.id


@pytest.mark.parametrize("name", QUICK)
def test_same_output(name: str, tmp_path: Path) -> None:
    same_output(next(c for c in CASES if c.name == name), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [c.name for c in CASES if c.name not in QUICK])
def test_same_output_of_all(name: str, tmp_path: Path) -> None:
    same_output(next(c for c in CASES if c.name == name), tmp_path)
