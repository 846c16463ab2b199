"""Reads a profile of any known format; the format is told by the content, not by the name."""

from __future__ import annotations

from pathlib import Path

from analysis.errors import AnalysisError
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from analysis.profiles.pstats_reader import looks_like_pstats, read_pstats
from analysis.profiles.speedscope import read_speedscope

MAX_BYTES = 256_000_000

_MEND = "write it anew: hasten profile -- python your_program.py"


def load_profile(path: Path, workspace: Path) -> Profile:
    """Read a pstats file (cProfile, profile) or a speedscope file (py-spy and others).

    Raises AnalysisError, by `code`: profile-missing, profile-too-large, profile-empty,
    profile-truncated, profile-damaged, profile-unknown (neither format), profile-foreign (none of
    its functions is in the workspace). Reading runs nothing that the file says.
    """
    data = _read(path)
    places = Places(workspace)
    try:
        profile = _parse(path, data, places)
    except Truncated as error:
        raise AnalysisError(
            f"{path}: the profile is cut off after {len(data)} bytes",
            code="profile-truncated",
            mend=f"let the profiled program end by itself, then {_MEND}",
        ) from error
    except Damaged as error:
        raise AnalysisError(
            f"{path}: the profile is damaged: {error}", code="profile-damaged", mend=_MEND
        ) from error
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


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise AnalysisError(
            f"{path}: the profile can't be read: {error.strerror or error}",
            code="profile-missing",
            mend=f"check the path, or {_MEND}",
        ) from error
    if len(data) > MAX_BYTES:
        raise AnalysisError(
            f"{path}: the profile has more than {MAX_BYTES} bytes",
            code="profile-too-large",
            mend="profile a shorter run, or sample less often",
        )
    if not data.strip():
        raise _empty(path, "the file has no content")
    return data


def _parse(path: Path, data: bytes, places: Places) -> Profile:
    if looks_like_pstats(data):
        return read_pstats(data, places)
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" and b'"' in data[:64]:
        if b'"profiles"' in data or b'"shared"' in data:
            return read_speedscope(data, places)
    elif data[:1] in b"{\xfb" and len(data) == 1:
        raise Truncated
    raise AnalysisError(
        f"{path}: this is neither a pstats nor a speedscope profile",
        code="profile-unknown",
        mend="give a file of cProfile or of `py-spy record --format speedscope`, or " + _MEND,
    )


def _empty(path: Path, why: str) -> AnalysisError:
    return AnalysisError(f"{path}: the profile is empty: {why}", code="profile-empty", mend=_MEND)
