"""Why the bytes of a profile can't be read; `analysis.profiles.load` says it to the user."""

from __future__ import annotations


class Truncated(Exception):
    """The bytes end before the profile does."""


class Damaged(Exception):
    """The bytes have another shape than the format says."""
