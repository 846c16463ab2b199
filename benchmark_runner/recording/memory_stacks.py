"""Writes what memray recorded as a speedscope file: bytes held at the peak, by stack.

One standalone file: it runs under the interpreter whose memray wrote the recording, since memray
reads only what the same version wrote. Arguments: the recording, the file to write.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    """Read one recording and write one profile."""
    memray: Any = __import__("memray")
    reader = memray.FileReader(os.fspath(sys.argv[1]))
    frames: list[dict[str, Any]] = []
    known: dict[Any, int] = {}
    samples, weights = [], []
    for record in reader.get_high_watermark_allocation_records(merge_threads=True):
        stack = []
        for name, path, line in reversed(record.stack_trace()):
            place = (name, path, line)
            if place not in known:
                known[place] = len(frames)
                frames.append({"name": name, "file": path, "line": line})
            stack.append(known[place])
        samples.append(stack)
        weights.append(record.size)
    profile = {
        "type": "sampled",
        "name": "bytes at the peak",
        "unit": "bytes",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }
    document = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "memray",
        "profiles": [profile],
        "shared": {"frames": frames},
    }
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(document, file)


if __name__ == "__main__":
    main()
