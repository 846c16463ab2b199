"""The noun of importers: an optimization that somebody claims, and what it could be run on.

A claim is text of strangers. Nothing of it is run here; whoever proves it does so in the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.errors import InputError
from index.record import IMPORTED

PROVED = "claim"
"""How the provenance of an imported claim begins that was proved here; of others: IMPORTED."""

PER_SIZE = 3
"""Inputs of each size of a claim that has sizes; others may follow."""


@dataclass(frozen=True)
class Claim:
    """Slow code, and code that is said to do the same faster.

    `language` is the name that workloads and records have ("python", "c", "c++"). `function` is the
    qualified name of what is called, "" for a whole program that reads standard input. `origin` is
    what its provenance ends with: ``pie:p03146#s520470856``. What stands before a ``#`` is the
    problem that was solved; solutions of one problem are neighbours, not evidence for each other.

    `title`, `bottleneck`, `edit` and `purpose` are as in a Record, "" where nobody wrote one;
    `edits` are the claimed atomic edits in order, in words. `licence` and `notice` say whose code
    it is. `reported_ratio` is time before by time after as others measured it, or None. `created`
    is when it was made, if that is known (ISO 8601).

    What it can be run on: `cases` are pairs of standard input and expected output.
    `inputs_source` is the text of a Python file that defines ``inputs()``, which yields
    ``(args, kwargs)`` for a function and texts for standard input for a program; with `sizes`, the
    first are PER_SIZE of each size, in that order. Where there is neither, a function is called
    with generated arguments, and a program can't be proved.
    """

    language: str
    slow: str
    fast: str
    origin: str
    function: str = ""
    title: str = ""
    bottleneck: str = ""
    edit: str = ""
    purpose: str = ""
    edits: tuple[str, ...] = ()
    licence: str = ""
    notice: str = ""
    reported_ratio: float | None = None
    created: str = ""
    cases: tuple[tuple[str, str], ...] = ()
    inputs_source: str = ""
    sizes: tuple[int, ...] = ()

    @property
    def provenance(self) -> str:
        """The provenance of its record once it was proved here."""
        return f"{PROVED}:{self.origin}"

    @property
    def unproved_provenance(self) -> str:
        """The provenance of its record where it is kept without a proof."""
        return f"{IMPORTED}:{self.origin}"


class ClaimError(InputError):
    """A file of claims, or a repository, that can't be read as what it should be."""
