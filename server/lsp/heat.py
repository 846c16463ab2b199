"""Which functions are hot: from the newest profile that hasten wrote for a workspace."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.profiles.store import profiles_folder
from hasten.paths import state_dir
from server.lsp.elsewhere import run_elsewhere
from server.lsp.placing import FileHeat, Hot


@dataclass(frozen=True)
class RootHeat:
    """The run that a workspace's heat comes from, and what it says of files, by real path."""

    created: float
    seconds: float
    command: tuple[str, ...]
    by_path: Mapping[str, FileHeat]


class Heat:
    """The heat of the workspaces in use; `refresh` reads again what has a newer profile."""

    def __init__(self) -> None:
        self._roots: dict[Path, RootHeat] = {}
        self._seen: dict[Path, int] = {}

    def of(self, path: Path, roots: Iterable[Path]) -> FileHeat | None:
        """What is hot in a file, from the newest profile of its workspaces."""
        root = self.root_of(path, roots)
        return self._roots[root].by_path[str(path)] if root else None

    def root_of(self, path: Path, roots: Iterable[Path]) -> Path | None:
        """The workspace whose profile says most lately that something in this file is hot."""
        found = [r for r in roots if r in self._roots and str(path) in self._roots[r].by_path]
        return max(found, key=lambda r: self._roots[r].created, default=None)

    def run_of(self, root: Path) -> RootHeat | None:
        """The run that a workspace's heat comes from."""
        return self._roots.get(root)

    async def refresh(self, root: Path, ignore: Sequence[str] = (), *, force: bool = False) -> bool:
        """Read the newest profile if it is a new one; True when the heat changed.

        Looks at one folder's time, so that it can be asked every second.
        """
        stamp = _stamp(profiles_folder(state_dir(root)))
        if not force and self._seen.get(root) == stamp:
            return False
        self._seen[root] = stamp
        if not stamp:
            return self._roots.pop(root, None) is not None
        data = await run_elsewhere("--read-heat", str(root), *ignore)
        if data is None:
            return False
        spots: dict[str, list[Hot]] = {}
        for row in data["spots"]:
            spots.setdefault(row["path"], []).append(Hot.from_json(row))
        by_path = {}
        for path, found in spots.items():
            real = os.path.realpath(path)
            by_path[real] = FileHeat(
                f"{root} {stamp}", real, data["sources"], data["texts"][path], tuple(found)
            )
        self._roots[root] = RootHeat(
            float(data.get("created", 0.0)),
            float(data.get("seconds", 0.0)),
            tuple(data.get("command", ())),
            by_path,
        )
        return True


def _stamp(folder: Path) -> int:
    """A number that grows when a file is added; 0 where there is no folder."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
