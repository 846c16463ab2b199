"""Which kind of workload proves a function, and what stands in where it can't be called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.functions import functions_in
from analysis.progress import CancelToken, silent
from benchmark_runner.errors import WorkloadError
from benchmark_runner.receipt import InputsUsed
from benchmark_runner.workload import (
    CommandWorkload,
    GeneratedInputs,
    NativeWorkload,
    ProgramWorkload,
    Workload,
)
from optimizer import benches as room
from optimizer.benches import Benches
from optimizer.engine.protocol import CommandSpec, OptimizeSpec
from optimizer.errors import OptimizeError
from optimizer.targets import Target
from optimizer.workloads import kinds_of, workload_of

MAIN = "int f(int a) { return a; }\nint main() { return f(0); }\n"
COMMAND = CommandSpec(("python", "bench.py"), ("python", "-m", "pytest"))


def target(folder: Path, name: str, text: str) -> Target:
    path = folder / name
    path.write_text(text)
    return Target(path, text, functions_in(text, str(path))[0])


def spec(folder: Path, **more: Any) -> OptimizeSpec:
    return replace(OptimizeSpec(str(folder), None, None, "/usr/bin/python3"), **more)


@pytest.mark.parametrize(
    ("name", "text", "given", "kinds"),
    [
        ("m.py", "def f(): pass\n", {}, ("function",)),
        ("m.py", "def f(): pass\n", {"command": COMMAND}, ("function", "command")),
        ("m.py", "def f(): pass\n", {"command": COMMAND, "kind": "command"}, ("command",)),
        ("m.py", "def f(): pass\n", {"cases": "there"}, ("function",)),
        ("m.py", "def f(): pass\n", {"cases": "there/{stem}"}, ("program",)),
        ("m.py", "def f(): pass\n", {"cases": "there", "kind": "program"}, ("program",)),
        ("m.c", MAIN, {}, ("native",)),
        ("m.c", MAIN, {"cases": "there", "command": COMMAND}, ("program",)),
        ("m.c", MAIN, {"cases": "nowhere", "command": COMMAND}, ("native", "command")),
        ("m.c", "int f(int a) { return a; }\n", {"cases": "there"}, ("native",)),
        ("m.js", "function f() {}\n", {"cases": "there", "command": COMMAND}, ("command",)),
        ("m.ts", "const f = (): void => {};\n", {}, ("command",)),
    ],
)
def test_kinds(tmp_path: Path, name: str, text: str, given: Any, kinds: tuple[str, ...]):
    (tmp_path / "there" / "m").mkdir(parents=True)
    assert kinds_of(target(tmp_path, name, text), spec(tmp_path, **given)) == kinds


def test_workloads_say_what_was_asked_for(tmp_path: Path):
    (tmp_path / "cases").mkdir()
    one = target(tmp_path, "m.c", MAIN)
    asked = spec(tmp_path, cases="cases", build="cc {source} -o {out}", command=COMMAND)
    program = workload_of(one, asked, "program")
    assert isinstance(program, ProgramWorkload)
    assert (program.cases, program.build) == (tmp_path / "cases", "cc {source} -o {out}")
    assert program.function == "f(int)"
    native = workload_of(one, asked, "native")
    assert isinstance(native, NativeWorkload)
    assert (native.function, native.inputs) == ("f(int)", GeneratedInputs())
    command = workload_of(one, asked, "command", ((str(tmp_path / "other.c"), "int x;\n"),))
    assert isinstance(command, CommandWorkload)
    assert (command.tree, command.benchmark, command.test) == (
        tmp_path, COMMAND.benchmark, COMMAND.test,
    )  # fmt: skip
    assert command.before.text_of(tmp_path / "other.c") == "int x;\n"


def test_what_is_missing_is_an_error(tmp_path: Path):
    one = target(tmp_path, "m.c", MAIN)
    with pytest.raises(OptimizeError, match="no cases"):
        workload_of(one, spec(tmp_path), "program")
    with pytest.raises(OptimizeError, match="none are named"):
        workload_of(one, spec(tmp_path), "command")
    script = target(tmp_path, "m.js", "function f() {}\n")
    with pytest.raises(OptimizeError, match="it is proved by the project") as caught:
        workload_of(script, spec(tmp_path), "command")
    assert "`hasten trust`" in caught.value.mend
    with pytest.raises(OptimizeError, match="JavaScript is proved by the project's own commands"):
        kinds_of(script, spec(tmp_path, kind="program"))
    elsewhere = spec(tmp_path / "inner", command=COMMAND)
    with pytest.raises(OptimizeError, match="outside"):
        workload_of(one, elsewhere, "command")


class Fake:
    """A bench whose original can't be called by itself."""

    def __init__(self, workload: Workload, code: str) -> None:
        self._workload, self._code = workload, code

    def __enter__(self) -> Fake:
        return self

    def __exit__(self, *_: object) -> None: ...

    def prepare(self) -> InputsUsed:
        if not isinstance(self._workload, CommandWorkload):
            raise WorkloadError("no call could be made", code=self._code, mend="give inputs")
        return InputsUsed("command", 1, 1, False, "d")


@pytest.mark.parametrize(
    ("code", "given", "stands_in"),
    [
        ("inputs-none", {}, True),
        ("signature-unsupported", {}, True),
        ("inputs-failed", {}, False),
        ("inputs-none", {"inputs_file": "given.py"}, False),
        ("inputs-none", {"command": None}, False),
    ],
)
def test_the_projects_commands_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, given: Any, stands_in: bool
):
    monkeypatch.setattr(room, "open_bench", lambda workload, **_: Fake(workload, code))
    one = target(tmp_path, "m.c", MAIN)
    asked = spec(tmp_path, **{"command": COMMAND, **given})
    with Benches(asked, silent, CancelToken()) as benches:
        if not stands_in:
            with pytest.raises(WorkloadError):
                benches.ready(one)
            return
        assert benches.ready(one)[1].source == "command"
        assert benches.notes == [
            "f(int): no call could be made; it is proved by the project's own commands"
        ]
        assert benches.whole({"id": one}) == {"id"}
        assert isinstance(benches.workload(one), CommandWorkload)
