"""The pages of the rules are the ones that their docstrings give, and ids are one rule's each."""

from __future__ import annotations

from collections import Counter

from analysis.languages import LANGUAGES, dialect_of
from analysis.rules.catalogue import all_rules, python_rules
from tools import rules_docs


def test_the_pages_are_current() -> None:
    for path, page in rules_docs.pages().items():
        assert path.read_text("utf-8") == page, "run `python -m tools.rules_docs`"


def test_every_rule_is_on_one() -> None:
    pages = [page for path, page in rules_docs.pages().items() if path.stem != "precision"]
    for rule in all_rules():
        [page] = [p for p in pages if f"\n## {rule.id}\n" in p]
        section = page.split(f"\n## {rule.id}\n")[1].split("\n## ")[0]
        for part in ("**Why it is slow:**", "**Example**", "**When not to:**"):
            assert part in section, rule.id
        assert section.count("```") == 2, rule.id


def test_an_id_is_one_rules_in_all_languages() -> None:
    folders = {lang.folder: lang.suffixes[0] for lang in LANGUAGES if lang.folder is not None}
    dialects = [dialect_of(f"f{suffix}") for suffix in folders.values()]
    others = [rule for dialect in dialects if dialect is not None for rule in dialect.rules()]
    ids = Counter(rule.id for rule in (*python_rules(), *others))
    assert [rule for rule, count in ids.items() if count > 1] == []
