"""The log of every try: one JSON line each, in the state folder."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

_ROTATE_BYTES = 8_000_000


class TrialLog:
    """Appends JSON lines; a log that can't be written never stops a search.

    Rotated once at 8 MB. `file` None keeps nothing.
    """

    def __init__(self, file: Path | None, /, **common: Any) -> None:
        self._path = file
        self._common = common
        if file is not None:
            try:
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if file.exists() and file.stat().st_size > _ROTATE_BYTES:
                    file.replace(file.with_suffix(".old.jsonl"))
            except OSError:
                self._path = None

    def write(self, event: str, **values: Any) -> None:
        """One line with the time, the event and its values."""
        if self._path is None:
            return
        line = {"at": round(time.time(), 3), "event": event, **self._common, **values}
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, default=str) + "\n")
        except OSError:
            self._path = None
