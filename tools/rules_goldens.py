"""Write the goldens of the rules' case files anew: `python -m tools.rules_goldens [RULE ...]`.

Read the difference before it is committed: a golden says what a person would see.
"""

from __future__ import annotations

import sys

from analysis.functions import functions_in
from analysis.rules.cases import all_cases, write_golden
from analysis.rules.catalogue import find


def main(rules: list[str]) -> int:
    """Write the goldens of the named rules, or of all; 1 when a rule finds nothing in its case."""
    missing = 0
    for case in all_cases():
        if rules and case.rule not in rules:
            continue
        found = find(case.before, case.file_name, functions_in(case.before, case.file_name))
        own = [f for f in found if f.rule == case.rule]
        if not own:
            print(f"{case.path.name}: nothing found")
            missing += 1
            continue
        write_golden(case.path, own[0].edit.apply(case.before))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
