"""A small project with one slow function, profiled by the real command line."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.cli import Cli

SLOW = '''def common(left: list[int], right: list[int]) -> list[int]:
    """Items of `left` that are in `right` too."""
    found = []
    for item in left:
        if item in right:
            found.append(item)
    return found


def main() -> None:
    for n in range(4):
        print(len(common(list(range(n, 1500)), list(range(0, 3000, 2)))))


if __name__ == "__main__":
    main()
'''
HEAD = 0
"""The 0-based line of the slow function's `def`."""

SETTINGS = {"budget": 6}
"""A search that is over soon."""


def make(cli: Cli, *, profile: bool = True) -> Path:
    """The folder of a project that was profiled; its file is slow.py."""
    folder = cli.folder / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\nname = 'project'\n")
    (folder / "slow.py").write_text(SLOW)
    if profile:
        done = cli("profile", "--json", "--", "python", "slow.py", cwd=folder)
        assert done.code == 0, done.err
    return folder
