"""A pytest file that fails when a function is no longer as fast as its receipt proved."""

from __future__ import annotations

import os
import re
from pathlib import Path

from benchmark_runner.receipt import Receipt

_MOST_TITLE = 80
_TEMPLATE = '''\
"""{title} stays as fast as it was proved to be.

Proved on {created} under CPython {python}: {ratio:.3g}x (95 %: {low:.3g} to {high:.3g}) faster than
the version in {receipt}, with {equality} results on {inputs} inputs. This test proves the
file as it is now against that version; it is skipped where hasten is not installed or the machine
is too noisy to tell.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
HASTEN = shutil.which("hasten")


@pytest.mark.skipif(HASTEN is None, reason="hasten is not installed")
def test_{name}_stays_fast():
    command = [HASTEN, "verify", HERE / {path!r}, "--receipt", HERE / {receipt!r}, "--now"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    noisy = told.get("error", {{}}).get("code") == "metric-unrepeatable"
    if noisy or told.get("decision") == "inconclusive":
        pytest.skip(told["error"]["message"] if noisy else told["reason"])
    assert told.get("decision") == "faster", told.get("reason", told)
'''


def guard_text(receipt: Receipt, guard: Path, saved: Path) -> str:
    """The text of a test file at `guard` that repeats the receipt `saved` beside or near it.

    Raises ValueError for a receipt that claims no gain.
    """
    if receipt.decision != "faster" or receipt.ratio is None or receipt.interval is None:
        raise ValueError(f"it says {receipt.decision!r}: only a proved gain can be guarded")
    folder = guard.resolve().parent
    told = receipt.function or Path(receipt.path).name
    # It may be any text, of a receipt from elsewhere: nothing of it may end the docstring.
    title = "".join(c if c.isprintable() and c not in '\\"' else " " for c in told)[:_MOST_TITLE]
    return _TEMPLATE.format(
        title=title,
        created=receipt.created[:10],
        python=receipt.environment.python_version,
        ratio=receipt.ratio,
        low=receipt.interval[0],
        high=receipt.interval[1],
        receipt=os.path.relpath(saved.resolve(), folder),
        equality=receipt.equality,
        inputs=receipt.inputs.count,
        name=re.sub(r"[^0-9A-Za-z_]+", "_", title).strip("_").lower() or "it",
        path=os.path.relpath(receipt.path, folder),
    )
