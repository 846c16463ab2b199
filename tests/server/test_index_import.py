"""`hasten index add` and `mine`: what they print, and what they refuse before any proof."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from analysis.errors import InputError
from hasten.paths import state_dir
from index.importers import Claim, ClaimError
from index.store import Memory
from server.cli.index_import import add, mine
from tests.index.importers.samples import COFFE, FASTERPY, write_rows
from tests.index.importers.test_history import FAST, SLOW, Repository

NOTHING = {**FASTERPY, "target": FASTERPY["input"]}
"""A row whose two sides are the same: it is refused before anything runs."""


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; its exit code, and what it printed on stdout."""
    made = typer.Typer()
    made.command("add")(add)
    made.command("mine")(mine)
    command = typer.main.get_command(made)

    def go(*words: str) -> tuple[int, str]:
        code = command.main([*words, "--python", sys.executable], standalone_mode=False)
        return int(code), capsys.readouterr().out

    return go


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def value(text: str) -> Any:
    return json.loads(text)


def test_add_prints_what_became_of_the_claims(tmp_path: Path, run: Run) -> None:
    write_rows(tmp_path / "claims.jsonl", NOTHING, NOTHING)
    code, out = run("add", "claims.jsonl", "--json")
    assert code == 1
    assert value(out) == {
        "read": 2, "skipped": 1, "proved": 0, "kept": 0, "unproved": 1, "reasons": {"no pair": 1}
    }  # fmt: skip


def test_add_keeps_claims_when_asked_and_knows_them_then(tmp_path: Path, run: Run) -> None:
    write_rows(tmp_path / "claims.jsonl", NOTHING)
    assert run("add", "claims.jsonl", "--unproved", "--json")[0] == 1
    with Memory() as memory:
        assert len(memory.all()) == 1
    code, out = run("add", "claims.jsonl", "--unproved")
    assert code == 0
    assert "1 claim read, 1 of them known already" in out


def test_add_tries_what_it_kept_without_a_proof_again(tmp_path: Path, run: Run) -> None:
    write_rows(tmp_path / "claims.jsonl", NOTHING)
    run("add", "claims.jsonl", "--unproved")
    code, out = run("add", "claims.jsonl", "--json")
    assert code == 1
    assert (value(out)["skipped"], value(out)["unproved"]) == (0, 1)
    with Memory() as memory:
        assert len(memory.all()) == 1


def test_add_looks_at_so_many_only(tmp_path: Path, run: Run) -> None:
    write_rows(tmp_path / "claims.jsonl", NOTHING, COFFE, COFFE)
    _, out = run("add", "claims.jsonl", "--limit", "1", "--json")
    assert value(out)["read"] == 1


def test_a_row_that_is_wrong_is_told_before_anything_is_proved(tmp_path: Path, run: Run) -> None:
    write_rows(tmp_path / "claims.jsonl", NOTHING, {**NOTHING, "input": 1})
    with pytest.raises(ClaimError, match=r"claims\.jsonl:2: "):
        run("add", "claims.jsonl", "--unproved")
    with Memory() as memory:
        assert memory.all() == ()


def test_mine_counts_what_can_not_be_proved(tmp_path: Path, run: Run) -> None:
    repository = Repository(tmp_path / "project")
    broken = f"import nowhere_at_all\n{SLOW}"
    repository.commit("start", app_py=broken)
    repository.commit("Speed up by a set", app_py=broken.replace(SLOW, FAST))
    code, out = run("mine", "project", "--json")
    assert code == 1
    told = value(out)
    assert (told["read"], told["proved"], told["unproved"]) == (1, 0, 1)


@pytest.mark.parametrize("public", [False, True])
def test_what_is_mined_has_a_home_unless_it_is_public(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, public: bool
) -> None:
    homes: list[str] = []

    def nothing(repo: Path, *_: object, home: str) -> list[Claim]:
        homes.append(home)
        return []

    monkeypatch.setattr("server.cli.index_import.mine_history", nothing)
    (tmp_path / ".git").mkdir()
    run("mine", str(tmp_path), *["--public"] * public)
    assert homes == ["" if public else state_dir(tmp_path).name]


def test_mine_of_no_folder_is_refused(run: Run) -> None:
    with pytest.raises(InputError, match="no such folder"):
        run("mine", "nowhere")
