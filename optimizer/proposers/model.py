"""A model as a proposer: one retrieved example for each call (RAS), answers parsed strictly."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from analysis.decompose import normalised_key
from analysis.progress import CancelToken
from index.record import Record
from optimizer.engine.protocol import ModelSpec
from optimizer.proposers import prompt
from optimizer.proposers.answers import AnswerCache
from optimizer.proposers.client import Ledger, Reply, ask_all, unreachable
from optimizer.proposers.model_answer import BadAnswer, parse_answer, to_edit
from optimizer.protocols import Candidate, Observation, Proposal


@dataclass
class ModelProposer:
    """Asks for the whole function anew, once for each of the observation's examples.

    A call that fails and an answer that can't be used are named in `Proposal.invalid`, so that the
    driver's fallback stands in. After an answer that no later call can mend (no key, nobody
    listens) no more calls are made; `notes` says so once.
    """

    spec: ModelSpec
    path: str
    qualname: str
    cache: AnswerCache
    cancel: CancelToken
    share: float | None = None
    ledger: Ledger = field(default_factory=Ledger)
    notes: list[str] = field(default_factory=list)
    _dead: str | None = None

    def propose(self, seen: Observation, n: int) -> Proposal:
        """`n` calls at most. Raises Cancelled."""
        if self._dead:
            return Proposal((), (self._dead,) * n)
        parent = seen.node.candidate
        prompts = [self._prompt(seen, record) for record in _examples(seen, n)]
        replies = self._replies(prompts, seen.attempt)
        candidates: list[Candidate] = []
        invalid: list[str] = []
        for reply in replies:
            try:
                candidates.append(self._candidate(parent, reply))
            except BadAnswer as bad:
                invalid.append(str(bad))
        self.ledger.invalid += len(invalid)
        return Proposal(tuple(candidates), tuple(invalid), sum(r.tokens for r in replies))

    def _prompt(self, seen: Observation, record: Record | None) -> prompt.Prompt:
        return prompt.build(
            seen.node.candidate.source,
            self.path,
            self.qualname,
            share=self.share,
            example=record,
            critique=seen.critique,
        )

    def _replies(self, prompts: list[prompt.Prompt], attempt: int) -> list[Reply]:
        """From the cache where the same was asked before, else from the model, in order."""
        keys: list[str] = []
        for one in prompts:  # the same prompt twice in one step is two samples
            count = attempt + sum(1 for k in prompts[: len(keys)] if k.key == one.key)
            keys.append(AnswerCache.key(one.key, self.spec.model, self.spec.api_base, count))
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
        return replies

    def _candidate(self, parent: Candidate, reply: Reply) -> Candidate:
        if reply.text is None:
            raise BadAnswer(reply.error or "no answer")
        name = self.qualname.rsplit(".", 1)[-1]
        edit = to_edit(
            parent.source, self.path, self.qualname, parse_answer(reply.text, name), self.spec.model
        )
        after = edit.apply(parent.source)
        return Candidate(after, (*parent.edits, edit), normalised_key(after, self.qualname))


def _examples(seen: Observation, n: int) -> list[Record | None]:
    """One example for each call; calls beyond the last one go without."""
    found: list[Record | None] = [hit.record for hit in seen.examples[:n]]
    return found + [None] * (n - len(found))


def open_cache(state: Path) -> AnswerCache:
    """The workspace's cache of answers."""
    return AnswerCache(state / "answers.db")
