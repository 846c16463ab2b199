"""The process that looks into the memory: what it tells of a function, and what it does not."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hasten.paths import state_dir
from index.record import Polarity, Record, record_id, workspace_provenance
from index.store import Memory
from server.lsp.recall_reader import Recaller, excerpt_of, queries_of
from server.lsp.recollection import MOST_EXCERPT, MOST_TITLE, Recollection, one_line
from tests.server.lsp.made import FAST, SLOW
from tests.server.lsp.test_front import HEAVY, imported
from tests.server.lsp.wire import ROOT, environment

PLAINLY_HEAVY = {*HEAVY} - {
    "index", "numpy", "bm25s", "tree_sitter_c", "tree_sitter_cpp", "tree_sitter_javascript",
    "tree_sitter_typescript",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory(tmp_path / "memory.db") as opened:
        yield opened


@pytest.fixture
def recaller(tmp_path: Path) -> Iterator[Recaller]:
    """One without the shipped corpus."""
    opened = Recaller(tmp_path / "memory.db", None)
    yield opened
    opened.close()


def record(
    provenance: str,
    title: str = "test membership in a set",
    *,
    ratio: float | None = 3.1,
    polarity: Polarity = "worked",
    receipt: bool = True,
) -> Record:
    return Record(
        id=record_id("python", SLOW, FAST, "", title, provenance), language="python", slow=SLOW,
        fast=FAST, title=title, bottleneck="", edit=title, ratio=ratio, polarity=polarity,
        provenance=provenance, receipt={"function": "find"} if receipt else None,
        created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def asked(tmp_path: Path, text: str = SLOW, *names: str) -> dict[str, Any]:
    root = tmp_path / "project"
    functions = list(names or ("find",))
    return {"path": str(root / "m.py"), "text": text, "root": str(root), "functions": functions}


def told(recaller: Recaller, tmp_path: Path) -> Recollection:
    """What is told of `find`, as the front reads it."""
    rows = json.loads(json.dumps(recaller.answer(asked(tmp_path))))
    return Recollection.from_row(rows["find"])


def here(tmp_path: Path, function: str, path: str = "m.py") -> str:
    """The provenance of a function of the workspace that asks."""
    return workspace_provenance(state_dir(tmp_path / "project").name, path, function)


@pytest.mark.parametrize(
    ("provenance", "polarity", "receipt", "standing"),
    [
        ("corpus:sets", "worked", True, "shipped"),
        ("import:workspace:x:m.py::f", "worked", True, "imported"),
        ("import:pie:p1#s2", "accepted", False, "imported"),
        ("claim:pie:p1#s2", "worked", True, "checked"),
        ("elsewhere:x", "worked", False, "told"),
        ("here", "accepted", True, "accepted"),
        ("here", "worked", True, "proved"),
    ],
)
def test_what_it_rests_on_is_told(
    memory: Memory,
    recaller: Recaller,
    tmp_path: Path,
    provenance: str,
    polarity: Polarity,
    receipt: bool,
    standing: str,
):
    source = here(tmp_path, "other") if provenance == "here" else provenance
    memory.add(record(source, polarity=polarity, receipt=receipt))
    [similar] = told(recaller, tmp_path).similar
    assert (similar.standing, similar.ratio) == (standing, 3.1)


def test_nothing_of_other_workspaces_is_told(memory: Memory, recaller: Recaller, tmp_path: Path):
    mine = state_dir(tmp_path / "project").name
    others = ("0" * 16, mine[:-1], f"{mine}0", "")
    memory.add_all(
        record(f"workspace:{key}:m.py::f", f"secret {n}", polarity="accepted")
        for n, key in enumerate(others)
    )
    assert told(recaller, tmp_path) == Recollection()


@pytest.mark.parametrize("polarity", ["failed", "rejected"])
def test_what_failed_is_not_told(
    memory: Memory, recaller: Recaller, tmp_path: Path, polarity: Polarity
):
    memory.add(record("corpus:sets", polarity=polarity))
    assert told(recaller, tmp_path).similar == ()


def test_the_function_itself_is_no_evidence(memory: Memory, recaller: Recaller, tmp_path: Path):
    memory.add(record(here(tmp_path, "find"), polarity="accepted"))
    assert told(recaller, tmp_path).similar == ()


@pytest.mark.parametrize("ratio", [None, float("inf"), 1e300, 1e7])
def test_a_figure_that_nobody_measured_is_left_out(
    memory: Memory, recaller: Recaller, tmp_path: Path, ratio: float | None
):
    memory.add(record("import:x", ratio=ratio))
    [similar] = told(recaller, tmp_path).similar
    assert similar.ratio is None


@pytest.mark.parametrize("ratio", [0.5, 1.0, -3.0])
def test_what_was_not_faster_did_not_work(
    memory: Memory, recaller: Recaller, tmp_path: Path, ratio: float
):
    memory.add(record("import:x", ratio=ratio))
    assert told(recaller, tmp_path).similar == ()


def test_three_at_most_and_no_title_twice(memory: Memory, recaller: Recaller, tmp_path: Path):
    memory.add_all(record(f"import:{n}", f"title {n // 2}") for n in range(12))
    titles = [similar.title for similar in told(recaller, tmp_path).similar]
    assert len(titles) == len(set(titles)) == 3


def test_titles_are_one_bounded_line(memory: Memory, recaller: Recaller, tmp_path: Path):
    memory.add(record("import:x", "a\nb\u202e\u2028" + "c" * 10_000))
    [similar] = told(recaller, tmp_path).similar
    assert similar.title.startswith("a b ccc")
    assert similar.title.isprintable()
    assert len(similar.title) == MOST_TITLE


def test_half_a_surrogate_pair_goes():
    assert one_line("a\ud800b", 10) == "a b"


def test_two_notes_at_most_are_quoted_with_where_they_stand(
    memory: Memory, recaller: Recaller, tmp_path: Path
):
    rows = [("Sets", f"a membership test in a loop, number {n}", 1) for n in range(5)]
    memory.add_note("notes/a.md", "0" * 64, rows)
    quotes = told(recaller, tmp_path).quotes
    assert len(quotes) == 2
    assert {quote.cited for quote in quotes} == {"notes/a.md, Sets"}


@pytest.mark.parametrize(
    ("source", "cited"),
    [
        ("{root}/docs/a.md", "docs/a.md, Sets"),
        ("{root}er/a.md", "{root}er/a.md, Sets"),
        ("/notes/a.md", "/notes/a.md, Sets"),
        ("docs/a.md", "docs/a.md, Sets"),
    ],
)
def test_a_note_of_the_workspace_is_cited_by_its_path_there(
    memory: Memory, recaller: Recaller, tmp_path: Path, source: str, cited: str
):
    root = tmp_path / "project"
    rows = [("Sets", "a membership test in a loop", 1)]
    memory.add_note(source.format(root=root), "0" * 64, rows)
    [quote] = told(recaller, tmp_path).quotes
    assert quote.cited == cited.format(root=root)


def test_of_a_long_passage_the_sentence_that_fits_is_quoted():
    text = "Nothing to see here. " * 30 + "A set makes membership tests fast. " + "More. " * 90
    excerpt = excerpt_of(text, frozenset({"membership", "test"}))
    assert excerpt.startswith("… A set makes membership tests fast. More.")
    assert excerpt.endswith("…")
    assert len(excerpt) == MOST_EXCERPT


def test_what_was_learnt_since_is_told(memory: Memory, recaller: Recaller, tmp_path: Path):
    assert told(recaller, tmp_path) == Recollection()
    memory.add(record("corpus:sets"))
    assert len(told(recaller, tmp_path).similar) == 1


HOSTILE = {
    "open brackets": "f(" * 20_000,
    "deep": "def find():\n    return " + "-" * 50_000 + "1\n",
    "no text": "def find():\n    return '\x00\ud800'\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_stops_nothing(
    memory: Memory, recaller: Recaller, tmp_path: Path, text: str
):
    memory.add(record("corpus:sets"))
    assert set(recaller.answer(asked(tmp_path, text))) <= {"find"}
    assert len(told(recaller, tmp_path).similar) == 1


def test_of_several_definitions_the_last_is_meant(tmp_path: Path):
    text = "def f():\n    return 1\n\n\ndef f():\n    return 2\n"
    found = queries_of("m.py", text, tmp_path, ["f", "not there"])
    assert {name: query.code for name, query in found.items()} == {"f": "def f():\n    return 2"}


def test_a_memory_of_a_newer_version_is_logged_once_and_opened_when_it_is_well(
    memory: Memory, recaller: Recaller, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    memory.add(record("corpus:sets"))
    memory.close()
    file = sqlite3.connect(tmp_path / "memory.db")
    [[version]] = file.execute("PRAGMA user_version").fetchall()
    file.execute(f"PRAGMA user_version = {version + 1}")
    with caplog.at_level(logging.WARNING):
        assert recaller.answer(asked(tmp_path)) == {}
        assert recaller.answer(asked(tmp_path)) == {}
    assert len([r for r in caplog.records if "memory" in r.getMessage()]) == 1
    file.execute(f"PRAGMA user_version = {version}")
    file.close()
    assert len(told(recaller, tmp_path).similar) == 1


def test_a_memory_that_fails_while_it_is_open_is_opened_again(
    memory: Memory, recaller: Recaller, tmp_path: Path
):
    memory.add(record("corpus:sets"))
    assert told(recaller, tmp_path).similar
    with memory.write() as connection:
        connection.execute("ALTER TABLE records RENAME TO moved_away")
    assert recaller.answer(asked(tmp_path)) == {}
    with memory.write() as connection:
        connection.execute("ALTER TABLE moved_away RENAME TO records")
    assert told(recaller, tmp_path).similar


def test_the_process_imports_neither_chroma_nor_a_model(tmp_path: Path):
    with Memory(tmp_path / "data" / "hasten" / "memory.db") as opened:
        opened.add_note("a.md", "0" * 64, [("Sets", "a membership test in a loop", 1)])
    command = [sys.executable, "-X", "importtime", str(ROOT / "hasten" / "__main__.py")]
    request = json.dumps({"id": 7, **asked(tmp_path)})
    child = subprocess.Popen(
        [*command, "lsp", "--recall"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=(tmp_path / "stderr").open("wb"), text=True,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(request + "\n")
    child.stdin.flush()
    answer = json.loads(child.stdout.readline())
    child.stdin.close()  # the front is gone
    assert child.wait(60) == 0
    assert answer["id"] == 7
    found = Recollection.from_row(answer["functions"]["find"])
    assert len(found.similar) == 3
    assert len(found.quotes) == 1
    modules = {name.split(".")[0] for name in imported((tmp_path / "stderr").read_text())}
    assert {"numpy", "bm25s", "index"} <= modules
    assert not modules & PLAINLY_HEAVY
