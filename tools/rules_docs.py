"""Write the pages of the rules in docs/rules/: `python -m tools.rules_docs`.

From their docstrings python.md and one page for each folder of other languages; precision.md from
analysis/rules/precision.json.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path

from analysis.languages import LANGUAGES
from analysis.rules.base import Rule
from analysis.rules.catalogue import all_rules
from analysis.rules.evidence import MIN_SHARE, MIN_TRIED, PRECISION, Precision

DOCS = Path(__file__).parent.parent / "docs" / "rules"
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

_PRECISION_HEAD = f"""\
# The rules in real code

This page is made from `analysis/rules/precision.json` by `python -m tools.rules_docs`; a test
checks that it is current. `python -m tools.rules_precision FOLDER` makes the table anew.

All Python rules were run over public packages from PyPI. Of each rule findings are begun, the
rarest rules' first, until twenty were tried or none is left: on calls captured while the
package's own tests ran, or a [workload](../../tools/rules_workloads) of ours that calls what no
test reaches, else on inputs that hasten makes. A finding counts as tried where the original could
be judged (of others there are no inputs, or none that can be made again, or it takes too long);
it is good where the edit did the same on all inputs and was not slower (a mean ratio below 0.97
whose 95 % interval lies below 1 is slower). Calls in tests are often tiny, so what needs data to
pay is often slower here; [gains](gains.md) has the sizes. No finding is offered without a proof
of its own; this page decides only what is *hinted* before one: a rule that is good in less than
{MIN_SHARE:.0%} of what was tried, or was tried fewer than {MIN_TRIED} times, is hinted in hot
functions only.

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
    found = {DOCS / f"{f or 'python'}.md": _page(f, rules) for f, rules in by_folder.items()}
    return {**found, DOCS / "precision.md": precision_page()}


def precision_page() -> str:
    """What the rules' findings were worth in public code, as `tools.rules_precision` found."""
    if not PRECISION.exists():
        return _PRECISION_HEAD + "Nothing was tried yet.\n"
    data = json.loads(PRECISION.read_text("utf-8"))
    rows = [Precision(**row) for row in data["rules"]]
    packages = data["packages"]
    where = f"Tried until {data['measured']} under {data['python']} in {len(packages)} packages: "
    table = "".join(
        f"| [{p.rule}](python.md#{p.rule}) | {p.found} | {p.begun} | {p.tried} | {p.equal} |"
        f" {p.not_slower} | {f'{p.share:.0%}' if p.tried else '-'} |"
        f" {'yes' if p.trusted else 'when hot'} |\n"
        for p in sorted(rows, key=lambda p: (-p.share, -p.tried, p.rule))
    )
    tried, good = sum(p.tried for p in rows), sum(p.good for p in rows)
    total = (
        f"In all {sum(p.found for p in rows)} findings, {tried} of them tried, {good} good"
        f" ({good / max(1, tried):.0%}).\n\n"
    )
    names = ("rule", "found", "begun", "tried", "equal", "not slower", "good", "hinted")
    head = f"| {' | '.join(names)} |\n{'|---' * len(names)}|\n"
    return f"{_PRECISION_HEAD}{where}{', '.join(packages)}.\n\n{total}{head}{table}"


def _folder(rule: Rule) -> str | None:
    return next(lang.folder for lang in LANGUAGES if lang.name in rule.languages)


def _page(folder: str | None, rules: list[Rule]) -> str:
    languages = [lang for lang in LANGUAGES if lang.folder == folder]
    titles = " and ".join(dict.fromkeys(lang.title for lang in languages))
    title = "" if folder is None else f" for {titles}"
    head = _HEAD.format(
        title=title, outside=_OUTSIDE.get(folder or "", _IMPORT), ignore=languages[0].ignore
    )
    rows = "".join(f"| [{r.id}](#{r.id}) | {r.title} | {_GAINS[r.gain]} |\n" for r in rules)
    table = f"| rule | what it offers | gain hoped for |\n|---|---|---|\n{rows}\n"
    return head + table + "\n".join(_section(rule) for rule in rules)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
