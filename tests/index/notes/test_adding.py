"""Files and folders into the memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from analysis.errors import Cancelled, InputError
from index.notes import adding
from index.notes.adding import Added, add_notes
from index.record import Passage
from index.store import Memory
from server.cli.index_notes import add_notes as command
from server.cli.index_notes import whole_path
from tests.index.notes.conftest import page_of, pdf_of, write

ROOT = Path(__file__).resolve().parents[3]


def kept(memory: Memory) -> list[Passage]:
    ids = [row[0] for row in memory.read("SELECT id FROM passages ORDER BY source, line")]
    found = memory.passages(ids)
    return [found[item] for item in ids]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working directory; the memory lies beside it."""
    found = tmp_path / "work"
    found.mkdir()
    monkeypatch.chdir(found)
    return found


def test_every_kind_is_kept_under_the_path_as_it_was_given(memory: Memory, folder: Path) -> None:
    write(folder, n__a_md="# A\n\na\n", n__b_html="<h1>B</h1>b", n__c_txt="c", n__s__d_rst="d")
    write(folder, n__s__e_py="'''e'''\n")
    Path("n/f.pdf").write_bytes(pdf_of([page_of(["f"])]))
    assert add_notes(memory, Path("n")) == Added(6, 6, 0, ())
    assert [(p.cited, p.text, p.line) for p in kept(memory)] == [
        ("n/a.md, A", "a", 3), ("n/b.html, B", "b", 1), ("n/c.txt", "c", 1),
        ("n/f.pdf, page 1", "f", 1), ("n/s/d.rst", "d", 1), ("n/s/e.py", "e", 1),
    ]  # fmt: skip


def test_a_single_file(memory: Memory, folder: Path) -> None:
    write(folder, a_md="x")
    assert add_notes(memory, Path("a.md")).notes == 1
    assert add_notes(memory, Path("./a.md")).unchanged == 1
    assert add_notes(memory, folder / "a.md").notes == 1
    assert sorted(memory.notes_read()) == sorted(["a.md", str(folder / "a.md")])


@pytest.mark.parametrize(
    ("name", "data"), [("x", b"hello"), ("y.dat", b"<html><p>hello"), ("LICENSE.txt", b"hello")]
)
def test_a_file_of_another_name_is_read_by_its_content(
    memory: Memory, folder: Path, name: str, data: bytes
) -> None:
    Path(name).write_bytes(data)
    add_notes(memory, Path(name))
    assert [p.text for p in kept(memory)] == ["hello"]


def test_unchanged_files_are_counted_and_changed_ones_replaced(
    memory: Memory, folder: Path
) -> None:
    write(folder, a_md="old\n\n# B\n\nb", b_md="same")
    add_notes(memory, Path())
    write(folder, a_md="new")
    assert add_notes(memory, Path()) == Added(1, 1, 1, ())
    assert [p.text for p in kept(memory)] == ["new", "same"]


def test_a_note_that_lost_its_text_loses_its_passages(memory: Memory, folder: Path) -> None:
    write(folder, a_md="old")
    add_notes(memory, Path())
    write(folder, a_md="")
    assert add_notes(memory, Path()).skipped == (("a.md", "it has no text"),)
    assert kept(memory) == []
    assert add_notes(memory, Path()).unchanged == 1


def test_a_note_that_is_gone_is_not_forgotten(memory: Memory, folder: Path) -> None:
    write(folder, a_md="a", b_md="b")
    add_notes(memory, Path())
    Path("a.md").unlink()
    add_notes(memory, Path())
    assert [p.text for p in kept(memory)] == ["a", "b"]


def test_what_is_no_note_is_skipped(memory: Memory, folder: Path) -> None:
    write(folder, a_md="a", _git__b_md="b", node_modules__c_md="c", env__lib__d_md="d")
    write(folder, env__pyvenv_cfg="", x_egg__f_md="f", LICENSE_txt="no", requirements_txt="no")
    Path("_git").rename(".git")
    Path("x_egg").rename("x.egg-info")
    write(folder, data_json="{}", one_py="x = 1", two_py="y = 2")
    assert add_notes(memory, Path()) == Added(
        1, 1, 0,
        (
            (".", "3 files are of kinds that are no notes (.txt 2, .json 1)"),
            (".", "2 source files have no docstring or comment at their top"),
        ),
    )  # fmt: skip


def test_binary_damaged_and_large_files_say_why(memory: Memory, folder: Path) -> None:
    Path("a.md").write_bytes(b"\0\1\2")
    Path("b.pdf").write_bytes(b"%PDF-1.4 nothing")
    Path("c.txt").write_bytes(b"x" * 10_000_000)
    found = add_notes(memory, Path())
    assert found.notes == 0
    assert [why.split(":")[0] for _, why in found.skipped] == [
        "it is a binary file", "it is damaged", "it is larger than 8 MB",
    ]  # fmt: skip


def test_links_are_not_followed(memory: Memory, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "b.md").write_text("secret")
    write(folder, n__a_md="a")
    Path("n/loop").symlink_to(folder / "n")
    Path("n/out.md").symlink_to(tmp_path / "secret.md")
    Path("n/outside").symlink_to(tmp_path / "outside")
    found = add_notes(memory, Path("n"))
    assert [p.text for p in kept(memory)] == ["a"]
    assert [path for path, _ in found.skipped] == ["n/loop", "n/out.md", "n/outside"]


def test_a_link_that_the_user_names_is_followed(memory: Memory, folder: Path) -> None:
    write(folder, n__a_md="a")
    Path("link").symlink_to(folder / "n")
    add_notes(memory, Path("link"))
    assert list(memory.notes_read()) == ["link/a.md"]


def test_a_pipe_is_no_note(memory: Memory, folder: Path) -> None:
    os.mkfifo("a.md")
    assert add_notes(memory, Path("a.md")).skipped == (("a.md", "it is no regular file"),)
    assert add_notes(memory, Path()) == Added(0, 0, 0, ())


@pytest.mark.parametrize("name", [b"a\xff.md", b"a\x1b[31m.md", "a\u202e.md".encode()])
def test_names_that_can_not_be_shown_are_skipped(memory: Memory, folder: Path, name: bytes) -> None:
    Path(os.fsdecode(name)).write_text("x")
    ((path, why),) = add_notes(memory, Path()).skipped
    assert path.isascii()
    assert path.isprintable()
    assert "its name" in why


def test_such_a_name_given_by_the_user_is_an_error(memory: Memory, folder: Path) -> None:
    path = Path(os.fsdecode(b"a\xff.md"))
    path.write_text("x")
    with pytest.raises(InputError, match="its name") as raised:
        add_notes(memory, path)
    assert raised.value.message.isascii()


def test_a_folder_that_goes_deep_ends(memory: Memory, folder: Path) -> None:
    Path("/".join("d" * 60)).mkdir(parents=True)
    ((_, why),) = add_notes(memory, Path()).skipped
    assert why == "it lies too deep"


def test_nothing_there_is_an_error_that_names_it(memory: Memory, folder: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.md: no such file"):
        add_notes(memory, Path("gone.md"))


def test_what_is_too_much_for_once_is_read_the_next_time(
    memory: Memory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "MOST_NOTES", 2)
    write(folder, a_md="a", b_md="b", c_md="c")
    why = "1 files from this one on are left: add them once more"
    assert add_notes(memory, Path()) == Added(2, 2, 0, (("c.md", why),))
    assert add_notes(memory, Path()) == Added(1, 1, 2, ())


def test_many_that_were_skipped_are_counted(memory: Memory, folder: Path) -> None:
    for n in range(300):
        Path(f"{n}.md").write_text("")
    skipped = add_notes(memory, Path()).skipped
    assert len(skipped) == 201
    assert skipped[-1] == (".", "100 more were skipped")


def test_cancelling_keeps_what_was_read(memory: Memory, folder: Path) -> None:
    write(folder, a_md="a", b_md="b", c_md="c")

    def progress(message: str, share: float | None = None) -> None:
        if message == "reading b.md":
            raise Cancelled

    with pytest.raises(Cancelled):
        add_notes(memory, Path(), progress)
    assert [p.text for p in kept(memory)] == ["a"]


def test_progress_says_how_far_it_is(memory: Memory, folder: Path) -> None:
    write(folder, a_md="a", b_md="b")
    said: list[tuple[str, float | None]] = []
    add_notes(memory, Path(), lambda message, share=None: said.append((message, share)))
    assert said[-2:] == [("reading a.md", 0.0), ("reading b.md", 0.5)]


_ADDER = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from index.notes.adding import add_notes
from index.store import Memory
with Memory(Path(sys.argv[1])) as memory:
    add_notes(memory, Path("."), lambda message, share: print(message, flush=True))
"""


@pytest.mark.parametrize("after", [2, 5, 11])
def test_a_kill_leaves_each_note_whole_or_absent(tmp_path: Path, folder: Path, after: int) -> None:
    for n in range(30):
        Path(f"{n:02}.md").write_text("".join(f"# {m}\n\nx\n\n" for m in range(50)))
    path = tmp_path / "killed.db"
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", _ADDER, str(path), str(ROOT)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p)},
    )
    assert child.stdout is not None
    for _ in range(after):
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with Memory(path) as memory:
        rows = memory.read("SELECT count(*) FROM passages GROUP BY source")
        assert {row[0] for row in rows} <= {50}
        assert len(rows) == len(memory.notes_read()) >= after - 2
        assert add_notes(memory, Path()).unchanged == len(rows)


def test_the_command_prints_what_was_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(folder.parent / "data"))
    write(folder, a_md="a\n\n# B\n\nb", b_md="")
    assert command(".", as_json=False) == 0
    out, err = capsys.readouterr()
    assert out == "1 note, 2 passages\n"
    assert err.splitlines()[-1] == "b.md: it has no text"
    assert command(".", as_json=True) == 0
    skipped = [[str(folder / "b.md"), "it has no text"]]
    assert json.loads(capsys.readouterr().out) == {**asdict(Added(0, 0, 1, ())), "skipped": skipped}


def test_the_command_says_when_there_was_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(folder.parent / "data"))
    assert command(".", as_json=False) == 1


def test_the_command_keeps_notes_of_equal_names_in_several_folders(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(folder.parent / "data"))
    for name in ("a", "b"):
        write(folder / name, README_md=f"of {name}")
        monkeypatch.chdir(folder / name)
        assert command(".", as_json=False) == 0
        assert command("README.md", as_json=False) == 0  # the same once more
    with Memory() as memory:
        assert [(p.source, p.text) for p in kept(memory)] == [
            (str(folder / "a" / "README.md"), "of a"), (str(folder / "b" / "README.md"), "of b"),
        ]  # fmt: skip


def test_the_command_loses_nothing_that_was_kept_by_a_relative_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(folder.parent / "data"))
    write(folder, a_md="mine")
    with Memory() as memory:
        memory.add_note("a.md", "0" * 64, [("", "of another folder", 1)])
    assert command("a.md", as_json=False) == 0
    with Memory() as memory:
        texts = {p.source: p.text for p in kept(memory)}
    assert texts == {"a.md": "of another folder", str(folder / "a.md"): "mine"}


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("a.md", "work/a.md"), (".", "work"), ("./n/", "work/n"), ("link/a.md", "work/link/a.md"),
        ("../a.md", "a.md"), ("link/../a.md", "elsewhere/a.md"),
    ],
)  # fmt: skip
def test_the_command_names_a_note_by_its_whole_path(folder: Path, typed: str, whole: str) -> None:
    (folder.parent / "elsewhere" / "notes").mkdir(parents=True)
    Path("link").symlink_to(folder.parent / "elsewhere" / "notes")
    assert whole_path(typed) == folder.parent / whole
