"""Workers of one stage: started side by side, killed together, none left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import TypeVar

from analysis.progress import CancelToken
from benchmark_runner.errors import WorkerDied
from benchmark_runner.worker.supervisor import Worker, WorkerSpec

T = TypeVar("T")

_POLL_S = 0.1


class Crew:
    """The workers of a stage. All of them are gone when its context ends, however it ends."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._lock = threading.Lock()
        self._workers: list[Worker] = []
        self._stopped = False
        # The kernel ends a worker with the thread that started it (PDEATHSIG), so the threads
        # live as long as the crew.
        self._pool = ThreadPoolExecutor(max_workers=2)

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.close()
        self._pool.shutdown()

    def start(self, spec: WorkerSpec) -> Worker:
        """A worker of this crew; from any thread. Raises what `Worker.start` raises."""
        worker = Worker.start(spec)
        with self._lock:
            if not self._stopped:
                self._workers.append(worker)
                return worker
        worker.close()
        raise WorkerDied("stopped", code="killed")

    def together(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """Run the jobs in threads of their own, two at a time; their results in order.

        The first job to fail, or a cancel, kills all workers of the crew; its error is raised
        when the other jobs have ended.
        """
        self._cancel.check()
        futures: list[Future[T]] = [self._pool.submit(job) for job in jobs]
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            failed = next((future for future in done if future.exception()), None)
            if failed or self._cancel.cancelled:
                self._stop()
                for future in pending:
                    future.cancel()
                wait(pending)
                self._cancel.check()
                if failed:
                    failed.result()
        return [future.result() for future in futures]

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            workers = list(self._workers)
        for worker in workers:
            worker.kill()
