"""The language server: its state, and the calls of its features, each guarded by itself."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cattrs
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

import hasten
from analysis.text import TextChange
from hasten.paths import workspace_of
from server.lsp.background import Tasks
from server.lsp.client import Client
from server.lsp.configuration import Configuration
from server.lsp.documents import Document, Documents, path_of
from server.lsp.elsewhere import read_elsewhere
from server.lsp.feature import Feature
from server.lsp.findings import Findings
from server.lsp.freshness import Freshness
from server.lsp.heat import Heat
from server.lsp.jobs import Ended, Jobs
from server.lsp.offers import NONE, Offers
from server.lsp.placing import FileHeat
from server.lsp.progress import ProgressBook
from server.lsp.protocol import HastenProtocol
from server.lsp.recall import Recall
from server.lsp.sight import Seen, Sight

logger = logging.getLogger(__name__)

SETTLE_S = 0.5
"""After a pause of this length a document's functions are read again."""

LOOK_S = 1.0
"""How often the newest profile's and the results' file times are looked at."""

Command = Callable[..., Any]


class HastenServer(LanguageServer):
    """One connected editor."""

    protocol: HastenProtocol

    def __init__(self) -> None:
        super().__init__(
            "hasten",
            hasten.__version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=HastenProtocol,
            converter_factory=default_converter,
            max_workers=1,  # nothing is ever given to pygls' threads
        )
        self.client = Client()
        self.documents = Documents()
        self.configuration = Configuration()
        self.heat = Heat()
        self.offers = Offers()
        self.freshness = Freshness()
        self.tasks = Tasks()
        self.progress_book = ProgressBook(self)
        self.jobs = Jobs(self.tasks, self.progress_book, self._job_ended)
        self.findings = Findings(self.tasks, lambda doc: self.tell("findings_changed", doc))
        self.recall = Recall(self.tasks)
        self.features: list[Feature] = []
        self.stopped = asyncio.Event()
        self.asked_for_changes = False
        self._commands: dict[str, tuple[Command, type[Any]]] = {}
        self._arguments = cattrs.Converter()
        # cattrs makes text of anything; the classes' validators shall see what was sent.
        self._arguments.register_structure_hook(str, lambda value, _: value)
        self._folders: tuple[Path, ...] = ()
        self._roots: dict[Path, tuple[Path, ...]] = {}
        self._sights: dict[str, Sight] = {}
        self._settling: dict[str, asyncio.TimerHandle] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._reading: dict[tuple[str, int], asyncio.Future[None]] = {}

    # -- Features ---------------------------------------------------------------------------------

    def each(self, hook: str, *arguments: Any) -> Iterator[Any]:
        """Call a hook of every feature; one that fails is logged and the others go on."""
        for feature in self.features:
            try:
                yield getattr(feature, hook)(*arguments)
            except Exception:
                logger.exception("%s.%s failed", type(feature).__name__, hook)

    def tell(self, hook: str, *arguments: Any) -> None:
        """Call a hook of every feature for its effect."""
        for _ in self.each(hook, *arguments):
            pass

    def add_command(self, name: str, handler: Command, arguments: type[Any]) -> None:
        """Register a command that takes one object of the attrs class `arguments`."""
        self._commands[name] = (handler, arguments)
        self.protocol.fm.commands[name] = handler  # for the capabilities; pygls never calls it

    async def run_command(self, params: types.ExecuteCommandParams) -> Any:
        """Run a command. Wrong arguments are InvalidParams, whatever they are."""
        if params.command not in self._commands:
            raise JsonRpcInvalidParams(f"no command {params.command!r}")
        handler, kind = self._commands[params.command]
        given = params.arguments or [{}]  # a palette sends none
        try:
            argument = self._arguments.structure(given[0], kind)
        except Exception as error:
            raise JsonRpcInvalidParams(f"{params.command}: wrong arguments") from error
        return await handler(argument, params.work_done_token)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """To the log: pygls would show a message box for every failed notification."""
        logger.error("%s", error)

    def say(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Show the user a message."""
        # VS Code makes links of "[words](address)", of commands too; titles may be of strangers.
        message = message.replace("](", "] (")
        self.window_show_message(types.ShowMessageParams(kind, message))

    def progress_notification(self, token: types.ProgressToken, value: Any) -> None:
        """Send one `$/progress`."""
        self.progress(types.ProgressParams(token, value))

    # -- Life -------------------------------------------------------------------------------------

    def initialize(self, params: types.InitializeParams) -> None:
        """The client's capabilities, folders and options; the answer is made after this."""
        self.client = Client.of(params.capabilities)
        # pygls chose it before this: the first of the client's list that it knows, else UTF-16.
        encoding = types.PositionEncodingKind(self.workspace.position_encoding or "utf-16")
        self.documents.encoding = encoding.value
        folders = [f.uri for f in params.workspace_folders or ()]
        root = params.root_uri or (Path(params.root_path).as_uri() if params.root_path else None)
        self.set_folders(folders or ([root] if root else []))
        self.configuration.initialize(params.initialization_options)

    def set_folders(self, uris: list[str]) -> None:
        """The folders that are open in the editor."""
        self._folders = tuple(path_of(uri) for uri in uris)
        self._roots.clear()

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that are open in the editor."""
        return self._folders

    def begin(self) -> None:
        """The client is ready: look for profiles and results from now on."""
        self.tell("initialized")
        self.tasks.start(self._look_out(), "look-out")
        # The imports' garbage goes once the client has its answer. What is left lives as long as
        # the process: later collections, which stop a hover, need not look at it again.
        gc.collect()
        gc.freeze()

    def stop_work(self) -> None:
        """Cancel everything that runs, in the engine too."""
        for handle in self._settling.values():
            handle.cancel()
        self.findings.stop()
        self.recall.stop()
        self.tasks.cancel()

    # -- Documents --------------------------------------------------------------------------------

    def did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """The editor's text counts from now on."""
        document = self.documents.open(params.text_document)
        self._wake()
        self.tell("opened", document)
        self.look_now()

    def did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """A new version. A change to a document that was never opened is logged, not shown."""
        document = self.documents.change(params)
        if document is None:
            logger.warning("%s was changed but is not open", params.text_document.uri)
            return
        self._wake()
        self.tell("changed", document)
        self._settle_later(document.uri)

    def did_save(self, uri: str) -> None:
        """A document was saved; hot functions are marked anew."""
        if document := self.documents.get(uri):
            if document.is_large:
                self._settle_later(uri)  # another process reads it: first what the rules say
            else:
                self._settle(uri)
            self.tell("saved", document)
            self.look_now()

    def did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """The file on disk counts again."""
        uri = params.text_document.uri
        if handle := self._settling.pop(uri, None):
            handle.cancel()
        self._sights.pop(uri, None)
        if document := self.documents.close(uri):
            self.tell("closed", document)

    def _settle_later(self, uri: str) -> None:
        if handle := self._settling.pop(uri, None):
            handle.cancel()
        loop = asyncio.get_running_loop()
        self._settling[uri] = loop.call_later(SETTLE_S, self._settle, uri)

    def _settle(self, uri: str) -> None:
        self._settling.pop(uri, None)
        document = self.documents.get(uri)
        if document is None:
            return
        names, heat = self._known(document)
        if not names and heat is None:
            self.tell("settled", document)
            return
        if document.is_large:
            self.tasks.start(self.read(document), f"reading {document.path.name}")
            return
        self._sights.pop(uri, None)
        document.read(names, heat)
        self.tell("settled", document)

    async def read(self, document: Document) -> None:
        """Read a large document's functions in another process; once for each version."""
        key = (document.uri, document.version)
        if key in self._reading:
            await asyncio.wait([self._reading[key]])
            return
        self._reading[key] = asyncio.get_running_loop().create_future()
        try:
            (names, heat), first = self._known(document), not document.is_outlined
            outline = await read_elsewhere(document.text, document.path, names, heat)
            if outline is None or self.documents.get(document.uri) is not document:
                return  # a later version is read after its own pause
            document.was_read(outline)
            self._sights.pop(document.uri, None)
            self.tell("settled", document)
            if first:
                self.tell("offers_changed")
        finally:
            self._reading.pop(key).set_result(None)

    async def ready(self, document: Document) -> Document:
        """The document with its functions read, where that is to be waited for."""
        if document.is_large and not document.is_outlined:
            await self.read(document)
        return self.documents.get(document.uri) or document

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until a document is changed or opened so that `holds()`, for at most `seconds`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not holds():
            turn: asyncio.Future[None] = loop.create_future()
            self._waiting.append(turn)
            await asyncio.wait([turn], timeout=max(0.0, end - loop.time()))
            if loop.time() >= end:
                return holds()
        return True

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    # -- Edits ------------------------------------------------------------------------------------

    def uri_of(self, path: str) -> str:
        """The URI of a file, as the editor wrote it where the file is open."""
        document = self.documents.by_path(Path(path))
        return document.uri if document else Path(path).as_uri()

    def workspace_edit(
        self, document: Document, changes: Sequence[TextChange]
    ) -> types.WorkspaceEdit:
        """The edit, with the document's version where the client looks at versions.

        Neovim does not announce `documentChanges`, and refuses an edit of another version without
        saying so; what it applied is looked at afterwards.
        """
        edits = document.edits(changes)
        if not self.client.document_changes:
            return types.WorkspaceEdit(changes={document.uri: edits})
        known = self.documents.get(document.uri)
        identifier = types.OptionalVersionedTextDocumentIdentifier(
            document.uri, known.version if known else None
        )
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, [*edits])])

    # -- What is known ----------------------------------------------------------------------------

    def roots_of(self, path: Path) -> tuple[Path, ...]:
        """The workspaces that a file may belong to, as the command line would name them.

        `hasten optimize FILE` looks upwards from the file, `hasten profile` from where it is run:
        most often the folder that is open in the editor.
        """
        if path not in self._roots:
            around = [f for f in self._folders if path.is_relative_to(f)]
            own = workspace_of(path)
            roots = [own, *(workspace_of(f) for f in around)]
            if around and own == path.parent and own not in around:
                roots = [*roots[1:], own]  # a folder without marks of a project
            self._roots[path] = tuple(dict.fromkeys(roots))
        return self._roots[path]

    def root_of(self, path: Path) -> Path:
        """The workspace that a search in this file belongs to."""
        roots = self.roots_of(path)
        return self.heat.root_of(path, roots) or roots[0]

    def _known(self, document: Document) -> tuple[list[str], FileHeat | None]:
        """The functions of a document of which results are known, and what is hot in it."""
        roots = self.roots_of(document.path)
        offers = self.offers.of(document.path, roots)
        return list(offers), self.heat.of(document.path, roots)

    def see(self, document: Document) -> Sight:
        """What is to be shown of a document; made once for each version and state."""
        sight = self._sights.get(document.uri)
        if sight is None or sight.document is not document:
            sight = Sight(document, self.root_of(document.path), self._seen(document))
            self._sights[document.uri] = sight
        return sight

    def _seen(self, document: Document) -> dict[str, Seen]:
        names, heat = self._known(document)
        if not names and heat is None:
            return {}
        if not document.is_outlined or not document.outline.is_of(names, heat):
            if document.is_large:
                self.tasks.start(self.read(document), f"reading {document.path.name}")
            else:
                document.read(names, heat)
            if not document.is_outlined:
                return {}
        outline = document.outline
        offers = self.offers.of(document.path, self.roots_of(document.path))
        seen = {}
        for name in dict.fromkeys((*outline.hot, *names)):
            span = document.spans.get(name)
            if span is None or name in outline.silenced:
                continue
            offer, placed = offers.get(name, NONE), outline.hot.get(name)
            hot = outline.heat.spots[placed.spot] if outline.heat and placed else None
            seen[name] = Seen(
                document, name, span, hot, placed, offer.refused,
                self.jobs.running(document.path, name) is not None, offer.edits,
                tuple(
                    dict.fromkeys(
                        c for e in offer.edits for c in self.freshness.changed(e.suggestion.id)
                    )
                ),
            )  # fmt: skip
        return seen

    def forget_sights(self) -> None:
        """Heat, offers or jobs changed: look anew."""
        self._sights.clear()

    # -- Looking out for what others wrote --------------------------------------------------------

    def look_now(self) -> None:
        """Look for new profiles and results at once."""
        self.tasks.start(self.look(), "look")

    async def _look_out(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                logger.exception("looking for news failed; it is tried again")
            await asyncio.sleep(LOOK_S)

    async def look(self, *, force: bool = False) -> None:
        """Read what the engine, `hasten profile` or another editor wrote since the last look."""
        roots: dict[Path, list[Path]] = {}
        for document in self.documents:
            for root in self.roots_of(document.path):
                roots.setdefault(root, []).append(document.path)
        for folder in self._folders:
            roots.setdefault(workspace_of(folder), [])
        for root, paths in roots.items():
            if await self.heat.refresh(root, self.configuration.of(root).ignore):
                self.forget_sights()
                self.tell("heat_changed")
            if await self.offers.refresh(root, paths, force=force):
                self.forget_sights()
                self.tell("offers_changed")
        if await self.freshness.refresh(self.offers.edits(), self._document_at):
            self.forget_sights()
            self.tell("offers_changed")

    def _document_at(self, path: Path) -> Document | None:
        return next((d for d in self.documents if d.path == path), None)

    def settings_changed(self) -> None:
        """Show everything as the new settings say."""
        self.forget_sights()
        self.tell("settings_changed")

    async def _job_ended(self, ended: Ended) -> None:
        self.forget_sights()
        if ended.outcome is not None:
            await self.look(force=True)
        self.tell("offers_changed")
        if ended.error is not None:
            self.say(f"{ended.error.message}; {ended.error.mend}", types.MessageType.Error)
        elif ended.outcome is not None:
            self.say(f"{ended.function}: {ended.summary()}")
