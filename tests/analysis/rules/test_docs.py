"""The page of the rules is the one that their docstrings give."""

from __future__ import annotations

from analysis.rules.catalogue import all_rules
from tools import rules_docs


def test_the_page_is_current() -> None:
    page = rules_docs.TARGET.read_text("utf-8")
    assert page == rules_docs.render(), "run `python -m tools.rules_docs`"


def test_every_rule_is_on_it() -> None:
    page = rules_docs.render()
    for rule in all_rules():
        section = page.split(f"\n## {rule.id}\n")[1].split("\n## ")[0]
        for part in ("**Why it is slow:**", "**Example**", "**When not to:**"):
            assert part in section, rule.id
        assert section.count("```") == 2, rule.id
