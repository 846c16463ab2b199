"""`hasten index`: look into the memory of what worked, and keep it whole."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

import typer
from rich.text import Text

from analysis.errors import HastenError, InputError
from analysis.facts import static_facts
from analysis.languages import LANGUAGES, PYTHON, language_of
from analysis.shape import shape_of
from analysis.source import read_source
from hasten.paths import state_dir, workspace_of
from index import doctor, exchange
from index.embedding import WORDS, EndpointSpec, choice_of, choose
from index.query import Query
from index.record import Hit, workspace_provenance
from index.retrieval import Found, Index
from index.store import Memory
from optimizer.here import here_of
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
_SUFFIXES = frozenset(suffix for language in LANGUAGES for suffix in language.suffixes)


@app.command()
def search(
    query: str = typer.Argument(help="Words, or PATH::QUALNAME for what helps a function."),
    count: int = typer.Option(5, "--count", "-k", min=1, max=100, help="How many."),
    language: str = typer.Option("", "--language", help="Of the records; default: Python."),
    as_json: bool = _JSON,
) -> int:
    """Past optimizations that fit a bottleneck."""
    asked = query_of(query, language)
    hits = [row.hit for row in _found(asked, count).hits]
    if as_json:
        emit_json([hit_json(hit) for hit in hits])
    else:
        for hit in hits:
            _show(hit)
    return GOOD if hits else NOT_GOOD


@app.command()
def explain(
    query: str = typer.Argument(help="Words, or PATH::QUALNAME for what helps a function."),
    count: int = typer.Option(5, "--count", "-k", min=1, max=100, help="How many."),
    language: str = typer.Option("", "--language", help="Of the records; default: Python."),
    as_json: bool = _JSON,
) -> int:
    """What was asked, where each answer stands in each ranking, and what was left out."""
    asked = query_of(query, language)
    found = _found(asked, count)
    if as_json:
        emit_json(explained_json(asked, found))
        return GOOD if found.hits else NOT_GOOD
    for name, text in asked.asked.items():
        if name not in ("shape", "code"):
            page().print(f"{name}: {text}", soft_wrap=True)
    for row in found.hits:
        _show(row.hit)
        places = ", ".join(f"{name}: {place}" for name, place in row.places)
        page().print(f"  {places}", style="dim")
        if row.why:
            page().print(f"  counts {row.weight:g}: {row.why}", style="dim")
    for title, why in found.excluded:
        page().print(f"left out: {title}: {why}", style="dim")
    return GOOD if found.hits else NOT_GOOD


def _found(asked: Query, count: int) -> Found:
    """The memory's answer; what a person should know of the search goes to stderr."""
    with Memory() as memory, ProgressLine() as progress, Index(memory, progress=progress) as index:
        found = index.explain(asked, count)
        notes = index.notes
    for line in notes:
        note(line)
    return found


def _show(hit: Hit) -> None:
    record = hit.record
    claimed = "" if record.proved else " (claimed)"
    ratio, title = (ratio_text(record.ratio), "bold"), f" {record.title}"
    page().print(Text.assemble(ratio, title, (f"{claimed} {record.id}", "dim")))
    page().print(f"  {record.edit}")


@app.command()
def stats(as_json: bool = _JSON) -> int:
    """What the memory holds and what searches it."""
    with Memory() as memory, Index(memory) as index:
        found = index.stats()
    if as_json:
        emit_json(asdict(found))
    else:
        tallies = {"by_language", "by_polarity"}
        for line in found.notes:
            note(line)
        for name, value in asdict(found).items():
            if name == "notes":
                continue
            told = ", ".join(f"{n} {of}" for of, n in value) if name in tallies else value
            page().print(f"{name.replace('_', ' '):12} {told}")
    return GOOD


@app.command()
def verify(as_json: bool = _JSON) -> int:
    """Check the memory's file, its vectors and the Chroma index."""
    with Memory() as memory, ProgressLine() as progress, Index(memory, progress=progress) as index:
        found = index.verify()
        notes = index.notes
    for line in notes:
        note(line)
    if as_json:
        emit_json(asdict(found))
    else:
        page().print("all is well" if found.ok else "\n".join(found.problems))
        if found.mend:
            note(f"mend: {found.mend}")
    return GOOD if found.ok else NOT_GOOD


@app.command()
def rebuild(as_json: bool = _JSON) -> int:
    """Make all vectors anew and build Chroma from them."""
    with Memory() as memory, ProgressLine() as progress, Index(memory) as index:
        index.rebuild(progress)
        found = index.verify()
        notes = index.notes
    for line in notes:
        note(line)
    if as_json:
        emit_json(asdict(found))
    else:
        page().print("rebuilt" if found.ok else "\n".join(found.problems))
    return GOOD if found.ok else NOT_GOOD


SENT = (
    "sent there: static facts of functions, what records say was slow, the words that you search "
    "by, and passages of research notes as they are, with the code that is quoted in them; code of "
    "functions and of records is not sent"
)
"""What an embeddings endpoint gets; docs/retrieval.md says the same."""


@app.command()
def embeddings(
    model: str = typer.Option("", "--model", help="An embeddings model behind litellm."),
    api_base: str = typer.Option("", "--api-base", help="The address of its server."),
    words: bool = typer.Option(False, "--words", help="Hashed words, no model."),
    local: bool = typer.Option(False, "--local", help="The best that this machine has."),
    as_json: bool = _JSON,
) -> int:
    """Which embeddings the memory is searched by, or another choice; it embeds again."""
    if bool(model) + words + local > 1 or (api_base and not model):
        raise InputError(
            "one of --model (with --api-base), --words and --local",
            code="usage",
            mend="name one choice, or none to see what is in use",
        )
    with Memory() as memory, ProgressLine() as progress:
        made = 0
        if model or words or local:
            spec = EndpointSpec(model, api_base or None) if model else WORDS if words else ""
            before = choice_of(memory)
            choose(memory, spec)
            try:
                with Index(memory, progress=progress) as index:
                    made = index.embed(progress)
            except HastenError:
                choose(memory, before)
                raise
        found = doctor.embedding(memory)
    if as_json:
        emit_json({"embedder": found.name, "embedded": made, "mend": found.mend})
    else:
        page().print(found.name)
        if model:
            note(SENT)
        if found.mend:
            note(found.mend)
    return GOOD


@app.command()
def export(
    file: str = typer.Argument(help="The JSONL file to write."),
    source: bool = typer.Option(
        True, "--source/--no-source", help="With code, or with words and figures alone."
    ),
    as_json: bool = _JSON,
) -> int:
    """Write what was learnt here as JSON lines, with secrets masked."""
    with Memory() as memory:
        count = exchange.export(memory, Path(file), source=source)
    _count("exported", count, as_json=as_json)
    return GOOD


@app.command("import")
def import_(
    file: str = typer.Argument(help="A JSONL file that `hasten index export` wrote."),
    as_json: bool = _JSON,
) -> int:
    """Add the records of an exported file; they rank below what was proved here."""
    with Memory() as memory:
        count = exchange.import_(memory, Path(file))
    _count("imported", count, as_json=as_json)
    return GOOD


def hit_json(hit: Hit) -> dict[str, Any]:
    """One row of `index search --json`."""
    record = hit.record
    return {
        "id": record.id,
        "score": hit.score,
        "title": record.title,
        "description": f"{record.bottleneck} {record.edit}".strip(),
        "language": record.language,
        "slow": record.slow,
        "fast": record.fast,
        "ratio": record.ratio,
        "source": record.provenance,
        "receipt": record.receipt,
        "proved": record.proved,
        "steps": [
            {"title": step.title, "edit": step.edit, "ratio": step.ratio} for step in record.steps
        ],
    }


def _count(what: str, count: int, *, as_json: bool) -> None:
    if as_json:
        emit_json({what: count})
    else:
        page().print(f"{count} records {what}")


def explained_json(asked: Query, found: Found) -> dict[str, Any]:
    """`index explain --json`."""
    return {
        "asked": dict(asked.asked),
        "hits": [
            {
                **hit_json(row.hit),
                "places": [{"ranking": name, "place": place} for name, place in row.places],
                "weight": row.weight,
                "why": row.why,
            }
            for row in found.hits
        ],
        "excluded": [{"title": title, "why": why} for title, why in found.excluded],
    }


def query_of(text: str, language: str = "") -> Query:
    """Words as they are; of PATH::QUALNAME the static facts of the function and its place.

    Raises InputError for a target that is not there.
    """
    if not is_target(text):
        return Query(hint=text, language=language or PYTHON.name)
    path, name = split_target(text)
    if name is None:
        raise InputError(f"{text}: no function named", code="usage", mend="PATH::QUALNAME")
    workspace = workspace_of(path)
    key = state_dir(workspace).name
    source = read_source(path).text
    function = require_function(source, path, name)
    return Query(
        facts=static_facts(source, function).text,
        shape=shape_of(source, str(path), function.qualname),
        code=source[function.start : function.end],
        language=language or language_of(path).name,
        program=workspace_provenance(key, os.path.relpath(path, workspace), function.qualname),
        workspace=key,
        here=here_of(source, str(path), None, None),
    )


def is_target(text: str) -> bool:
    """Whether a text is PATH::QUALNAME, not words such as "std::vector copied in a loop".

    A path that is not there counts where it ends as a source file does and no blank follows but
    between the parentheses of a C++ function's types: it was mistyped.
    """
    path, mark, _ = text.partition("::")
    if not mark:
        return False
    with contextlib.suppress(OSError):  # words may be longer than any name of a file
        if Path(path).is_file():
            return True
    name = text.partition("(")[0]
    return PurePath(path).suffix.lower() in _SUFFIXES and re.search(r"\s", name) is None
