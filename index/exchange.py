"""Memories between machines: what was learnt, as a sealed JSONL file that a team can share.

Nothing that is imported is believed: it ranks below what was proved here until it is proved again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from index import jsonl
from index.corpus.load import CORPUS
from index.masking import masked
from index.query import LANGUAGES_REQUIRED, parsed_requirement
from index.record import IMPORTED, Record, record_id
from index.store import Memory

_KEPT = (
    "schema", "decision", "equality", "reason", "ratio", "interval", "created", "environment",
    "slower_on", "measurement", "sandbox",
)  # fmt: skip
"""Of a receipt, what tells nothing of the code: no path, no name, no input."""
_LICENCES = frozenset(
    {
        "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0",
        "CC0-1.0", "CDLA-Permissive-2.0", "GPL-2.0-only", "GPL-3.0-only", "ISC", "MIT", "MPL-2.0",
        "PSF-2.0", "Unlicense", "no licence", "the repository's own",
    }
)  # fmt: skip
_LIBRARIES = ("numpy", "pandas")
"""What records of the shipped corpus require, so that it tells nothing of whoever requires it."""
_ENVIRONMENT = ("implementation", "python_version", "cpu", "cores", "platform", "hasten")


def export(memory: Memory, path: Path, *, source: bool = True) -> int:
    """Write what was learnt here (not the shipped corpus); returns how many records.

    Secrets are masked in all texts. Without `source` the file holds descriptions, facts and
    figures, and neither code nor the names of files, functions, repositories and private modules.
    Raises ExchangeError.
    """
    return jsonl.write(path, _learnt(memory, source))


def import_(memory: Memory, path: Path) -> int:
    """Add the records of an exported file, all or none; returns how many.

    Their provenance says that they were imported: what others accepted does not count as accepted
    here, and their receipts are claims. Raises ExchangeError.
    """
    return memory.add_all([_imported(record) for record in jsonl.read(path)])


def _learnt(memory: Memory, source: bool) -> Iterator[Record]:
    for record in memory.all():
        if not record.provenance.startswith(f"{CORPUS}:"):
            yield _with_id(_masked(record if source else _without_source(record)))


def _masked(record: Record) -> Record:
    texts = ("slow", "fast", "title", "bottleneck", "edit", "purpose", "notice", "provenance")
    steps = tuple(
        replace(
            step, title=masked(step.title), edit=masked(step.edit), code=masked(step.code),
            receipt=_each_text(step.receipt, masked),
        )
        for step in record.steps
    )  # fmt: skip
    changed: dict[str, Any] = {name: masked(getattr(record, name)) for name in texts}
    return replace(record, **changed, steps=steps, receipt=_each_text(record.receipt, masked))


def _without_source(record: Record) -> Record:
    """What a team may share of code that stays at home."""
    hidden = hashlib.sha256(record.provenance.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    kind = record.provenance.split(":", 1)[0]
    steps = tuple(replace(s, code="", receipt=_figures(s.receipt)) for s in record.steps)
    return replace(
        record, slow="", fast="", steps=steps, receipt=_figures(record.receipt),
        provenance=f"{kind}:{hidden}", purpose="", shape="", notice=_licence(record.notice),
        requires=tuple(filter(_is_public, record.requires)),
    )  # fmt: skip


def _licence(notice: str) -> str:
    """What stands before whose it is: a notice may name repositories and quote commits."""
    licence = notice.split(":", 1)[0].strip()
    return licence if licence in _LICENCES else ""


def _is_public(requirement: str) -> bool:
    told = parsed_requirement(requirement)
    return told is not None and told[0] in (*LANGUAGES_REQUIRED, *_LIBRARIES)


def _figures(receipt: dict[str, Any] | None) -> dict[str, Any] | None:
    if receipt is None:
        return None
    kept = {name: receipt[name] for name in _KEPT if name in receipt}
    if kept.get("decision") != "faster":
        kept.pop("reason", None)  # it shows the call on which the two differ
    if isinstance(environment := kept.get("environment"), dict):
        kept["environment"] = {n: environment[n] for n in _ENVIRONMENT if n in environment}
    return kept


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_each_text(item, change) for item in value]
    return value


def _imported(record: Record) -> Record:
    source = record.provenance.removeprefix(f"{IMPORTED}:")
    return _with_id(replace(record, provenance=f"{IMPORTED}:{source}"))


def _with_id(record: Record) -> Record:
    texts = (record.language, record.slow, record.fast, record.bottleneck, record.edit)
    return replace(record, id=record_id(*texts, record.provenance))
