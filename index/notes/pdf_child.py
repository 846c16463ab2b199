"""Reads a PDF in a process of its own, so that whatever it does there is bounded by the kernel.

Run by its path (index/notes/pdf.py), with the PDF as a file on stdin and the bounds as arguments;
never imported. Prints one JSON object: the text of each page (null for one that can't be read, and
why the first one can't) and the outline as [level, title, page], or what is wrong.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from collections.abc import Iterator
from typing import Any


def main(arguments: list[str]) -> None:
    """Arguments: bytes of memory, seconds of CPU, bytes of output, pages, characters."""
    memory, seconds, output, pages, characters = (int(argument) for argument in arguments)
    try:
        import pypdf  # before the bounds: a lack of memory must not look like a lack of pypdf
    except ImportError:
        print(json.dumps({"error": "pypdf is not installed (pip install pypdf)"}))
        return
    _bound(memory, seconds, output)
    try:
        answer = _read(pypdf.PdfReader(sys.stdin.buffer), pages, characters)
    except MemoryError:
        answer = {"error": "reading it needs too much memory"}
    except RecursionError:
        answer = {"error": "it is nested too deeply"}
    except Exception as error:
        answer = {"error": f"it is damaged: {_named(error)}"}
    print(json.dumps(answer))


def _bound(memory: int, seconds: int, output: int) -> None:
    for what, bound in (
        (resource.RLIMIT_CORE, (0, 0)),
        (resource.RLIMIT_CPU, (seconds, seconds + 1)),  # SIGXCPU, by which the parent knows it
        (resource.RLIMIT_FSIZE, (output, output)),
        (resource.RLIMIT_AS, (memory, memory)),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS has no bound on memory
            resource.setrlimit(what, bound)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _read(reader: Any, pages: int, characters: int) -> dict[str, Any]:
    if reader.is_encrypted and not reader.decrypt(""):
        return {"error": "it is encrypted"}
    texts: list[str | None] = []
    why = ""
    left, count = characters, len(reader.pages)
    for number in range(min(count, pages)):
        if left <= 0:
            break
        try:
            text = reader.pages[number].extract_text()[:left]
            left -= len(text)
            texts.append(text)
        except MemoryError:
            raise
        except Exception as error:  # whatever a damaged page raises, the others may be well
            texts.append(None)
            why = why or _named(error)
    outline: list[tuple[int, str, int]] = []
    with contextlib.suppress(Exception):  # a damaged outline: pages are cited by their numbers
        outline += _entries(reader, reader.outline, 1)
    return {"pages": texts, "outline": outline, "count": count, "why": why}


def _entries(reader: Any, entries: Any, level: int) -> Iterator[tuple[int, str, int]]:
    """The entries of the outline, depth first; a list holds those below the entry before it."""
    for entry in entries:
        if isinstance(entry, list):
            yield from _entries(reader, entry, level + 1)
            continue
        page = reader.get_destination_page_number(entry)
        if page is not None and page >= 0:
            yield level, str(entry.title)[:1000], page + 1


if __name__ == "__main__":
    main(sys.argv[1:])
