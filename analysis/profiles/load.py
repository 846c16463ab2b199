"""Reads a profile of any known format; the format is told by the content, not by the name."""

from __future__ import annotations

from pathlib import Path

from analysis.errors import AnalysisError
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.formats import FORMATS, formats_of
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from analysis.progress import CancelToken, Progress, silent

_MEND = "write it anew: hasten profile -- python your_program.py"


def load_profile(
    path: Path,
    workspace: Path,
    *,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Profile:
    """Read a profile of any format of `analysis.profiles.formats`.

    Raises AnalysisError, by `code`: profile-missing, profile-too-large, profile-empty,
    profile-truncated, profile-damaged, profile-unknown (no known format), profile-foreign (none of
    its functions is in the workspace); and Cancelled. Reading runs nothing that the file says.
    """
    file = ProfileFile(path, progress, cancel)
    if not file.head.strip() and not file.is_compressed:
        raise _empty(path, "the file has no content")
    places = Places(workspace)
    profile = _read(file, places)
    if profile.total <= 0 or not profile.functions:
        raise _empty(path, "it has functions or samples of no cost at all")
    if not any(places.file(function.path) for function in profile.functions):
        raise AnalysisError(
            f"{path}: this profile is of another program: none of its {len(profile.functions)}"
            f" functions is in a file of {places.workspace}",
            code="profile-foreign",
            mend="open the folder of the profiled program, or profile a program of this one",
        )
    return profile


def _read(file: ProfileFile, places: Places) -> Profile:
    known = next(formats_of(file.head), None)
    if known is None:
        titles = ", ".join(known.title for known in FORMATS)
        raise AnalysisError(
            f"{file.path}: this is no profile of a known format",
            code="profile-unknown",
            mend=f"give a file of one of these: {titles}; or {_MEND}",
        )
    try:
        return known.reader.read(file, places)
    except Truncated as error:
        raise AnalysisError(
            f"{file.path}: the profile ({known.title}) is cut off after {file.size} bytes",
            code="profile-truncated",
            mend=f"let the profiled program end by itself, then {_MEND}",
        ) from error
    except (Damaged, RecursionError) as error:
        raise AnalysisError(
            f"{file.path}: the profile ({known.title}) is damaged: {error}",
            code="profile-damaged",
            mend=_MEND,
        ) from error


def _empty(path: Path, why: str) -> AnalysisError:
    return AnalysisError(f"{path}: the profile is empty: {why}", code="profile-empty", mend=_MEND)
