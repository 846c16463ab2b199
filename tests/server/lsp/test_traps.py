"""One test for each trap of pygls 2.1 that this server would fall into; see server/lsp/protocol.py.

The numbers are those of the notes that the traps were collected in. Traps 15, 16, 23 and 24 are of
threads, TCP and WebSocket, which this server does not use.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from analysis.text import LineIndex
from server.lsp.documents import Document, spliced
from server.lsp.protocol import HastenProtocol
from server.lsp.setup import build
from tests.server.lsp.conftest import Start
from tests.server.lsp.made import SLOW, write_profile
from tests.server.lsp.wire import Refused, Wire

ODD = Path(__file__).with_name("odd_server.py")
OPTIMIZE = "workspace/executeCommand"


def optimize(uri: str, function: str) -> dict[str, Any]:
    return {"command": "hasten.optimize", "arguments": [{"uri": uri, "function": function}]}


async def odd(start: Start, workspace: Path, *, stuck: bool = False) -> tuple[Wire, str]:
    if stuck:
        (workspace / "stuck").touch()
    wire = await start(script=ODD)
    await wire.initialize(folder=workspace)
    return wire, wire.open(workspace / "main.py")


async def refused(answer: asyncio.Future[Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        await asyncio.wait_for(answer, 30)
    return caught.value


async def test_trap_1_busy_handlers_do_not_stop_the_reader(workspace: Path, start: Start):
    wire, uri = await odd(start, workspace, stuck=True)
    asked = [wire.ask(OPTIMIZE, optimize(uri, f"stuck{n}")) for n in range(12)]
    assert await wire.hover(uri, 3, 5) is None
    for number, _ in asked:
        wire.notify("$/cancelRequest", {"id": number})
    assert [(await refused(answer)).code for _, answer in asked] == [-32800] * 12


async def test_trap_2_no_handler_waits_for_a_profile_to_be_read(workspace: Path, start: Start):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    for _ in range(5):
        await wire.hover(uri, 0, 0)
    assert wire.count("textDocument/publishDiagnostics") == 0
    await wire.message("textDocument/publishDiagnostics")


async def test_trap_3_a_cancelled_command_is_really_cancelled(
    workspace: Path, start: Start, tmp_path: Path
):
    wire, uri = await odd(start, workspace, stuck=True)
    number, answer = wire.ask(OPTIMIZE, optimize(uri, "stuck"))
    await wire.until(lambda m: "reaching the engine" in str(m))
    wire.notify("$/cancelRequest", {"id": number})
    assert (await refused(answer)).code == -32800
    await wire.until(lambda m: m.get("params", {}).get("value", {}).get("kind") == "end")
    assert (tmp_path / "unstuck").read_text() == "x"


async def test_trap_3_the_cancel_button_stops_the_engine(
    workspace: Path, start: Start, tmp_path: Path
):
    wire, uri = await odd(start, workspace)
    assert await wire.request(OPTIMIZE, optimize(uri, "long")) == {"state": "started"}
    assert await wire.request(OPTIMIZE, optimize(uri, "long")) == {"state": "joined"}
    begun = await wire.message("$/progress")
    assert begun["value"]["cancellable"] is True
    assert isinstance(begun["token"], str)
    wire.notify("window/workDoneProgress/cancel", {"token": begun["token"]})
    end = await wire.until(lambda m: m.get("params", {}).get("value", {}).get("kind") == "end")
    assert end["params"]["value"]["message"] == "cancelled"
    assert (tmp_path / "cancelled-long").exists()
    assert (tmp_path / "closed").exists()
    assert wire.count("window/workDoneProgress/create") == 1


class Sent:
    """Takes what a server in this process sends."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.data.append(data)

    def close(self) -> None: ...


def local() -> tuple[HastenProtocol, Sent]:
    server = build()
    sent = Sent()
    server.protocol.set_writer(sent)
    receive(
        server.protocol, "initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1
    )
    return server.protocol, sent


def receive(protocol: HastenProtocol, method: str, params: Any, id: int | None = None) -> None:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    protocol.receive(message if id is None else {**message, "id": id})


async def test_trap_4_notifications_leave_nothing_behind(tmp_path: Path):
    protocol, _ = local()
    uri = (tmp_path / "a.py").as_uri()
    item = {"uri": uri, "languageId": "python", "version": 0, "text": ""}
    receive(protocol, "textDocument/didOpen", {"textDocument": item})
    for version in range(1000):
        receive(
            protocol,
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": "x"}]},
        )
        receive(protocol, "textDocument/didSave", {"textDocument": {"uri": uri}})
        receive(protocol, "workspace/didChangeConfiguration", {"settings": {"hasten": {}}})
    for _ in range(3):
        await asyncio.sleep(0)
    assert protocol._request_futures == {}
    protocol._server.stop_work()


async def test_trap_5_tokens_go_with_their_jobs():
    protocol, sent = local()
    book = protocol._server.progress_book
    for number in range(100):
        progress = await book.start("work", lambda: None, f"token{number}")
        progress.report("half", 0.5)
        progress.end("done")
    assert book.tokens == {}
    assert sum(b'"kind":"end"' in data for data in sent.data) == 100


async def test_trap_6_shutdown_with_requests_under_way(workspace: Path, start: Start):
    wire, uri = await odd(start, workspace, stuck=True)
    asked = [wire.ask(OPTIMIZE, optimize(uri, f"stuck{n}"))[1] for n in range(12)]
    assert await wire.request("shutdown") is None
    assert {(await refused(answer)).code for answer in asked} == {-32800}


async def test_trap_7_requests_after_shutdown_are_answered(workspace: Path, start: Start):
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    await wire.request("shutdown")
    with pytest.raises(Refused) as caught:
        await wire.hover(uri, 0, 0)
    assert caught.value.code == -32600
    wire.send({"method": "exit"})
    assert await wire.process.wait() == 0


async def test_trap_7_requests_before_initialize_are_answered(start: Start):
    wire = await start()
    with pytest.raises(Refused) as caught:
        await wire.hover("file:///x.py", 0, 0)
    assert caught.value.code == -32002


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("textDocument/hover", {"position": {"line": 0, "character": 0}}, -32602),
        ("textDocument/hover", {"textDocument": 3, "position": []}, -32602),
        ("textDocument/codeAction", None, -32602),
        ("workspace/executeCommand", {"command": "hasten.nothing"}, -32602),
        ("no/such/method", None, -32601),
        ("no/such/method", {"jsonrpc": "2.0", "id": 7}, -32601),
    ],
)
async def test_trap_8_a_malformed_request_is_answered(
    start: Start, method: str, params: Any, code: int
):
    wire = await start()
    await wire.initialize()
    with pytest.raises(Refused) as caught:
        await wire.request(method, params)
    assert caught.value.code == code
    assert "Traceback" not in str(caught.value.data)
    assert wire.count("window/showMessage") == 0


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", -32700), (b"[1]", -32600), (b"3", -32600), (b"[" * 100_000, -32700)]
)
async def test_trap_8_what_is_no_message_is_answered(start: Start, body: bytes, code: int):
    wire = await start()
    await wire.initialize()
    assert wire.process.stdin is not None
    wire.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    answer = await wire.until(lambda m: m.get("id", 0) is None)
    assert answer["error"]["code"] == code
    assert await wire.hover("file:///none.py", 0, 0) is None


async def test_trap_9_exit_without_shutdown_is_1(start: Start):
    wire = await start()
    await wire.initialize()
    wire.send({"method": "exit"})
    assert await wire.process.wait() == 1


async def test_trap_9_a_client_that_goes_away_ends_the_server(start: Start):
    wire = await start()
    await wire.initialize()
    assert wire.process.stdin is not None
    wire.process.stdin.close()
    assert await asyncio.wait_for(wire.process.wait(), 30) == 1


async def test_trap_10_exit_waits_for_nothing(workspace: Path, start: Start, tmp_path: Path):
    wire, uri = await odd(start, workspace)
    await wire.request(OPTIMIZE, optimize(uri, "deaf"))
    (workspace / "blocked.py").write_text(SLOW)
    blocked = wire.open(workspace / "blocked.py")
    wire.ask(OPTIMIZE, optimize(blocked, "find"))
    await wire.until(lambda m: "hasten: find" in str(m))
    assert await wire.end() == 0
    assert (tmp_path / "cancelled-deaf").exists()


def document(text: str, encoding: Any = "utf-16") -> Document:
    return Document("file:///a.py", Path("/a.py"), 1, text, encoding)


def edit(line: int, character: int, end: tuple[int, int], text: str) -> Any:
    return types.TextDocumentContentChangePartial(
        range=types.Range(types.Position(line, character), types.Position(*end)), text=text
    )


@pytest.mark.parametrize("odd_end", ["\x0c", "\x0b", "\x1c", "\x85", "\u2028"])
def test_trap_11_only_line_ends_of_the_protocol_end_lines(odd_end: str):
    before = document(f"a\n{odd_end}\nb\nc")
    assert before.after(2, [edit(3, 0, (3, 1), "C")]).text == f"a\n{odd_end}\nb\nC"


@pytest.mark.parametrize(
    ("text", "expected"), [("abc", "abcZ"), ("abc\n", "abcZ\n"), ("abc\r\nd", "abcZ\r\nd")]
)
def test_trap_12_past_the_end_of_a_line_is_its_end(text: str, expected: str):
    position = types.Position(0, 99)
    change = types.TextDocumentContentChangePartial(range=types.Range(position, position), text="Z")
    assert document(text).after(2, [change]).text == expected
    assert position == types.Position(0, 99)


@pytest.mark.parametrize(("encoding", "at"), [("utf-8", 9), ("utf-16", 6), ("utf-32", 5)])
def test_trap_12_positions_are_in_the_units_agreed_on(encoding: str, at: int):
    before = document("é = '𝔸'", encoding)
    # behind the letter outside the Basic Multilingual Plane, which is before the closing quote
    units = {"utf-8": 10, "utf-16": 7, "utf-32": 6}[encoding]
    assert before.after(2, [edit(0, units, (0, units), "!")]).text == "é = '𝔸!'"


async def test_trap_13_a_change_of_an_unopened_document_is_no_message_box(
    workspace: Path, start: Start
):
    wire = await start()
    await wire.initialize(folder=workspace)
    wire.notify(
        "textDocument/didChange",
        {
            "textDocument": {"uri": "file:///never/opened.py", "version": 3},
            "contentChanges": [{"text": "x"}],
        },
    )
    assert await wire.hover("file:///never/opened.py", 0, 0) is None
    assert wire.count("window/showMessage") == 0


@pytest.mark.parametrize(
    "arguments",
    [None, [], [None], [{}], ["text"], [{"uri": "file:///a.py"}], [{"function": "f", "uri": [1]}]],
)
async def test_trap_14_wrong_arguments_of_a_command(start: Start, arguments: Any):
    wire = await start()
    await wire.initialize()
    with pytest.raises(Refused) as caught:
        await wire.request(OPTIMIZE, {"command": "hasten.optimize", "arguments": arguments})
    assert caught.value.code == -32602


async def test_trap_14_optional_arguments_of_a_command(start: Start):
    wire = await start()
    await wire.initialize()
    asked = {"command": "hasten.apply", "arguments": [{"id": "none"}]}
    assert await wire.request(OPTIMIZE, asked) is False
    assert "no proved edit none" in (await wire.message("window/showMessage"))["message"]


async def test_trap_17_no_message_is_logged(workspace: Path, start: Start, tmp_path: Path):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start("--log-level", "debug")
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    await wire.message("textDocument/publishDiagnostics")
    assert "of the run" in str(await wire.hover(uri, 3, 5))
    await wire.end()
    log = (tmp_path / "stderr.txt").read_text()
    assert "of the run" not in log
    assert "def find" not in log


async def test_trap_18_a_failing_feature_takes_no_other_down(
    workspace: Path, start: Start, tmp_path: Path
):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire, uri = await odd(start, workspace)
    await wire.message("textDocument/publishDiagnostics")
    assert "of the run" in str(await wire.hover(uri, 3, 5))
    assert len(await wire.lenses(uri)) == 1
    assert len(await wire.actions(uri, 3)) == 1
    wire.insert(uri, 0, 0, "# more\n")
    assert await wire.hover(uri, 0, 0) is None
    assert wire.count("window/showMessage") == 0
    assert "secret detail" in (tmp_path / "stderr.txt").read_text()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("broken", "no inputs for broken; give some"),
        (
            "crash",
            "hasten failed internally (RuntimeError); the language server's log has the details",
        ),
    ],
)
async def test_trap_18_errors_are_words_and_never_tracebacks(
    workspace: Path, start: Start, function: str, said: str
):
    wire, uri = await odd(start, workspace)
    await wire.request(OPTIMIZE, optimize(uri, function))
    shown = await wire.message("window/showMessage")
    assert shown == {"type": 1, "message": said}
    await wire.until(lambda m: m.get("params", {}).get("value", {}).get("kind") == "end")
    assert "secret detail" not in str(wire.seen)


async def test_trap_19_what_is_printed_stays_out_of_the_protocol(
    workspace: Path, start: Start, tmp_path: Path
):
    wire, uri = await odd(start, workspace)
    await wire.request(OPTIMIZE, optimize(uri, "quick"))
    assert await wire.end() == 0
    log = (tmp_path / "stderr.txt").read_text()
    assert "printed by mistake" in log
    assert "written to the descriptor by mistake" in log


def test_trap_20_a_version_never_changes():
    first = document(SLOW)
    span = first.spans.get("find")
    assert span is not None
    second = first.after(2, [edit(0, 0, (0, 0), "# a line\n")])
    assert (first.version, first.text, first.spans.get("find")) == (1, SLOW, span)
    assert (second.version, second.text) == (2, "# a line\n" + SLOW)
    moved = second.spans.get("find")
    assert moved is not None
    assert moved.start == span.start + len("# a line\n")


def test_trap_21_lines_are_split_once():
    first = document(SLOW)
    assert first.lines is first.lines
    second = first.after(2, [edit(4, 4, (4, 4), "x = 1\n    ")])
    assert second._lines is not None  # made from the earlier version's, not from the text
    assert second.lines.starts == LineIndex(second.text).starts


def test_trap_21_line_starts_after_any_change():
    chance = random.Random(1)
    pieces = ["a", "\n", "\r", "\r\n", "é", "𝔸", "\x0c", ""]
    for _ in range(3000):
        text = "".join(chance.choice(pieces) for _ in range(chance.randrange(12)))
        start = chance.randrange(len(text) + 1)
        end = chance.randrange(start, len(text) + 1)
        new = "".join(chance.choice(pieces) for _ in range(chance.randrange(4)))
        found = spliced(LineIndex(text), start, end, new)
        assert found.starts == LineIndex(found.text).starts, (text, start, end, new)


async def test_trap_22_an_unopened_file_is_read_as_it_is(workspace: Path, start: Start):
    text = "# -*- coding: latin-1 -*-\r\ns = 'é'\r\n\r\n\r\ndef café(x):\r\n    return x\r\n"
    (workspace / "old.py").write_bytes(text.encode("latin-1"))
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = (workspace / "old.py").as_uri()
    [action] = await wire.actions(uri, 4)
    assert action["command"]["arguments"] == [{"uri": uri, "function": "café"}]
    (workspace / "bad.py").write_bytes(b"\xff\xfe\x00")
    assert await wire.actions((workspace / "bad.py").as_uri(), 0) == []
