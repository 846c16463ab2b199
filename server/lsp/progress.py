"""Work-done progress: one token for each job, dropped when the job ends."""

from __future__ import annotations

import asyncio
import logging
import typing
import uuid
from collections.abc import Callable

from lsprotocol import types

if typing.TYPE_CHECKING:
    from server.lsp.server import HastenServer

logger = logging.getLogger(__name__)

# Editors draw a report each time one comes; a search makes many.
REPORT_EVERY_S = 0.1


class WorkDone:
    """The progress of one job. Says nothing where the client shows no progress."""

    def __init__(self, book: ProgressBook, title: str, token: types.ProgressToken | None) -> None:
        self._book = book
        self._title = title
        self.token = token
        self._began = False
        self._latest = ("", 0)
        self._said = self._latest
        self._later: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Show it, with a cancel button."""
        if self.token is not None:
            self._began = True
            # With a percentage from the start on, since clients ignore later ones without it; and
            # VS Code then shows only those reports that have one.
            self._book.notify(
                self.token,
                types.WorkDoneProgressBegin(self._title, cancellable=True, percentage=0),
            )

    def report(self, message: str, share: float | None) -> None:
        """Say how far the job is. Of many reports in a row the last one is shown."""
        percentage = self._latest[1] if share is None else max(0, min(100, round(share * 100)))
        self._latest = (message, percentage)
        if self._began and self._later is None:
            self._send()
            loop = asyncio.get_running_loop()
            self._later = loop.call_later(REPORT_EVERY_S, self._send_later)

    def _send_later(self) -> None:
        self._later = None
        self._send()

    def _send(self) -> None:
        if self.token is None or self._said == self._latest:
            return
        self._said = self._latest
        message, percentage = self._latest
        self._book.notify(
            self.token,
            types.WorkDoneProgressReport(cancellable=True, message=message, percentage=percentage),
        )

    def end(self, message: str) -> None:
        """Take it away; safe to call twice."""
        if self._later is not None:
            self._later.cancel()
        if self.token is None:
            return
        self._book.forget(self.token)
        if self._began:
            self._began = False
            self._book.notify(self.token, types.WorkDoneProgressEnd(message=message))


class ProgressBook:
    """The tokens in use, and what a cancel of each of them stops."""

    def __init__(self, server: HastenServer) -> None:
        self._server = server
        self.tokens: dict[types.ProgressToken, Callable[[], None]] = {}

    async def start(
        self, title: str, cancel: Callable[[], None], token: types.ProgressToken | None = None
    ) -> WorkDone:
        """Begin progress under the client's token, or under one of ours.

        A server may use a token of its own only after the client took it (LSP 3.17, Server
        Initiated Progress). VS Code and Zed send none with a command; Zed takes only strings.
        """
        if token is None and self._server.client.progress:
            token = f"hasten/{uuid.uuid4()}"
            try:
                await self._server.window_work_done_progress_create_async(
                    types.WorkDoneProgressCreateParams(token)
                )
            except Exception as error:
                logger.warning("the client takes no progress: %s", error)
                token = None
        if token is not None:
            self.tokens[token] = cancel
        progress = WorkDone(self, title, token)
        progress.begin()
        return progress

    def cancelled_by_user(self, token: types.ProgressToken) -> None:
        """The user pressed cancel. The job ends the progress itself when it has stopped."""
        if cancel := self.tokens.get(token):
            cancel()

    def forget(self, token: types.ProgressToken) -> None:
        """A token's job ended."""
        self.tokens.pop(token, None)

    def notify(self, token: types.ProgressToken, value: object) -> None:
        """Send one `$/progress`."""
        self._server.progress_notification(token, value)
