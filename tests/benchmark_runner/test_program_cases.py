from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmark_runner.errors import WorkloadError
from benchmark_runner.native import formats
from benchmark_runner.native.cases import digest_of, read_cases
from benchmark_runner.native.outputs import compare


def texts(*inputs: str) -> list[formats.Text]:
    parsed = [formats.parse(text.encode()) for text in inputs]
    return [text for text in parsed if text is not None]


# -- reading cases


def test_a_folder_gives_pairs_sorted_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.in").write_text("2\n")
    (tmp_path / "a.in").write_text("1\n")
    (tmp_path / "a.out").write_text("one\n")
    (tmp_path / "stray.out").write_text("x")
    found = [(case.name, case.input, case.expected) for case in read_cases(tmp_path)]
    assert found == [("a", b"1\n", b"one\n"), ("b", b"2\n", None)]


def test_either_file_of_a_pair_names_the_case(tmp_path: Path) -> None:
    (tmp_path / "a.in").write_text("1\n")
    (tmp_path / "a.out").write_text("one\n")
    assert read_cases(tmp_path / "a.out") == read_cases(tmp_path / "a.in")


def test_lines_of_json(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"input": "1\\n", "output": "é"}\n\n{"input": "2"}\n')
    found = [(case.name, case.input, case.expected) for case in read_cases(file)]
    assert found == [("1", b"1\n", "é".encode()), ("3", b"2", None)]


@pytest.mark.parametrize("line", ["[1]", '{"output": "1"}', '{"input": 1}', "{", '"x"'])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"input": ""}\n' + line + "\n")
    with pytest.raises(WorkloadError, match="line 2"):
        read_cases(file)


def test_no_cases_say_so(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"no NAME\.in"):
        read_cases(tmp_path)


def test_the_digest_tells_an_empty_output_from_none(tmp_path: Path) -> None:
    (tmp_path / "a.in").write_text("1\n")
    without = digest_of(read_cases(tmp_path))
    (tmp_path / "a.out").write_text("")
    assert digest_of(read_cases(tmp_path)) != without


# -- comparing what is printed


@pytest.mark.parametrize(
    ("before", "after"),
    [("1 2\n", "1  2\n"), ("1\n", "1.0\n"), ("yes\n", "Yes\n"), ("1\n2\n", "1 2\n"), ("", "0\n")],
)
def test_text_differs(before: str, after: str) -> None:
    assert compare(before.encode(), after.encode()).where


@pytest.mark.parametrize(("before", "after"), [("1 \n2\n", "1\n2"), ("a\r\n", "a\n"), ("", "\n\n")])
def test_whitespace_at_ends_does_not_count_and_is_told(before: str, after: str) -> None:
    found = compare(before.encode(), after.encode())
    assert found.where is None
    assert found.spaces


def test_rounding_is_for_floats_alone() -> None:
    close = compare(b"x 0.100000001\n", b"x 0.1\n", 1e-6)
    assert close.where is None
    assert 0 < close.max_relative < 1e-6
    assert compare(b"x 0.100000001\n", b"x 0.1\n").where
    assert compare(b"1000000\n", b"1000001\n", 1e-3).where, "integers are compared exactly"
    assert compare(b"1e999\n", b"2e999\n", 1e-3).where, "no finite floats"


# -- formats


def test_a_count_and_a_row() -> None:
    given = texts("3\n5 1 4\n", "2\n9 9\n")
    form = formats.Format.infer(given)
    assert form is not None
    longer = form.resized(given[0], random.Random(1), 3)
    assert longer is not None
    assert (longer[0], len(longer[1])) == (["9"], 9)


def test_values_keep_what_holds_in_all_cases() -> None:
    given = texts("5 2\n1 4 9 10 11\n", "8 3\n2 3 5 7 8 9 10 12\n")
    form = formats.Format.infer(given)
    assert form is not None
    for seed in range(30):
        made = form.perturbed(given[1], random.Random(seed), 1.0)
        row = [int(token) for token in made[1]]
        assert made[0][0] == "8"
        assert row == sorted(set(row)), "rising, and no value twice"
        assert int(made[0][1]) <= 8


def test_what_may_be_chance_is_no_rule() -> None:
    given = texts("3\n1 40 900\n", "4\n20 300 5 70\n")
    form = formats.Format.infer(given)
    assert form is not None
    rows = [form.perturbed(given[1], random.Random(seed), 1.0)[1] for seed in range(300)]
    assert any(len(set(row)) < len(row) for row in rows), "values may be alike"


def test_words_that_come_again_are_all_there_are() -> None:
    given = texts("3\n1 AC\n2 WA\n3 AC\n", "2\n1 WA\n2 AC\n")
    form = formats.Format.infer(given)
    assert form is not None
    made = form.resized(form.perturbed(given[0], random.Random(3), 1.0), random.Random(3), 4)
    assert made is not None
    assert {line[1] for line in made[1:]} == {"AC", "WA"}


def test_a_line_that_counts_itself_keeps_its_count_and_order() -> None:
    rows = ["4 1 3 5 9", "3 2 4 8", "5 1 2 3 4 6"]
    given = texts("3\n" + "\n".join(rows) + "\n", "1\n2 5 6\n")
    form = formats.Format.infer(given)
    assert form is not None
    for seed in range(20):
        for line in form.perturbed(given[0], random.Random(seed), 1.0)[1:]:
            numbers = [int(token) for token in line]
            assert numbers[0] == len(numbers) - 1
            assert numbers[1:] == sorted(numbers[1:])


def test_permutations_stay_permutations() -> None:
    given = texts("4\n2 1 4 3\n", "3\n3 1 2\n")
    form = formats.Format.infer(given)
    assert form is not None
    made = form.resized(given[0], random.Random(0), 2)
    assert made is not None
    assert sorted(map(int, made[1])) == list(range(1, 9))


def test_blocks_have_a_format_of_their_own() -> None:
    given = texts("2\n3\n1 2 3\n1\n7\n", "1\n2\n4 4\n")
    form = formats.Format.infer(given)
    assert form is not None
    for seed in range(20):
        made = form.perturbed(given[0], random.Random(seed), 1.0)
        assert len(made) == 5
        assert [int(made[1][0]), int(made[3][0])] == [len(made[2]), len(made[4])]


def test_smaller_inputs_keep_their_counts() -> None:
    given = texts("8 3\n" + " ".join("12345678") + "\n", "9 9\n" + " ".join("123456789") + "\n")
    form = formats.Format.infer(given)
    assert form is not None
    smaller = list(form.smaller(given[0]))
    assert smaller
    for made in smaller:
        assert int(made[0][0]) == len(made[1])
        assert int(made[0][1]) <= int(made[0][0])


def test_text_without_a_shape_has_no_format() -> None:
    assert formats.Format.infer(texts("1\n2 3\n", "1 2\n4\n")) is None
    assert formats.parse("é".encode()) is None
