"""The protocol of pygls 2.1 with what it gets wrong put right.

Each change names what pygls does without it. Answers carry a code and a message, never a traceback:
it would show paths of this machine to whoever collects the client's log.
"""

from __future__ import annotations

import asyncio
import json
import logging
import typing
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from analysis.errors import HastenError

if typing.TYPE_CHECKING:
    from server.lsp.server import HastenServer

logger = logging.getLogger(__name__)

Result = Callable[[Any], None]


def to_response_error(error: BaseException) -> types.ResponseError:
    """What the client is told of an exception."""
    if isinstance(error, asyncio.CancelledError):
        return types.ResponseError(types.LSPErrorCodes.RequestCancelled, "cancelled")
    if isinstance(error, HastenError):
        return types.ResponseError(
            types.LSPErrorCodes.RequestFailed,
            f"{error.message}. {error.mend}",
            {"code": error.code, "message": error.message, "mend": error.mend},
        )
    if isinstance(error, JsonRpcException):
        return types.ResponseError(error.code, error.message)
    return types.ResponseError(
        types.ErrorCodes.InternalError, f"hasten failed internally ({type(error).__name__})"
    )


class HastenProtocol(LanguageServerProtocol):
    """pygls' protocol over our own documents, commands and progress."""

    _server: HastenServer

    def __init__(self, server: Any, converter: Any) -> None:
        super().__init__(server, converter)
        self.initialized = False
        self.exit_code: int | None = None

    # -- Messages coming in ---------------------------------------------------------------------

    def receive(self, data: Any) -> None:
        """Handle one decoded message; whatever it is, the reader goes on."""
        try:
            message = self._structured(data)
            if message is not None and self._allowed(message):
                super().handle_message(message)
        except Exception:
            logger.exception("a message could not be handled")

    def _structured(self, data: Any) -> Any:
        """The message as lsprotocol's type, or None when it is not one.

        pygls passes `structure_message` to the JSON decoder, which then takes any nested object
        that has a key "jsonrpc" for a message, and never answers a request with wrong parameters,
        so that its client waits for ever. Here such a request is answered with InvalidParams.
        """
        if not isinstance(data, dict) or data.get("jsonrpc") != self.VERSION:
            self._refuse(
                data.get("id") if isinstance(data, dict) else None,
                types.ErrorCodes.InvalidRequest,
                "not a JSON-RPC 2.0 message",
            )
            return None
        method = data.get("method")
        if isinstance(method, str) and self.get_message_type(method) is None:
            data.setdefault("params", None)  # an unknown method must be answered as unknown
        try:
            return super().structure_message(data)
        except Exception as error:
            logger.warning("%s: parameters of another shape", data.get("method", "an answer"))
            if "method" not in data:
                future = self._request_futures.pop(data.get("id", ""), None)
                if future is not None and not future.done():
                    future.set_exception(error)
            elif "id" in data:
                self._refuse(
                    data["id"], types.ErrorCodes.InvalidParams, f"{data['method']}: invalid params"
                )
            return None

    def _allowed(self, message: Any) -> bool:
        """Whether the message may be handled in this state of the server (LSP 3.17, Lifecycle).

        pygls drops everything after `shutdown` without an answer, also the client's answers to
        our own requests, and lets requests through before `initialize`.
        """
        method = getattr(message, "method", None)
        if method is None or method == types.EXIT:
            return True
        is_request = hasattr(message, "id")
        if self._shutdown:
            if is_request:
                self._refuse(message.id, types.ErrorCodes.InvalidRequest, "after shutdown")
            return False
        if method == types.INITIALIZE:
            if self.initialized:
                self._refuse(message.id, types.ErrorCodes.InvalidRequest, "initialized twice")
                return False
            self.initialized = True
            return True
        if not self.initialized and is_request:
            self._refuse(message.id, types.ErrorCodes.ServerNotInitialized, "not initialized")
        return self.initialized

    def unreadable(self, reason: str) -> None:
        """A body that is no JSON."""
        logger.error("a message is no JSON: %s", reason)
        self._refuse(None, types.ErrorCodes.ParseError, "the message is no JSON")

    def _refuse(self, msg_id: Any, code: int, message: str) -> None:
        # As a plain object: lsprotocol leaves an id out that is null, which JSON-RPC asks for.
        error = {"code": int(code), "message": message}
        self._send_data({"jsonrpc": self.VERSION, "id": msg_id, "error": error})

    # -- Handlers -------------------------------------------------------------------------------

    def _execute_handler(
        self,
        msg_id: str | int,
        handler: Callable[..., Any],
        callback: Result,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Run a handler; its entry in the book of requests goes with it.

        pygls keeps an entry for every notification it ever handled (2 kB a key stroke).
        """

        def done(future: Future[Any]) -> None:
            self._request_futures.pop(msg_id, None)
            callback(future)

        super()._execute_handler(msg_id, handler, done, args, kwargs)

    def _send_handler_result(self, future: Future[Any], *, msg_id: str | int) -> None:
        self._request_futures.pop(msg_id, None)
        if future.cancelled():
            self._send_response(msg_id, error=to_response_error(asyncio.CancelledError()))
            return
        error = future.exception()
        if error is None:
            self._send_response(msg_id, result=future.result())
            return
        if not isinstance(error, HastenError | JsonRpcMethodNotFound):
            logger.error("request %s failed", msg_id, exc_info=error)
        self._result_types.pop(msg_id, None)
        self._send_response(msg_id, error=to_response_error(error))

    def _check_handler_result(self, future: Future[Any]) -> None:
        """pygls shows a message box for each failed notification; here it goes to the log."""
        if not future.cancelled() and (error := future.exception()) is not None:
            logger.error("a notification failed", exc_info=error)

    def _handle_request(self, msg_id: str | int, method_name: str, params: Any) -> None:
        try:
            handler = self._get_handler(method_name)
        except JsonRpcMethodNotFound as error:
            self._send_response(msg_id, error=to_response_error(error))
            return
        self._ctx_msg_id.set(msg_id)
        self._execute_handler(
            msg_id, handler, lambda f: self._send_handler_result(f, msg_id=msg_id), (params,)
        )

    def _handle_cancel_notification(self, msg_id: str | int) -> None:
        """Cancel a running handler. What ended already needs no warning: clients do race."""
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.cancel()

    # -- Built-in methods: pygls registers every method that carries `lsp_method` -----------------

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: types.ExecuteCommandParams
    ) -> Any:
        """Run a command as one task.

        pygls runs it behind a generator: a cancel answers the client at once, but the command
        itself runs on to its end. As a coroutine it is really cancelled.
        """
        return await self._server.run_command(params)

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> None:
        """The user's cancel button. pygls keeps every token it ever made; ours go with the job."""
        self._server.progress_book.cancelled_by_user(params.token)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Documents are ours: pygls splits lines with `str.splitlines` ."""
        self._server.did_open(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """The document's new text."""
        self._server.did_change(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """The file on disk counts again."""
        self._server.did_close(params)

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> None:  # type: ignore[override]
        """Stop all work, then answer.

        pygls walks the book of requests while their callbacks change it ("dictionary changed size
        during iteration"), and cancels its own answers.
        """
        self._server.stop_work()
        for msg_id, future in list(self._request_futures.items()):
            if msg_id != self.msg_id and not future.done():
                future.cancel()
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]
        """End the process: 0 after `shutdown`, else 1. pygls always ends with 0 and waits for its
        threads first; here the loop is stopped and nothing is waited for."""
        self.exit_code = 0 if self._shutdown else 1
        self._server.stopped.set()

    # -- Messages going out ---------------------------------------------------------------------

    def _send_data(self, data: Any) -> None:
        """Send without logging the body.

        pygls logs every body at INFO; a handler that sends log records to the client would then
        log what it sends, for ever, and the log would hold the user's code.
        """
        if not data or self.writer is None:
            return
        try:
            body = self._encoded(data)
            self.writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        except (BrokenPipeError, ConnectionError):
            self._server.stopped.set()
        except Exception:
            logger.exception("an answer could not be sent")

    def _encoded(self, data: Any) -> bytes:
        return json.dumps(data, default=self._serialize_message, separators=(",", ":")).encode()
