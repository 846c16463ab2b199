"""Jobs of the engine: each runs in a thread, tells its progress, and ends exactly once."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from analysis.errors import Cancelled, HastenError
from analysis.progress import CancelToken, Progress
from optimizer.engine.protocol import OptimizeSpec
from optimizer.engine.wire import error_to_json
from optimizer.results import JobState, Results
from optimizer.suggestion import Outcome, to_json

logger = logging.getLogger(__name__)

Work = Callable[[OptimizeSpec, Progress, CancelToken], Outcome]
Send = Callable[[str, dict[str, Any]], None]
"""Sends a notification to the client that started the job; safe from any thread."""

_PROGRESS_EVERY_S = 0.1
_AT_ONCE = 2
_POLL_S = 0.05


@dataclass
class RunningJob:
    """A job that has not ended."""

    id: str
    send: Send
    cancel: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None


class Jobs:
    """Starts, cancels and ends jobs. `ended` is called, in the job's thread, after each one."""

    def __init__(self, work: Work, results: Results | None, ended: Callable[[], None]) -> None:
        self._work, self._results, self._ended = work, results, ended
        self._running: dict[str, RunningJob] = {}
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    @property
    def running(self) -> tuple[str, ...]:
        """The ids of jobs that have not ended."""
        with self._lock:
            return tuple(self._running)

    def start(self, spec: OptimizeSpec, send: Send) -> str:
        """Start a job in its own thread and return its id."""
        job = RunningJob(secrets.token_hex(6), send)
        self._note(lambda results: results.start_job(job.id, spec.path, spec.function))
        job.thread = threading.Thread(
            target=self._run, args=(job, spec), name=f"job-{job.id}", daemon=True
        )
        with self._lock:
            self._running[job.id] = job
        job.thread.start()
        return job.id

    def cancel(self, id: str) -> bool:
        """Ask a job to stop; False when no such job runs."""
        with self._lock:
            job = self._running.get(id)
        if job is None:
            return False
        job.cancel.cancel()
        return True

    def cancel_all(self, send: Send | None = None) -> None:
        """Ask all jobs, or those of one client, to stop."""
        with self._lock:
            jobs = [j for j in self._running.values() if send is None or j.send is send]
        for job in jobs:
            job.cancel.cancel()

    def wait(self, seconds: float) -> None:
        """Wait for running jobs to end, for at most `seconds` in all."""
        until = time.monotonic() + seconds
        with self._lock:
            threads = [j.thread for j in self._running.values() if j.thread]
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self, job: RunningJob, spec: OptimizeSpec) -> None:
        state: JobState
        try:
            outcome = self._in_turn(job, spec)
            state, message, done = "done", "", {"outcome": to_json(outcome)}
        except Cancelled:
            message = "cancelled"
            error = {"code": "cancelled", "message": message, "mend": "", "exit_code": 130}
            state, done = "cancelled", {"error": error}
        except HastenError as caught:
            state, message, done = "failed", caught.message, {"error": error_to_json(caught)}
        except BaseException as caught:
            logger.exception("job %s failed", job.id)
            message = f"{type(caught).__name__}: {caught}"
            error = {
                "code": "internal",
                "message": message,
                "mend": "this is a bug of hasten: engine.log in its state folder has the details",
                "exit_code": 3,
            }
            state, done = "failed", {"error": error}
        self._note(lambda results: results.update_job(job.id, state, message))
        with self._lock:
            self._running.pop(job.id, None)
        job.send("job/done", {"job": job.id, **done})
        self._ended()

    def _in_turn(self, job: RunningJob, spec: OptimizeSpec) -> Outcome:
        """Few jobs run at once: more would only disturb each other's timing."""
        progress = self._progress(job)
        while not self._slots.acquire(timeout=_POLL_S):
            progress("waiting for other jobs of this workspace", None)
            job.cancel.check()
        try:
            return self._work(spec, progress, job.cancel)
        finally:
            self._slots.release()

    def _progress(self, job: RunningJob) -> Progress:
        """Tells the client, at most ten times a second, and keeps the last word in the results."""
        at, last = 0.0, ""

        def tell(message: str, share: float | None = None) -> None:
            nonlocal at, last
            now = time.monotonic()
            if message == last:
                if now - at < _PROGRESS_EVERY_S:
                    return
            else:
                self._note(lambda results: results.update_job(job.id, "running", message))
            at, last = now, message
            percentage = None if share is None else round(100 * min(1.0, max(0.0, share)))
            job.send("job/progress", {"job": job.id, "message": message, "percentage": percentage})

        return tell

    def _note(self, write: Callable[[Results], object]) -> None:
        """A job's row in the results; a state folder that is full or gone stops no job."""
        if self._results is None:
            return
        try:
            write(self._results)
        except Exception:
            logger.warning("a job's state could not be kept", exc_info=True)
