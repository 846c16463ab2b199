"""How long work says how far it is and hears that it should stop; used by every room."""

from __future__ import annotations

import threading
from collections.abc import Callable

from analysis.errors import Cancelled

Progress = Callable[[str, "float | None"], None]
"""Called with one line of text and the share done (0..1), or None where it is not known."""


def silent(message: str, share: float | None = None) -> None:
    """A Progress that says nothing."""


class CancelToken:
    """Set by the user's cancel, polled by the work between its steps."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work was asked to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled if the work was asked to stop."""
        if self._event.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> bool:
        """Sleep for at most `seconds`; True as soon as the work was asked to stop."""
        return self._event.wait(seconds)
