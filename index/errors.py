"""Errors of this room."""

from __future__ import annotations

from analysis.errors import HastenError, InputError


class StoreError(InputError):
    """The memory's file can't be used as it is: newer, read-only, unreadable."""


class ExchangeError(InputError):
    """An exported memory file that can't be read or written."""


class EmbeddingError(HastenError):
    """The embeddings asked for can't be had: no answer, another shape, not finite."""
