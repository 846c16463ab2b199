"""Profiling from the editor, over a real process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.server.lsp.conftest import Start
from tests.server.lsp.wire import Wire

COMMAND = "hasten.profile"
PROGRAM = """\
def find(items, wanted):
    return [w for w in wanted if w in items]


if __name__ == "__main__":
    for _ in range(40):
        find(list(range(1500)), list(range(1500)))
"""


async def opened(workspace: Path, start: Start, **settings: Any) -> tuple[Wire, str]:
    (workspace / "main.py").write_text(PROGRAM)
    wire = await start()
    given = {"trusted": True, "settings": settings}
    wire.settings = settings
    await wire.initialize(folder=workspace, initializationOptions=given)
    return wire, wire.open(workspace / "main.py")


async def run(wire: Wire, *arguments: Any) -> Any:
    given = {"command": COMMAND, "arguments": list(arguments)}
    return await wire.request("workspace/executeCommand", given)


async def test_the_workload_is_profiled_and_hints_come(workspace: Path, start: Start):
    wire, _ = await opened(workspace, start, workload="python main.py")
    assert await run(wire) == {"state": "started"}
    begun = await wire.message("$/progress")
    assert begun["value"]["title"] == "hasten: profiling"
    assert await run(wire) == {"state": "joined"}
    shown = await wire.message("textDocument/publishDiagnostics")
    assert "of the run is spent in find" in shown["diagnostics"][0]["message"]
    said = await wire.message("window/showMessage")
    assert "of the run is spent in find" in said["message"]


async def test_a_command_of_the_user_s_own(workspace: Path, start: Start):
    wire, uri = await opened(workspace, start)
    given = {"uri": uri, "command": 'python -c "import main; main.find([1], 2)"'}
    assert await run(wire, given) == {"state": "started"}
    said = await wire.message("window/showMessage")
    assert "ended with exit code 1" in said["message"]
    assert "TypeError" in said["message"]


async def test_without_a_command_the_mend_is_told(workspace: Path, start: Start):
    wire, _ = await opened(workspace, start)
    assert await run(wire) == {"state": "refused"}
    said = await wire.message("window/showMessage")
    assert "set hasten.workload" in said["message"]


async def test_nothing_of_a_workspace_without_trust_is_run(workspace: Path, start: Start):
    wire = await start()
    await wire.initialize(folder=workspace, initializationOptions={"trusted": False})
    assert await run(wire, {"command": "python main.py"}) == {"state": "refused"}
    said = await wire.message("window/showMessage")
    assert "not trusted" in said["message"]
