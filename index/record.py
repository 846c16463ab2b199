"""Nouns of memory: what worked (or did not) on code like this."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

Polarity = Literal["worked", "failed", "accepted", "rejected"]
Kind = Literal["bottleneck", "edit"]
"""The two texts of a record that are embedded: what was slow, and what was changed."""

POLARITIES: tuple[Polarity, ...] = ("worked", "failed", "accepted", "rejected")
KINDS: tuple[Kind, ...] = ("bottleneck", "edit")


@dataclass(frozen=True)
class Record:
    """One optimization: slow code, fast code, and both described without the program's names.

    `bottleneck` says what was slow, `edit` what was changed: these two are the keys of retrieval,
    since they retrieve better than code or a description of the program (hint to edit recall@5 .36
    against .20 for code to code). `receipt` is benchmark_runner's JSON, or None for a claim that
    nobody proved. `provenance` names the program it came from: ``corpus:<slug>`` or
    `workspace_provenance`; what follows a ``#`` tells variants of one program apart.
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

    @property
    def program(self) -> str:
        """The program it came from; two records of one program are neighbours, not evidence."""
        return self.provenance.split("#", 1)[0]

    def text(self, kind: Kind) -> str:
        """The text that is embedded for `kind`."""
        return self.bottleneck if kind == "bottleneck" else self.edit


@dataclass(frozen=True)
class Hit:
    """A retrieved record; `score` is the fused reciprocal rank, higher is better."""

    record: Record
    score: float


@dataclass(frozen=True)
class AcceptedEdit:
    """A file as it was before and after an edit that the user took: all that undo needs.

    `after_sha256` is of the file's bytes on disk after the edit, in hex: undo restores `before`
    only while the file still has them. `created` and `undone` are UTC times (ISO 8601); `undone`
    is None while the edit stands. `id` is None until it was stored.
    """

    suggestion: str
    workspace: str
    path: str
    before: str
    after: str
    after_sha256: str
    created: str
    undone: str | None = None
    id: int | None = None


@dataclass(frozen=True)
class Refusal:
    """An edit that was rejected by the user or that failed its proof, so it is not tried again.

    Keyed by the function's fingerprint, the interpreter ("CPython 3.11.7") and the edit's key: the
    same edit may well be right for other code or on another interpreter.
    """

    fingerprint: str
    interpreter: str
    edit_key: str
    outcome: Literal["rejected", "failed"]
    reason: str
    created: str


def workspace_provenance(workspace: str, path: str, function: str) -> str:
    """The provenance of a record that came from a user's function.

    `workspace` is a key without secrets (hasten.paths.state_dir's folder name), `path` is relative
    to it.
    """
    return f"workspace:{workspace}:{path}::{function}"


def record_id(language: str, slow: str, fast: str, bottleneck: str, edit: str, source: str) -> str:
    """A record's id: a hash of its texts and its provenance, so that storing it twice is once."""
    whole = json.dumps([language, slow, fast, bottleneck, edit, source])
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:24]
