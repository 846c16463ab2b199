"""A plain LSP client over a real `hasten lsp` process; it answers what the server asks."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.text import LineIndex, Position

ROOT = Path(__file__).resolve().parents[3]
CAPABILITIES = ROOT / "tests" / "data" / "clients"
LIMIT_S = 30.0
"""A hang ends the test; nothing waits this long otherwise."""


class Refused(Exception):
    """An error response."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]
        self.data = error.get("data")


def capabilities(client: str) -> dict[str, Any]:
    """Recorded capabilities: "code-server", "Neovim" or "eglot"."""
    found: dict[str, Any] = json.loads((CAPABILITIES / f"{client}.json").read_text())
    return found


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process with data and state folders of its own."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("HASTEN_", "VIRTUAL_ENV"))}
    return {
        **keep,
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_STATE_HOME": str(folder / "state"),
        "HASTEN_ENGINE_IDLE_S": "2",
    }


class Wire:
    """One connection. What the server sent is kept in `seen` in the order of arrival."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.seen: list[dict[str, Any]] = []
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.encoding = "utf-16"
        self.settings: Any = None
        self.apply_edits = True
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._last = 0
        self._news = asyncio.Condition()
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def start(
        cls,
        folder: Path,
        *arguments: str,
        python: tuple[str, ...] = (),
        script: Path = ROOT / "hasten" / "__main__.py",
        cwd: Path | None = None,
        **more: str,
    ) -> Wire:
        """Start the server; `python` are arguments of the interpreter, `more` its environment."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *python,
            str(script),
            "lsp",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=(folder / "stderr.txt").open("wb"),
            env={**environment(folder), **more},
            cwd=cwd or folder,
        )
        return cls(process)

    # -- Talking ----------------------------------------------------------------------------------

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any = None) -> tuple[int, asyncio.Future[Any]]:
        """Send a request; its id and the future of its result."""
        self._last += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[self._last] = future
        message = {"id": self._last, "method": method}
        self.send(message if params is None else {**message, "params": params})
        return self._last, future

    async def request(self, method: str, params: Any = None) -> Any:
        """The result of a request. Raises Refused."""
        return await asyncio.wait_for(self.ask(method, params)[1], LIMIT_S)

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message, past or to come, for which `holds` is true."""

        def find() -> dict[str, Any] | None:
            return next((m for m in self.seen if holds(m)), None)

        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: find() is not None), LIMIT_S)
        found = find()
        assert found is not None
        return found

    async def message(self, method: str) -> Any:
        """The parameters of the first message of that method."""
        return (await self.until(lambda m: m.get("method") == method))["params"]

    def count(self, method: str) -> int:
        return sum(1 for m in self.seen if m.get("method") == method)

    # -- Life -------------------------------------------------------------------------------------

    async def initialize(
        self,
        client: str | dict[str, Any] = "code-server",
        *,
        folder: Path | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """initialize and initialized, with recorded capabilities."""
        found = capabilities(client) if isinstance(client, str) else client
        root = folder.as_uri() if folder else None
        result: dict[str, Any] = await self.request(
            "initialize",
            {"processId": None, "rootUri": root, "capabilities": found, **more},
        )
        self.encoding = result["capabilities"]["positionEncoding"]
        self.notify("initialized", {})
        return result

    async def end(self) -> int:
        """shutdown and exit; the exit code."""
        await self.request("shutdown")
        self.send({"method": "exit"})
        return await asyncio.wait_for(self.process.wait(), LIMIT_S)

    async def close(self) -> None:
        """Whatever state it is in, the process is gone after this."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self._reader.cancel()

    # -- Documents --------------------------------------------------------------------------------

    def open(self, path: Path, text: str | None = None) -> str:
        """Open a file with its own text, or another one."""
        uri = path.as_uri()
        self.texts[uri] = path.read_bytes().decode() if text is None else text
        self.versions[uri] = 1
        item = {"uri": uri, "languageId": "python", "version": 1, "text": self.texts[uri]}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, edits: list[dict[str, Any]]) -> None:
        """Make LSP edits that all refer to the present text, and tell the server."""
        changes = []
        index = LineIndex(self.texts[uri])
        spans = []
        for edit in edits:
            start, end = (
                index.offset(
                    Position(edit["range"][edge]["line"], edit["range"][edge]["character"]),
                    self.encoding,  # type: ignore[arg-type]
                )
                for edge in ("start", "end")
            )
            spans.append((start, end, edit))
        text = self.texts[uri]
        for start, end, edit in sorted(spans, key=lambda s: (s[0], s[1]), reverse=True):
            text = text[:start] + edit["newText"] + text[end:]
            changes.append({"range": edit["range"], "text": edit["newText"]})
        self.texts[uri] = text
        self.versions[uri] += 1
        self.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": uri, "version": self.versions[uri]},
                "contentChanges": changes,
            },
        )

    def insert(self, uri: str, line: int, character: int, text: str) -> None:
        at = {"line": line, "character": character}
        self.change(uri, [{"range": {"start": at, "end": at}, "newText": text}])

    def apply(self, edit: dict[str, Any]) -> None:
        """Make a workspace edit."""
        for change in edit.get("documentChanges") or ():
            self.change(change["textDocument"]["uri"], change["edits"])
        for uri, edits in (edit.get("changes") or {}).items():
            self.change(uri, edits)

    async def hover(self, uri: str, line: int, character: int) -> Any:
        return await self.request(
            "textDocument/hover",
            {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}},
        )

    async def lenses(self, uri: str) -> Any:
        return await self.request("textDocument/codeLens", {"textDocument": {"uri": uri}})

    async def actions(self, uri: str, line: int, character: int = 0, **context: Any) -> Any:
        at = {"line": line, "character": character}
        return await self.request(
            "textDocument/codeAction",
            {
                "textDocument": {"uri": uri},
                "range": {"start": at, "end": at},
                "context": {"diagnostics": [], **context},
            },
        )

    # -- Listening --------------------------------------------------------------------------------

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while True:
            length = 0
            while (line := await self.process.stdout.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                assert name.lower() in (b"content-length", b"content-type"), line
                if name.lower() == b"content-length":
                    length = int(value)
            if not line:
                break
            message = json.loads(await self.process.stdout.readexactly(length))
            self._take(message)
            async with self._news:
                self.seen.append(message)
                self._news.notify_all()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(ConnectionError("the server ended"))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            if "id" in message:
                self.send({"id": message["id"], "result": self._answer(message)})
            return
        future = self._answers.pop(message["id"], None)
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(Refused(message["error"]))
        else:
            future.set_result(message["result"])

    def _answer(self, message: dict[str, Any]) -> Any:
        if message["method"] == "workspace/configuration":
            return [self.settings for _ in message["params"]["items"]]
        if message["method"] == "workspace/applyEdit":
            if self.apply_edits:
                self.apply(message["params"]["edit"])
            return {"applied": True}  # also where nothing was done, as Neovim answers
        return None
