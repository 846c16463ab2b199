"""The command that profiles: the workspace's workload, another command, or a running process.

The work is done by `hasten profile` in a process of its own, as on the command line; the new heat
is then found like any other.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import shlex
import signal
import typing
from pathlib import Path
from typing import Any

import attrs
from lsprotocol import types

from analysis.errors import HastenError, InputError
from analysis.worth import share_text
from hasten.launcher import child_command, child_environment
from server.lsp.documents import path_of
from server.lsp.feature import Feature

if typing.TYPE_CHECKING:
    from server.lsp.server import HastenServer

logger = logging.getLogger(__name__)

PROFILE = "hasten.profile"

_TEXT = attrs.validators.optional(attrs.validators.instance_of(str))
_MARKUP = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@attrs.frozen
class ProfileArguments:
    """What to profile in the workspace of `uri`, or in the first folder that is open.

    `command` is a command line; None takes the setting `workload`. `pid` names a process that runs
    already, which is sampled for `duration` seconds. `memory` records memory instead of time.
    """

    uri: str | None = attrs.field(default=None, validator=_TEXT)
    command: str | None = attrs.field(default=None, validator=_TEXT)
    pid: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.gt(0))
    )
    duration: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )
    memory: bool = False


class Recording(Feature):
    """Profiles on the user's word, one run at a time."""

    def __init__(self, server: HastenServer) -> None:
        super().__init__(server)
        self._running: asyncio.Task[None] | None = None
        server.add_command(PROFILE, self.profile, ProfileArguments)

    async def profile(
        self, arguments: ProfileArguments, token: types.ProgressToken | None
    ) -> dict[str, str]:
        """Begin to profile; returns at once. What is found is shown as hints when it ends."""
        if self._running is not None and not self._running.done():
            return {"state": "joined"}
        try:
            root = self._root(arguments.uri)
            words = self._words(arguments, root)
        except HastenError as error:
            self.server.say(f"{error.message}; {error.mend}", types.MessageType.Warning)
            return {"state": "refused"}
        self._running = self.server.tasks.start(self._run(words, root, token), "profiling")
        return {"state": "started"}

    def _root(self, uri: str | None) -> Path:
        if uri is not None:
            return self.server.root_of(path_of(uri))
        if not self.server.folders:
            raise InputError(
                "no folder is open to profile in",
                code="folder-missing",
                mend="open the project's folder, or name a file of it",
            )
        return self.server.folders[0]

    def _words(self, arguments: ProfileArguments, root: Path) -> list[str]:
        """The command line of `hasten profile`. Raises InputError."""
        configuration = self.server.configuration
        if configuration.trusted_by_editor is False:
            raise InputError(
                f"this workspace is not trusted, so nothing of it is run: {root}",
                code="untrusted",
                mend="trust the workspace in the editor, then try again",
            )
        configuration.reload()
        settings = configuration.load(root)
        words = ["profile", "--json"]
        if arguments.pid is not None:
            words += ["--pid", str(arguments.pid)]
            return words + (["--duration", str(arguments.duration)] if arguments.duration else [])
        line = arguments.command or settings.workload
        if not line:
            raise InputError(
                "there is no command to profile",
                code="workload-missing",
                mend='set hasten.workload, for example to "python main.py"',
            )
        if settings.python:
            words += ["--python", settings.python]
        if arguments.memory:
            words.append("--memory")
        try:
            return [*words, "--", *shlex.split(line)]
        except ValueError as error:
            raise InputError(
                f"{line}: {error}", code="workload-unsupported", mend="close its quotes"
            ) from error

    async def _run(self, words: list[str], root: Path, token: types.ProgressToken | None) -> None:
        process: asyncio.subprocess.Process | None = None

        def cancel() -> None:
            if process is not None and process.returncode is None:
                process.send_signal(signal.SIGINT)

        progress = await self.server.progress_book.start("hasten: profiling", cancel, token)
        said = "the profiler failed; the log tells why"
        try:
            process = await asyncio.create_subprocess_exec(
                *child_command(*words),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=child_environment(),
                cwd=root,
            )
            assert process.stdout is not None and process.stderr is not None
            reading = asyncio.ensure_future(process.stdout.read())
            while line := await _line(process.stderr):
                progress.report(line, None)
            said = _summary(await reading)
            await process.wait()
        finally:
            if process is not None and process.returncode is None:
                process.kill()
            progress.end(said)
            self.server.look_now()
        self.server.say(f"hasten: {said}")


async def _line(stream: asyncio.StreamReader) -> str:
    """The next line that says something, without colours; empty at the end.

    A program may write anything to its standard error: a line without an end is read in pieces.
    """
    while True:
        try:
            data = await stream.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            data = await stream.readexactly(error.consumed or 1)
        except asyncio.IncompleteReadError as error:
            data = error.partial
            if not data:
                return ""
        text = _MARKUP.sub("", data.decode("utf-8", "replace")).strip()
        if text:
            return text[:200]


def _summary(out: bytes) -> str:
    """What `hasten profile --json` found, in one line."""
    try:
        data: dict[str, Any] = json.loads(out)
        if "error" in data:
            error = data["error"]
            return f"{error['message']}; {error['mend']}" if error["mend"] else error["message"]
        spots = data["hot"]
        if not spots:
            return "nothing in this workspace takes a measurable share of the run"
        first = spots[0]
        share = share_text(float(first["worth"]))
        return f"{share} of the run is spent in {first['function']} ({data['seconds']:.1f} s)"
    except (ValueError, KeyError, TypeError) as error:
        logger.error("hasten profile printed no result: %r", error)
        return "the profiler failed; the log tells why"
