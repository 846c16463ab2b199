"""JavaScript and TypeScript documents: heat, hints, and the one action that can prove."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.lsp.conftest import Start
from tests.server.lsp.made import write_profile

SCRIPT = """\
import { key } from './key.js';
// \U0001f600 what both have
export const shared = (left, right) => {
  return left.filter((x) => right.includes(x));
};

class Grid {
  at(x) {
    return this.cells[x];
  }
  // hasten: ignore
  silent() {}
}
"""


@pytest.mark.parametrize("name", ["grid.js", "grid.tsx"])
async def test_heat_and_hints_are_placed(workspace: Path, start: Start, name: str):
    file = workspace / name
    file.write_text(SCRIPT)
    write_profile(workspace, file, {"shared": 3.0, "Grid.at": 1.0})
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file)
    await wire.until(lambda m: "of the run" in str(m))
    assert len(await wire.lenses(uri)) == 2
    assert "75 % of the run" in str(await wire.hover(uri, 2, 15))
    assert "25 % of the run" in str(await wire.hover(uri, 7, 3))
    wire.insert(uri, 0, 0, "// one more line\n")
    assert "75 % of the run" in str(await wire.hover(uri, 3, 15))
    [action] = await wire.actions(uri, 4)
    assert action["title"] == "Optimize `shared` with hasten"


async def test_the_projects_benchmark_is_the_only_search(workspace: Path, start: Start):
    file = workspace / "grid.ts"
    file.write_text(SCRIPT)
    (workspace / "hasten.toml").write_text("[command]\ntest = 'true'\nbenchmark = 'node b.js'\n")
    wire = await start()
    await wire.initialize(folder=workspace, initializationOptions={"trusted": True})
    uri = wire.open(file)
    for line, character, function in ((2, 13, "shared"), (7, 2, "Grid.at")):
        [action] = await wire.actions(uri, line, character)
        assert action["title"] == f"Optimize `{function}` with hasten, by the project's benchmark"
        assert action["command"]["arguments"][0]["kind"] == "command"
    for line in (0, 3, 5, 6, 11):
        assert await wire.actions(uri, line, 4) == []
