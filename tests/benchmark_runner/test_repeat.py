from __future__ import annotations

import ast
import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark_runner.errors import WorkloadError
from benchmark_runner.receipt import Receipt, from_json, to_json
from benchmark_runner.receipts.guard import guard_text
from benchmark_runner.receipts.repeat import pack, read, save, unpack, with_repeat
from benchmark_runner.workload import (
    CapturedInputs,
    CommandWorkload,
    FunctionWorkload,
    GeneratedInputs,
    InputsFile,
    InputsOfTests,
    NativeWorkload,
    ProgramWorkload,
    Version,
    Workload,
)

HERE = Path(__file__).parent


@pytest.fixture
def receipt() -> Receipt:
    data = json.loads((HERE / "data" / "receipt_schema_1.json").read_text())
    return from_json(data)


def workloads(folder: Path) -> list[Workload]:
    path = folder / "work.py"
    path.write_text("def f(x): return x\n")
    given = folder / "given.py"
    given.write_text("def inputs(): yield (1,), {}\n")
    calls = folder / "calls"
    calls.mkdir()
    (calls / "manifest.json").write_text("{}")
    (calls / "calls").write_bytes(b"\x80\x04pickles")
    cases = folder / "cases"
    cases.mkdir()
    (cases / "1.in").write_text("3\n")
    (cases / "1.out").write_text("9\n")
    old = Version.of({path: path.read_text()})
    captured = CapturedInputs(calls)
    return [
        FunctionWorkload(path, "f", old, InputsFile(given)),
        FunctionWorkload(path, "A.f", old, GeneratedInputs(7)),
        FunctionWorkload(path, "f", old, captured),
        FunctionWorkload(path, "f", old, InputsOfTests(captured, ("test_a.py::test_f",))),
        NativeWorkload(path, "f(int)", old, GeneratedInputs(), "cc {source} -o {out}"),
        NativeWorkload(path, "f(int)", old, InputsFile(given)),
        ProgramWorkload(path, old, cases, "g++ {source} -o {out}", "solve"),
        ProgramWorkload(path, old, cases / "1.in"),
        CommandWorkload(folder, Version((), "a" * 40), ("make", "bench"), ("make", "test")),
    ]


@pytest.mark.parametrize("number", range(9))
def test_what_was_packed_is_unpacked(tmp_path: Path, receipt: Receipt, number: int) -> None:
    work = workloads(tmp_path)[number]
    after = Version.of({tmp_path / "work.py": "def f(x): return +x\n"})
    whole = with_repeat(receipt, work, after, "model", 1e-9)
    again = unpack(from_json(json.loads(json.dumps(to_json(whole)))), made(tmp_path / "there"))
    assert type(again.workload) is type(work)
    assert again.after.text_of(tmp_path / "work.py") == "def f(x): return +x\n"
    assert again.rounding == 1e-9
    assert again.origin == "user", "a receipt from a file is nobody's rule"
    repacked = pack(again.workload, again.after, "model", 1e-9)
    assert whole.repeat is not None
    assert repacked.inputs == whole.repeat.inputs or number == 7
    for key, value in whole.repeat.workload.items():
        if key not in ("inputs", "cases"):
            assert repacked.workload[key] == value


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_the_inputs_file_of_then_stands_in_for_the_one_of_now(
    tmp_path: Path, receipt: Receipt
) -> None:
    work = workloads(tmp_path)[0]
    whole = with_repeat(receipt, work, Version(), "user", None)
    given = tmp_path / "given.py"
    then = given.read_text()
    given.write_text("def inputs(): yield (2,), {}\n")
    again = unpack(whole, made(tmp_path / "there"))
    assert again.workload.before.text_of(given) == then
    assert again.after.text_of(given) == then


def test_captured_calls_and_cases_are_carried_along(tmp_path: Path, receipt: Receipt) -> None:
    for number, name in ((2, "calls/calls"), (6, "cases/1.in")):
        folder = made(tmp_path / str(number))
        work = workloads(folder)[number]
        data = (folder / name).read_bytes()
        whole = with_repeat(receipt, work, Version(), "user", None)
        (folder / name).write_bytes(b"other")
        again = unpack(whole, made(folder / "there")).workload
        place = again.inputs.folder if isinstance(again, FunctionWorkload) else again.cases  # type: ignore[union-attr]
        assert (place / Path(name).name).read_bytes() == data


def test_a_file_that_lies_elsewhere_here(tmp_path: Path, receipt: Receipt) -> None:
    work = workloads(tmp_path)[1]
    after = Version.of({tmp_path / "work.py": "new"})
    whole = with_repeat(receipt, work, after, "user", None)
    here = made(tmp_path / "checkout") / "work.py"
    again = unpack(whole, made(tmp_path / "there"), here)
    assert isinstance(again.workload, FunctionWorkload)
    assert again.workload.path == here
    assert again.workload.before.text_of(here) == "def f(x): return x\n"
    assert again.after.text_of(here) == "new"


def test_a_folder_that_is_not_here(tmp_path: Path, receipt: Receipt) -> None:
    function, command = workloads(tmp_path)[1], workloads(made(tmp_path / "other"))[8]
    for work in (
        replace(function, path=tmp_path / "gone" / "work.py"),
        replace(command, tree=tmp_path / "gone"),
    ):
        whole = with_repeat(receipt, work, Version(), "user", None)
        with pytest.raises(WorkloadError) as error:
            unpack(whole, tmp_path)
        assert error.value.code == "receipt-elsewhere"
        assert str(tmp_path / "gone") in error.value.message


def test_without_what_a_repetition_needs(tmp_path: Path, receipt: Receipt) -> None:
    with pytest.raises(WorkloadError, match="does not carry"):
        unpack(receipt, tmp_path)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "..", ".", "", "a\0b"])
def test_no_file_outside_the_folder_is_written(tmp_path: Path, receipt: Receipt, name: str) -> None:
    work = workloads(tmp_path)[2]
    repeat = pack(work, Version(), "user", None)
    evil = replace(repeat, inputs=(f"{name}:{base64.b64encode(b'x').decode()}",))
    there = made(tmp_path / "there")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WorkloadError, match="damaged"):
        unpack(replace(receipt, repeat=evil), there)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "damage",
    [
        {"workload": {}},
        {"workload": {"kind": "what"}},
        {"workload": {"kind": "function", "path": 3, "function": "f", "inputs": None}},
        {"inputs": ("no base64: at all",)},
    ],
)
def test_damaged_ones_are_named(
    tmp_path: Path, receipt: Receipt, damage: dict[str, object]
) -> None:
    work = workloads(tmp_path)[2]
    repeat = replace(pack(work, Version(), "user", None), **damage)  # type: ignore[arg-type]
    with pytest.raises(WorkloadError) as error:
        unpack(replace(receipt, repeat=repeat), made(tmp_path / "there"))
    assert error.value.code == "receipt-not-repeatable"


def test_reading_what_was_saved_and_what_verify_printed(tmp_path: Path, receipt: Receipt) -> None:
    file = tmp_path / "r.json"
    save(receipt, file)
    assert read(file) == receipt
    file.write_text(json.dumps({"decision": "faster", "receipt": to_json(receipt)}))
    assert read(file) == receipt


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', "[" * 100_000, '{"schema": 2}'])
def test_what_is_no_receipt(tmp_path: Path, text: str) -> None:
    file = tmp_path / "r.json"
    file.write_text(text)
    with pytest.raises(WorkloadError) as error:
        read(file)
    assert error.value.code == "receipt-unreadable"
    assert str(file) in error.value.message


def test_a_receipt_of_the_first_schema_is_read(receipt: Receipt) -> None:
    assert receipt.schema == 1
    assert (receipt.kind, receipt.dependencies, receipt.repeat) == ("function", (), None)


def test_how_it_was_proved_is_carried_along(tmp_path: Path, receipt: Receipt) -> None:
    work = workloads(tmp_path)[7]
    for told in ({"only_cases": True}, {"thorough": True}, {}):
        whole = with_repeat(receipt, work, Version(), "user", None, **told)
        again = unpack(from_json(json.loads(json.dumps(to_json(whole)))), tmp_path)
        assert (again.only_cases, again.thorough) == (
            told.get("only_cases", False), told.get("thorough", False),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rounding": 1e9}, {}),
        ({"rounding": float("nan")}, {}),
        ({"rounding": -1}, {}),
        ({"rounding": 10**400}, {}),
        ({}, {"before_commit": "--index-output=/tmp/evil"}),
        ({}, {"after_commit": "HEAD"}),
        ({}, {"before_commit": ["a"]}),
        ({}, {"timeout_s": 10**400}),
        ({}, {"path": 3}),
        ({}, {"kind": "native", "path": "/dev/zero", "inputs": {"kind": "generated", "seed": 0}}),
        ({}, {"kind": "program", "path": "work.py", "cases": "cases", "build": None}),
        ({}, {"kind": "program", "path": "/work.py", "cases": "cases", "build": ["sh"]}),
        (
            {},
            {
                "kind": "native",
                "path": "/work.c",
                "build": None,
                "inputs": {"kind": "file", "path": "/work.c"},
            },
        ),
    ],
)
def test_hostile_options(
    tmp_path: Path, receipt: Receipt, options: dict[str, object], told: dict[str, object]
) -> None:
    repeat = pack(workloads(tmp_path)[8], Version(), "user", None)
    evil = replace(
        repeat, options={**repeat.options, **options}, workload={**repeat.workload, **told}
    )
    whole = from_json(json.loads(json.dumps(to_json(replace(receipt, repeat=evil)))))
    with pytest.raises(WorkloadError) as error:
        unpack(whole, tmp_path)
    assert error.value.code == "receipt-not-repeatable"


def test_a_name_that_no_file_can_have(tmp_path: Path, receipt: Receipt) -> None:
    repeat = pack(workloads(tmp_path)[2], Version(), "user", None)
    evil = replace(repeat, inputs=(f"{'x' * 5000}:{base64.b64encode(b'x').decode()}",))
    with pytest.raises(WorkloadError, match="damaged"):
        unpack(replace(receipt, repeat=evil), made(tmp_path / "there"))


def test_a_tree_that_lies_elsewhere_here(tmp_path: Path, receipt: Receipt) -> None:
    work = workloads(tmp_path)[8]
    assert isinstance(work, CommandWorkload)
    work = replace(work, path=tmp_path / "sub" / "a.py")
    after = Version.of({tmp_path / "sub" / "a.py": "new"})
    whole = with_repeat(receipt, work, Version(after.files, "b" * 40), "user", None)
    here = made(tmp_path / "checkout")
    again = unpack(whole, tmp_path, here)
    assert isinstance(again.workload, CommandWorkload)
    assert (again.workload.tree, again.workload.path) == (here, here / "sub" / "a.py")
    assert again.after == Version(((str(here / "sub" / "a.py"), "new"),), "b" * 40)


def test_a_guard_fails_for_a_lost_gain_and_is_skipped_for_noise(
    tmp_path: Path, receipt: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    proved = replace(receipt, function="f", decision="faster", ratio=2.0, interval=(1.9, 2.1))
    text = guard_text(proved, tmp_path / "test_it.py", tmp_path / "r.json")
    tool = tmp_path / "hasten"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for told, outcome in (
        ({"decision": "faster"}, None),
        ({"decision": "inconclusive", "reason": "noise"}, "Skipped"),
        ({"error": {"code": "metric-unrepeatable", "message": "noise"}}, "Skipped"),
        ({"error": {"code": "original-failed", "message": "no"}}, "AssertionError"),
        ({"decision": "slower", "reason": "lost"}, "AssertionError"),
    ):
        tool.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
        tool.chmod(0o755)
        names: dict[str, Any] = {"__file__": str(tmp_path / "test_it.py")}
        exec(compile(text, "test_it.py", "exec"), names)
        try:
            names["test_f_stays_fast"]()
            seen = None
        except BaseException as error:  # pytest's Skipped is no Exception
            seen = type(error).__name__
        assert seen == outcome, told


def test_no_name_writes_code_into_a_guard(tmp_path: Path, receipt: Receipt) -> None:
    for name in ('"""\nimport os\n"""', "a\\", "a\\N{x}", "\u0661 \u00e9\nx", "", "x" * 5000):
        proved = replace(receipt, function=name, decision="faster", ratio=2.0, interval=(1.9, 2.1))
        text = guard_text(proved, tmp_path / "test_it.py", tmp_path / "r.json")
        plain = guard_text(
            replace(proved, function="f"), tmp_path / "test_it.py", tmp_path / "r.json"
        )
        kinds = [[type(node) for node in ast.parse(t).body] for t in (text, plain)]
        assert kinds[0] == kinds[1]
