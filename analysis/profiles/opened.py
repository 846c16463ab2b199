"""A profile with the sources that it is about: what ranking and comparing begin with."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from analysis.profiles.file import ProfileFile
from analysis.profiles.load import load_profile
from analysis.profiles.model import Profile
from analysis.profiles.sources import Sources, take_sources
from analysis.profiles.store import (
    StoredProfile,
    foreign_sidecar,
    forget_old_foreign,
    profiles_folder,
    read_sidecar,
    sources_folder,
    stored_profile,
    write_sidecar,
)
from analysis.progress import CancelToken, Progress, silent

_PIECE = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A profile and the workspace's files as they were when it was written, as far as known.

    `stored` is what hasten wrote beside it, None for a profile of another tool.
    """

    path: Path
    profile: Profile
    sources: Sources
    stored: StoredProfile | None


class ReadProfile(Protocol):
    """Reads a profile's file, as `load_profile` does."""

    def __call__(
        self,
        path: Path,
        workspace: Path,
        *,
        sources: Sources | None,
        progress: Progress,
        cancel: CancelToken | None,
    ) -> Profile:
        """See load_profile."""


def open_profile(
    path: Path,
    workspace: Path,
    state: Path,
    *,
    read: ReadProfile = load_profile,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Opened:
    """Read a profile with its sources: by its sidecar, or for a foreign one by the files' times.

    What is learned of a foreign profile when it is first read is kept in the state folder, so that
    later edits of the files do no harm. Raises what `read` raises.
    """
    stored = stored_profile(path)
    if stored is not None:
        profile = read(path, workspace, sources=stored.sources, progress=progress, cancel=cancel)
        return Opened(path, profile, stored.sources, stored)
    sidecar = foreign_sidecar(
        state, _digest(ProfileFile(path, progress, cancel, doing="recognising"))
    )
    known = read_sidecar(sidecar)
    before = known.sources if known else None
    profile = read(path, workspace, sources=before, progress=progress, cancel=cancel)
    sources = take_sources(
        profile.functions,
        workspace,
        sources_folder(profiles_folder(state)),
        not_after=path.stat().st_mtime,
        known=before,
    )
    if before is None or sources.files != before.files:
        with suppress(OSError):  # it is kept in memory for this time
            write_sidecar(sidecar, sources, created=path.stat().st_mtime)
            forget_old_foreign(state)
    return Opened(path, profile, sources, None)


def _digest(file: ProfileFile) -> str:
    digest = hashlib.sha256()
    with file.path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            file.moved(stream.tell())
    return digest.hexdigest()
