"""Profiles that hasten wrote for a workspace: the newest one, and the facts kept beside it.

A profile ``NAME`` has a sidecar ``NAME.sidecar`` (JSON) that names the texts of the files that were
profiled; they lie in ``sources/`` beside it. The sidecar is written last, so a profile without one
was cut off and does not count. For profiles of other tools, what was learned of their sources when
they were first read is kept in ``foreign/``, by the hash of the profile's content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.profiles.sources import Sources, write_whole

SCHEMA = 2
_SUFFIX = ".sidecar"
_FIRST_SCHEMA = 1  # NAME.json beside NAME.pstats, with fingerprints only
_MAX_SIDECAR_BYTES = 64_000_000
_MAX_FOREIGN = 64


@dataclass(frozen=True)
class StoredProfile:
    """A profile on disk with its sidecar.

    `fingerprints` maps "path::qualname" to the function's fingerprint when the profile was taken;
    `seconds` is the run's wall time, `created` a POSIX time. `sources` are the texts of that time.
    """

    path: Path
    command: tuple[str, ...]
    cwd: str
    seconds: float
    created: float
    fingerprints: Mapping[str, str]
    sources: Sources


def profiles_folder(state: Path) -> Path:
    """Where a workspace's profiles lie, below its state folder."""
    return state / "profiles"


def memory_folder(state: Path) -> Path:
    """Where a workspace's profiles of memory lie; they do not tell what is hot."""
    return state / "memory"


def captures_folder(state: Path) -> Path:
    """Where a workspace's captured inputs lie, below its state folder."""
    return state / "captures"


def sources_folder(profiles: Path) -> Path:
    """Where the texts of profiled files lie, below a folder of profiles."""
    return profiles / "sources"


def sidecar_of(profile: Path) -> Path:
    """The sidecar of a profile that hasten wrote; the profile's own name may end in anything."""
    return profile.with_name(profile.name + _SUFFIX)


def foreign_sidecar(state: Path, digest: str) -> Path:
    """Where is kept what was learned of a foreign profile's sources, by its content's SHA-256."""
    return profiles_folder(state) / "foreign" / (digest + _SUFFIX)


def write_sidecar(
    sidecar: Path,
    sources: Sources,
    *,
    command: Sequence[str] = (),
    cwd: str = "",
    seconds: float = 0.0,
    created: float = 0.0,
    fingerprints: Mapping[str, str] | None = None,
) -> None:
    """Write a sidecar in one step; the texts were kept before. Raises OSError."""
    facts = {
        "schema": SCHEMA,
        "command": list(command),
        "cwd": cwd,
        "seconds": seconds,
        "created": created,
        "fingerprints": dict(fingerprints or {}),
        "workspace": sources.root,
        "sources": dict(sources.files),
        "doubts": dict(sources.doubts),
    }
    sidecar.parent.mkdir(parents=True, exist_ok=True)
    write_whole(sidecar, json.dumps(facts).encode("utf-8", "surrogatepass"))


def forget_old_foreign(state: Path) -> None:
    """Keep what was learned of the newest foreign profiles only."""
    found: list[tuple[float, Path]] = []
    for sidecar in (profiles_folder(state) / "foreign").glob(f"*{_SUFFIX}"):
        try:
            found.append((sidecar.stat().st_mtime, sidecar))
        except OSError:
            continue  # removed meanwhile
    for _, sidecar in sorted(found, reverse=True)[_MAX_FOREIGN:]:
        sidecar.unlink(missing_ok=True)


def read_sidecar(path: Path) -> StoredProfile | None:
    """The stored profile of a sidecar file; None when it is not one that this version reads."""
    try:
        if path.stat().st_size > _MAX_SIDECAR_BYTES:
            return None
        data = json.loads(path.read_bytes())
        first = data["schema"] == _FIRST_SCHEMA
        if not first and data["schema"] != SCHEMA:
            return None
        profile = path.with_suffix(".pstats") if first else path.with_name(path.stem)
        in_foreign = path.parent.name == "foreign"
        profiles = path.parent.parent if in_foreign else path.parent
        return StoredProfile(
            profile,
            tuple(str(word) for word in data["command"]),
            str(data["cwd"]),
            float(data["seconds"]),
            float(data["created"]),
            {str(k): str(v) for k, v in data["fingerprints"].items()},
            Sources(
                sources_folder(profiles),
                {} if first else {str(k): str(v) for k, v in data["sources"].items()},
                {} if first else {str(k): str(v) for k, v in data["doubts"].items()},
                root="" if first else str(data["workspace"]),
            ),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def stored_profile(profile: Path) -> StoredProfile | None:
    """What stands beside a profile that hasten wrote; None for another one."""
    return read_sidecar(sidecar_of(profile)) or (
        read_sidecar(profile.with_suffix(".json")) if profile.suffix == ".pstats" else None
    )


def newest_profile(state: Path) -> StoredProfile | None:
    """The newest whole profile of a workspace, or None."""
    folder = profiles_folder(state)
    found: list[tuple[float, Path]] = []
    for sidecar in (*folder.glob(f"*{_SUFFIX}"), *folder.glob("*.json")):
        # A profile may itself be called NAME.json.
        if sidecar.suffix == ".json" and not sidecar.with_suffix(".pstats").is_file():
            continue
        try:
            found.append((sidecar.stat().st_mtime, sidecar))
        except OSError:
            continue  # removed meanwhile
    for _, sidecar in sorted(found, reverse=True):
        stored = read_sidecar(sidecar)
        if stored and stored.path.is_file():
            return stored
    return None
