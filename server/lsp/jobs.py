"""Searches that the engine runs for this editor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol import types

from analysis.errors import Cancelled, HastenError
from server.lsp.background import Tasks
from server.lsp.progress import ProgressBook, WorkDone

if typing.TYPE_CHECKING:
    from optimizer.engine.protocol import OptimizeSpec
    from optimizer.suggestion import Outcome

logger = logging.getLogger(__name__)

MakeSpec = Callable[[], "Awaitable[OptimizeSpec]"]


@dataclass(frozen=True)
class Ended:
    """How a search ended: with an outcome, with an error, or (neither) cancelled."""

    path: Path
    function: str
    outcome: Outcome | None = None
    error: HastenError | None = None

    def summary(self) -> str:
        """One line for the end of the progress."""
        if self.error is not None:
            return self.error.message
        if self.outcome is None:
            return "cancelled"
        if self.outcome.suggestions:
            return self.outcome.suggestions[0].title
        tried = len(self.outcome.rejected)
        return "nothing was proved faster" + (f" ({tried} edits tried)" if tried else "")


@dataclass
class Job:
    """One running search; `accepted` is set once the engine has it, or never will."""

    path: Path
    function: str
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Stop it here and in the engine."""
        if self.task is not None:
            self.task.cancel()


class Jobs:
    """Starts searches, joins equal ones, and cancels them in the engine."""

    def __init__(
        self, tasks: Tasks, progress: ProgressBook, ended: Callable[[Ended], Awaitable[None]]
    ) -> None:
        self._tasks = tasks
        self._progress = progress
        self._ended = ended
        self._running: dict[tuple[Path, str], Job] = {}

    def running(self, path: Path, function: str) -> Job | None:
        """The search of a function that is under way."""
        return self._running.get((path, function))

    def __len__(self) -> int:
        return len(self._running)

    def start(
        self,
        path: Path,
        function: str,
        make_spec: MakeSpec,
        token: types.ProgressToken | None = None,
    ) -> Job:
        """Begin a search; the caller looks for one to join first."""
        job = Job(path, function)
        self._running[path, function] = job
        job.task = self._tasks.start(
            self._run(job, make_spec, token), f"search for {path.name}::{function}"
        )
        return job

    async def _run(self, job: Job, make_spec: MakeSpec, token: types.ProgressToken | None) -> None:
        progress: WorkDone | None = None
        ended = Ended(job.path, job.function)
        try:
            progress = await self._progress.start(f"hasten: {job.function}", job.cancel, token)
            outcome = await self._search(job, make_spec, progress)
            ended = Ended(job.path, job.function, outcome=outcome)
        except (asyncio.CancelledError, Cancelled):
            logger.info("%s: cancelled", job.function)
        except HastenError as error:
            if error.code != "cancelled":
                ended = Ended(job.path, job.function, error=error)
        except Exception as error:
            logger.exception("the search for %s failed", job.function)
            ended = Ended(job.path, job.function, error=_internal(error))
        finally:
            del self._running[job.path, job.function]
            job.accepted.set()
            try:
                # What was found is on screen before the progress ends: a client that waits for
                # the end may ask for actions at once.
                await self._ended(ended)
            finally:
                if progress is not None:
                    progress.end(ended.summary())

    async def _search(self, job: Job, make_spec: MakeSpec, progress: WorkDone) -> Outcome:
        # Imported at the first search: it would be a tenth of the time to start.
        from server.engine_client import connect_or_start

        spec = await make_spec()
        progress.report("reaching the engine", None)
        client = await connect_or_start(Path(spec.workspace))
        try:
            job.accepted.set()
            prefix = f"{job.function}: "  # the progress has it in its title
            return await client.optimize(
                spec, lambda message, share: progress.report(message.removeprefix(prefix), share)
            )
        finally:
            with contextlib.suppress(Exception):
                await client.close()


def _internal(error: Exception) -> HastenError:
    return HastenError(
        f"hasten failed internally ({type(error).__name__})",
        code="internal",
        mend="the language server's log has the details",
    )
