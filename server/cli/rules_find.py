"""`hasten rules find`: what the rules would change in a file or below a folder."""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.text import Text

from analysis.errors import AnalysisError, InputError
from analysis.functions import functions_in, parse_file
from analysis.ignore import is_ignored_path
from analysis.languages import LANGUAGES, PYTHON, language_of
from analysis.profiles.store import newest_profile
from analysis.rules.base import Finding
from analysis.rules.catalogue import all_rules, find
from analysis.source import read_source
from hasten.paths import state_dir
from server.cli.common import Place, cancel_on_interrupt, place_of
from server.cli.hot import ranking_of
from server.cli.output import GOOD, NOT_GOOD, ProgressLine, counted, emit_json, note, page, shown
from server.cli.rules_show import Known, rule_named

_NAMED = 5
"""Files that can't be parsed are named up to so many: old trees have hundreds."""
_LEFT_OUT = frozenset({"__pycache__", "node_modules", "build", "dist"})


def find_in(
    path: str, rule: Sequence[str], profile_file: str | None, *, everything: bool, as_json: bool
) -> int:
    """Show the findings in a file or below a folder. Raises InputError."""
    target = Path(path).absolute()
    if not target.exists():
        raise InputError(
            f"{path}: no such file or folder", code="file-missing", mend="check the path"
        )
    wanted = {rule_named(name).id for name in rule}
    place = place_of(target)
    known, hot = Known(place), hot_functions(place, profile_file)
    rows: list[dict[str, Any]] = []
    broken: list[str] = []
    number = left = 0
    with ProgressLine(quiet=as_json) as progress:
        for number, file in enumerate(files_of(target, place), start=1):
            progress(f"looking at file {number}", None)
            for finding in _findings(file, broken, alone=file == target):
                if wanted and finding.rule not in wanted:
                    continue
                _, evidence = known.of_language(language_of(file).name)
                is_hot = (os.path.realpath(file), finding.function) in hot
                if everything or evidence.hints(finding.rule, hot=is_hot):
                    rows.append(finding_json(finding, file))
                else:
                    left += 1
    if broken:
        note(_broken_text(broken))
    if as_json:
        emit_json(rows)
    else:
        note(f"{counted(number, 'file')} looked at")
        _print(rows, left, whole=not broken)
    return GOOD if rows else NOT_GOOD


def finding_json(finding: Finding, path: Path) -> dict[str, Any]:
    """One row of `rules find --json`; the range is 0-based and UTF-16, as in LSP."""
    return {
        "rule": finding.rule,
        "path": str(path),
        "range": asdict(finding.range),
        "function": finding.function,
        "title": finding.edit.title,
        "description": finding.edit.description,
    }


def hot_functions(place: Place, profile_file: str | None) -> frozenset[tuple[str, str]]:
    """Real path and qualified name of what is hot, by the profile given or the newest one.

    Raises InputError for a profile that is not there or can't be read.
    """
    if profile_file is not None:
        file = Path(profile_file).absolute()
    else:
        stored = newest_profile(state_dir(place.workspace))
        if stored is None:
            return frozenset()
        file = stored.path
    with cancel_on_interrupt() as cancel, ProgressLine() as progress:
        ranking = ranking_of(file, place, progress, cancel)
    return frozenset(
        (os.path.realpath(spot.path), spot.function)
        for spot in ranking.spots
        if spot.worth >= place.settings.min_share
    )


def files_of(target: Path, place: Place) -> Iterator[Path]:
    """The file, or the source files below a folder whose languages have rules, in order.

    Hidden folders, environments, builds and what the settings ignore are left out. Raises
    InputError for a file of no language that has rules.
    """
    languages = {name for rule in all_rules() for name in rule.languages}
    suffixes = {s for lang in LANGUAGES if lang.name in languages for s in lang.suffixes}
    if target.is_file():
        if target.suffix and target.suffix.lower() not in suffixes:
            raise InputError(
                f"{target}: there are no rules for {target.suffix} files",
                code="language-unknown",
                mend=f"name a file that ends with {', '.join(sorted(suffixes))}",
            )
        yield target
        return
    for folder, folders, files in os.walk(target):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _LEFT_OUT
            and not (here / name / "pyvenv.cfg").is_file()
            and not is_ignored_path(here / name, place.settings.ignore, place.workspace)
        )
        for name in sorted(files):
            file = here / name
            silenced = is_ignored_path(file, place.settings.ignore, place.workspace)
            if file.suffix.lower() in suffixes and file.is_file() and not silenced:
                yield file


def _findings(file: Path, broken: list[str], *, alone: bool) -> tuple[Finding, ...]:
    """The findings of a file; one of many that can't be read is named and passed over.

    One that can't be parsed in full is added to `broken`, with the place where that is known.
    """
    try:
        text = read_source(file).text
    except AnalysisError as error:
        if alone:
            raise
        note(error.message)
        return ()
    tree = parse_file(text, str(file))
    where = _syntax_error(text) if language_of(file) is PYTHON else None
    if where is not None or tree.root.has_error:
        broken.append(shown(file) + (where or ""))
    return find(text, str(file), functions_in(text, str(file), tree))


def _syntax_error(text: str) -> str | None:
    """Where Python itself can't parse a text, as ":LINE (why)"; None where it can.

    The grammar that functions are found by takes Python 2 too, which rules can't read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the text's own escapes
            ast.parse(text)
    except SyntaxError as error:
        return f":{error.lineno or 1} ({error.msg})"
    except (ValueError, RecursionError, MemoryError) as error:
        return f" ({type(error).__name__}: {error})"
    return None


def _broken_text(broken: Sequence[str]) -> str:
    """Which files can't be parsed in full, the first few by name."""
    more = len(broken) - _NAMED
    named = ", ".join(broken[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    count = counted(len(broken), "file")
    return f"{count} can't be parsed in full, and what that hides was not looked at: {named}"


def _print(rows: list[dict[str, Any]], left: int, *, whole: bool) -> None:
    out = page()
    for row in rows:
        start = row["range"]["start"]
        place = f"{shown(row['path'])}:{start['line'] + 1}:{start['character'] + 1}"
        what = f" {place} in {row['function']}: {row['title']}"
        out.print(Text.assemble((row["rule"], "bold"), what), soft_wrap=True)
    if not rows:
        found = "nothing is found" if not left else "nothing that would be hinted is found"
        out.print(found + ("" if whole else " in what can be parsed"))
    if left:
        note(f"{counted(left, 'finding')} would not be hinted here (--all shows them)")
    if rows:
        note("next: hasten optimize PATH::FUNCTION proves what is faster")
