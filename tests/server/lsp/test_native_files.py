"""C and C++ documents, and the action that proves by the project's own benchmark."""

from __future__ import annotations

from pathlib import Path

from tests.server.lsp.conftest import Start
from tests.server.lsp.made import SLOW
from tests.server.lsp.wire import Wire

CPP = """\
#include <vector>
// \U0001f600 adds up
template <class T>
T total(const std::vector<T> &values) {
    T sum = 0;
    for (const T &value : values) sum += value;
    return sum;
}
// hasten: ignore
int silent() { return 1; }
namespace a {
struct S {
    int twice(int x) const { return 2 * x; }
};
}
"""


async def titles(wire: Wire, uri: str, line: int, character: int = 0) -> list[str]:
    found = await wire.actions(uri, line, character)
    return [action["title"] for action in found]


async def test_a_search_is_offered_at_the_heads_of_functions(workspace: Path, start: Start):
    file = workspace / "sums.cpp"
    file.write_text(CPP)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file)
    whole = "Optimize `total(const std::vector<T> &)` with hasten"
    assert await titles(wire, uri, 2, 3) == [whole]
    assert await titles(wire, uri, 3, 5) == [whole]
    assert await titles(wire, uri, 12, 10) == ["Optimize `a::S::twice(int) const` with hasten"]
    for line in (0, 1, 5, 9, 10, 11):
        assert await titles(wire, uri, line, 4) == []
    assert await wire.lenses(uri) == []
    assert await wire.hover(uri, 3, 5) is None
    wire.insert(uri, 0, 0, "// one more line\n")
    assert await titles(wire, uri, 4, 5) == [whole]


async def test_a_broken_file_offers_what_can_be_read(workspace: Path, start: Start):
    file = workspace / "sums.cpp"
    file.write_text(CPP)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(
        file, CPP.replace("int silent() { return 1; }", "int silent() { return ) 1 +; }")
    )
    assert len(await titles(wire, uri, 3, 5)) == 1


async def test_the_projects_benchmark_is_an_action_of_trusted_workspaces(
    workspace: Path, start: Start
):
    (workspace / "hasten.toml").write_text("[command]\ntest = 'true'\nbenchmark = 'python b.py'\n")
    for trusted, more in ((True, 1), (False, 0)):
        wire = await start()
        await wire.initialize(folder=workspace, initializationOptions={"trusted": trusted})
        uri = wire.open(workspace / "main.py")
        found = await wire.actions(uri, SLOW[: SLOW.index("def find")].count("\n"))
        assert len(found) == 1 + more
        assert "kind" not in found[0]["command"]["arguments"][0]
        if more:
            assert found[1]["title"] == "Optimize `find` with hasten, by the project's benchmark"
            assert found[1]["command"]["arguments"][0]["kind"] == "command"
