"""What the command line prints: results on stdout, one JSON value with --json; else stderr.

Most of what is printed is text of others: titles of imported records, names of files and functions,
messages of compilers. So no string is ever read as rich's markup; what is styled is a rich Text.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

GOOD, NOT_GOOD, BAD_INPUT, INTERNAL, CANCELLED = 0, 1, 2, 3, 130


class _Verbatim(Console):
    """Shows text as it is: no markup, no codes of emoji, nothing that steers the terminal."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        # All that is printed passes here, cells of tables too: nobody has to remember it.
        if isinstance(renderable, str):
            renderable = Text(printable(renderable))
        elif isinstance(renderable, Text):
            renderable = _printable_text(renderable)
        return super().render(renderable, options)


def page() -> Console:
    """The console for results that people read (stdout)."""
    return _Verbatim()


def log() -> Console:
    """The console for progress and notes (stderr)."""
    return _Verbatim(stderr=True)


def printable(text: str) -> str:
    """As many characters, of which only line breaks and tabs are not printable.

    Other white space becomes a blank, and the rest "\N{REPLACEMENT CHARACTER}": what begins an
    escape sequence, what turns the direction of writing, half a surrogate pair.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _stand_in(c) for c in text)


def _stand_in(character: str) -> str:
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def _printable_text(text: Text) -> Text:
    """The text with its styles, as `printable` leaves it."""
    shown = printable(text.plain)
    if shown != text.plain:
        text = text.copy()
        text.plain = shown
    return text


class Unclaimed(logging.Handler):
    """Logged warnings that no handler takes, on stderr: they may quote what is imported."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record with its traceback."""
        try:
            log().print(self.format(record), soft_wrap=True)
        except Exception:
            self.handleError(record)


def emit_json(value: object) -> None:
    """Print one JSON value on stdout, in ASCII: no locale and no odd file name can break it."""
    sys.stdout.write(json.dumps(value, allow_nan=False, indent=2) + "\n")
    sys.stdout.flush()


def emit_error(code: str, message: str, mend: str, *, as_json: bool) -> None:
    """Print an error: as the one JSON value, or for people on stderr."""
    if as_json:
        emit_json({"error": {"code": code, "message": message, "mend": mend}})
        return
    console = log()
    console.print(Text.assemble(("error", "bold red"), " ", message))
    if mend:
        console.print(Text.assemble(("mend", "dim"), "  ", mend))


def shown(path: str | Path) -> str:
    """A path as it can be typed here: relative to the working directory where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except (ValueError, OSError):
        return str(path)
    return relative if len(relative) < len(str(path)) else str(path)


def counted(count: int, noun: str) -> str:
    """ "1 call", "2 calls"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def seconds_text(seconds: float) -> str:
    """Seconds with three digits that count: "14.2 s", "0.23 s"."""
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def size_text(count: int) -> str:
    """Bytes as a person reads them."""
    for unit, size in (("MB", 1 << 20), ("kB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def note(text: str) -> None:
    """One remark on stderr."""
    log().print(text, style="dim", soft_wrap=True)


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


_NUMBER = re.compile(r"\d+(\.\d+)?")
_AGAIN_S = 15.0


class ProgressLine:
    """Progress on stderr: one line rewritten on a terminal, a line a step elsewhere.

    Where lines stay, one that differs from the last in its numbers only is a count: it is shown
    again after a while, so that a log tells that the work goes on and not every tick of it.
    """

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
        """Show a message with the share of the work that is done, 0..1."""
        if self._quiet:
            return
        text = Text(message)
        if share is not None:
            text.append(f" {share:4.0%}", "dim")
        if self._status:
            self._status.update(text)
            return
        now, what = time.monotonic(), _NUMBER.sub("#", message)
        if what == self._last and now - self._printed < _AGAIN_S:
            return
        self._last, self._printed = what, now
        self._console.print(text, soft_wrap=True)
