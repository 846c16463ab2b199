"""Files that a worker writes to, and their removal."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO


def output_file() -> IO[bytes]:
    """A file without a name; appending, so that it can be emptied while a worker writes."""
    with tempfile.NamedTemporaryFile(prefix="hasten-output-") as named:
        return open(named.name, "a+b", buffering=0)  # noqa: PTH123


def remove_folder(folder: Path) -> None:
    """Remove a scratch folder, whatever modes its contents were given."""

    def mend(function: object, name: str, _: object) -> None:
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(name), 0o700)  # noqa: PTH101, PTH120
            os.chmod(name, 0o700)  # noqa: PTH101
            if callable(function):
                function(name)

    shutil.rmtree(folder, onerror=mend)
