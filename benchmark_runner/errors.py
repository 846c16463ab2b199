"""Errors of this room. A candidate that fails is not an error: it is a receipt that says so."""

from __future__ import annotations

from analysis.errors import HastenError, InputError


class WorkloadError(InputError):
    """The original can't be run on these inputs: none to be had, not repeatable, it fails."""


class InterpreterError(InputError):
    """The interpreter asked for is missing, too old or no CPython."""


class SandboxError(HastenError):
    """The sandbox could not be set up although the probe said so."""


class WorkerDied(HastenError):
    """A worker process ended, broke the protocol or overran a limit. Caught within this room."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, code=code, mend="see the receipt's stages")


class CandidateFailed(HastenError):
    """A version can't be loaded or lacks the function. Caught within this room.

    `stage` is "import" or "lookup".
    """

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message, code=f"candidate-{stage}", mend="see the receipt's stages")
        self.stage = stage


class InputsFailed(WorkloadError):
    """`inputs()` failed or gave no (args, kwargs), or recorded calls can't be read."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            code="inputs-failed",
            mend="make inputs() yield (args, kwargs) pairs, or record the calls again",
        )
