"""Nouns of memory: what worked (or did not) on code like this."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

Polarity = Literal["worked", "failed", "accepted", "rejected"]
Kind = Literal["facts", "bottleneck", "edit", "purpose"]
"""The texts of a record that can be embedded, each a key of its own."""
Key = Literal["facts", "shape", "code", "bottleneck", "edit", "purpose"]
"""What records are searched by: by words all of these, by vectors the texts."""

_HOME = re.compile(r"(?:import:|claim:)*(?:workspace:([^:]*):|git:[^:@]*@([^:]*):)")
IMPORTED = "import"
"""How the provenance of what came from another machine begins."""

ANY_INTERPRETER = ""
"""Of a refusal that holds whatever runs the code: the user's own."""

POLARITIES: tuple[Polarity, ...] = ("worked", "failed", "accepted", "rejected")
KINDS: tuple[Kind, ...] = ("facts", "bottleneck", "edit", "purpose")


@dataclass(frozen=True)
class Step:
    """One atomic edit of a record: `code` is the whole slow side after it and those before it.

    `ratio` is the time before by the time after this step alone, None where nobody measured it.
    """

    title: str
    edit: str
    code: str
    ratio: float | None = None
    receipt: dict[str, Any] | None = None


@dataclass(frozen=True)
class Record:
    """One optimization: slow code, fast code, and both described without the program's names.

    Its keys of retrieval, "" where nobody wrote one: `facts` are the static facts of the slow
    code and `shape` its syntax without names (analysis.facts, analysis.shape; both are derived, and
    made anew when the way they are read changes),
    `bottleneck` says what was slow, `edit` what was changed, `purpose` what the program does (the
    program description of RAS). `steps` are the atomic edits in order (AEGIS); () where the whole
    is one edit. `sizes` are (n, ratio) pairs, small to large, where several were measured.
    `requires` is what the fast side needs beside the language: "numpy", "python>=3.10". `rule`
    names the rewrite rule that made the edit.

    `receipt` is benchmark_runner's JSON, or None for a claim that nobody proved. `provenance` names
    the program it came from: ``corpus:<slug>``, ``import:...`` or `workspace_provenance`; what
    follows a ``#`` tells variants of one program apart. `notice` is the licence of code that
    others wrote, and whose it is.
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
    purpose: str = ""
    facts: str = ""
    shape: str = ""
    steps: tuple[Step, ...] = ()
    sizes: tuple[tuple[int, float], ...] = ()
    requires: tuple[str, ...] = ()
    rule: str = ""
    notice: str = ""

    @property
    def program(self) -> str:
        """The program it came from; two records of one program are neighbours, not evidence."""
        return self.provenance.split("#", 1)[0]

    @property
    def proved(self) -> bool:
        """Whether it carries a receipt; of an imported one nobody here has seen the proof."""
        return self.receipt is not None and not self.provenance.startswith(f"{IMPORTED}:")


@dataclass(frozen=True)
class Head:
    """What ranking needs of a record, without its code and receipts."""

    id: str
    title: str
    edit: str
    polarity: Polarity
    provenance: str
    requires: tuple[str, ...]
    rule: str
    claimed: bool
    """Whether nobody proved it here."""

    @property
    def program(self) -> str:
        """As Record.program."""
        return self.provenance.split("#", 1)[0]


@dataclass(frozen=True)
class Hit:
    """A retrieved record; `score` is the fused reciprocal rank, higher is better."""

    record: Record
    score: float


@dataclass(frozen=True)
class Passage:
    """A piece of a research note: what it says, and where it stands.

    `source` is the note's path (absolute, as the command line adds it) or name, `section` the
    headings above it, `line` its first line (from 1) or page.
    """

    id: str
    source: str
    section: str
    text: str
    line: int

    @property
    def cited(self) -> str:
        """How it is cited: "NOTE, section"."""
        return f"{self.source}, {self.section}" if self.section else self.source


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

    Keyed by the function's fingerprint, the interpreter ("CPython 3.11.7"), the libraries with
    their versions ("numpy 2.1.0, pandas 3.1.1") and the edit's key: the same edit may well be right
    for other code, on another interpreter or with another library.
    """

    fingerprint: str
    interpreter: str
    edit_key: str
    outcome: Literal["rejected", "failed"]
    reason: str
    created: str
    libraries: str = ""


def home_of(provenance: str) -> str | None:
    """The key of the workspace (the name of its state folder) whose code a record holds; None for
    what nobody keeps to himself: the shipped corpus, a benchmark, a repository mined as public."""
    found = _HOME.match(provenance)
    return found and (found[1] or found[2])


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
