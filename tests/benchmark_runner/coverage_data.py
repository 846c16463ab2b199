"""Coverage data files for tests: those of real runs, and made ones through coverage's own API."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from coverage import CoverageData

PRICE = """\
    RATE = 2

    def total(
        items,
        rate=RATE,
    ):
        # what they cost
        added = 0

        for item in items:
            added += item * rate
        return added

    def empty():
        return 0
"""
BODY = range(7, 13)
FILES = {
    "shop/__init__.py": "",
    "shop/price.py": PRICE,
    "shop/web.py": """\
        from shop.price import empty, total

        def page(*items):
            return f"{total(items)} EUR"

        def blank():
            return f"{empty()} EUR"
        """,
    "tests/test_pages.py": """\
        import pytest
        from shop import web

        @pytest.mark.parametrize("n", [1, 2])
        def test_page(n):
            assert web.page(n) == f"{2 * n} EUR"

        class TestShown:
            def test_two(self):
                assert web.page(1, 2) == "6 EUR"

        def test_blank():
            assert web.blank() == "0 EUR"
        """,
    "tests/test_late.py": """\
        def test_import():
            import shop.web
            assert shop.web.blank
        """,
    "tests/test_stock.py": "def test_stock():\n    assert 'price'\n",
}
"""`total` is reached by tests of a file that names neither it nor its module."""


def make_project(root: Path, files: Mapping[str, str] = FILES) -> Path:
    """Write the files; their times lie well in the past, so that data made now are newer."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return root


def record(project: Path, *settings: str) -> Path:
    """Run the project's tests under coverage with some settings of its section "run"."""
    rc = project / ".coveragerc"
    rc.write_text("\n".join(["[run]", "dynamic_context = test_function", *settings]))
    line = [sys.executable, "-B", "-m", "coverage", "run", "-m", "pytest", "-q", "-p",
            "no:cacheprovider", "--import-mode=importlib"]  # fmt: skip
    environment = {key: text for key, text in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run(line, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rc.unlink()
    return project / ".coverage"


def write_data(
    file: Path, source: str, contexts: Mapping[str, tuple[int, ...]], arcs: bool = False
) -> Path:
    """A data file in which each context executed these lines of the source."""
    data = CoverageData(str(file))
    for context, lines in contexts.items():
        data.set_context(context)
        if arcs:
            pairs = [(-lines[0], lines[0]), *itertools.pairwise(lines)]
            data.add_arcs({source: [*pairs, (lines[-1], -lines[0])]})
        else:
            data.add_lines({source: lines})
    data.write()
    data.close()
    return file
