"""Says in a process of its own which proofs no longer hold; see server.lsp.freshness.

Following what a function depends on reads every file that it reaches.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmark_runner.receipt import Dependency
from benchmark_runner.receipts.dependencies import changes_since, on_disk


def main() -> int:
    """`{"texts", "receipts"}` on stdin, `{"changed": {id: [reason]}}` on stdout."""
    given = json.load(sys.stdin)
    texts: dict[str, str] = given["texts"]

    def read(path: Path) -> str | None:
        text = texts.get(str(path))
        return on_disk(path) if text is None else text

    changed = {}
    for id, dependencies in given["receipts"].items():
        known = [Dependency(*fields) for fields in dependencies]
        reasons = changes_since(known, read)
        if reasons:
            changed[id] = list(reasons)
    json.dump({"changed": changed}, sys.stdout)
    return 0
