"""Each case file of JavaScript: its golden, its look-alikes, its words, and the same output."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from analysis.functions import functions_in
from analysis.gate import check_candidate
from analysis.languages.javascript.rules.catalogue import RULES
from analysis.languages.javascript.syntax import parse
from analysis.rules.base import Finding
from analysis.rules.cases import Case, all_cases
from analysis.rules.catalogue import find

CASES = [case for case in all_cases() if case.language == "javascript"]
each_case = pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])

# Runs each program with each input in a context of its own: one process for all of them.
RUNNER = """\
const vm = require('vm');
const jobs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const outcomes = jobs.map(({ program, input }) => {
  const printed = [];
  const console = { log: (text) => printed.push(text) };
  const require = () => ({ readFileSync: () => input });
  const space = vm.createContext({ console, require, setTimeout });
  try {
    vm.runInContext(program, space, { timeout: 5000 });
  } catch (error) {
    printed.push(`${error.name}: ${error.message}`);
  }
  return printed;
});
process.on('exit', () => process._rawDebug(JSON.stringify(outcomes)));
"""


def found(text: str, rule: str | None = None, name: str = "case.js") -> list[Finding]:
    findings = find(text, name, functions_in(text, name))
    return [f for f in findings if rule is None or f.rule == rule]


def outcomes(programs: list[tuple[str, str]]) -> list[list[str]]:
    """What each program prints for its input."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine: what the rules' edits give was not compared")
    jobs = json.dumps([{"program": p, "input": i} for p, i in programs])
    done = subprocess.run([node, "-e", RUNNER], input=jobs, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    given: list[list[str]] = json.loads(done.stderr)
    return given


def test_every_rule_has_a_case_and_look_alikes() -> None:
    assert {r.id for r in RULES} == {c.rule for c in CASES}
    assert {c.rule for c in CASES if c.unchanged} == {r.id for r in RULES}


def test_every_rule_is_measured_and_explained() -> None:
    assert {c.rule for c in CASES if c.measure} == {r.id for r in RULES}
    for rule in RULES:
        assert rule.languages == ("javascript", "typescript")
        assert all(part in rule.doc for part in ("Why it is slow: ", "Example:", "When not to: "))


@each_case
def test_golden(case: Case) -> None:
    findings = found(case.before, case.rule)
    assert findings, "nothing found"
    assert findings[0].edit.apply(case.before) == case.after


@each_case
def test_look_alikes(case: Case) -> None:
    for text in case.unchanged:
        assert not parse(text, "case.js").root.has_error
        assert [f.edit.apply(text) for f in found(text, case.rule)] == []


@each_case
def test_typescript_gives_the_same(case: Case) -> None:
    for name in ("case.ts", "case.tsx"):
        edits = [f.edit.apply(case.before) for f in found(case.before, case.rule, name)]
        assert len(edits) == len(found(case.before, case.rule))
        assert edits[0].replace("from: number", "from") == case.after


@each_case
def test_words_are_general(case: Case) -> None:
    edit = found(case.before, case.rule)[0].edit
    assert edit.title[0].islower()
    assert not edit.title.endswith(".")
    assert len(edit.title) < 72
    assert edit.description.endswith(".")
    assert (edit.origin, edit.source) == ("rule", case.rule)


@each_case
def test_crlf_and_tabs(case: Case) -> None:
    # A function without any indentation does not tell what a step of it is.
    step = "\t" if "  " in case.before else "  "
    before = case.before.replace("  ", step).replace("\n", "\r\n")
    golden = case.after.replace("  ", step).replace("\n", "\r\n")
    assert found(before, case.rule)[0].edit.apply(before) == golden


@each_case
def test_the_gate_lets_each_edit_pass(case: Case) -> None:
    for finding in found(case.before):
        after = finding.edit.apply(case.before)
        assert check_candidate(case.before, after, finding.function, "case.js") is None


@each_case
def test_ends_on_its_own_output(case: Case) -> None:
    text = case.before
    for _ in range(8):
        findings = found(text, case.rule)
        if not findings:
            return
        text = findings[0].edit.apply(text)
    pytest.fail("the rule goes on and on")


def test_same_output_under_node() -> None:
    programs: list[tuple[str, str]] = []
    names: list[str] = []
    for case in CASES:
        assert case.inputs
        for line in case.inputs:
            for after in [f.edit.apply(case.before) for f in found(case.before)]:
                programs += [(case.before + case.main, line), (after + case.main, line)]
                names.append(f"{case.name}: {line}")
    given = outcomes(programs)
    for name, before, after in zip(names, given[::2], given[1::2], strict=True):
        assert before, name
        assert not before[0].startswith(("ReferenceError", "SyntaxError")), (name, before)
        assert before == after, name
