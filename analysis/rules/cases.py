"""Case files of the rules: before, after, the inputs that prove it, look-alikes, and sizes.

A case is ``<rule>.txt`` or ``<rule>.<word>.txt`` in the `cases` folder beside a language's rules.
It is cut by lines of the form `=== word ===`:

- `before`: a file in which the rule finds something; `after`: the golden text after its first
  finding. Goldens are written by `python -m tools.rules_goldens`.
- `inputs`: Python: one call per line, evaluated in both modules. Other languages: one line of
  standard input for each run of the program.
- `main` (languages other than Python): what is put below `before` and `after` to make a whole
  program that reads its input and prints what the function gave.
- `unchanged` (any number): files in which the rule must find nothing.
- `measure`: how the gain is measured at three sizes. Its first line is `sizes A B C`, small to
  large; then Python: one call of a function of the module, or of a method of a new object, per
  line, in terms of `n` and of what the module defines; other languages: the lines of standard
  input, with `{n}` for the size. Large is what takes some hundred microseconds or more; a program
  must be busy for milliseconds at every size, so `main` does its work often enough.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.languages import LANGUAGES, PYTHON

_MARK = re.compile(r"^=== (\w+) ===\n", re.MULTILINE)
_PYTHON_CASES = Path(__file__).with_name("cases")


@dataclass(frozen=True)
class Measure:
    """`sizes` are three values of n, small to large; `lines` what is called or sent for each."""

    sizes: tuple[int, int, int]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One case file; see the module. `suffix` is that of a source file of its language."""

    path: Path
    rule: str
    name: str
    language: str
    suffix: str
    before: str
    after: str
    main: str
    inputs: tuple[str, ...]
    unchanged: tuple[str, ...]
    measure: Measure | None

    @property
    def file_name(self) -> str:
        """The name that its text goes by where a file's name tells the language."""
        return f"case{self.suffix}"

    @property
    def digest(self) -> str:
        """A digest of all that a measurement of it depends on."""
        measured = (*map(str, self.measure.sizes), *self.measure.lines) if self.measure else ()
        total = hashlib.sha256()
        for part in (self.before, self.after, self.main, *measured):
            data = part.encode()
            total.update(len(data).to_bytes(8, "little") + data)
        return total.hexdigest()[:16]


def case_folders() -> Mapping[str, Path]:
    """The folder of case files of each language that has rules, by the language's name."""
    folders = {PYTHON.name: _PYTHON_CASES}
    languages = Path(__file__).parent.parent / "languages"
    for language in LANGUAGES:
        if language.folder is not None:
            cases = languages / language.folder / "rules" / "cases" / language.name
            if cases.is_dir():
                folders[language.name] = cases
    return folders


def read_case(path: Path, language: str = PYTHON.name) -> Case:
    """Read a case file. Raises AnalysisError (case-damaged) where a part is missing or wrong."""
    parts = _MARK.split(path.read_text("utf-8"))[1:]
    sections: dict[str, list[str]] = {}
    for word, text in zip(parts[::2], parts[1::2], strict=True):
        sections.setdefault(word, []).append(text.rstrip("\n") + "\n")
    if "before" not in sections:
        raise _damaged(path, "it has no part `before`")
    suffix = next(lang.suffixes[0] for lang in LANGUAGES if lang.name == language)
    return Case(
        path=path,
        rule=path.stem.split(".")[0],
        name=path.stem,
        language=language,
        suffix=suffix,
        before=sections["before"][0],
        after=sections.get("after", [""])[0],
        main=sections.get("main", [""])[0],
        inputs=_lines(sections, "inputs"),
        unchanged=tuple(sections.get("unchanged", ())),
        measure=_measure(path, _lines(sections, "measure")),
    )


def _lines(sections: Mapping[str, list[str]], word: str) -> tuple[str, ...]:
    return tuple(sections[word][0].split("\n")[:-1]) if word in sections else ()


def _measure(path: Path, lines: tuple[str, ...]) -> Measure | None:
    if not lines:
        return None
    match = re.fullmatch(r"sizes (\d+) (\d+) (\d+)", lines[0])
    if match is None:
        raise _damaged(path, "its part `measure` does not begin with `sizes A B C`")
    small, middle, large = (int(size) for size in match.groups())
    if not small < middle < large or len(lines) < 2:
        raise _damaged(path, "its sizes do not grow, or nothing is measured at them")
    return Measure((small, middle, large), lines[1:])


def _damaged(path: Path, why: str) -> AnalysisError:
    return AnalysisError(
        f"{path}: no case: {why}", code="case-damaged", mend="see analysis/rules/cases.py"
    )


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case of every language. Raises AnalysisError for a damaged one."""
    return tuple(_all())


def _all() -> Iterator[Case]:
    for language, folder in case_folders().items():
        for path in sorted(folder.glob("*.txt")):
            yield read_case(path, language)


def write_golden(path: Path, after: str) -> None:
    """Put the text after the rule's edit into a case file, before what follows `before`."""
    text = path.read_text("utf-8")
    text = re.sub(r"^=== after ===\n.*?(?=^=== )", "", text, flags=re.MULTILINE | re.DOTALL)
    at = min(text.index(mark) for mark in ("=== main ===", "=== inputs ===") if mark in text)
    path.write_text(f"{text[:at]}=== after ===\n{after}\n{text[at:]}", "utf-8")
