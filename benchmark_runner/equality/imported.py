"""What a module writes while it is imported: the same, or the same but for numbers that never are.

A module that logs at import writes times of day, which differ between two runs of one version.
Where they do, and nothing else does, all numbers in that output are left out of the comparison.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmark_runner.worker.supervisor import Loaded

NUMBERS_LEFT_OUT = "what it writes at import was compared without numbers: they change by the run"
_NUMBER = re.compile(r"\d+")


def same_output(one: Loaded, other: Loaded, *, numbers: bool) -> bool:
    """Whether both wrote the same; without `numbers`, but for these."""
    return _texts(one, numbers) == _texts(other, numbers)


def keeps_numbers(runs: Sequence[tuple[Loaded, Loaded]]) -> bool | None:
    """Of pairs of runs of one version under the same hash seed: whether its numbers are the same.

    None where more than numbers differ, so that nothing can be compared with it.
    """
    if all(same_output(*pair, numbers=True) for pair in runs):
        return True
    return False if all(same_output(*pair, numbers=False) for pair in runs) else None


def _texts(loaded: Loaded, numbers: bool) -> tuple[str, str]:
    if numbers:
        return loaded.stdout, loaded.stderr
    return _NUMBER.sub("0", loaded.stdout), _NUMBER.sub("0", loaded.stderr)
