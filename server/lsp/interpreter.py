"""Which Python a workspace uses, as far as that can be read without starting anything."""

from __future__ import annotations

import os
import re
from pathlib import Path

_VERSION = re.compile(r"^version(?:_info)?\s*=\s*(3)\.(\d+)", re.MULTILINE)


def target_of(root: Path, python: str | None) -> str | None:
    """The evidence's name for the interpreter ("cpython-3.11"); None where it is not known.

    In hasten's order: the setting, ``$VIRTUAL_ENV``, the workspace's `.venv`. Only an environment's
    `pyvenv.cfg` is read: it is text, and a wrong word in it picks no more than a table of figures.
    """
    if python is not None:
        folder = (root / python).parent.parent
    else:
        folder = Path(os.environ.get("VIRTUAL_ENV") or root / ".venv")
    try:
        text = (folder / "pyvenv.cfg").read_text("utf-8", "replace")
    except OSError:
        return None
    found = _VERSION.search(text[:4096])
    return f"cpython-{found[1]}.{found[2]}" if found else None
