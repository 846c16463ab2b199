"""What the command line prints: results on stdout, one JSON value with --json; else stderr."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from rich.console import Console

GOOD, NOT_GOOD, BAD_INPUT, INTERNAL, CANCELLED = 0, 1, 2, 3, 130


def page() -> Console:
    """The console for results that people read (stdout)."""
    return Console(highlight=False)


def log() -> Console:
    """The console for progress and notes (stderr)."""
    return Console(stderr=True, highlight=False)


def emit_json(value: object) -> None:
    """Print one JSON value on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n")
    sys.stdout.flush()


def emit_error(code: str, message: str, mend: str, *, as_json: bool) -> None:
    """Print an error: as the one JSON value, or for people on stderr."""
    if as_json:
        emit_json({"error": {"code": code, "message": message, "mend": mend}})
        return
    console = log()
    console.print(f"[bold red]error[/] {_escaped(message)}")
    if mend:
        console.print(f"[dim]mend[/]  {_escaped(mend)}")


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def note(text: str) -> None:
    """One remark on stderr."""
    log().print(f"[dim]{_escaped(text)}[/]")


def ratio_text(ratio: float | None, interval: Any = None) -> str:
    """A ratio as people read it, rounded down so that it is never flattered: "3.1×"."""
    if ratio is None:
        return "-"
    digits = 0 if ratio >= 100 else 1 if ratio >= 10 else 2
    scale = 10**digits
    text = f"{int(ratio * scale) / scale:.{digits}f}×"
    if interval is None:
        return text
    return f"{text} ({interval[0]:.{digits}f} to {interval[1]:.{digits}f})"


class ProgressLine:
    """Progress on stderr: one line rewritten on a terminal, a line a step elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = log()
        self._quiet = quiet
        self._last = ""
        self._printed = 0.0
        self._status = self._console.status("") if self._console.is_terminal else None

    def __enter__(self) -> ProgressLine:
        if self._status and not self._quiet:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, message: str, share: float | None = None) -> None:
        """Show a message; equal messages within a second are shown once."""
        now = time.monotonic()
        if self._quiet or (message == self._last and now - self._printed < 1.0):
            return
        self._last, self._printed = message, now
        text = _escaped(message) + (f" [dim]{share:4.0%}[/]" if share is not None else "")
        if self._status:
            self._status.update(text)
        else:
            self._console.print(text)
