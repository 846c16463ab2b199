"""`hasten index verify` and `rebuild` say what a person should know of the searches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from index.chroma import Chroma, ChromaFailed
from server.cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["index", "embeddings", "--words"]) == 0


def test_a_chroma_that_can_not_be_used_is_not_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise ChromaFailed("no space left on device")

    monkeypatch.setattr(Chroma, "_connect", fails)
    capsys.readouterr()
    assert main(["index", "verify"]) == 1
    said = capsys.readouterr()
    assert said.out == "Chroma can't be used: no space left on device\n"
    assert "searching exactly instead: no space left on device" in said.err
    assert "hasten index rebuild" in said.err


@pytest.mark.parametrize("command", ["verify", "rebuild"])
def test_notes_are_printed(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "hasten" / "chroma").glob("build-*/chroma.sqlite3"):
        path.write_bytes(b"")
    capsys.readouterr()
    assert main(["index", command]) == 0
    said = capsys.readouterr()
    assert said.out == ("all is well\n" if command == "verify" else "rebuilt\n")
    if command == "verify":
        assert "the Chroma index was built anew: its files were changed or damaged" in said.err


def test_statistics_are_counts_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["index", "stats"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^by language +\d+ c, \d+ c\+\+, \d+ python$", out, re.M)
    assert re.search(r"^by polarity +\d+ worked$", out, re.M)
    assert re.search(r"^notes read +0$", out, re.M)
    assert not re.search(r"^notes +", out.replace("notes read", ""), re.M)
