"""Write the goldens of the rules' case files anew: `python -m tools.rules_goldens [RULE ...]`.

Read the difference before it is committed: a golden says what a person would see.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from analysis.functions import functions_in
from analysis.rules.catalogue import find

_CASEFILE = Path(__file__).parent.parent / "tests" / "analysis" / "rules" / "casefile.py"


def _casefile() -> ModuleType:
    spec = importlib.util.spec_from_file_location("casefile", _CASEFILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["casefile"] = module
    spec.loader.exec_module(module)
    return module


def main(rules: list[str]) -> int:
    """Write the goldens of the named rules, or of all; 1 when a rule finds nothing in its case."""
    casefile = _casefile()
    missing = 0
    for path in sorted(casefile.CASES.glob("*.txt")):
        case = casefile.read_case(path)
        if rules and case.rule not in rules:
            continue
        found = find(case.before, "case.py", functions_in(case.before, "case.py"))
        own = [f for f in found if f.rule == case.rule]
        if not own:
            print(f"{path.name}: nothing found")
            missing += 1
            continue
        casefile.write_golden(path, own[0].edit.apply(case.before))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
