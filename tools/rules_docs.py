"""Write the pages of the rules from their docstrings: `python -m tools.rules_docs`.

Python's is docs/rules.md; each folder of other languages has docs/rules-FOLDER.md.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from analysis.languages import LANGUAGES
from analysis.rules.base import Rule
from analysis.rules.catalogue import all_rules

DOCS = Path(__file__).parent.parent / "docs"
_GAINS = {3: "another order of growth", 2: "a large constant factor", 1: "a small constant factor"}
_IMPORT = "at most an import and a private constant to\nthe module"
_OUTSIDE = {
    "native": "at most includes of the standard\nlibrary",
    "javascript": "nothing\nelse",
}
_HEAD = """\
# Rewrite rules{title}

This page is made from the rules' own docstrings by `python -m tools.rules_docs`; a test checks
that it is current.

Rules propose; they don't judge. Each finding is run against the original on real or generated
inputs and is timed before it is offered, so a rule may be bold: what is wrong for the inputs, or
not faster, is refused and never shown. A rule keeps comments and formatting outside of what it
replaces, edits only inside of the function, and adds {outside}. `{ignore}` on a \
function's line, the line above it, or in the first lines of a
file silences all rules there.

"""


def _section(rule: Rule) -> str:
    summary, _, rest = inspect.cleandoc(rule.doc).partition("\n\n")
    parts = []
    for part in rest.split("\n\n"):
        label, _, text = part.partition(":")
        if label == "Example":
            code, in_code = [], True
            for line in text.strip("\n").split("\n"):
                in_code = in_code and (not line or line.startswith("    "))
                code.append(line[4:] if line.startswith("    ") else line)
            parts.append("\n".join(["**Example** (before, after)", "", "```text", *code, "```"]))
        elif label in ("Why it is slow", "When not to"):
            parts.append(f"**{label}:**{text}")
        elif parts and parts[-1].endswith("```"):
            lines = "\n".join(line[4:] for line in part.split("\n"))
            parts[-1] = parts[-1][: -len("```")] + f"\n{lines}\n```"
        else:
            parts.append(part)
    body = "\n\n".join(parts)
    return f"## {rule.id}\n\n{summary} Gain hoped for: {_GAINS[rule.gain]}.\n\n{body}\n"


def pages() -> dict[Path, str]:
    """Each page's file and its text."""
    by_folder: dict[str | None, list[Rule]] = {}
    for rule in all_rules():
        by_folder.setdefault(_folder(rule), []).append(rule)
    names = {f: "rules.md" if f is None else f"rules-{f}.md" for f in by_folder}
    return {DOCS / names[folder]: _page(folder, rules) for folder, rules in by_folder.items()}


def _folder(rule: Rule) -> str | None:
    return next(lang.folder for lang in LANGUAGES if lang.name in rule.languages)


def _page(folder: str | None, rules: list[Rule]) -> str:
    languages = [lang for lang in LANGUAGES if lang.folder == folder]
    titles = " and ".join(dict.fromkeys(lang.title for lang in languages))
    title = "" if folder is None else f" for {titles}"
    head = _HEAD.format(
        title=title, outside=_OUTSIDE.get(folder, _IMPORT), ignore=languages[0].ignore
    )
    rows = "".join(f"| [{r.id}](#{r.id}) | {r.title} | {_GAINS[r.gain]} |\n" for r in rules)
    table = f"| rule | what it offers | gain hoped for |\n|---|---|---|\n{rows}\n"
    return head + table + "\n".join(_section(rule) for rule in rules)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
