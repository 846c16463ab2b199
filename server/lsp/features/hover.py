"""Evidence on hover: what a function costs, what was proved on what, what was refused."""

from __future__ import annotations

import re
import time
import typing
from collections.abc import Iterator

from analysis.worth import share_text
from optimizer.words import (
    amount_words,
    build_words,
    clock_words,
    inputs_words,
    ratio_words,
)
from server.lsp.documents import Document
from server.lsp.feature import Feature
from server.lsp.heat import RootHeat
from server.lsp.sight import Fitting, Seen, Sight

if typing.TYPE_CHECKING:
    from benchmark_runner.receipt import Receipt

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>!#|~&@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""What makes markup of text; the last three make links of addresses that stand there bare (GFM)."""
_SHOWN_REFUSALS = 5


class Evidence(Feature):
    """Hover on the head of a function; inside its body nobody is disturbed."""

    def hover(self, document: Document, offset: int) -> str | None:
        """What is known of the function whose head is at the offset."""
        sight = self.server.see(document)
        seen = head_at(sight, offset)
        if seen is None:
            return None
        return "\n\n".join(_parts(seen, self.server.heat.run_of(sight.root))) or None


def head_at(sight: Sight, offset: int) -> Seen | None:
    """The function whose head (decorators up to the body) holds the offset."""
    for seen in sight.touching(offset, offset):
        if seen.span.start <= offset < seen.span.body_start:
            return seen
    return None


def _parts(seen: Seen, run: RootHeat | None) -> Iterator[str]:
    if seen.hot is not None:
        yield "\n".join(_heat_lines(seen, run))
    for fitting in seen.fitting:
        if fitting.edit.rung is None:
            yield "\n".join(_proof_lines(fitting))
    if seen.edits and seen.changed:
        yield "An edit was proved, but what it rests on changed: " + plain("; ".join(seen.changed))
    elif seen.outdated:
        yield "An edit was proved for an earlier text of this function; it no longer fits."
    if seen.refused:
        lines = [
            f"- {plain(r.title)}: {plain(r.stage)}: {plain(r.reason)}"
            for r in seen.refused[:_SHOWN_REFUSALS]
        ]
        if len(seen.refused) > _SHOWN_REFUSALS:
            lines.append(f"- and {len(seen.refused) - _SHOWN_REFUSALS} more")
        yield "\n".join(["Tried and not offered:", *lines])


def _heat_lines(seen: Seen, run: RootHeat | None) -> Iterator[str]:
    hot = seen.hot
    assert hot is not None
    saves = f"**{share_text(hot.worth)} of the run** is what a fix in"
    yield f"{saves} {_code(seen.function)} can save"
    yield (
        f"- {share_text(hot.self_share)} in its own lines, {share_text(hot.total_share)} with "
        "everything that it calls"
    )
    yield f"- {_sentence(hot.why)}"
    if seen.hot_lines:
        lines = ", ".join(f"{line} ({share_text(share)})" for line, share in seen.hot_lines)
        yield f"- hottest lines: {lines}"
    if run is not None and run.command:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
        yield f"- measured in {_code(' '.join(run.command))}, {run.seconds:.1f} s, {when}"
    if hot.measured != seen.function:
        yield f"- it was {_code(hot.measured)} when it was measured"
    if seen.stale:
        yield "- the function was edited since; profile again to know what it costs now"
    elif seen.unsure:
        yield f"- not certain: {plain(seen.unsure)}; profile again to be sure"


def _proof_lines(fitting: Fitting) -> Iterator[str]:
    suggestion = fitting.edit.suggestion
    receipt = suggestion.receipt
    low, high = suggestion.interval
    yield f"**{plain(fitting.edit.title)}** (proved)"
    clock = clock_words(receipt)
    yield f"- {ratio_words(suggestion.ratio)}, 95 % interval {low:.2f} to {high:.2f}, {clock}"
    if receipt.measurement is not None:
        before, after = receipt.measurement.before_s, receipt.measurement.after_s
        unit = receipt.measurement.unit
        took = (plain(amount_words(seconds, unit)) for seconds in (before, after))
        yield "- {} before, {} after".format(*took)
    yield f"- {_evidence(receipt)}" + (
        ", some of them held out" if receipt.inputs.holdout else ", none held out"
    )
    yield f"- {_ran_under(receipt)}, {plain(receipt.environment.cpu)}"
    yield f"- sandbox {receipt.sandbox.level}" + (
        ", run without one because that was allowed" if receipt.sandbox.unsandboxed_allowed else ""
    )
    if len(suggestion.edits) > 1:
        for number, rung in enumerate(suggestion.edits, 1):
            alone = ", stands alone" if rung.alone else ""
            yield f"- step {number}: {plain(rung.title)} ({ratio_words(rung.ratio)}{alone})"
    else:
        for rung in suggestion.edits:
            yield f"- {plain(rung.description)}"


def _evidence(receipt: Receipt) -> str:
    """What was compared on what, in the words of the kind of workload."""
    inputs = plain(inputs_words(receipt.inputs))
    if receipt.kind == "command":
        return f"the project's tests pass; its benchmark command: {inputs}"
    if receipt.kind == "program":
        output = _equality(receipt).replace("results", "output")
        return f"{output} on {inputs}"
    return f"{_equality(receipt)} on {inputs}"


def _ran_under(receipt: Receipt) -> str:
    """The compiler with its flags, or the interpreter."""
    if receipt.build is not None:
        return plain(build_words(receipt.build))
    where = receipt.environment
    name = "CPython" if where.implementation == "cpython" else where.implementation
    return f"{plain(f'{name} {where.python_version}')} ({_code(where.python)})"


def _equality(receipt: Receipt) -> str:
    if receipt.equality == "rounding" and receipt.verdict is not None:
        return f"results equal up to rounding ({receipt.verdict.max_relative:.1e} relative)"
    return "results exactly equal"


def plain(text: str) -> str:
    """Text of anyone that shows as it is: Markdown can load images and make links."""
    return _SPECIAL.sub(r"\\\1", " ".join(_printable(text).split()))


def _sentence(text: str) -> str:
    """A sentence with names between backticks; it begins with a capital letter."""
    parts = (text[:1].upper() + text[1:]).split("`")
    return "".join(_code(p) if n % 2 else _spaced(p) for n, p in enumerate(parts))


def _spaced(text: str) -> str:
    """As `plain`, with the spaces at its ends."""
    return _SPECIAL.sub(r"\\\1", _printable(text))


def _code(text: str) -> str:
    """A code span; a backtick inside would end it, and one of nothing would join the next one."""
    shown = " ".join(_printable(text).replace("`", "'").split())
    return f"`{shown}`" if shown else ""


def _printable(text: str) -> str:
    """With blanks for what is not printable: some of it turns the direction of writing."""
    return "".join(c if c.isprintable() else " " for c in text)


def without_markup(markdown: str) -> str:
    """The same words for a client that shows plain text only."""
    return re.sub(r"\\(.)|[*`]", lambda m: m.group(1) or "", markdown)
