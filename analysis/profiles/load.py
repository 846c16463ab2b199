"""Reads a profile of any known format; the format is told by the content, not by the name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath

from analysis.errors import AnalysisError
from analysis.languages import LANGUAGES
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.file import ProfileFile
from analysis.profiles.formats import FORMATS, formats_of
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from analysis.profiles.sources import Sources
from analysis.progress import CancelToken, Progress, silent

_OTHERS = {
    ".java": "Java", ".kt": "Kotlin", ".scala": "Scala", ".groovy": "Groovy", ".clj": "Clojure",
    ".go": "Go", ".rs": "Rust", ".rb": "Ruby", ".php": "PHP", ".cs": "C#", ".swift": "Swift",
}  # fmt: skip
"""Languages that profiles are of and whose functions hasten can't look into."""

_MEND = "write it anew: hasten profile -- python your_program.py"


def load_profile(
    path: Path,
    workspace: Path,
    *,
    sources: Sources | None = None,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Profile:
    """Read a profile of any format of `analysis.profiles.formats`.

    `sources` are the workspace's files as they were when it was written, where that is known.

    Raises AnalysisError, by `code`: profile-missing, profile-too-large, profile-empty,
    profile-truncated, profile-damaged, profile-unknown (no known format), profile-needs-tool (a
    format that its tool has to turn into another), profile-language (of a program in a language
    that hasten can't look into), profile-foreign (none of its functions is in the workspace); and
    Cancelled. Reading runs nothing that the file says.
    """
    file = ProfileFile(path, progress, cancel)
    if not file.head.strip() and not file.is_compressed:
        raise _empty(path, "the file has no content")
    places = Places(workspace, sources)
    profile = _read(file, places)
    if profile.total <= 0 or not profile.functions:
        raise _empty(path, "it has functions or samples of no cost at all")
    if not any(not _other(f.path) and places.file(f.path) for f in profile.functions):
        raise _not_ours(path, profile, places)
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


def _other(path: str) -> str | None:
    """The language of a file that hasten can't look into; None for all others."""
    suffix = PurePosixPath(path).suffix.lower()
    known = any(suffix in language.suffixes for language in LANGUAGES)
    return None if known else _OTHERS.get(suffix)


def _not_ours(path: Path, profile: Profile, places: Places) -> AnalysisError:
    languages = Counter(_other(function.path) for function in profile.functions)
    language, count = languages.most_common(1)[0]
    if language is not None and 2 * count >= len(profile.functions):
        titles = ", ".join(known.title for known in LANGUAGES)
        return AnalysisError(
            f"{path}: this profile ({profile.tool}) is of a program in {language}: it can be read,"
            " but hasten has no hot functions to show for this language",
            code="profile-language",
            mend=f"profile a program in one of these: {titles}",
        )
    return AnalysisError(
        f"{path}: this profile is of another program: none of its {len(profile.functions)}"
        f" functions is in a file of {places.workspace}",
        code="profile-foreign",
        mend="open the folder of the profiled program, or profile a program of this one",
    )
