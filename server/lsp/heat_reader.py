"""Reads a workspace's newest profile in a process of its own and prints its hot spots.

A profile is a file that anybody may have written, and ranking one reads every file that it names:
in the server's process that would stop the hovers, and a hostile profile would stop the server.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from analysis.errors import HastenError
from analysis.hotspots import HotSpot, hot_spots
from analysis.profiles.load import load_profile
from analysis.profiles.store import newest_profile
from hasten.paths import state_dir


def main(argv: Sequence[str]) -> int:
    """WORKSPACE [IGNORE...]: one JSON value on stdout, `{"spots": [...]}` or `{"error": ...}`."""
    workspace = Path(argv[0])
    stored = newest_profile(state_dir(workspace))
    if stored is None:
        print(json.dumps({"spots": []}))
        return 0
    known = stored.fingerprints
    try:
        profile = load_profile(stored.path, workspace)
        spots = hot_spots(profile, workspace, fingerprints=known, ignore=argv[1:])
    except HastenError as error:
        print(json.dumps({"error": f"{error.message}. {error.mend}"}))
        return 1
    rows = [{**asdict(s), "fingerprint": _then(known, workspace, s)} for s in spots]
    json.dump(
        {
            "spots": rows,
            "created": stored.created,
            "seconds": stored.seconds,
            "command": list(stored.command),
        },
        sys.stdout,
    )
    return 0


def _then(known: Mapping[str, str], workspace: Path, spot: HotSpot) -> str | None:
    """The function's fingerprint when the profile was taken; paths may be relative."""
    relative = os.path.relpath(spot.path, workspace)
    return known.get(f"{spot.path}::{spot.function}", known.get(f"{relative}::{spot.function}"))
