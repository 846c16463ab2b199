"""`hasten verify --receipt`: a claim is proved again, elsewhere, later, and guarded by a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.e2e.cli import HASTEN, Cli

ROOT = Path(__file__).resolve().parents[2]
SLOW = """from tools import keep

LIMIT = 3


def unique(xs):
    seen = []
    for x in xs:
        if keep(x, LIMIT) and x not in seen:
            seen.append(x)
    return seen
"""
FAST = SLOW.replace("    seen = []\n", "    seen = {}\n").replace(
    "keep(x, LIMIT) and x not in seen:\n            seen.append(x)",
    "x not in seen and keep(x, LIMIT):\n            seen[x] = None",
).replace("return seen", "return list(seen)")  # fmt: skip
TOOLS = "def keep(x, least):\n    return x >= least\n"
INPUTS = """
def inputs():
    for n in (200, 300, 400):
        yield ([(k * 7919) % n for k in range(n)],), {}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    project = tmp_path / "project"
    project.mkdir()
    for name, text in {
        "pyproject.toml": "", "work.py": SLOW, "tools.py": TOOLS, "given.py": INPUTS,
    }.items():  # fmt: skip
        (project / name).write_text(text)
    (tmp_path / "after.py").write_text(FAST)
    return Cli(tmp_path)


@pytest.mark.slow
def test_a_receipt_is_proved_again_elsewhere_and_guarded(cli: Cli, tmp_path: Path) -> None:
    first = cli(
        "verify", "project/work.py", "after.py", "--function", "unique",
        "--inputs", "project/given.py", "--save", "claim.json", "--json",
    )  # fmt: skip
    assert first.value["decision"] == "faster", first.out
    kinds = {(d["kind"], d["name"]) for d in first.value["receipt"]["dependencies"]}
    assert {("function", "unique"), ("callee", "keep"), ("constant", "LIMIT")} <= kinds
    schema = json.loads((ROOT / "docs" / "receipt.schema.json").read_text())
    jsonschema.validate(json.loads((tmp_path / "claim.json").read_text()), schema)

    # The inputs of then are carried along; what it rests on has changed since and is told.
    (tmp_path / "project" / "given.py").unlink()
    (tmp_path / "project" / "tools.py").write_text(TOOLS.replace("x >= least", "least <= x"))
    again = cli("verify", "--receipt", "claim.json", "--json")
    assert again.code == 0, again.out
    told = again.value["repeats"]
    assert told["holds"]
    assert told["changed"] == ["callee keep of tools.py is changed"]
    assert again.value["inputs"] == {"source": "file", "count": 3}

    # In another checkout, where the edit was taken; the guard passes, and fails when it is lost.
    (tmp_path / "project").rename(tmp_path / "checkout")
    work = tmp_path / "checkout" / "work.py"
    work.write_text(FAST)
    guarded = cli(
        "verify", "checkout/work.py", "--receipt", "claim.json", "--guard", "test_stays.py"
    )
    assert guarded.code == 0, guarded.err
    assert pytest_of(cli, tmp_path / "test_stays.py") == 0
    work.write_text(SLOW.replace("seen = []", "seen = list()"))
    assert pytest_of(cli, tmp_path / "test_stays.py") == 1


def pytest_of(cli: Cli, file: Path) -> int:
    path = os.pathsep.join([str(Path(HASTEN).parent), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file],
        cwd=file.parent,
        env={**cli.environment, "PATH": path},
        capture_output=True,
        check=False,
    ).returncode


def test_what_can_not_be_repeated_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{}")
    done = cli("verify", "--receipt", "no.json", "--json")
    assert (done.code, done.value["error"]["code"]) == (2, "receipt-unreadable")
    old = Path(__file__).parents[1] / "benchmark_runner" / "data" / "receipt_schema_1.json"
    (tmp_path / "old.json").write_text(json.dumps(json.loads(old.read_text())))
    done = cli("verify", "--receipt", "old.json", "--json")
    assert (done.code, done.value["error"]["code"]) == (2, "receipt-not-repeatable")
    done = cli("verify", "project/work.py", "--json")
    assert (done.code, done.value["error"]["code"]) == (2, "usage")
    done = cli("verify", "project/work.py", "after.py", "--json")
    assert (done.code, done.value["error"]["code"]) == (2, "usage")


def hostile(tmp_path: Path, python: Path) -> None:
    """A receipt that names a program of its own as the interpreter."""
    old = Path(__file__).parents[1] / "benchmark_runner" / "data" / "receipt_schema_1.json"
    data = json.loads(old.read_text())
    work = str(tmp_path / "project" / "work.py")
    data["environment"]["python"] = str(python)
    data["dependencies"] = [
        {"kind": "interpreter", "path": str(python), "name": "CPython", "digest": "3.11.1"}
    ]
    data["repeat"] = {
        "workload": {"kind": "function", "path": work, "function": "missing", "tests": [],
                     "inputs": {"kind": "generated", "seed": 0}},
        "before": [[work, SLOW]], "after": [[work, FAST]], "origin": "user", "inputs": [],
        "options": {"rounding": None},
    }  # fmt: skip
    (tmp_path / "evil.json").write_text(json.dumps(data))


def test_no_program_that_comes_with_a_receipt_is_started(cli: Cli, tmp_path: Path) -> None:
    trap, python = tmp_path / "trap", tmp_path / "project" / "python"
    python.write_text(f"#!/bin/sh\ntouch {trap}\n")
    python.chmod(0o755)
    hostile(tmp_path, python)
    done = cli("verify", "--receipt", "evil.json", "--json")
    assert done.code == 2, done.out
    assert "is not started" in done.err
    assert not trap.exists()


def test_without_a_sandbox_a_receipt_from_a_file_is_not_run(cli: Cli, tmp_path: Path) -> None:
    hostile(tmp_path, Path(sys.executable))
    done = cli("verify", "--receipt", "evil.json", "--json", HASTEN_SANDBOX="L0")
    assert (done.code, done.value["error"]["code"]) == (2, "receipt-unsandboxed")


def test_what_a_receipt_says_is_not_said_again(cli: Cli, tmp_path: Path) -> None:
    hostile(tmp_path, Path(sys.executable))
    for more in (("--command",), ("--function", "f"), ("project/work.py", "after.py")):
        done = cli("verify", *more, "--receipt", "evil.json", "--json")
        assert (done.code, done.value["error"]["code"]) == (2, "usage")
