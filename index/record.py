"""Nouns of memory: what worked (or did not) on code like this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Polarity = Literal["worked", "failed", "accepted", "rejected"]


@dataclass(frozen=True)
class Record:
    """One optimization: slow code, fast code, and both described without the program's names.

    `bottleneck` says what was slow, `edit` what was changed: these two are the keys of retrieval,
    since they retrieve better than code or a description of the program (hint to edit recall@5 .36
    against .20 for code to code). `receipt` is benchmark_runner's JSON, or None for a claim that
    nobody proved.
    """

    id: str
    language: str
    slow: str
    fast: str
    title: str
    bottleneck: str
    edit: str
    ratio: float | None
    polarity: Polarity
    provenance: str
    receipt: dict[str, Any] | None
    created: str


@dataclass(frozen=True)
class Hit:
    """A retrieved record; `score` is the fused reciprocal rank, higher is better."""

    record: Record
    score: float
