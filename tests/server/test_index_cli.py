"""`hasten index`: how words are told from a target, what is printed, and what is sent where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import InputError
from index.query import Query
from index.record import Hit, Record
from index.retrieval import Explained, Found, Index
from index.store import Memory
from server.cli import index
from server.cli.index import SENT, query_of
from server.cli.main import main

SLOW = "def f(xs):\n    return [x for x in xs if x in xs[1:]]\n"
RECORD = Record(
    id="r1", language="python", slow=SLOW, fast="fast_code()",
    title="perf: cache the closing tag [/b] lookups", bottleneck="each tag is looked up again",
    edit="Avoid dict[key] lookups \x1b[2J", ratio=3.1, polarity="worked", provenance="import:x",
    receipt=None, created="", facts="loop over a list",
)  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("COLUMNS", "120")
    folder = tmp_path / "project"
    (folder / "src dir").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("")
    for name in ("app.py", "src dir/app.py", "tool"):
        (folder / name).write_text("def f(xs):\n    return sorted(xs)[0]\n")
    (folder / "app.cpp").write_text("namespace n { int f(int a, int b) { return a + b; } }\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "text",
    [
        "std::vector copied in a loop", "std::vector", "a::b.py", "::", "::f", "no words",
        "app.py is slow in app::f", "src/gone.py::f is slow", "gone/tool::main", "x" * 5000 + "::f",
        "lookups in dict[key]",
    ],
)  # fmt: skip
def test_words_are_words(text: str) -> None:
    assert query_of(text, "c++") == Query(hint=text, language="c++")


@pytest.mark.parametrize(
    "text", ["app.py::f", "src dir/app.py::f", "tool::f", "app.cpp::n::f(int, int)"]
)
def test_a_target_is_a_function_that_is_there(text: str) -> None:
    query = query_of(text)
    assert query.hint == ""
    assert query.code


@pytest.mark.parametrize(
    "text", ["src/app.py::f", "gone.PY::A.f", "src/app.cpp::f(int, int)", "lib.mjs::g"]
)
def test_a_mistyped_path_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(InputError, match="no such file") as raised:
        query_of(text)
    assert raised.value.message.startswith(text.split("::")[0])


def test_a_path_without_a_function_is_an_error() -> None:
    with pytest.raises(InputError, match="no function is named"):
        query_of("app.py::")


@pytest.mark.parametrize("command", ["search", "explain"])
def test_records_of_strangers_are_printed_as_they_are(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    explained = Explained(Hit(RECORD, 1.0), (("words [/b]", 1),), 0.5, "it is [claimed]")
    found = Found((explained,), (("[/i] other", "needs [numpy]"),))
    monkeypatch.setattr(index, "_found", lambda asked, count: found)
    assert main(["index", command, "closing [/u] tags"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = ["3.10× perf: cache the closing tag [/b] lookups (claimed) r1"]
    lines.append("  Avoid dict[key] lookups \ufffd[2J")
    if command == "explain":
        lines = ["hint: closing [/u] tags", *lines, "  words [/b]: 1"]
        lines += ["  counts 0.5: it is [claimed]", "left out: [/i] other: needs [numpy]"]
    assert out.splitlines() == lines


class _Listening:
    """An embedder that keeps what it is sent."""

    identity, name, trust = "listening", "listening", 1.0

    def __init__(self) -> None:
        self.sent: list[str] = []

    def embed(self, texts: list[str]) -> Any:
        self.sent += texts
        return np.ones((len(texts), 4), dtype=np.float32)


def test_what_is_said_to_be_sent_is_what_an_embedder_gets() -> None:
    embedder = _Listening()
    with Memory() as memory:
        memory.add(RECORD)
        memory.add_note("/n/a.md", "0" * 64, [("Sets", "A loop:\n\n    quoted_code()", 1)])
        with Index(memory, embedder=embedder, corpus=None) as opened:
            opened.embed()
            opened.search(Query(hint="words of mine", code="my_code()", shape="call"), 3)
            opened.passages(Query(hint="words of mine", code="my_code()"), 3)
            facts = memory.read("SELECT facts FROM records")[0][0]
    assert set(embedder.sent) == {
        facts, RECORD.bottleneck, "Sets\nA loop:\n\n    quoted_code()", "words of mine"
    }  # fmt: skip
    for said in ("static facts", "what records say was slow", "words that you search by"):
        assert said in SENT
    assert "passages of research notes as they are, with the code" in SENT
    assert "code of functions and of records is not sent" in SENT


def test_who_chooses_an_endpoint_is_told_what_is_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Index, "embed", lambda self, progress: 0)
    assert main(["index", "embeddings", "--model", "openai/toy"]) == 0
    assert SENT in capsys.readouterr().err
    assert main(["index", "embeddings", "--words"]) == 0
    assert "sent" not in capsys.readouterr().err


def test_the_documents_say_it_too() -> None:
    document = Path(index.__file__).parents[2] / "docs" / "retrieval.md"
    said = " ".join(document.read_text().split())
    assert "all passages of your research notes: as they stand in the note, with the code" in said
