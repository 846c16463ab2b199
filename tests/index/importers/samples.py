"""Rows in the shapes of the formats that are imported, a few lines each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SLOW = "n = int(input())\nprint(sum(i for i in range(n)))\n"
FAST = "n = int(input())\nprint(n * (n - 1) // 2)\n"

PIE_FIRST: dict[str, Any] = {
    "user_id": "u1", "problem_id": "p03371", "language": "python",
    "submission_id_v0": "s1", "submission_id_v1": "s2", "cpu_time_v0": 104, "cpu_time_v1": 26,
    "status_v0": "Accepted", "improvement_frac": 75.0, "input": SLOW, "target": FAST,
    "diff": ["-a", "+b"], "measured_runtime_v0": 1.5, "measured_runtime_v1": 0.5,
}  # fmt: skip
PIE_SECOND: dict[str, Any] = {
    "src_code": "int main() { return 0; }", "tgt_code": "int main() {}", "problem_id": "p00001",
    "src_id": "s3", "tgt_id": "s4", "src_agg_runtime": 3.0, "tgt_agg_runtime": 1.0,
    "tests": [2, 10],
}  # fmt: skip
PIE_DESCRIBED: dict[str, Any] = {
    "id": "pie/s5", "language": "cpp", "kind": "program", "problem": "p03146",
    "slow": "int main() { return 0; }\n", "fast": "int main() {}\n", "human_fast": "int main(){}\n",
    "description": "It does nothing.\n\nExample: none.", "explanation": "Less is done.",
    "atomic_edits": {
        "o1-mini": {"1": "other"},
        "gpt-4o": {str(number): f"edit {number}" for number in (10, 2, 1, *range(3, 10))},
    },
    "reported_speedup": 27.4, "source": "PIE", "license": "Apache-2.0",
}  # fmt: skip
PROMPT = '''from typing import List


def total(numbers: List[int]) -> int:
    """ Sum of all numbers,
    one by one.
    >>> total([1, 2])
    3
    """'''
GENERATOR = """\
def generate_input(size: int, lid: int, cid: int):
    return [random.randint(0, size) for _ in range(size)],
"""
ENAMEL: dict[str, Any] = {
    "id": "HumanEval/900", "language": "python", "kind": "function", "entry_point": "total",
    "prompt": PROMPT, "slow": f"{PROMPT}\n    return sum([n for n in numbers])\n",
    "fast": f"{PROMPT}\n    return sum(numbers)\n", "input_generator": GENERATOR,
    "levels": "100 10000 1000000 100000000", "checker": "def __check(i, a, o): return a == o\n",
    "measured": {"ratio": 2.5}, "source": "ENAMEL", "license": "Apache-2.0",
}  # fmt: skip
COFFE: dict[str, Any] = {
    "id": "coffe/7", "language": "python", "kind": "program", "slow": SLOW, "fast": FAST,
    "tests": [{"input": ["3\n"], "output": ["3\n"]}, {"input": ["10\n"], "output": ["45\n"]}],
    "stress_generators": [
        "import random\ndef generate_input():\n    return f'{random.randint(5, 9)}\\n'\n",
        "def generate_input():\n    raise ValueError\n",
    ],
    "measured": {"ratio": 3.0}, "source": "COFFE", "license": "Apache-2.0",
}  # fmt: skip
_SOLUTION = "class Solution:\n    def twoSum(self, a):\n        return {}\n"
MERCURY: dict[str, Any] = {
    "slug_name": "two-sum", "entry_point": "twoSum", "prompt": "class Solution: ...",
    "pretty_content": ["Two numbers add up.\n\nExample 1:\n\nInput: 1"],
    "solutions": [
        {"runtime": "100ms", "solution": "\n" + _SOLUTION.format(1)},
        {"runtime": "9ms", "solution": _SOLUTION.format(2)},
        {"runtime": "20ms", "solution": _SOLUTION.format(3)},
    ],
    "convert_offline": "def convert_offline(case):\n    return case\n",
    "test_cases": json.dumps([{"input": [[1, 2]], "expected": [0, 1]}]),
}  # fmt: skip
FASTERPY: dict[str, Any] = {
    "input": "def f(a):\n    return [x for x in a]\n", "target": "def f(a):\n    return list(a)\n",
    "diff": "--- a", "rate": 0.75, "summary": "1. It copies at once; 2. It has 10. fewer steps",
}  # fmt: skip


def write_rows(path: Path, *rows: Any) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path
