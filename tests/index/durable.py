"""A memory that is written to, killed, filled up and damaged: what it should hold, and does.

Step n does one thing to a memory that follows from n alone, so that whoever heard how many steps
were acknowledged knows what must be there.
"""

from __future__ import annotations

import functools
import hashlib
import random
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.progress import silent
from index.dense import Dense
from index.derived import derive
from index.embedding import FactsEmbedder
from index.query import Query
from index.record import AcceptedEdit, Polarity, Record, Refusal, workspace_provenance
from index.retrieval import Index
from index.rows import REFUSAL, sound_refusal
from index.store import Memory
from index.vectors import Vectors
from tests.index.conftest import make_record

WHEN = "2026-01-01T00:00:00+00:00"
WORDS = ("heap", "set", "table", "queue", "join", "slice", "cache", "tree", "array", "bitmap")


def learnt_record(n: int, polarity: Polarity = "accepted") -> Record:
    """A record that was learnt here, about as large as real ones are."""
    rng = random.Random(n)
    one, two, three = rng.sample(WORDS, 3)
    record = make_record(
        n,
        title=f"{one} for {two} number {n}",
        bottleneck=f"a {two} is searched in a {three} again and again",
        edit=f"use a {one} instead of a {two}",
        provenance=workspace_provenance("w", f"m{n}.py", "f"),
        polarity=polarity,
    )
    slow = f"def f(items):\n    total = {n}\n    for item in items:\n        total += item\n"
    return replace(record, slow=slow, receipt={"notes": ["x" * 300], "number": n})


_FACTS, _SHAPE = derive(learnt_record(2))
QUERY = Query(
    hint="use a heap instead of a queue, or a table",
    facts=_FACTS,
    shape=_SHAPE,
    code=learnt_record(2).slow,
)
"""Asks by every text that there is, so that each ranking has something to find."""


def edit(n: int) -> AcceptedEdit:
    """An edit that was taken."""
    before = "".join(f"line {n} {i}\n" for i in range(40))
    return AcceptedEdit(f"s{n}", "w", f"/w/{n}.py", before, before.upper(), f"{n:064x}", WHEN)


def refusal(n: int) -> Refusal:
    """An edit that failed or was rejected."""
    outcome = "rejected" if n % 2 else "failed"
    return Refusal(f"f{n}", "CPython 3.11.7", f"key{n}", outcome, f"reason {n}", WHEN)  # type: ignore[arg-type]


def passages(n: int) -> list[tuple[str, str, int]]:
    """A research note's passages."""
    return [(f"section {i}", f"note {n} says {WORDS[(n + i) % 10]}", 1) for i in range(3)]


@dataclass
class Held:
    """What a memory holds, without what it makes anew and without the time of day.

    Accepted edits by suggestion, with whether they were undone; notes by source.
    """

    records: dict[str, Record] = field(default_factory=dict)
    accepted: dict[str, tuple[AcceptedEdit, bool]] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def copy(self) -> Held:
        """One of its own."""
        parts = (self.records, self.accepted, self.refusals, self.notes)
        return Held(*(dict(part) for part in parts))  # type: ignore[arg-type]

    def __str__(self) -> str:
        """The same for what is equal, in one line."""
        parts = (self.records, self.accepted, self.refusals, self.notes)
        return "; ".join(repr(sorted(map(repr, part.items()))) for part in parts)


def held(memory: Memory) -> Held:
    """What a memory gives when everything is asked of it."""
    records = memory.all()
    assert {r.id for r in records} == {r.id for r in records if memory.get(r.id) == r}
    edits = memory.accepted(undone=True)
    assert len({e.id for e in edits}) == len(edits)
    assert memory.accepted() == tuple(e for e in edits if e.undone is None)
    refusals = all_refusals(memory)
    for r in refusals:
        assert memory.refusals(r.fingerprint, r.interpreter) == {r.edit_key: r}
    rows = memory.read("SELECT id, source FROM passages ORDER BY source, section")
    texts = memory.passages(row[0] for row in rows)
    notes = dict[str, tuple[str, ...]]()
    notes |= {source: (sha,) for source, sha in memory.notes_read().items()}
    for item, source in rows:
        if item in texts:
            notes[source] = (*notes[source], texts[item].section, texts[item].text)
    return Held(
        {r.id: replace(r, facts="", shape="") for r in records},
        {e.suggestion: (replace(e, id=None, undone=None), e.undone is not None) for e in edits},
        {r.fingerprint: r for r in refusals},
        notes,
    )


def all_refusals(memory: Memory) -> tuple[Refusal, ...]:
    """Every refusal that is sound, oldest first."""
    rows = memory.read(f"SELECT {', '.join(REFUSAL)}, sum FROM refusals ORDER BY created, edit_key")
    found = (sound_refusal(row) for row in rows)
    return tuple(refusal for refusal in found if refusal is not None)


def expected_note(n: int) -> tuple[str, ...]:
    """As `held` tells a note."""
    texts = (part for section, text, _ in passages(n) for part in (section, text))
    return (f"sha{n}", *texts)


# -- steps: what one does, and what it should leave


def step(memory: Memory, n: int) -> None:
    """Do step `n`; what it returns from is acknowledged."""
    kind = n % 8
    if kind == 0:
        memory.accept(edit(n))
    elif kind == 1:
        memory.record_outcome(refusal(n))
    elif kind == 2:
        memory.add(learnt_record(n))
    elif kind == 3:
        of = learnt_record(n - 1)
        memory.judge(of.provenance, [of.title], "rejected")
    elif kind == 4:
        memory.add_note(f"note{n % 24}", f"sha{n}", passages(n))
    elif kind == 5 and n % 16 > 8:
        memory.add_all([learnt_record(n), learnt_record(-n)])
    elif kind == 5:
        for found in memory.accepted(suggestion=f"s{n - 5}"):
            memory.mark_undone(found.id or 0)
    elif kind == 6 and n % 16 > 8:
        memory.remove([learnt_record(n - 12).id])
    elif kind == 6:
        memory.forget_note(f"note{(n + 6) % 24}")
    elif n % 32 == 7:
        memory.compact()
    else:
        Vectors(memory, FactsEmbedder.identity).drop(own=True, others=True)
        Dense(memory, memory.path.parent / "chroma", FactsEmbedder()).embed_missing(silent)


def after(state: Held, n: int) -> Held:
    """What should be held after step `n`, of what was held before."""
    new = state.copy()
    kind = n % 8
    if kind == 0:
        new.accepted[f"s{n}"] = (edit(n), False)
    elif kind == 1:
        new.refusals[f"f{n}"] = refusal(n)
    elif kind == 2:
        new.records[learnt_record(n).id] = learnt_record(n)
    elif kind == 3:
        item = learnt_record(n - 1).id
        if item in new.records:
            new.records[item] = learnt_record(n - 1, "rejected")
    elif kind == 4:
        new.notes[f"note{n % 24}"] = expected_note(n)
    elif kind == 5 and n % 16 > 8:
        new.records |= {r.id: r for r in (learnt_record(n), learnt_record(-n))}
    elif kind == 5:
        if f"s{n - 5}" in new.accepted:
            new.accepted[f"s{n - 5}"] = (edit(n - 5), True)
    elif kind == 6 and n % 16 > 8:
        new.records.pop(learnt_record(n - 12).id, None)
    elif kind == 6:
        new.notes.pop(f"note{(n + 6) % 24}", None)
    return new


def filled(folder: Path, steps: int) -> Held:
    """A memory in a folder after so many steps, closed; gives what it holds."""
    made, state = _made(steps)
    shutil.copytree(made.name, folder, dirs_exist_ok=True)
    return state.copy()


@functools.cache
def _made(steps: int) -> tuple[TemporaryDirectory[str], Held]:
    """The same for all tests of a process, since each write waits for the disk."""
    made, state = TemporaryDirectory(prefix="hasten-test-"), Held()
    with Memory(Path(made.name) / "memory.db") as memory:
        for n in range(steps):
            step(memory, n)
            state = after(state, n)
        assert held(memory) == state
    return made, state


def restored(folder: Path, journal: Path) -> Held:
    """What a memory holds of which only the journal is left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copyfile(journal, folder / "memory.journal")
    with Memory(folder / "memory.db") as memory:
        assert memory.damage() is None
        return held(memory)


def answers(memory: Memory, folder: Path, *, vectors: bool = True) -> dict[str, frozenset[str]]:
    """All that each ranking of a search finds, by its name: none is missing, none too many.

    Not in which order: words that came since the index was built are weighed as they were then.
    """
    with Index(memory, folder, FactsEmbedder(), corpus=None, vectors=vectors) as index:
        found = index.rankings(QUERY, 10_000)
        answers = {str(s): frozenset(i for ids in found[s] for i in ids) for s in found}
        answers["notes"] = frozenset(p.id for p in index.passages(QUERY, 1000))
        assert index.search(QUERY, 5)
    return answers


def files_of(folder: Path) -> dict[str, str]:
    """A checksum of every file below a folder."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
    }
