"""A model as a proposer: one retrieved example for each call (RAS), answers parsed strictly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.decompose import normalised_key
from analysis.languages import PYTHON, language_of
from analysis.progress import CancelToken
from benchmark_runner.interpreters import interpreter_at
from index.record import Passage, Record
from optimizer.engine.protocol import ModelSpec, OptimizeSpec
from optimizer.proposers import prompt
from optimizer.proposers.answers import AnswerCache
from optimizer.proposers.client import AT_ONCE, Ledger, Reply, ask_all, unreachable
from optimizer.proposers.model_answer import BadAnswer, Declined, parse_answer, to_edit
from optimizer.proposers.tellers import of_language
from optimizer.protocols import Candidate, Node, Observation, Proposal


@dataclass
class ModelProposer:
    """Asks for the whole function anew, once for each of the observation's examples.

    Where the first two calls, each with another example, bring the same, no more are made.

    A call that fails and an answer that can't be used are named in `Proposal.invalid`, so that the
    driver's fallback stands in; "there is nothing to gain" is an answer, and counted. After an
    answer that no later call can mend (no key, nobody listens) no more calls are made; `notes` says
    so once.
    """

    spec: ModelSpec
    path: str
    qualname: str
    cache: AnswerCache
    cancel: CancelToken
    share: float | None = None
    runs: str | None = None
    shapes: Sequence[str] = ()
    passages: Sequence[Passage] = ()
    ledger: Ledger = field(default_factory=Ledger)
    notes: list[str] = field(default_factory=list)
    _dead: str | None = None

    def propose(self, seen: Observation, n: int) -> Proposal:
        """`n` calls at most. Raises Cancelled."""
        if self._dead:
            return Proposal((), (self._dead,) * n)
        parent = seen.node.candidate
        prompts = [self._prompt(seen, record) for record in _examples(seen, n)]
        keys = self._keys(prompts, seen.attempt)
        candidates: list[Candidate] = []
        invalid: list[str] = []
        tokens = 0
        for wave in _waves(len(prompts)):
            replies = self._replies(prompts[wave], keys[wave])
            tokens += sum(reply.tokens for reply in replies)
            for reply in replies:
                try:
                    candidates.append(self._candidate(parent, reply))
                except BadAnswer as bad:
                    invalid.append(str(bad))
                    self.ledger.invalid += 1
                    self.ledger.bad += reply.text is not None
                except Declined:
                    self.ledger.declined += 1
            fatal = next((reply.error for reply in replies if reply.fatal), None)
            if fatal is not None:
                invalid += [fatal] * (len(prompts) - len(prompts[: wave.stop]))
                break
            if not invalid and len({c.key for c in candidates}) <= 1:
                break  # with other examples it said the same: more calls would say it again
        return Proposal(tuple(candidates), tuple(invalid), tokens)

    def _prompt(self, seen: Observation, record: Record | None) -> prompt.Prompt:
        return prompt.build(
            seen.node.candidate.source,
            self.path,
            self.qualname,
            share=self.share,
            example=record,
            critique=seen.critique,
            runs=self.runs,
            shapes=self.shapes,
            gained=_gained(seen.node),
            notes=self.passages,
        )

    def _keys(self, prompts: list[prompt.Prompt], attempt: int) -> list[str]:
        """Names of the calls; the same prompt twice in one step is two samples."""
        keys: list[str] = []
        for one in prompts:
            count = attempt + sum(1 for p in prompts[: len(keys)] if p.key == one.key)
            keys.append(AnswerCache.key(one.key, self.spec.model, self.spec.api_base, count))
        return keys

    def _replies(self, prompts: list[prompt.Prompt], keys: list[str]) -> list[Reply]:
        """From the cache where the same was asked before, else from the model, in order."""
        found = [self.cache.get(key) for key in keys]
        missing = [i for i, text in enumerate(found) if text is None]
        self.ledger.cached += len(prompts) - len(missing)
        replies = [Reply(text) for text in found]
        asked = (
            ask_all(self.spec, [prompts[i].messages for i in missing], self.cancel, self.ledger)
            if missing
            else []
        )
        for i, reply in zip(missing, asked, strict=True):
            replies[i] = reply
            if reply.text is not None:
                self.cache.put(keys[i], reply.text)
            if reply.fatal and self._dead is None:
                self._dead = reply.error
                error = unreachable(self.spec, reply.error or "")
                self.notes.append(f"{error.message} ({error.mend})")
        self.ledger.answers += sum(reply.text is not None for reply in replies)
        return replies

    def _candidate(self, parent: Candidate, reply: Reply) -> Candidate:
        if reply.text is None:
            raise BadAnswer(reply.error or "no answer")
        text, name = parent.source, self.qualname.rsplit(".", 1)[-1]
        if language_of(self.path) is PYTHON:
            answer = parse_answer(reply.text, name)
            edit = to_edit(text, self.path, self.qualname, answer, self.spec.model)
        else:
            told = of_language(self.path)
            edit = told.edit_of(reply.text, text, self.path, self.qualname, self.spec.model)
        after = edit.apply(text)
        key = normalised_key(after, self.qualname, self.path)
        return Candidate(after, (*parent.edits, edit), key)


def _waves(n: int) -> Iterator[slice]:
    """The first two calls, then as many at once as are allowed."""
    start, size = 0, 2
    while start < n:
        yield slice(start, start + size)
        start, size = start + size, AT_ONCE


def _gained(node: Node) -> str | None:
    """What the edits on the way to this text brought; None for the original."""
    if not node.candidate.edits:
        return None
    titles = "; ".join(edit.title for edit in node.candidate.edits)
    return (
        f"It is {math.exp(node.utility):.1f} times as fast as at first already, by these changes: "
        f"{titles}. Change it further only where that saves a third or more of what is left; small "
        "tricks are not wanted."
    )


def _examples(seen: Observation, n: int) -> list[Record | None]:
    """One example for each call; calls beyond the last one go without."""
    found: list[Record | None] = [hit.record for hit in seen.examples[:n]]
    return found + [None] * (n - len(found))


def runs_under(path: str, spec: OptimizeSpec) -> str:
    """ "It runs under Python 3.11.", or how it is built. Raises InterpreterError."""
    language = language_of(path)
    if language.by_commands:
        return "It runs under the engine that its project's commands start."
    if language is not PYTHON:
        return f"It is built with `{spec.build}`." if spec.build else "It is built with -O2."
    version = interpreter_at(Path(spec.python)).version[:2]
    return f"It runs under Python {'.'.join(map(str, version))}."


def open_cache(state: Path) -> AnswerCache:
    """The workspace's cache of answers."""
    return AnswerCache(state / "answers.db")
