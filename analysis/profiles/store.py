"""Profiles that hasten wrote for a workspace: the newest one, and the facts kept beside it.

A profile has a sidecar ``NAME.json`` that names its file; the sidecar is written last, so a profile
without one was cut off and does not count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCHEMA = 1


@dataclass(frozen=True)
class StoredProfile:
    """A profile on disk with its sidecar.

    `fingerprints` maps "path::qualname" to the function's fingerprint when the profile was taken;
    `seconds` is the run's wall time, `created` a POSIX time.
    """

    path: Path
    command: tuple[str, ...]
    cwd: str
    seconds: float
    created: float
    fingerprints: Mapping[str, str]


def profiles_folder(state: Path) -> Path:
    """Where a workspace's profiles lie, below its state folder."""
    return state / "profiles"


def memory_folder(state: Path) -> Path:
    """Where a workspace's profiles of memory lie; they do not tell what is hot."""
    return state / "memory"


def captures_folder(state: Path) -> Path:
    """Where a workspace's captured inputs lie, below its state folder."""
    return state / "captures"


def read_sidecar(path: Path) -> StoredProfile | None:
    """The stored profile of a sidecar file; None when it is not one that this version reads."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            return None
        return StoredProfile(
            path.with_name(Path(data.get("profile", path.with_suffix(".pstats").name)).name),
            tuple(str(word) for word in data["command"]),
            str(data["cwd"]),
            float(data["seconds"]),
            float(data["created"]),
            {str(k): str(v) for k, v in data["fingerprints"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def newest_profile(state: Path) -> StoredProfile | None:
    """The newest whole profile of a workspace, or None."""
    found: list[tuple[float, Path]] = []
    for sidecar in profiles_folder(state).glob("*.json"):
        try:
            found.append((sidecar.stat().st_mtime, sidecar))
        except OSError:
            continue  # removed meanwhile
    for _, sidecar in sorted(found, reverse=True):
        stored = read_sidecar(sidecar)
        if stored and stored.path.is_file():
            return stored
    return None
