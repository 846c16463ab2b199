"""The commands: search for an edit, apply a proved one, see that it took, or do without it."""

from __future__ import annotations

import asyncio
import logging
import typing

import attrs
from lsprotocol import types

from analysis.errors import HastenError, InputError
from server.lsp.documents import Document, path_of
from server.lsp.feature import Feature
from server.lsp.fitting import Edit

if typing.TYPE_CHECKING:
    from server.lsp.server import HastenServer

logger = logging.getLogger(__name__)

OPTIMIZE, APPLY, APPLIED = "hasten.optimize", "hasten.apply", "hasten.applied"
REJECT = "hasten.reject"

TOOK_WITHIN_S = 3.0
"""How long the changed text may take to arrive: clients collect key strokes before they send."""

_TEXT = attrs.validators.instance_of(str)


@attrs.frozen
class OptimizeArguments:
    """Which function to search for; `function` is its qualified name.

    `kind` "command": prove by the project's own test and benchmark commands.
    """

    uri: str = attrs.field(validator=_TEXT)
    function: str = attrs.field(validator=_TEXT)
    kind: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.in_(("command",)))
    )


@attrs.frozen
class EditArguments:
    """Which edit: a suggestion's id, one of its steps, and the document."""

    id: str = attrs.field(validator=_TEXT)
    uri: str | None = attrs.field(default=None, validator=attrs.validators.optional(_TEXT))
    rung: int | None = None


def optimize_command(
    title: str, document: Document, function: str, kind: str | None = None
) -> types.Command:
    """The command that searches for an edit of a function."""
    given = {"uri": document.uri, "function": function}
    return types.Command(title, OPTIMIZE, arguments=[{**given, "kind": kind} if kind else given])


def apply_command(title: str, document: Document, edit: Edit) -> types.Command:
    """The command that applies a proved edit."""
    return types.Command(title, APPLY, arguments=[_edit_arguments(document, edit)])


def applied_command(document: Document, edit: Edit) -> types.Command:
    """The command that a client runs after it made the edit of a code action."""
    return types.Command("See that it took", APPLIED, arguments=[_edit_arguments(document, edit)])


def reject_command(title: str, document: Document, edit: Edit) -> types.Command:
    """The command that has an edit offered never again."""
    return types.Command(title, REJECT, arguments=[_edit_arguments(document, edit)])


def _edit_arguments(document: Document, edit: Edit) -> dict[str, str | int | None]:
    return {"id": edit.suggestion.id, "uri": document.uri, "rung": edit.rung}


class Commands(Feature):
    """What the user can ask for."""

    def __init__(self, server: HastenServer) -> None:
        super().__init__(server)
        server.add_command(OPTIMIZE, self.optimize, OptimizeArguments)
        server.add_command(APPLY, self.apply, EditArguments)
        server.add_command(APPLIED, self.applied, EditArguments)
        server.add_command(REJECT, self.reject, EditArguments)

    async def optimize(
        self, arguments: OptimizeArguments, token: types.ProgressToken | None
    ) -> dict[str, str]:
        """Search for a faster version; returns when the engine has the job.

        What is found arrives by refresh. Cancelling the request until then cancels the job; later
        the progress has a cancel of its own. A second call for one function joins the first.
        """
        from server.lsp.spec import spec_for  # at the first search, with what it needs

        server, path = self.server, path_of(arguments.uri)
        joined = server.jobs.running(path, arguments.function)
        if joined is not None:
            return {"state": "joined"}
        document = server.documents.get(arguments.uri)
        job = server.jobs.start(
            path,
            arguments.function,
            lambda: spec_for(
                server.configuration,
                server.root_of(path),
                path,
                arguments.function,
                document.text if document else None,
                by_command=arguments.kind == "command",
            ),
            token,
        )
        server.forget_sights()
        server.tell("offers_changed")  # lenses say that a search runs
        try:
            await job.accepted.wait()
        except asyncio.CancelledError:
            job.cancel()
            raise
        return {"state": "started"}

    async def apply(self, arguments: EditArguments, token: types.ProgressToken | None) -> bool:
        """Apply a proved edit from here, for clients that make no edits of code actions."""
        server = self.server
        try:
            edit, document = self._find(arguments)
            changes = edit.fit(document.text)
            if not changes:
                raise _stale(edit)
            answer = await server.workspace_apply_edit_async(
                types.ApplyWorkspaceEditParams(
                    server.workspace_edit(document, changes), label=edit.title
                )
            )
            if not answer.applied:
                raise _not_taken(edit, answer.failure_reason or "the editor refused it")
            return await self._see_that_it_took(document.uri, edit)
        except HastenError as error:
            server.say(f"{error.message}; {error.mend}", types.MessageType.Warning)
            return False

    async def applied(self, arguments: EditArguments, token: types.ProgressToken | None) -> bool:
        """The client says that it made a code action's edit: look whether the text says so too."""
        try:
            edit, document = self._find(arguments)
            return await self._see_that_it_took(document.uri, edit)
        except HastenError as error:
            self.server.say(f"{error.message}; {error.mend}", types.MessageType.Warning)
            return False

    async def reject(self, arguments: EditArguments, token: types.ProgressToken | None) -> bool:
        """Offer an edit no more, try it no more on this function, and rank its like lower."""
        server = self.server
        try:
            edit, _ = self._find(arguments)
            found = server.offers.edit(edit.suggestion.id, edit.rung)
            if found is not None:
                await server.offers.judge(found[0], edit.suggestion, "rejected", rung=edit.rung)
            await server.look(force=True)  # whoever asks after the answer is not offered it
        except HastenError as error:
            server.say(f"{error.message}; {error.mend}", types.MessageType.Warning)
            return False
        return True

    def _find(self, arguments: EditArguments) -> tuple[Edit, Document]:
        found = self.server.offers.edit(arguments.id, arguments.rung)
        if found is None:
            raise InputError(
                f"there is no proved edit {arguments.id} for an open file",
                code="suggestion-unknown",
                mend="open its file, or search again with hasten.optimize",
            )
        edit = found[1]
        uri = arguments.uri or self.server.uri_of(edit.suggestion.path)
        return edit, self.server.documents.load(uri)

    async def _see_that_it_took(self, uri: str, edit: Edit) -> bool:
        """Compare the document with what the edit makes of it.

        Neovim answers that it applied an edit for a version that is gone, and does nothing.
        """
        server = self.server

        def took() -> bool:
            document = server.documents.get(uri)
            return document is not None and edit.took(document.text)

        if not await server.until(took, TOOK_WITHIN_S):
            raise _not_taken(edit, "the text in the editor is not what it would be")
        found = server.offers.edit(edit.suggestion.id, edit.rung)
        if found is not None:
            await server.offers.judge(found[0], edit.suggestion, "accepted", rung=edit.rung)
        server.look_now()
        return True


def _stale(edit: Edit) -> InputError:
    function = edit.suggestion.function
    return InputError(
        f"{function} changed since its edit was proved",
        code="stale",
        mend="search again: Optimize with hasten",
    )


def _not_taken(edit: Edit, why: str) -> InputError:
    return InputError(
        f"the edit of {edit.suggestion.function} did not take: {why}",
        code="edit-not-taken",
        mend="nothing was recorded and it is still offered; try it again",
    )
