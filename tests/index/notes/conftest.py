"""Notes of every kind, made by hand: small, and hostile."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

from index.notes.reading import Reading, kind_of, read_note


def sentences(count: int, word: str = "word") -> str:
    """`count` different sentences of ten words each."""
    return " ".join(
        f"Sentence {n} says {word}{n} about loops that are slow here." for n in range(count)
    )


def read(name: str, text: str | bytes) -> Reading:
    data = text.encode() if isinstance(text, str) else text
    kind = kind_of(name)
    assert kind is not None
    return read_note(name, kind, data)


def write(folder: Path, **files: str) -> None:
    """Files named by their paths, with "__" for "/" and the last "_" for "."."""
    for name, text in files.items():
        stem, suffix = name.replace("__", "/").rsplit("_", 1)
        path = folder / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def stream(data: bytes, filters: str = "") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), filters.encode(), data)


def page_of(lines: Sequence[str]) -> bytes:
    """The content stream of a page that shows lines of text."""
    shown = (line.translate({40: "\\(", 41: "\\)", 92: "\\\\"}) for line in lines)
    body = "".join(f"({line}) Tj T*\n" for line in shown)
    return stream(f"BT /F1 11 Tf 14 TL 50 750 Td\n{body}ET".encode("latin-1"))


def pdf_of(contents: Sequence[bytes], outline: Sequence[tuple[str, int]] = ()) -> bytes:
    """A PDF of pages with these content streams, and an outline of (title, page from 1)."""
    pages = [6 + 2 * n for n in range(len(contents))]
    first = 6 + 2 * len(contents)
    entries = range(first, first + len(outline))
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R" + " /Outlines 4 0 R" * bool(outline) + " >>",
        2: f"<< /Type /Pages /Kids [{' '.join(f'{p} 0 R' for p in pages)}] /Count {len(pages)} >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        4: f"<< /Type /Outlines /First {first} 0 R /Last {first + len(outline) - 1} 0 R >>",
        5: "null",
    }
    bodies = {number: text.encode() for number, text in objects.items()}
    for page, content in zip(pages, contents, strict=True):
        bodies[page] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {page + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        ).encode()
        bodies[page + 1] = content
    for entry, (title, page) in zip(entries, outline, strict=True):
        after = f"/Next {entry + 1} 0 R " if entry + 1 in entries else ""
        bodies[entry] = (
            f"<< /Title ({title}) /Parent 4 0 R {after}/Dest [{pages[page - 1]} 0 R /Fit] >>"
        ).encode("latin-1")
    return _file(bodies)


def bomb(size: int, times: int = 2) -> bytes:
    """The content stream of a page that inflates to `size` bytes, packed `times` times."""
    packer = zlib.compressobj(9)
    block = b"(a) Tj " * 20_000
    data = b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return stream(data, f"/Filter [{'/FlateDecode ' * times}]")


def _file(bodies: dict[int, bytes]) -> bytes:
    out = b"%PDF-1.4\n"
    places = {}
    for number, body in bodies.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, count = len(out), max(bodies) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % places[number] for number in range(1, count))
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, start)
