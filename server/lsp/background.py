"""Work beside the loop: tasks that are not lost, and threads that nobody waits for at the end."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Tasks:
    """Running tasks. The loop itself keeps only weak references to them."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run a coroutine; what it raises is logged."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)

    def cancel(self) -> None:
        """Cancel everything."""
        for task in list(self._running):
            task.cancel()


async def in_thread(work: Callable[[], T]) -> T:
    """The result of a blocking call that mostly waits (a subprocess, a file).

    A daemon thread, not the loop's pool: the interpreter joins a pool's threads before it ends, so
    that `exit` would wait for them.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def deliver(value: Any, error: BaseException | None) -> None:
        if result.done():
            return
        if error is None:
            result.set_result(value)
        else:
            result.set_exception(error)

    def run() -> None:
        value, failed = None, None
        try:
            value = work()
        except BaseException as error:
            failed = error
        try:
            loop.call_soon_threadsafe(deliver, value, failed)
        except RuntimeError:
            logger.debug("the loop ended before a thread did")

    threading.Thread(target=run, daemon=True, name="background").start()
    return await result
