"""Records of claims: what was proved with its receipts, and what is only said."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark_runner.receipt import Receipt, to_json
from index.importers.claim import PER_SIZE, Claim
from index.record import Record, Step, record_id
from index.store import now
from optimizer.claim_bench import bare, is_private
from optimizer.claim_steps import (
    changed_function,
    file_name,
    short,
    title_between,
    words_for,
)
from optimizer.here import requirements_of


@dataclass(frozen=True)
class Proved:
    """A step that holds: the text before it, the text after it, and its proof."""

    before: str
    after: str
    receipt: Receipt


def proved_record(claim: Claim, whole: Receipt, steps: Sequence[Proved]) -> Record:
    """The record of a claim that was proved here, as a whole and in these steps."""
    titles = [_title(claim, step.before, step.after) for step in steps]
    told = words_for([edit for edit in claim.edits if edit], titles)
    made = tuple(
        Step(title, edit, step.after, step.receipt.ratio, _own(claim, step))
        for (title, edit), step in zip(told, steps, strict=True)
    )
    record = _record(claim, claim.provenance)
    return replace(
        record,
        ratio=whole.ratio,
        receipt=_own(claim, Proved(claim.slow, claim.fast, whole)),
        created=whole.created,
        steps=made,
        sizes=_by_size(claim, whole),
    )


def unproved_record(claim: Claim) -> Record:
    """A claim as it was told: no receipt, and a provenance that says so."""
    return replace(
        _record(claim, claim.unproved_provenance),
        ratio=claim.reported_ratio if claim.reported_ratio and claim.reported_ratio > 0 else None,
        created=claim.created or now(),
    )


def _record(claim: Claim, provenance: str) -> Record:
    only = short(claim.edits[0]) if len(claim.edits) == 1 else ""
    title = claim.title or only or _title(claim, claim.slow, claim.fast)
    edit = claim.edit or " ".join(claim.edits) or title
    texts = (claim.language, claim.slow, claim.fast, claim.bottleneck, edit)
    python = claim.language == "python"
    return Record(
        id=record_id(*texts, provenance),
        language=claim.language,
        slow=claim.slow,
        fast=claim.fast,
        title=title,
        bottleneck=claim.bottleneck,
        edit=edit,
        ratio=None,
        polarity="worked",
        provenance=provenance,
        receipt=None,
        created="",
        purpose=claim.purpose,
        requires=requirements_of(claim.fast, claim.fast) if python else (),
        notice=": ".join(part for part in (claim.licence, claim.notice) if part),
    )


def _title(claim: Claim, before: str, after: str) -> str:
    return title_between(before, after, claim.language, _shown(claim, before, after))


def _shown(claim: Claim, before: str, after: str) -> str:
    """The function that is spoken of: the one that differs, else the one that is called."""
    return changed_function(before, after, file_name(claim.language)) or claim.function


def _own(claim: Claim, step: Proved) -> dict[str, Any]:
    """A receipt without the private folder, which is gone, and what it depended on in there."""
    receipt = step.receipt
    lasting = tuple(d for d in receipt.dependencies if not is_private(d.path))
    function = _shown(claim, step.before, step.after) or receipt.function
    data = to_json(replace(receipt, function=function, dependencies=lasting, repeat=None))
    return {key: _each_text(value, bare) for key, value in data.items()}


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(item, change) for item in value]
    return value


def _by_size(claim: Claim, receipt: Receipt) -> tuple[tuple[int, float], ...]:
    """(n, ratio) for each size of which inputs were timed; () where there is but one."""
    timed = receipt.measurement.inputs if receipt.measurement else ()
    found = []
    for place, size in enumerate(claim.sizes):
        mine = range(place * PER_SIZE, (place + 1) * PER_SIZE)
        logs = [one.log_ratio for one in timed if one.input in mine]
        if logs:
            found.append((size, round(math.exp(math.fsum(logs) / len(logs)), 3)))
    return tuple(found) if len(found) > 1 else ()
