"""Each format's shape to claims; whose rows are found out by themselves."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from index.importers import FORMATS, Claim, ClaimError, keep_proved, kept_origins, read_claims
from index.importers.fasterpy import edits_of
from index.importers.rows import Row
from index.record import Record
from index.store import Memory
from tests.index.importers.samples import (
    COFFE,
    ENAMEL,
    FAST,
    FASTERPY,
    GENERATOR,
    MERCURY,
    PIE_DESCRIBED,
    PIE_FIRST,
    PIE_SECOND,
    PROMPT,
    SLOW,
    write_rows,
)

ROWS = {
    "enamel": ENAMEL,
    "coffe": COFFE,
    "mercury": MERCURY,
    "pie": PIE_FIRST,
    "fasterpy": FASTERPY,
}


def claims(tmp_path: Path, *rows: Any) -> list[Claim]:
    return list(read_claims(write_rows(tmp_path / "claims.jsonl", *rows)))


@pytest.mark.parametrize("name", ROWS)
def test_a_format_is_recognised_by_its_first_row(name: str) -> None:
    assert [n for n, f in FORMATS.items() if f.recognises(ROWS[name])] == [name]


@pytest.mark.parametrize("row", [PIE_SECOND, PIE_DESCRIBED], ids=["C++", "described"])
def test_all_shapes_of_pie_are_recognised(row: dict[str, Any]) -> None:
    assert [n for n, f in FORMATS.items() if f.recognises(row)] == ["pie"]


def test_the_first_release_of_pie(tmp_path: Path) -> None:
    (claim,) = claims(tmp_path, PIE_FIRST)
    assert (claim.language, claim.slow, claim.fast) == ("python", SLOW, FAST)
    assert claim.origin == "pie:p03371#s1-s2"
    assert claim.provenance == "claim:pie:p03371#s1-s2"
    assert claim.unproved_provenance == "import:pie:p03371#s1-s2"
    assert claim.reported_ratio == 3.0
    assert claim.function == ""
    assert (claim.cases, claim.inputs_source) == ((), "")


def test_the_second_release_of_pie_takes_the_test_cases_that_a_row_names(tmp_path: Path) -> None:
    folder = tmp_path / "merged_test_cases" / "p00001"
    folder.mkdir(parents=True)
    for number in (1, 2, 10):
        (folder / f"input.{number}.txt").write_text(f"{number}\n")
        (folder / f"output.{number}.txt").write_text("0\n")
    (claim,) = claims(tmp_path, PIE_SECOND)
    assert claim.language == "c++"
    assert claim.cases == (("2\n", "0\n"), ("10\n", "0\n"))
    assert claim.reported_ratio == 3.0
    assert claim.slow.endswith("}\n")


def test_a_described_pair_gives_the_human_edit_with_its_words_and_the_model_s(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_cases").mkdir()
    (tmp_path / "test_cases" / "p03146.py").write_text("def inputs():\n    yield '1'\n")
    human, model = claims(tmp_path, PIE_DESCRIBED)
    assert human.origin == "pie:p03146#s5-human"
    assert human.fast == PIE_DESCRIBED["human_fast"]
    assert human.purpose == "It does nothing."
    assert human.reported_ratio is None
    assert model.origin == "pie:p03146#s5"
    assert model.edits == ()
    assert model.reported_ratio == 27.4
    assert model.inputs_source.startswith("def inputs()")


def test_numbered_edits_are_sorted_as_numbers(tmp_path: Path) -> None:
    human, _ = claims(tmp_path, PIE_DESCRIBED)
    assert human.edits == tuple(f"edit {number}" for number in range(1, 11))


def test_a_problem_s_name_can_not_leave_the_folder_of_test_cases(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("SECRET")
    (tmp_path / "test_cases").mkdir()
    (claim,) = claims(tmp_path, {**PIE_FIRST, "problem_id": "../secret"})
    assert claim.inputs_source == ""


def test_test_cases_are_no_links_out_of_their_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    folder = tmp_path / "test_cases" / "p03371"
    folder.mkdir(parents=True)
    (folder / "input.1.txt").symlink_to(tmp_path / "secret")
    (folder / "output.1.txt").write_text("x")
    (claim,) = claims(tmp_path, PIE_FIRST)
    assert "SECRET" not in str(claim.cases)


def test_an_enamel_row(tmp_path: Path) -> None:
    (claim,) = claims(tmp_path, ENAMEL)
    assert claim.function == "total"
    assert claim.origin == "enamel:HumanEval/900"
    assert claim.purpose == "Sum of all numbers, one by one."
    assert claim.sizes == (100, 632, 4000)
    assert claim.reported_ratio == 2.5


def test_enamel_s_inputs_are_the_same_each_time_and_as_many_of_each_size(tmp_path: Path) -> None:
    (claim,) = claims(tmp_path, ENAMEL)
    made = []
    for _ in range(2):
        space: dict[str, Any] = {}
        exec(claim.inputs_source, space)  # our own sample
        made.append(list(space["inputs"]()))
    assert made[0] == made[1]
    assert [len(arguments[0]) for arguments, _ in made[0][:9]] == [100] * 3 + [632] * 3 + [4000] * 3
    assert len(made[0]) == 13


@pytest.mark.parametrize(
    ("levels", "sizes"),
    [
        ("20 100 10000 15000", (20, 282, 4000)),
        ("1000 1000000000", (1000, 2000, 4000)),
        ("1 2 3", (1, 2, 3)),
        ("5", (1, 2, 5)),
        ("1", (1, 2, 3)),
    ],
)
def test_sizes_are_moderate_and_grow(tmp_path: Path, levels: str, sizes: tuple[int, ...]) -> None:
    (claim,) = claims(tmp_path, {**ENAMEL, "levels": levels})
    assert claim.sizes == sizes


def enamel_checkout(folder: Path) -> Path:
    for name in ("dataset", "samples", "enam"):
        (folder / name).mkdir()
    (folder / "enam" / "datautils.py").write_text("HELPERS = 1\n")
    slow = [[f"{PROMPT}\n    return sum([n for n in numbers])\n"], []]
    (folder / "samples" / "humanevalplus-canonical.json").write_text(json.dumps(slow))
    row = {
        "task_id": "HumanEval/0", "prompt": PROMPT, "input_generator": GENERATOR,
        "input_levels": "10 20 30 40", "reference_solution": "    return sum(numbers)\n",
        "checker": "", "entry_point": "total",
    }  # fmt: skip
    path = folder / "dataset" / "enamel.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerows([row, {**row, "task_id": "HumanEval/1"}])
    return path


def test_enamel_s_own_csv_takes_the_slow_sides_from_its_checkout(tmp_path: Path) -> None:
    (claim,) = read_claims(enamel_checkout(tmp_path))  # there is no slow side of the second row
    assert "return sum([n for n in numbers])" in claim.slow
    assert claim.fast == f"{PROMPT}\n    return sum(numbers)\n"
    assert "HELPERS = 1" in claim.inputs_source
    assert claim.sizes == (10, 20, 40)


def test_enamel_s_csv_alone_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    path = enamel_checkout(tmp_path)
    (tmp_path / "samples" / "humanevalplus-canonical.json").unlink()
    with pytest.raises(ClaimError, match="no slow sides") as caught:
        list(read_claims(path))
    assert "samples/" in caught.value.mend


def test_a_coffe_row(tmp_path: Path) -> None:
    (claim,) = claims(tmp_path, COFFE)
    assert claim.origin == "coffe:7"
    assert claim.cases == (("3\n", "3\n"), ("10\n", "45\n"))
    space: dict[str, Any] = {}
    exec(claim.inputs_source, space)  # our own sample
    (text,) = space["inputs"]()  # the second generator fails, and is left out
    assert text.strip().isdigit()


def test_of_many_tests_the_largest_and_the_smallest_stay(tmp_path: Path) -> None:
    tests = [{"input": ["1" * size], "output": ["x"]} for size in range(1, 301)]
    (claim,) = claims(tmp_path, {**COFFE, "tests": tests})
    sizes = [len(text) for text, _ in claim.cases]
    assert len(sizes) == 60
    assert (min(sizes), max(sizes)) == (1, 300)


def test_a_mercury_task_is_its_slowest_and_its_fastest_solution(tmp_path: Path) -> None:
    (claim,) = claims(tmp_path, MERCURY)
    assert "return 1" in claim.slow
    assert "return 2" in claim.fast
    assert claim.reported_ratio == pytest.approx(100 / 9)
    assert claim.origin == "mercury:two-sum"
    assert claim.purpose == "Two numbers add up."
    assert claim.licence == "CC-BY-NC-4.0"
    space: dict[str, Any] = {}
    exec(claim.slow, space)  # our own sample
    assert space[claim.function]([5]) == 1
    exec(claim.inputs_source, space)
    assert list(space["inputs"]()) == [(([1, 2],), {})]


def test_a_mercury_task_of_nodes_has_no_inputs(tmp_path: Path) -> None:
    nodes = "def convert_offline(case):\n    return lctk.arr2LinkedList(case)\n"
    (claim,) = claims(tmp_path, {**MERCURY, "convert_offline": nodes})
    assert claim.inputs_source == ""


def test_a_mercury_task_without_two_runtimes_is_no_claim(tmp_path: Path) -> None:
    one = {**MERCURY, "solutions": MERCURY["solutions"][:1]}
    assert len(claims(tmp_path, MERCURY, one)) == 1


def test_a_json_array_is_read_as_lines_are(tmp_path: Path) -> None:
    path = tmp_path / "mercury.json"
    path.write_text(json.dumps([MERCURY, {**MERCURY, "slug_name": "other"}], indent=1))
    assert [c.origin for c in read_claims(path)] == ["mercury:two-sum", "mercury:other"]


def test_a_fasterpy_row(tmp_path: Path) -> None:
    (claim,) = claims(tmp_path, FASTERPY)
    assert claim.function == "f"
    assert claim.reported_ratio == 4.0
    assert claim.edits == ("It copies at once", "It has 10. fewer steps")


def test_a_fasterpy_rate_above_one_is_a_ratio(tmp_path: Path) -> None:
    (claim,) = claims(tmp_path, {**FASTERPY, "rate": 12.5})
    assert claim.reported_ratio == 12.5


def test_a_fasterpy_program_has_no_function(tmp_path: Path) -> None:
    (claim,) = claims(tmp_path, {**FASTERPY, "input": SLOW, "target": FAST})
    assert claim.function == ""


@pytest.mark.parametrize(
    ("summary", "edits"),
    [
        ("", ()),
        ("No numbers at all.", ("No numbers at all.",)),
        ("1.One", ("One",)),
        (
            " ".join(f"{n}. edit;" for n in range(1, 12)),
            tuple("edit" for _ in range(11)),
        ),
    ],
)
def test_points_of_a_summary(summary: str, edits: tuple[str, ...]) -> None:
    assert edits_of(summary) == edits


def test_keys_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ClaimError, match="no numbers"):
        Row({}, "f:1").numbered({"one": "a"}, "edits")


def test_the_format_can_be_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "claims.jsonl", {**FASTERPY, "problem_id": "p1"})
    assert next(read_claims(path)).origin.startswith("pie:")
    assert next(read_claims(path, "fasterpy")).origin.startswith("fasterpy:")


def test_origins_that_the_memory_holds(memory: Memory, make: Callable[..., Record]) -> None:
    record = make(1, provenance="claim:pie:p1#s1")
    memory.add(record)
    memory.add(replace(record, id="other", provenance="import:coffe:1"))
    memory.add(make(2, provenance="corpus:pie"))
    assert kept_origins(memory) == {"pie:p1#s1"}
    assert kept_origins(memory, unproved=True) == {"pie:p1#s1", "coffe:1"}


def test_a_proved_claim_takes_the_place_of_the_mere_one(
    memory: Memory, make: Callable[..., Record]
) -> None:
    claim = Claim("python", SLOW, FAST, "coffe:1")
    memory.add_all([make(1, provenance="import:coffe:1"), make(2, provenance="import:coffe:12")])
    keep_proved(memory, claim, make(3, provenance="claim:coffe:1"))
    assert {r.provenance for r in memory.all()} == {"claim:coffe:1", "import:coffe:12"}


NAMELESS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "enamel": ({**ENAMEL, "id": ""}, {"slow": f"{PROMPT}\n    return sum(list(numbers))\n"}),
    "enamel, other inputs": ({**ENAMEL, "id": ""}, {"levels": "100 200"}),
    "coffe": ({**COFFE, "id": ""}, {"fast": "print(sum(range(int(input()))))\n"}),
    "coffe, other tests": ({**COFFE, "id": ""}, {"tests": []}),
    "mercury": ({**MERCURY, "slug_name": ""}, {"entry_point": "oneSum"}),
    "mercury, other tests": ({**MERCURY, "slug_name": ""}, {"test_cases": "[]"}),
    "pie": ({**PIE_FIRST, "submission_id_v0": "", "submission_id_v1": ""}, {"target": "pass\n"}),
    "pie, described": ({**PIE_DESCRIBED, "id": ""}, {"slow": "int main() { return 1 - 1; }\n"}),
}
"""Rows without ids, and what makes another claim of each."""


@pytest.mark.parametrize(("row", "change"), NAMELESS.values(), ids=list(NAMELESS))
def test_without_an_id_the_content_tells_claims_apart(
    tmp_path: Path, row: dict[str, Any], change: dict[str, Any]
) -> None:
    def origins(folder: str, *rows: Any) -> list[str]:
        (tmp_path / folder).mkdir()
        return [claim.origin for claim in claims(tmp_path / folder, *rows)]

    own, other = origins("one", row), origins("other", {**row, **change})
    assert not set(own) & set(other), "of two files with one name"
    assert len({*own, *other}) == len(own) + len(other)
    assert origins("moved", {**row, **change}, row) == [*other, *own], "a line further down"


SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the data sets lie beside some checkouts only")
@pytest.mark.parametrize(
    ("name", "count"), [("functions", 21), ("programs", 20), ("cpp_pairs", 60)]
)
def test_whole_data_sets_are_read(name: str, count: int) -> None:
    found = list(read_claims(SHARED / f"{name}.jsonl"))
    assert len(found) == count == len({claim.origin for claim in found})
