"""What is retrieved and asked for: pairs of slow and fast code with words, facts and labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.facts import facts_of_text
from analysis.languages import LANGUAGES
from analysis.shape import shape_of
from benchmarks.retrieval.labels import labels_of
from index import jsonl
from index.corpus.load import CORPUS, SHIPPED
from index.record import Record, record_id

DESCRIBED = Path(__file__).with_name("described.jsonl")
"""Words for the same pairs by others than their authors: see docs/retrieval.md."""
_MOST = 60_000


@dataclass(frozen=True)
class Item:
    """One pair. `hint` and `purpose` are told from the slow side alone, `edit` from both."""

    id: str
    program: str
    language: str
    slow: str
    fast: str
    function: str
    facts: str
    shape: str
    title: str
    hint: str
    edit: str
    purpose: str
    labels: frozenset[str]
    source: str


def shipped(paths: Iterable[Path] = SHIPPED) -> Iterator[Item]:
    """The corpus, with its authors' words."""
    for path in paths:
        for record in jsonl.read(path):
            slug = record.provenance.split(":", 1)[1]
            name = str((record.receipt or {}).get("function", ""))
            if record.language != "python":
                name = ""
            yield _item(
                slug, slug, record.language, record.slow, record.fast, name,
                title=record.title, hint=record.bottleneck,
                edit=" ".join([record.edit, *(step.title for step in record.steps)]),
                purpose=record.purpose, source=CORPUS,
            )  # fmt: skip


def data(folder: Path) -> Iterator[Item]:
    """Pairs of ENAMEL, COFFE and PIE, as in a folder with those three files; words only of PIE."""
    for row in _rows(folder / "functions.jsonl"):
        yield _item(
            row["id"], row["id"], "python", row["slow"], row["fast"], row["entry_point"],
            source="ENAMEL",
        )  # fmt: skip
    for row in _rows(folder / "programs.jsonl"):
        yield _item(row["id"], row["id"], "python", row["slow"], row["fast"], "", source="COFFE")
    for row in _rows(folder / "cpp_pairs.jsonl"):
        yield _item(
            row["id"], row["problem"], "c++", row["slow"], row["fast"], "",
            edit=row["explanation"][:2000], purpose=row["description"][:1000], source="PIE",
        )  # fmt: skip


def described(items: Iterable[Item], path: Path = DESCRIBED) -> Iterator[Item]:
    """Those items that others described, with their words instead of the authors'."""
    words = {row["id"]: row for row in _rows(path)}
    for item in items:
        if row := words.get(item.id):
            yield replace(
                item, title=row["title"], hint=row["hint"], edit=row["edit"],
                purpose=row["purpose"],
            )  # fmt: skip


def labelled(items: Iterable[Item], path: Path = DESCRIBED) -> Iterator[Item]:
    """The same items with the techniques that others named instead of those read from the diff."""
    words = {row["id"]: row for row in _rows(path)}
    for item in items:
        if row := words.get(item.id):
            yield replace(item, labels=frozenset(row["techniques"]))


def record_of(item: Item) -> Record:
    """The item as the memory would hold it."""
    source = f"corpus:{item.program}#{item.id}"
    texts = (item.language, item.slow, item.fast, item.hint, item.edit)
    return Record(
        id=record_id(*texts, source), language=item.language, slow=item.slow, fast=item.fast,
        title=item.title, bottleneck=item.hint, edit=item.edit, ratio=None, polarity="worked",
        provenance=source, receipt={"function": item.function}, created="", purpose=item.purpose,
        facts=item.facts,
    )  # fmt: skip


def _item(
    id: str, program: str, language: str, slow: str, fast: str, function: str, *, source: str,
    title: str = "", hint: str = "", edit: str = "", purpose: str = "",
) -> Item:  # fmt: skip
    suffix = next(lang.suffixes[0] for lang in LANGUAGES if lang.name == language)
    path, slow = f"x{suffix}", slow[:_MOST]
    facts, shape = facts_of_text(slow, path, function).text, shape_of(slow, path, function)
    labels = labels_of(slow, fast, language)
    return Item(
        id, program, language, slow, fast, function, facts, shape, title, hint, edit, purpose,
        labels, source,
    )  # fmt: skip


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            yield json.loads(line)
