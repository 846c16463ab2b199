"""`hasten verify --aa` through the real command line."""

from pathlib import Path

import pytest

from tests.e2e.cli import Cli

SOURCE = """
def total(n: int) -> int:
    found = 0
    for i in range(n):
        found += i * i & 255
    return found
"""
INPUTS = "def inputs():\n    return [((n,), {}) for n in (4000, 5000)]\n"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def test_the_noise_of_this_machine_as_json(cli: Cli):
    done = cli("verify", "--aa", "--proofs", "1", "--json")
    assert done.code in (0, 1), done.err
    value = done.value
    assert done.code == (1 if value["faster"] else 0)
    assert value["workload"] == "built-in function"
    assert (value["proofs"], len(value["ratios"])) == (1, 1)
    assert value["spread"] > 0
    assert value["environment"]["cores"] >= 1


def test_a_function_of_the_users_own_for_people(cli: Cli):
    (cli.folder / "own.py").write_text(SOURCE)
    (cli.folder / "given.py").write_text(INPUTS)
    done = cli("verify", "own.py", "--aa", "--function", "total", "--inputs", "given.py",
               "--proofs", "1")  # fmt: skip
    assert done.code in (0, 1), done.err
    assert "1 proof of identical code  total" in done.out
    assert "pairs of processes differ by" in done.out


def test_aa_compares_nothing(cli: Cli):
    (cli.folder / "own.py").write_text(SOURCE)
    done = cli("verify", "own.py", "own.py", "--aa", "--function", "total", "--json")
    assert done.code == 2
    assert "takes no AFTER" in done.value["error"]["message"]
