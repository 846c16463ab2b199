"""What was proved, as handlers read it: from memory, never from disk.

The engine and other editors write results at any time. A look at two file times each second tells
whether to read again; reading is done beside the loop, and the new state replaces the old one in
one assignment.
"""

from __future__ import annotations

import logging
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from analysis.errors import HastenError
from hasten.paths import state_dir
from server.lsp.background import in_thread
from server.lsp.fitting import Edit, edits_of

if typing.TYPE_CHECKING:
    from optimizer.results import Results
    from optimizer.suggestion import Rejection, Suggestion

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FunctionOffers:
    """What is known of one function: edits that can be offered, and what was refused."""

    edits: tuple[Edit, ...] = ()
    refused: tuple[Rejection, ...] = ()


NONE = FunctionOffers()


class Offers:
    """The results of the workspaces in use, for the files that are open."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, Path], dict[str, FunctionOffers]] = {}
        self._stamps: dict[Path, tuple[int, ...]] = {}

    def of(self, path: Path, roots: Iterable[Path]) -> Mapping[str, FunctionOffers]:
        """What is known of a file's functions, by qualified name."""
        for root in roots:
            if found := self._known.get((root, path)):
                return found
        return {}

    def edit(self, id: str, rung: int | None = None) -> tuple[Path, Edit] | None:
        """An edit by its suggestion's id and rung, with the workspace that it belongs to."""
        for (root, _), functions in self._known.items():
            for offers in functions.values():
                for edit in offers.edits:
                    if edit.suggestion.id == id and edit.rung == rung:
                        return root, edit
        return None

    def edits(self) -> Iterator[Edit]:
        """Every edit that is known."""
        for functions in self._known.values():
            for offers in functions.values():
                yield from offers.edits

    async def refresh(self, root: Path, paths: Iterable[Path], *, force: bool = False) -> bool:
        """Read again what changed on disk; True when something did."""
        stamp, wanted = _stamp(root), tuple(paths)
        if not force and self._stamps.get(root) == stamp:
            wanted = tuple(p for p in wanted if (root, p) not in self._known)
        self._stamps[root] = stamp
        if not wanted:
            return False
        read = await in_thread(lambda: _read(root, wanted)) if stamp else {}
        changed = False
        for path in wanted:
            new = read.get(path, {})
            changed = changed or new != self._known.get((root, path), {})
            self._known[root, path] = new
        return changed

    async def judge(
        self,
        root: Path,
        suggestion: Suggestion,
        verdict: Literal["accepted", "rejected"],
        *,
        rung: int | None = None,
    ) -> None:
        """Give a suggestion another state, and remember what the user thinks of such edits.

        Raises ResultsError when the state can't be written.
        """

        def write() -> None:
            from index.store import Memory
            from optimizer.learning import learn
            from optimizer.results import Results

            results = Results(state_dir(root))
            try:
                results.mark(suggestion.id, verdict)
                text = results.proved_text(suggestion.id)
            finally:
                results.close()
            try:
                with Memory() as memory:
                    learn(memory, root, suggestion, verdict, rung=rung, text=text)
            except HastenError as error:  # the edit took, or is gone, whatever is remembered
                logger.warning("%s (%s)", error.message, error.mend)

        await in_thread(write)


def _stamp(root: Path) -> tuple[int, ...]:
    """Changes with every write of the results; empty where there are none yet."""
    found = []
    for name in ("results.db", "results.db-wal"):
        try:
            stat = (state_dir(root) / name).stat()
        except OSError:
            continue
        found += [stat.st_mtime_ns, stat.st_size, stat.st_ino]
    return tuple(found)


def _read(root: Path, paths: Iterable[Path]) -> dict[Path, dict[str, FunctionOffers]]:
    from optimizer.results import Results  # where there are results, and beside the loop

    try:
        results = Results(state_dir(root))
    except HastenError as error:
        logger.warning("%s %s", error.message, error.mend)
        return {}
    try:
        return {path: _of_file(results, path) for path in paths}
    finally:
        results.close()


def _of_file(results: Results, path: Path) -> dict[str, FunctionOffers]:
    edits: dict[str, tuple[Edit, ...]] = {}
    for suggestion in results.suggestions_for(str(path), ("verified", "accepted")):
        proved = results.proved_text(suggestion.id)
        if proved is not None and suggestion.function not in edits:
            edits[suggestion.function] = edits_of(suggestion, proved)
    refused: dict[str, list[Rejection]] = {}
    for rejection in results.rejections_for(str(path)):
        refused.setdefault(rejection.function, []).append(rejection)
    return {
        name: FunctionOffers(edits.get(name, ()), tuple(refused.get(name, ())))
        for name in (*edits, *(n for n in refused if n not in edits))
    }
