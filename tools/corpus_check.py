"""A quick look at corpus sources before they are proved: same results, and roughly how much faster.

    python -m tools.corpus_check [SLUG ...]

Runs the code of this repository's sources unconfined and times it by the plain clock; it proves
nothing. It also says where the words of a source use names of its program.
"""

from __future__ import annotations

import ast
import builtins
import copy
import itertools
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.corpus_source import PER_SIZE, Source, all_sources

_COMPILERS = {"c": ("gcc", "-lm"), "c++": ("g++",)}
_WORD = re.compile(r"[A-Za-z_]\w*")


def named(source: Source) -> list[str]:
    """Names of the program (with an underscore or a capital inside) that its words use."""
    words = {source.program, source.bottleneck, source.edit}
    words |= {text for step in source.steps for text in (step.title, step.edit)}
    used = {word for text in words for word in _WORD.findall(text)}
    own = set(re.findall(r"\b(?:def|class|struct)\s+(\w+)", source.slow))
    if source.language == "python":
        tree = ast.parse(source.slow)
        own |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
        own |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and "_" in n.id}
        own -= set(dir(builtins))
    return sorted(name for name in own & used if "_" in name or name.lower() != name)


def check(source: Source) -> list[str]:
    """One line for each thing that is wrong; prints the ratios."""
    texts, given = source.texts(), source.made()
    runs = _python(source, texts) if source.language == "python" else _native(source, texts)
    problems = [f"its words use {name}" for name in named(source)]
    lines = []
    for size, n in enumerate(source.sizes):
        took = [0.0] * len(texts)
        for one in given[size * PER_SIZE : (size + 1) * PER_SIZE]:
            expected, took[0] = _best(runs[0], one, took[0])
            for at, run in enumerate(runs[1:], 1):
                answer, took[at] = _best(run, one, took[at])
                if answer != expected:
                    problems.append(f"step {at} differs at size {n}")
        ratios = [before / after for before, after in itertools.pairwise(took)]
        lines.append(
            f"n={n}: {took[0] / PER_SIZE * 1e3:.2f} ms, " + ", ".join(f"{r:.2f}x" for r in ratios)
        )
        if size == 2:
            problems += [
                f"step {at} is {r:.2f}x only" for at, r in enumerate(ratios, 1) if r < 1.15
            ]
    print(f"{source.language} {source.slug}: {'; '.join(lines)}", flush=True)
    return sorted(set(problems))


def _best(run: Callable[[Any], Any], given: Any, so_far: float) -> tuple[Any, float]:
    """What a run gives, and the shortest of a few runs added to `so_far`, in seconds."""
    answer, best = None, float("inf")
    for _ in range(3):
        answer, took = run(given)
        best = min(best, took)
    return answer, so_far + best


def _python(source: Source, texts: tuple[str, ...]) -> list[Callable[[Any], Any]]:
    def runner(text: str) -> Callable[[Any], Any]:
        space: dict[str, Any] = {"__name__": "case"}
        exec(compile(text, source.slug, "exec", dont_inherit=True), space)
        outer, _, method = source.function.partition(".")

        def run(given: Any) -> Any:
            args, kwargs = copy.deepcopy(given)
            function = space[outer]
            if method:
                function = getattr(function, method)
            start = time.perf_counter()
            answer = function(*args, **kwargs)
            if hasattr(answer, "__next__"):
                answer = list(answer)
            took = time.perf_counter() - start
            return (_comparable(answer), _comparable(args)), took

        return run

    return [runner(text) for text in texts]


def _comparable(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, bytes)) else repr(value)


def _native(source: Source, texts: tuple[str, ...]) -> list[Callable[[Any], Any]]:
    folder = Path(tempfile.mkdtemp(prefix="corpus-"))
    compiler, *libraries = _COMPILERS[source.language]

    def runner(at: int, text: str) -> Callable[[Any], Any]:
        path, out = folder / f"{at}{Path(source.file_name).suffix}", folder / f"{at}.out"
        path.write_text(text, "utf-8")
        subprocess.run([compiler, "-O2", path, "-o", out, *libraries], check=True)

        def run(given: str) -> Any:
            start = time.perf_counter()
            done = subprocess.run([out], input=given.encode(), capture_output=True, check=True)
            return done.stdout, time.perf_counter() - start

        return run

    return [runner(at, text) for at, text in enumerate(texts)]


def main(slugs: list[str]) -> int:
    """Check all, or those named; 1 where something is wrong."""
    wrong = 0
    for source in all_sources():
        if slugs and source.slug not in slugs:
            continue
        try:
            problems = check(source)
        except Exception as error:
            problems = [f"{type(error).__name__}: {error}"]
        for problem in problems:
            print(f"  {source.slug}: {problem}", flush=True)
        wrong += bool(problems)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
