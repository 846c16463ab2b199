"""Outcomes of single tests from JUnit XML."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_runner.project.junit import TestOutcome, difference, merged, read_junit

DATA = (Path(__file__).parent / "data" / "pytest-junit.xml").read_bytes()
MIXED = b"""<testsuites><testsuite><testcase classname="a" name="one"/>
<testcase classname="a" name="two"><failure message="no">x</failure></testcase>
<testcase classname="a" name="three"><skipped/></testcase>
<testcase classname="a" name="one"><error/></testcase>
<testcase classname="a" name="four" status="notrun"/></testsuite></testsuites>"""


def test_a_real_file_of_pytest() -> None:
    assert read_junit(DATA) == {"test_b::test_small": "passed", "test_b::test_large": "passed"}


def test_failures_errors_and_skips() -> None:
    assert read_junit(MIXED) == {
        "a::one": "passed", "a::two": "failed", "a::three": "skipped", "a::one #2": "failed",
        "a::four": "skipped",
    }  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [b"", b"<testsuites>", b"\xff\xfe", b'<?xml version="1.0" encoding="nonsense"?><a/>',
     b'<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><t>&b;</t>'],
)  # fmt: skip
def test_what_no_test_tool_writes_is_none(data: bytes) -> None:
    assert read_junit(data) is None


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": "passed"}, {"a": "passed", "new": "failed"}, None),
        ({"a": "passed"}, {"a": "failed"}, ("a", "passed", "failed")),
        ({"a": "passed"}, {"a": "skipped"}, ("a", "passed", "skipped")),
        ({"a": "passed"}, {}, ("a", "passed", "not run")),
        ({"a": "skipped"}, {}, ("a", "skipped", "not run")),
        ({"a": "skipped"}, {"a": "passed"}, None),
    ],
)
def test_a_test_that_does_not_do_as_well_differs(
    before: dict[str, TestOutcome],
    after: dict[str, TestOutcome],
    found: tuple[str, str, str] | None,
) -> None:
    assert difference(before, after) == found


def test_of_two_documents_the_worse_outcome_counts() -> None:
    assert merged([MIXED, b'<t><testcase classname="a" name="two"/></t>'])["a::two"] == "failed"


@given(st.integers(0, len(MIXED) - 1), st.binary(max_size=12))
@settings(max_examples=300)
def test_a_damaged_document_gives_outcomes_or_none(at: int, data: bytes) -> None:
    found = read_junit(MIXED[:at] + data + MIXED[at + len(data) :])
    assert found is None or set(found.values()) <= {"passed", "failed", "skipped"}
