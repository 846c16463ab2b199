from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FRONT = ["text", "source", "functions", "ignore", "hotspots", "edits", "progress", "errors"]
FRONT += ["profiles.load", "profiles.model"]
LIGHT = {"tree_sitter", "tree_sitter_python", "analysis"}


def test_what_the_front_uses_imports_nothing_heavy():
    modules = ", ".join(f"analysis.{name}" for name in FRONT)
    code = f"""
import sys
before = set(sys.modules)
import {modules}
new = {{name.split(".")[0] for name in set(sys.modules) - before}}
print("\\n".join(n for n in sorted(new) if n.lstrip("_") and n not in sys.stdlib_module_names))
"""
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert set(run.stdout.split()) <= LIGHT
