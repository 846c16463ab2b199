"""Reads a workspace's newest profile in a process of its own and prints its hot spots.

A profile is a file that anybody may have written, and ranking one reads every file that it names:
in the server's process that would stop the hovers, and a hostile profile would stop the server.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from analysis.errors import HastenError
from analysis.hotspots import HotSpot, rank
from analysis.profiles.opened import open_profile
from analysis.profiles.sources import relative_to
from analysis.profiles.store import newest_profile
from hasten.paths import state_dir


def main(argv: Sequence[str]) -> int:
    """WORKSPACE [IGNORE...]: one JSON value on stdout, `{"spots": [...]}` or `{"error": ...}`.

    What is gone from its file is told as well: it may be in the editor's text of it. `texts` are
    the names of the files' texts at the time of the profile, in the folder `sources`.
    """
    workspace = Path(argv[0])
    state = state_dir(workspace)
    stored = newest_profile(state)
    if stored is None:
        print(json.dumps({"spots": []}))
        return 0
    sources = stored.sources
    try:
        opened = open_profile(stored.path, workspace, state)
        ranking = rank(
            opened.profile, workspace, sources=sources, fingerprints=stored.fingerprints,
            ignore=argv[1:],
        )  # fmt: skip
    except HastenError as error:
        print(json.dumps({"error": f"{error.message}. {error.mend}"}))
        return 1
    spots = [*ranking.spots, *ranking.gone]
    texts = {s.path: sources.files.get(_relative(s.measured_path, workspace)) for s in spots}
    json.dump(
        {
            "spots": [
                {**asdict(s), "fingerprint": _then(stored.fingerprints, workspace, s)}
                for s in spots
            ],
            "texts": texts,
            "sources": str(sources.folder),
            "created": stored.created,
            "seconds": stored.seconds,
            "command": list(stored.command),
        },
        sys.stdout,
    )
    return 0


def _then(known: Mapping[str, str], workspace: Path, spot: HotSpot) -> str | None:
    """The function's fingerprint when the profile was taken; paths may be relative."""
    relative = _relative(spot.path, workspace)
    return known.get(f"{spot.path}::{spot.function}", known.get(f"{relative}::{spot.function}"))


def _relative(path: str, workspace: Path) -> str:
    return relative_to(path, workspace) or ""
