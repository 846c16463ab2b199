"""Small programs and cases for the tests of programs."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

import pytest

from benchmark_runner.native.program import ProgramBench
from benchmark_runner.receipt import Receipt, Verdict
from benchmark_runner.workload import ProgramWorkload, Version

needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None or shutil.which("c++") is None,
    reason="no C and C++ compiler here: apt install g++",
)

HEAD = "#include <stdio.h>\n#include <stdlib.h>\n"

READ = """
static int n, a[100000];
static int compare(const void *x, const void *y) {
  int p = *(const int *)x, q = *(const int *)y;
  return (p > q) - (p < q);
}
static void input(void) {
  if (scanf("%d", &n) != 1) exit(2);
  for (int i = 0; i < n; i++) if (scanf("%d", &a[i]) != 1) exit(2);
}
"""

SLOW = (
    HEAD
    + READ
    + """
int main(void) {
  input();
  long long total = 0;
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) total += a[i] > a[j] ? a[i] - a[j] : a[j] - a[i];
  printf("%lld\\n", total);
  return 0;
}
"""
)

_BY_SORTING = """
  qsort(a, n, sizeof a[0], compare);
  long long total = 0;
  for (int i = 0; i < n; i++) total += (2LL * i - n + 1) * a[i];
"""


def program(body: str, *, before: str = "", head: str = HEAD) -> str:
    """A program whose main() reads the input and then does `body`."""
    return f"{head}{READ}{before}\nint main(void) {{ input();\n{body}\nreturn 0; }}\n"


FAST = program(_BY_SORTING + 'printf("%lld\\n", total);')


def answer(numbers: list[int]) -> int:
    """The sum of all distances."""
    ordered = sorted(numbers)
    return sum((2 * i - len(ordered) + 1) * x for i, x in enumerate(ordered))


def write_cases(folder: Path, sizes: tuple[int, ...], *, seed: int = 1) -> Path:
    """NAME.in and NAME.out for lists of these lengths."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    for size in sizes:
        numbers = [rng.randint(-1000, 1000) for _ in range(size)]
        text = f"{size}\n{' '.join(map(str, numbers))}\n"
        (folder / f"n{size}.in").write_text(text)
        (folder / f"n{size}.out").write_text(f"{answer(numbers)}\n")
    return folder


class Judge:
    """One original with its bench, for many candidates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = Path(sys.executable)
        self.path = folder / "slow.c"
        self.path.write_text(SLOW)
        cases = write_cases(folder / "cases", (3, 40, 2500, 3500))
        self.workload = ProgramWorkload(self.path, Version.of({self.path: SLOW}), cases)
        self.bench = ProgramBench(self.workload, python=self.python)

    def version(self, text: str) -> Version:
        return Version.of({self.path: text})

    def check(self, text: str) -> Verdict:
        return self.bench.check(self.version(text), "user")

    def prove(self, text: str) -> Receipt:
        return self.bench.prove(self.version(text), origin="user")
