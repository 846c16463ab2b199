"""A program that the tests profile, and its profiles."""

from __future__ import annotations

import cProfile
import marshal
import os
import profile
import runpy
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

PROGRAM = textwrap.dedent(
    """
    import json
    import re

    def key(x):
        return sum(i * x for i in range(900))

    def ordered(xs):
        return sorted(xs, key=key)

    def text(n):
        for _ in range(n):
            re.sub("a+", "b", "caaat" * 60)

    class Tree:
        @staticmethod
        def depth(n):
            return 1 if n < 2 else Tree.depth(n - 1) + Tree.depth(n - 2)

    def idle():
        return None

    ordered(list(range(60)))
    text(400)
    Tree.depth(15)
    idle()
    """
)


def write_program(folder: Path, name: str = "program.py") -> Path:
    """The program as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def profiled(program: Path, out: Path, *, pure: bool = False) -> Path:
    """A pstats file of a run, by cProfile or by the profile module."""
    run = profile.Profile() if pure else cProfile.Profile()
    keep = sys.argv
    sys.argv = [str(program)]
    try:
        run.runcall(runpy.run_path, str(program), run_name="__main__")
    finally:
        sys.argv = keep
    run.dump_stats(os.fspath(out))
    return out


def pstats_file(path: Path, stats: object) -> Path:
    """A file with made-up marshalled statistics."""
    path.write_bytes(marshal.dumps(stats))
    return path


@pytest.fixture(scope="session")
def programs():
    return SimpleNamespace(write=write_program, profiled=profiled, pstats_file=pstats_file)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The folder of a program that ran, and the pstats file of the run."""
    folder = tmp_path_factory.mktemp("run")
    return folder, profiled(write_program(folder), folder / "out.pstats")
