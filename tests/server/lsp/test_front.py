"""The server's process stays light and takes nothing from the workspace."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.server.lsp.conftest import Start
from tests.server.lsp.made import FAST, SLOW, put, suggestion, write_profile

HEAVY = (
    "chromadb", "litellm", "numpy", "pydantic", "ast_grep_py", "typer", "rich", "onnxruntime",
    "tokenizers", "bm25s", "hypothesis", "pyflakes", "openai", "httpx", "index", "tree_sitter_c",
    "tree_sitter_cpp", "tree_sitter_javascript", "tree_sitter_typescript",
)  # fmt: skip


def imported(log: str) -> set[str]:
    """The modules that an interpreter run with -X importtime says it imported."""
    return set(re.findall(r"^import time: .*\| +([\w.]+)$", log, re.MULTILINE))


async def test_the_server_imports_nothing_heavy(workspace: Path, start: Start, tmp_path: Path):
    file = workspace / "main.py"
    write_profile(workspace, file, {"find": 3.0})
    put(workspace, suggestion(file, "find", SLOW, FAST), SLOW)
    wire = await start(python=("-X", "importtime"))
    await wire.initialize(folder=workspace)
    uri = wire.open(file)
    await wire.until(lambda m: "(proved)" in str(m))
    assert "of the run" in str(await wire.hover(uri, 3, 5))
    assert len(await wire.lenses(uri)) == 1
    assert len(await wire.actions(uri, 3)) == 2
    assert await wire.end() == 0
    modules = imported((tmp_path / "stderr.txt").read_text())
    assert {"pygls.lsp.server", "server.lsp.features.hover", "optimizer.results"} <= modules
    assert not {m for m in modules if m.split(".")[0] in HEAVY}
    assert not {m for m in modules if m.startswith("benchmark_runner")} - {
        "benchmark_runner",
        "benchmark_runner.receipt",
        "benchmark_runner.workload",
    }


@pytest.mark.parametrize("client", ["code-server", "Neovim"])
async def test_opening_a_hostile_workspace_runs_nothing_of_it(
    workspace: Path, start: Start, tmp_path: Path, client: str
):
    marker = tmp_path / "marker"
    plant = f"open({str(marker)!r}, 'a').write(__name__)\n"
    for name in ("server", "index", "analysis", "optimizer", "hasten", "pygls", "tree_sitter"):
        (workspace / name).mkdir()
        (workspace / name / "__init__.py").write_text(plant)
    (workspace / "platformdirs.py").write_text(plant)
    python = workspace / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho run >> {marker}\n")
    python.chmod(0o755)
    (workspace / "hasten.toml").write_text(
        f"python = '{python}'\nworkload = '{python}'\nmodel = 'openai/x'\nauto = true\n"
    )
    file = workspace / "main.py"
    file.write_text(plant + SLOW)
    write_profile(workspace, file, {"find": 3.0})
    wire = await start(cwd=workspace, PYTHONPATH=str(workspace))
    await wire.initialize(client, folder=workspace)
    uri = wire.open(file)
    await wire.message("textDocument/publishDiagnostics")
    assert "of the run" in str(await wire.hover(uri, 4, 5))
    assert len(await wire.lenses(uri)) == 1
    [action] = await wire.actions(uri, 4)
    assert action["command"]["command"] == "hasten.optimize"
    wire.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    assert "of the run" in str(await wire.hover(uri, 4, 5))
    assert await wire.end() == 0
    assert not marker.exists()


async def test_a_workspace_that_the_editor_does_not_trust_is_not_run(workspace: Path, start: Start):
    wire = await start()
    await wire.initialize(folder=workspace, initializationOptions={"trusted": False})
    uri = wire.open(workspace / "main.py")
    [action] = await wire.actions(uri, 3)
    await wire.request(
        "workspace/executeCommand",
        {"command": "hasten.optimize", "arguments": action["command"]["arguments"]},
    )
    shown = await wire.message("window/showMessage")
    assert "not trusted" in shown["message"]


async def test_nothing_in_a_workspace_is_read_as_a_result(workspace: Path, start: Start):
    file = workspace / "main.py"
    put(workspace, suggestion(file, "find", SLOW, FAST), SLOW)
    from hasten.paths import state_dir

    planted = workspace / ".hasten"
    state_dir(workspace).rename(planted)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file)
    assert await wire.lenses(uri) == []
    assert (planted / "results.db").exists()
