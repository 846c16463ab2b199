"""PDF to passages, through a process that is bounded."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pypdf
import pytest

from analysis.errors import Cancelled
from index.notes.parts import NoteUnreadable
from index.notes.pdf import Limits, _checked, read_pdf
from tests.index.notes.conftest import bomb, page_of, pdf_of, read, stream

INTRO = page_of(
    ["1 Introduction", "Loops are (often) slow, and so it is with", "compre-", "hended."]
)
METHODS = page_of(["The end of it.", "Methods", "We measure."])
PAPER = pdf_of([INTRO, METHODS], [("Introduction", 1), ("Methods", 2)])


def test_pages_and_outline() -> None:
    assert read("a.pdf", PAPER).passages == (
        (
            "Introduction",
            "1 Introduction\nLoops are (often) slow, and so it is with\ncomprehended.\n\n"
            "The end of it.",
            1,
        ),
        ("Methods", "Methods\nWe measure.", 2),
    )


def test_without_an_outline_a_page_is_a_section() -> None:
    found = read("a.pdf", pdf_of([INTRO, METHODS])).passages
    assert [(section, line) for section, _, line in found] == [("page 1", 1), ("page 2", 2)]


def test_running_lines_are_left_out() -> None:
    pages = [page_of(["A Journal 2026", f"Text {'abc'[n]}.", f"page {n + 7}"]) for n in range(3)]
    found = read("a.pdf", pdf_of(pages)).passages
    assert [text for _, text, _ in found] == ["Text a.", "Text b.", "Text c."]


def test_a_title_that_no_line_says_begins_with_its_page() -> None:
    found = read("a.pdf", pdf_of([METHODS], [("Else", 1)])).passages
    assert [section for section, _, _ in found] == ["Else"]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"text", b"%PDF-1.7\n", b"%PDF-1.4\n" + bytes(range(256)) * 200,
        PAPER[: len(PAPER) // 2], PAPER.replace(b"/Type /Pages", b"/Type /Nothing")[:-90],
        PAPER.replace(b"/Kids [6 0 R 8 0 R]", b"/Kids [2 0 R 2 0 R]"),
    ],
)  # fmt: skip
def test_damaged_ones_say_why(data: bytes) -> None:
    with pytest.raises(NoteUnreadable, match=r"damaged|no page|no text"):
        read("a.pdf", data)


def test_garbage_in_a_page_costs_that_page_at_most() -> None:
    broken = stream(b"\x00\xff" * 500, "/Filter /FlateDecode")
    found = read("a.pdf", pdf_of([INTRO, broken, METHODS])).passages
    assert {line for _, _, line in found} == {1, 3}


def test_a_bomb_is_no_note() -> None:
    packed = pdf_of([bomb(200_000_000)])
    assert len(packed) < 5000
    with pytest.raises(NoteUnreadable, match="no page of it can be read: LimitReached"):
        read_pdf(packed)


def test_other_pages_than_the_bomb_are_kept() -> None:
    parts, missing = read_pdf(pdf_of([INTRO, bomb(200_000_000)]))
    assert parts
    assert missing == "1 of its 2 pages can't be read"


LARGE = pdf_of([bomb(40_000_000, 1)])


def test_memory_is_bounded() -> None:
    with pytest.raises(NoteUnreadable, match="needs too much memory"):
        read_pdf(LARGE, limits=Limits(memory=120 << 20))


def test_cpu_time_is_bounded() -> None:
    with pytest.raises(NoteUnreadable, match="takes more than 1 s"):
        read_pdf(LARGE, limits=Limits(cpu_s=1))


def test_wall_time_is_bounded() -> None:
    with pytest.raises(NoteUnreadable, match=r"takes more than 0\.1 s"):
        read_pdf(LARGE, limits=Limits(wall_s=0.1))


def test_its_answer_is_bounded() -> None:
    with pytest.raises(NoteUnreadable, match="failed or takes too much"):
        read_pdf(PAPER, limits=Limits(output=50))


def test_pages_and_characters_are_bounded() -> None:
    assert read_pdf(PAPER, limits=Limits(pages=1))[1].startswith("only its first 1 of 2 pages")
    assert read_pdf(PAPER, limits=Limits(characters=9))[1].startswith("only its first 1 of 2")


def test_an_encrypted_one_says_so() -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(PAPER))
    writer.encrypt("secret", algorithm="RC4-128")
    data = io.BytesIO()
    writer.write(data)
    with pytest.raises(NoteUnreadable, match="it is encrypted"):
        read("a.pdf", data.getvalue())


def test_cancelling_ends_its_process() -> None:
    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        read_pdf(LARGE, cancel)


def test_no_program_is_run_on_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    fake = tmp_path / "jbig2dec"
    fake.write_text(f"#!/bin/sh\ntouch {ran}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(NoteUnreadable, match="DependencyError"):
        read_pdf(pdf_of([stream(b"abc", "/Filter /JBIG2Decode")]))
    assert not ran.exists()


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"[]", b"null", b"1", b"{}", b"[" * 100_000, b'{"pages": 1}',
        b'{"pages": [1], "outline": [], "count": 1, "why": ""}',
        b'{"pages": [], "outline": [[1]], "count": 1, "why": ""}',
        b'{"pages": [], "outline": [[1, "a", 1e999]], "count": 1, "why": ""}',
        b'{"pages": [], "outline": {}, "count": 1, "why": ""}',
        b'{"pages": [], "outline": [], "count": null, "why": ""}',
    ],
)  # fmt: skip
def test_its_process_is_not_believed(answer: bytes) -> None:
    with pytest.raises(NoteUnreadable):
        _checked(answer)
