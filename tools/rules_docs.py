"""Write docs/rules.md from the docstrings of the rules: `python -m tools.rules_docs`."""

from __future__ import annotations

import inspect
from pathlib import Path

from analysis.rules.base import Rule
from analysis.rules.catalogue import all_rules

TARGET = Path(__file__).parent.parent / "docs" / "rules.md"
_GAINS = {3: "another order of growth", 2: "a large constant factor", 1: "a small constant factor"}
_HEAD = """\
# Rewrite rules

This page is made from the rules' own docstrings by `python -m tools.rules_docs`; a test checks
that it is current.

Rules propose; they don't judge. Each finding is run against the original on real or generated
inputs and is timed before it is offered, so a rule may be bold: what is wrong for the inputs, or
not faster, is refused and never shown. A rule keeps comments and formatting outside of what it
replaces, edits only inside of the function, and adds at most an import and a private constant to
the module. `# hasten: ignore` on a function's line, the line above it, or in the first lines of a
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


def render() -> str:
    """The page as text."""
    rules = all_rules()
    rows = "".join(f"| [{r.id}](#{r.id}) | {r.title} | {_GAINS[r.gain]} |\n" for r in rules)
    table = f"| rule | what it offers | gain hoped for |\n|---|---|---|\n{rows}\n"
    return _HEAD + table + "\n".join(_section(rule) for rule in rules)


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
