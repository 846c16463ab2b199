"""PDF: read by pypdf in a bounded process; pages cut into paragraphs below the outline's titles."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.notes.parts import Block, Heading, NoteUnreadable, Part, title_of
from index.notes.text import clean, lines_of

_CHILD = Path(__file__).with_name("pdf_child.py")
_TICK_S = 0.2
_MOST_OUTLINE = 5000
_MOST_TITLES = 100  # of one page
_RUNNING_LINES = 2
"""Lines at the top and the foot of a page that may be the same on many pages."""


@dataclass(frozen=True)
class Limits:
    """What reading one PDF may take: bytes, seconds, pages, characters of text."""

    memory: int = 1 << 30
    cpu_s: int = 60
    wall_s: float = 120.0
    output: int = 32 << 20
    pages: int = 2000
    characters: int = 4_000_000


@dataclass(frozen=True)
class Pdf:
    """The text of each page, None for one that can't be read, and why the first one can't.

    `count` pages there are.
    """

    pages: tuple[str | None, ...]
    outline: tuple[Heading, ...]
    count: int
    why: str


def read_pdf(
    data: bytes, tick: Callable[[], None] = lambda: None, limits: Limits | None = None
) -> tuple[tuple[Part, ...], str]:
    """The headings and paragraphs of a PDF, and what is missing of it ("" for nothing).

    A heading is a title of the outline, at the line of its page that says the same, else at the
    page's top; without an outline each page is a section. `tick` is called some times a second and
    may raise. Raises NoteUnreadable for what is no PDF, damaged, encrypted or takes too much.
    """
    found = _checked(_run(data, tick, limits or Limits()))
    if not any(page and page.strip() for page in found.pages):
        if None in found.pages:
            raise NoteUnreadable(f"no page of it can be read: {found.why}")
        raise NoteUnreadable("it has no text, only images")
    lost = found.pages.count(None)
    missing = [f"{lost} of its {found.count} pages can't be read"] if lost else []
    if len(found.pages) < found.count:
        missing.append(f"only its first {len(found.pages)} of {found.count} pages were read")
    return tuple(_parts(found)), "; ".join(missing)


# -- the process


def _run(data: bytes, tick: Callable[[], None], limits: Limits) -> bytes:
    bounds = (limits.memory, limits.cpu_s, limits.output, limits.pages, limits.characters)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
        given.write(data)
        given.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", str(_CHILD), *map(str, bounds)],
            stdin=given,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
        try:
            code = _waited(process, tick, limits.wall_s)
        finally:
            process.kill()
            process.wait()
        if code == -signal.SIGXCPU:
            raise NoteUnreadable(f"reading it takes more than {limits.cpu_s} s")
        answer.seek(0)
        text = answer.read(limits.output)
        if code != 0 or len(text) == limits.output:
            raise NoteUnreadable("reading it failed or takes too much memory")
        return text


def _environment() -> dict[str, str]:
    """Nothing of ours but what Python may need to start.

    pypdf would run a program, jbig2dec, on what stands in the file: on this PATH it finds none.
    """
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**kept, "PATH": ""}


def _waited(process: subprocess.Popen[bytes], tick: Callable[[], None], wall_s: float) -> int:
    deadline = time.monotonic() + wall_s
    while True:
        try:
            return process.wait(timeout=_TICK_S)
        except subprocess.TimeoutExpired:
            tick()
            if time.monotonic() > deadline:
                raise NoteUnreadable(f"reading it takes more than {wall_s:g} s") from None


def _checked(answer: bytes) -> Pdf:
    """What the process said: it has read a file of anyone, so nothing of it is believed."""
    try:
        found = json.loads(answer)
        if "error" in found:
            raise NoteUnreadable(title_of(clean(str(found["error"]))))
        pages = tuple(None if page is None else clean(_text(page)) for page in found["pages"])
        outline = tuple(
            Heading(min(max(int(level), 1), 9), title_of(clean(_text(title))), int(page))
            for level, title, page in found["outline"][:_MOST_OUTLINE]
            if title_of(_text(title))
        )
        count, why = max(int(found["count"]), len(pages)), title_of(clean(_text(found["why"])))
        return Pdf(pages, outline, count, why)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise NoteUnreadable("reading it failed") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


# -- the text


def _parts(found: Pdf) -> Iterator[Part]:
    lines = [lines_of(page or "") for page in found.pages]
    running = _running(lines)
    on_page: defaultdict[int, list[Heading]] = defaultdict(list)
    for heading in found.outline:
        on_page[heading.line].append(heading)
    for number, page in enumerate(lines, 1):
        page = _without_running(page, running)
        if not found.outline:
            yield Heading(1, f"page {number}", number)
        start = 0
        for heading in on_page[number][:_MOST_TITLES]:
            at = _line_of(heading.title, page, start)
            yield from _paragraphs(page[start:at], number)
            yield heading
            start = at
        yield from _paragraphs(page[start:], number)


def _shape(line: str) -> str:
    """A line without its numbers: a page's footer is as that of the page before."""
    return re.sub(r"\d+", "#", " ".join(line.split()).casefold())


def _ends(page: list[str]) -> list[int]:
    """The places of the first and the last lines of a page that say something."""
    said = [at for at, line in enumerate(page) if line.strip()]
    return sorted({*said[:_RUNNING_LINES], *said[-_RUNNING_LINES:]})


def _running(pages: list[list[str]]) -> frozenset[str]:
    """The shapes of lines that stand at the top or the foot of many pages, as of a chapter's."""
    shapes = Counter(shape for page in pages for shape in {_shape(page[at]) for at in _ends(page)})
    least = max(3, min(4, len(pages) // 2))
    return frozenset(s for s, count in shapes.items() if count >= least)


def _without_running(page: list[str], running: frozenset[str]) -> list[str]:
    gone = {at for at in _ends(page) if _shape(page[at]) in running}
    return [line for at, line in enumerate(page) if at not in gone]


def _line_of(title: str, page: list[str], start: int) -> int:
    """The place of the line that says a title, perhaps after its number; `start` for none."""
    wanted = "".join(title.casefold().split())
    for at in range(start, len(page)):
        said = "".join(page[at].casefold().split())
        if said == wanted or (said.endswith(wanted) and len(said) - len(wanted) <= 8):
            return at
    return start


def _paragraphs(lines: list[str], page: int) -> Iterator[Block]:
    """Paragraphs end at empty lines, and at a sentence's end in a line that is not full."""
    widths = sorted(len(line) for line in lines if line.strip())
    full = 0.8 * widths[len(widths) * 3 // 4] if widths else 0
    paragraph: list[str] = []
    for line in lines:
        if line.strip():
            paragraph.append(line.rstrip())
        if paragraph and (not line.strip() or (line[-1:] in ".:!?" and len(line) < full)):
            yield _paragraph(paragraph, page)
            paragraph = []
    if paragraph:
        yield _paragraph(paragraph, page)


def _paragraph(lines: list[str], page: int) -> Block:
    # A word that was divided at the end of a line is one word again.
    text = re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", "\n".join(lines))
    return Block(text, page, by_lines=False)
