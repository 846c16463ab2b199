"""`hasten index`: look into the memory of what worked, and keep it whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from analysis.errors import InputError
from analysis.facts import static_facts
from analysis.source import read_source
from index.record import Hit
from index.retrieval import Index
from index.store import Memory
from server.cli.common import require_function, split_target
from server.cli.output import (
    GOOD,
    NOT_GOOD,
    ProgressLine,
    emit_json,
    note,
    page,
    ratio_text,
)

app = typer.Typer(
    help="Look into the memory of what worked, and keep it whole.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_JSON = typer.Option(False, "--json", help="Print one JSON value.")


@app.command()
def search(
    query: str = typer.Argument(help="Words, or PATH::QUALNAME for what helps a function."),
    count: int = typer.Option(5, "--count", "-k", min=1, max=100, help="How many."),
    as_json: bool = _JSON,
) -> int:
    """Past optimizations that fit a bottleneck."""
    text = _facts_of(query) if "::" in query else query
    with Memory() as memory, ProgressLine() as progress, Index(memory, progress=progress) as index:
        hits = index.search(text, count)
        notes = index.notes
    for line in notes:
        note(line)
    if as_json:
        emit_json([hit_json(hit) for hit in hits])
    else:
        for hit in hits:
            gain = ratio_text(hit.record.ratio)
            page().print(f"[bold]{gain}[/] {hit.record.title} [dim]{hit.record.id}[/]")
            page().print(f"  {hit.record.edit}", markup=False)
    return GOOD if hits else NOT_GOOD


@app.command()
def stats(as_json: bool = _JSON) -> int:
    """What the memory holds and what searches it."""
    with Memory() as memory, Index(memory) as index:
        found = index.stats()
    if as_json:
        emit_json(asdict(found))
    else:
        for name, value in asdict(found).items():
            page().print(f"{name:12} {value}", markup=False)
    return GOOD


@app.command()
def verify(as_json: bool = _JSON) -> int:
    """Check the memory's file, its vectors and the Chroma index."""
    with Memory() as memory, ProgressLine() as progress, Index(memory, progress=progress) as index:
        found = index.verify()
    if as_json:
        emit_json(asdict(found))
    else:
        page().print("all is well" if found.ok else "\n".join(found.problems), markup=False)
        if found.mend:
            note(f"mend: {found.mend}")
    return GOOD if found.ok else NOT_GOOD


@app.command()
def rebuild(as_json: bool = _JSON) -> int:
    """Make all vectors anew and build Chroma from them."""
    with Memory() as memory, ProgressLine() as progress, Index(memory) as index:
        index.rebuild(progress)
        found = index.verify()
    if as_json:
        emit_json(asdict(found))
    else:
        page().print("rebuilt" if found.ok else "\n".join(found.problems), markup=False)
    return GOOD if found.ok else NOT_GOOD


@app.command()
def export(
    file: str = typer.Argument(help="The JSONL file to write; it holds source code."),
    as_json: bool = _JSON,
) -> int:
    """Write what was learnt here as JSON lines."""
    with Memory() as memory, Index(memory) as index:
        count = index.export(Path(file))
    _count("exported", count, as_json=as_json)
    return GOOD


@app.command("import")
def import_(
    file: str = typer.Argument(help="A JSONL file that `hasten index export` wrote."),
    as_json: bool = _JSON,
) -> int:
    """Add the records of an exported file."""
    with Memory() as memory, Index(memory) as index:
        count = index.import_(Path(file))
    _count("imported", count, as_json=as_json)
    return GOOD


def hit_json(hit: Hit) -> dict[str, Any]:
    """One row of `index search --json`."""
    record = hit.record
    return {
        "id": record.id,
        "score": hit.score,
        "title": record.title,
        "description": f"{record.bottleneck} {record.edit}",
        "language": record.language,
        "slow": record.slow,
        "fast": record.fast,
        "ratio": record.ratio,
        "source": record.provenance,
        "receipt": record.receipt,
    }


def _count(what: str, count: int, *, as_json: bool) -> None:
    if as_json:
        emit_json({what: count})
    else:
        page().print(f"{count} records {what}")


def _facts_of(target: str) -> str:
    path, name = split_target(target)
    if name is None:
        raise InputError(f"{target}: no function named", code="usage", mend="PATH::QUALNAME")
    text = read_source(path).text
    return static_facts(text, require_function(text, path, name)).sentence
