"""Claimed optimizations, proved here or not kept as proved: nothing of them is believed.

Each claim is taken apart into atomic edits by the difference of its two sides, and every step goes
through the bench as a model's edit does: equal to the slow side, faster than the step before. What
is equal and faster becomes a record with its receipts, under ``claim:ORIGIN``; the rest is told
with the reason, and kept as a mere claim (``import:ORIGIN``) only where that is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import Cancelled, HastenError
from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.errors import InterpreterError
from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.receipt import Receipt
from index.errors import StoreError
from index.importers import keep_proved, kept_origins
from index.importers.claim import Claim
from index.record import Record
from index.store import Memory
from optimizer.claim_bench import Place, Within, place_of, refusal, told
from optimizer.claim_records import Proved, proved_record, unproved_record
from optimizer.claim_steps import texts_between

SECONDS = 900.0
"""What the proof of one claim may take in all."""
NOTHING_TO_RUN = "nothing to run it on"
TOO_SHORT = "too short to time"
_KINDS = {
    "inputs-none": NOTHING_TO_RUN, "inputs-failed": NOTHING_TO_RUN, "cases-none": NOTHING_TO_RUN,
    "inputs-not-repeatable": NOTHING_TO_RUN, "cases-too-large": NOTHING_TO_RUN,
    "function-missing": NOTHING_TO_RUN, "signature-unsupported": NOTHING_TO_RUN,
    "build-failed": "its slow side does not work", "case-mismatch": "its slow side is wrong",
    "original-failed": "its slow side does not work", "nondeterministic": "not repeatable",
}  # fmt: skip


@dataclass(frozen=True)
class Unproved:
    """Why a claim is no record of something that worked. `kind` is short, for counting."""

    reason: str
    kind: str


@dataclass(frozen=True)
class Summary:
    """What became of claims.

    `skipped` were in the memory already, `kept` are the records that were added. `reasons` counts
    the kinds of Unproved, the commonest first.
    """

    read: int
    skipped: int
    proved: int
    kept: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def unproved(self) -> int:
        """How many could not be proved."""
        return sum(count for _, count in self.reasons)


def prove_claim(
    claim: Claim,
    python: Path,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
    *,
    seconds: float = SECONDS,
) -> Record | Unproved:
    """The record of a claim that holds here, or why it does not.

    Raises InterpreterError, and Cancelled when `cancel` was set; what is wrong with the claim is an
    answer, and so is that it was not decided within `seconds`.
    """
    if why := refusal():
        return Unproved(why, "no sandbox")
    if not claim.slow.strip() or not claim.fast.strip() or claim.slow == claim.fast:
        return Unproved("both sides are the same, or one is empty", "no pair")
    outer = cancel or CancelToken()
    inner = Within(outer, seconds)
    try:
        found = _proved(claim, python, progress, inner, only_cases=True)
        if isinstance(found, Unproved) and found.kind == TOO_SHORT:
            progress("its cases are too short to time: larger ones are made from them", None)
            found = _proved(claim, python, progress, inner, only_cases=False)
    except Cancelled:
        outer.check()
        return Unproved(f"not decided within {seconds:.0f} s", "took too long")
    except InterpreterError:
        raise
    except HastenError as error:
        return Unproved(told(error.message), _KINDS.get(error.code, "can't be run"))
    return found


def _proved(
    claim: Claim, python: Path, progress: Progress, cancel: CancelToken, *, only_cases: bool
) -> Record | Unproved:
    texts = texts_between(claim)
    with place_of(claim, python, progress, cancel, only_cases=only_cases) as place:
        place.bench.prepare()
        whole = _proof(place, claim.slow, claim.fast)
        if not _holds(whole):
            return Unproved(told(whole.reason), _kind(whole))
        steps = _proved_steps(place, texts) if len(texts) > 2 else []
        return proved_record(claim, whole, steps)


def _proof(place: Place, before: str, after: str) -> Receipt:
    return place.bench.prove(place.version(after), origin="model", before=place.version(before))


def _holds(receipt: Receipt) -> bool:
    return receipt.decision == "faster" and receipt.equality == "exact"


def _kind(receipt: Receipt) -> str:
    if receipt.decision in ("different", "faster"):
        return "not equal"
    if receipt.decision == "inconclusive":
        short = receipt.kind == "program" and receipt.measurement is None
        return TOO_SHORT if short else "not decided"
    return "refused" if receipt.decision == "refused" else "not faster"


def _proved_steps(place: Place, texts: tuple[str, ...]) -> list[Proved]:
    """The steps that each gain, in order; none where the pair stands for itself.

    One that is not equal drops the decomposition (AEGIS); one that gains nothing is merged into the
    next one, and what is left at the end into the last.
    """
    for text in texts[1:-1]:
        if place.bench.check(place.version(text), "model").equality != "exact":
            return []
    steps: list[Proved] = []
    base = texts[0]
    for text in texts[1:]:
        receipt = _proof(place, base, text)
        if _holds(receipt):
            steps.append(Proved(base, text, receipt))
            base = text
    if base != texts[-1] and len(steps) > 1:
        base = steps.pop().before
        receipt = _proof(place, base, texts[-1])
        if _holds(receipt):
            steps.append(Proved(base, texts[-1], receipt))
    return steps if len(steps) > 1 and steps[-1].after == texts[-1] else []


def import_claims(
    memory: Memory,
    claims: Iterable[Claim],
    python: Path,
    *,
    unproved: bool = False,
    total: int | None = None,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
    seconds: float = SECONDS,
) -> Summary:
    """Prove claims one by one and add each to the memory as soon as it is proved.

    Those that were proved already, by their origin, are skipped, so that a run which was stopped
    goes on where it was. With `unproved`, the others are kept as mere claims, and those that are
    kept so are skipped as well; without it, a mere claim is tried again. `total` is how many claims
    there are, for the progress. Raises what reading the claims raises, InterpreterError, StoreError
    and Cancelled; what was added stays.
    """
    interpreter_at(python)
    if memory.read_only:
        raise StoreError(
            f"{memory.path}: nothing can be added, the file or its folder is read-only",
            code="memory-read-only",
            mend=f"make {memory.path.parent} writable, or set XDG_DATA_HOME to another folder",
        )
    token, known = cancel or CancelToken(), set(kept_origins(memory, unproved=unproved))
    read = skipped = proved = kept = 0
    reasons: Counter[str] = Counter()
    for claim in claims:
        token.check()
        read += 1
        if claim.origin in known:
            skipped += 1
            continue
        known.add(claim.origin)
        tell = _part(progress, f"{read}{f'/{total}' if total else ''} {claim.origin}", read, total)
        found = prove_claim(claim, python, tell, token, seconds=seconds)
        if isinstance(found, Unproved):
            reasons[found.kind] += 1
            tell(f"{found.kind}: {found.reason}", 1.0)
            if not unproved:
                continue
            memory.add(unproved_record(claim))
        else:
            proved += 1
            keep_proved(memory, claim, found)
        kept += 1
    return Summary(read, skipped, proved, kept, tuple(reasons.most_common()))


def _part(progress: Progress, name: str, number: int, total: int | None) -> Progress:
    """The progress of one claim as a part of that of all."""

    def tell(message: str, share: float | None = None) -> None:
        done = None if total is None else (number - 1 + (share or 0.0)) / max(total, number)
        progress(f"{name}: {message}", done)

    return tell
