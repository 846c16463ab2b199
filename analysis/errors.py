"""The base of every error that a person sees: what went wrong, with which input, and the mend."""

from __future__ import annotations


class HastenError(Exception):
    """An error that names its input and how to mend it.

    Each room derives its own from this one. `code` is a short stable word for programs
    (``"profile-empty"``), `mend` is one sentence that tells the person what to do next.
    """

    exit_code = 3

    def __init__(self, message: str, *, code: str, mend: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.mend = mend


class InputError(HastenError):
    """The input given by the user can't be used (exit code 2 on the command line)."""

    exit_code = 2


class Cancelled(Exception):
    """The user cancelled the work (exit code 130 on the command line)."""


class AnalysisError(InputError):
    """Source text or a profile that can't be read."""
