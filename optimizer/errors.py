"""Errors of this room."""

from __future__ import annotations

from analysis.errors import HastenError, InputError


class OptimizeError(InputError):
    """A job that can't be done as it was asked for: no such function, no such strategy."""


class ResultsError(InputError):
    """The state folder can't be used: read-only, or written by a newer version."""


class EngineError(HastenError):
    """The engine could not be started, was lost, or broke the protocol."""


class ModelError(HastenError):
    """A model could not be reached or refused; the search goes on with the rules."""
