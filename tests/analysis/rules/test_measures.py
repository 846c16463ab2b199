"""What is measured of a Python case: present, and the same in both versions at every size."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

import pytest

from analysis.rules.cases import Case, all_cases

CASES = [case for case in all_cases() if case.language == "python"]


def gives(text: str, line: str, n: int) -> str:
    space: dict[str, object] = {"__name__": "case", "n": n}
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(text, "case.py", "exec"), space)
        return repr(eval(line, space)) + printed.getvalue()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_both_versions_give_the_same_at_every_size(case: Case) -> None:
    assert case.measure is not None, "it has no part `measure`"
    for size in case.measure.sizes:
        for line in case.measure.lines:
            assert gives(case.after, line, size) == gives(case.before, line, size)
