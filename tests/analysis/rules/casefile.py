"""Case files of the rules: before, after, the inputs that prove it, and look-alikes.

A file is cut by lines of the form `=== word ===`:
- `before`: a module in which the rule finds something, `after`: the golden text after its first
  finding. Goldens are written by `python -m tools.rules_goldens`.
- `inputs`: one expression per line, evaluated in both modules.
- `unchanged` (any number): modules in which the rule must find nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parent / "cases"
_MARK = re.compile(r"^=== (\w+) ===\n", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    rule: str
    name: str
    before: str
    after: str
    inputs: tuple[str, ...]
    unchanged: tuple[str, ...]


def read_case(path: Path) -> Case:
    parts = _MARK.split(path.read_text("utf-8"))[1:]
    sections: dict[str, list[str]] = {}
    for word, text in zip(parts[::2], parts[1::2], strict=True):
        sections.setdefault(word, []).append(text.rstrip("\n") + "\n")
    return Case(
        rule=path.stem.split(".")[0],
        name=path.stem,
        before=sections["before"][0],
        after=sections.get("after", [""])[0],
        inputs=tuple(sections.get("inputs", [""])[0].split("\n")[:-1]),
        unchanged=tuple(sections.get("unchanged", ())),
    )


def all_cases() -> list[Case]:
    return [read_case(path) for path in sorted(CASES.glob("*.txt"))]


def write_golden(path: Path, after: str) -> None:
    """Put the text after the rule's edit into a case file, before its inputs."""
    text = path.read_text("utf-8")
    text = re.sub(r"^=== after ===\n.*?(?=^=== )", "", text, flags=re.MULTILINE | re.DOTALL)
    at = text.index("=== inputs ===")
    path.write_text(f"{text[:at]}=== after ===\n{after}\n{text[at:]}", "utf-8")
