"""What an editor sees, over a real process."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.functions import functions_in
from benchmark_runner.receipts.dependencies import Interpreter, dependencies_of
from benchmark_runner.workload import Version
from hasten.paths import state_dir
from index.store import Memory
from optimizer.results import Results
from optimizer.suggestion import Rejection
from server.lsp.documents import LARGE
from tests.index.durable import all_refusals
from tests.server.lsp.conftest import Start
from tests.server.lsp.made import FAST, SLOW, put, suggestion, write_profile

DIAGNOSTICS = "textDocument/publishDiagnostics"
HEAD = 3  # the line of `def find`


async def test_a_hot_function_gets_a_hint_a_lens_and_a_hover(workspace: Path, start: Start):
    write_profile(workspace, workspace / "main.py", {"find": 3.0, "cool": 0.01})
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    shown = await wire.message(DIAGNOSTICS)
    assert [d["message"] for d in shown["diagnostics"]] == ["100 % of the run is spent in find"]
    assert shown["diagnostics"][0]["severity"] == 4
    assert shown["diagnostics"][0]["range"]["start"] == {"line": HEAD, "character": 4}
    lenses = await wire.lenses(uri)
    assert [lens["command"]["title"] for lens in lenses] == ["100 % of the run · optimize"]
    hover = await wire.hover(uri, HEAD, 5)
    assert "**100 % of the run**" in hover["contents"]["value"]
    assert "`python main.py`" in hover["contents"]["value"]
    assert await wire.hover(uri, HEAD + 2, 5) is None


async def test_a_newer_profile_is_used_without_being_asked(workspace: Path, start: Start):
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    assert await wire.lenses(uri) == []
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    await wire.message(DIAGNOSTICS)
    assert len(await wire.lenses(uri)) == 1


async def test_an_edited_function_is_shown_as_stale(workspace: Path, start: Start):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    await wire.message(DIAGNOSTICS)
    wire.insert(uri, HEAD + 1, 4, "x = 1\n    ")
    hover = await wire.hover(uri, HEAD, 5)
    assert "edited since" in hover["contents"]["value"]
    await wire.until(
        lambda m: (
            m.get("method") == DIAGNOSTICS
            and any("edited" in d["message"] for d in m["params"]["diagnostics"])
        )
    )


async def test_a_comment_makes_nothing_stale(workspace: Path, start: Start):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py", SLOW.replace("found = []", "found = []  # so far"))
    shown = await wire.message(DIAGNOSTICS)
    assert "edited" not in shown["diagnostics"][0]["message"]
    assert "edited" not in (await wire.hover(uri, HEAD, 5))["contents"]["value"]


async def test_heat_goes_with_a_function_under_another_name(workspace: Path, start: Start):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py", "import sys\n" + SLOW.replace("def find", "def search"))
    shown = await wire.message(DIAGNOSTICS)
    assert [d["message"] for d in shown["diagnostics"]] == ["100 % of the run is spent in search"]
    hover = (await wire.hover(uri, HEAD + 1, 5))["contents"]["value"]
    assert "it was `find` when it was measured" in hover
    assert "Its own Python code takes 100 % of the run: rewrite its loop" in hover
    assert "edited" not in hover


async def test_heat_of_the_first_version_has_fingerprints_only(workspace: Path, start: Start):
    write_profile(workspace, workspace / "main.py", {"find": 3.0}, first_version=True)
    wire = await start()
    await wire.initialize(folder=workspace)
    wire.open(workspace / "main.py", SLOW.replace("found = []", "found = list()"))
    shown = await wire.message(DIAGNOSTICS)
    assert "edited since" in shown["diagnostics"][0]["message"]


async def test_a_proved_edit_is_an_action_that_applies_and_is_recorded(
    workspace: Path, start: Start
):
    file = workspace / "main.py"
    put(workspace, suggestion(file, "find", SLOW, FAST), SLOW)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file)
    await wire.until(lambda m: m.get("method") == "workspace/codeLens/refresh")
    [lens] = await wire.lenses(uri)
    assert lens["command"]["title"] == "3.1× faster: test membership in a set (proved)"
    [action, reject] = await wire.actions(uri, HEAD + 2)
    assert reject["title"] == "Don't offer again: 3.1× faster: test membership in a set"
    assert action["title"] == lens["command"]["title"]
    assert action["kind"] == "refactor.rewrite.hasten"
    assert action["edit"]["documentChanges"][0]["textDocument"]["version"] == 1
    hover = (await wire.hover(uri, HEAD, 5))["contents"]["value"]
    assert "3.1×, 95 % interval 3.00 to 3.20" in hover
    assert "results exactly equal on 5 file inputs" in hover
    assert "CPython 3.1" in hover
    assert "sandbox L2" in hover
    wire.apply(action["edit"])
    assert wire.texts[uri] == FAST
    command = action["command"]
    assert await wire.request(
        "workspace/executeCommand",
        {"command": command["command"], "arguments": command["arguments"]},
    )
    [again] = await wire.actions(uri, HEAD)
    assert again["command"]["command"] == "hasten.optimize"


async def test_a_rejected_edit_is_offered_no_more_and_remembered(
    workspace: Path, start: Start, tmp_path: Path
):
    file = workspace / "main.py"
    put(workspace, suggestion(file, "find", SLOW, FAST), SLOW)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file)
    await wire.until(lambda m: m.get("method") == "workspace/codeLens/refresh")
    [_, reject] = await wire.actions(uri, HEAD)
    command = reject["command"]
    assert command["command"] == "hasten.reject"
    assert await wire.request(
        "workspace/executeCommand",
        {"command": command["command"], "arguments": command["arguments"]},
    )
    [search] = await wire.actions(uri, HEAD)
    assert search["command"]["command"] == "hasten.optimize"
    assert wire.texts[uri] == SLOW
    with Memory(tmp_path / "data" / "hasten" / "memory.db") as memory:
        [refusal] = all_refusals(memory)
    assert refusal.outcome == "rejected"


async def test_an_edit_that_did_not_take_is_told_and_stays_offered(workspace: Path, start: Start):
    file = workspace / "main.py"
    put(workspace, suggestion(file, "find", SLOW, FAST), SLOW)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file)
    await wire.until(lambda m: m.get("method") == "workspace/codeLens/refresh")
    wire.apply_edits = False
    [lens] = await wire.lenses(uri)
    taken = await wire.request(
        "workspace/executeCommand",
        {"command": lens["command"]["command"], "arguments": lens["command"]["arguments"]},
    )
    assert taken is False
    assert "did not take" in (await wire.message("window/showMessage"))["message"]
    assert (await wire.actions(uri, HEAD))[0]["title"].startswith("3.1× faster")


async def test_the_server_makes_the_edit_for_a_lens(workspace: Path, start: Start):
    file = workspace / "main.py"
    write_profile(workspace, file, {"find": 3.0})
    put(workspace, suggestion(file, "find", SLOW, FAST), SLOW)
    wire = await start()
    await wire.initialize("Neovim", folder=workspace)
    uri = wire.open(file)
    await wire.until(lambda m: "(proved)" in str(m))
    [lens] = await wire.lenses(uri)
    command = lens["command"]
    assert await wire.request(
        "workspace/executeCommand",
        {"command": command["command"], "arguments": command["arguments"]},
    )
    assert wire.texts[uri] == FAST
    asked = await wire.message("workspace/applyEdit")
    assert list(asked["edit"]) == ["changes"]  # Neovim announces no documentChanges


async def test_an_edit_moves_with_its_function(workspace: Path, start: Start):
    file = workspace / "main.py"
    put(workspace, suggestion(file, "find", SLOW, FAST), SLOW)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file, "# a line\n" + SLOW + "\nlast = 1\n")
    await wire.until(lambda m: m.get("method") == "workspace/codeLens/refresh")
    [action, _] = await wire.actions(uri, HEAD + 1)
    wire.apply(action["edit"])
    assert wire.texts[uri] == "# a line\n" + FAST + "\nlast = 1\n"


async def test_a_changed_function_is_offered_a_search_instead(workspace: Path, start: Start):
    file = workspace / "main.py"
    put(workspace, suggestion(file, "find", SLOW, FAST), SLOW)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file, SLOW.replace("item in wanted", "item not in wanted"))
    await wire.until(lambda m: m.get("method") == "workspace/codeLens/refresh")
    [action] = await wire.actions(uri, HEAD)
    assert action["command"]["command"] == "hasten.optimize"
    hover = (await wire.hover(uri, HEAD, 5))["contents"]["value"]
    assert "no longer fits" in hover


@pytest.mark.parametrize(
    ("only", "found"),
    [
        (["refactor"], 1),
        (["refactor.rewrite"], 1),
        (["refactor.rewrite.hasten"], 1),
        ([""], 1),
        (["quickfix"], 0),
        (["refactor.rewrite.hastened"], 0),
        (["source.organizeImports", "refactor"], 1),
    ],
)
async def test_only_filters_by_kind(workspace: Path, start: Start, only: list[str], found: int):
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    assert len(await wire.actions(uri, HEAD, only=only)) == found


async def test_no_action_inside_a_function_of_which_nothing_is_known(workspace: Path, start: Start):
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    assert await wire.actions(uri, HEAD + 2) == []
    assert len(await wire.actions(uri, HEAD)) == 1


async def test_a_client_without_action_literals_gets_commands(workspace: Path, start: Start):
    file = workspace / "main.py"
    write_profile(workspace, file, {"find": 3.0})
    put(workspace, suggestion(file, "find", SLOW, FAST), SLOW)
    wire = await start()
    await wire.initialize({}, folder=workspace)
    uri = wire.open(file)
    await wire.until(lambda m: "(proved)" in str(m))
    [command, _] = await wire.actions(uri, HEAD)
    assert command["title"] == "3.1× faster: test membership in a set (proved)"


async def test_settings_of_the_client_switch_hints_and_lenses_off(workspace: Path, start: Start):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start()
    wire.settings = {"code_lens": False, "path": "hasten"}
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    await wire.message(DIAGNOSTICS)
    assert await wire.lenses(uri) == []
    wire.notify("workspace/didChangeConfiguration", {"settings": {"hasten": {"hints": False}}})
    await wire.until(lambda m: m.get("method") == DIAGNOSTICS and not m["params"]["diagnostics"])
    assert len(await wire.lenses(uri)) == 1


async def test_a_closed_document_loses_its_hints(workspace: Path, start: Start):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    await wire.message(DIAGNOSTICS)
    wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    await wire.until(lambda m: m.get("method") == DIAGNOSTICS and not m["params"]["diagnostics"])


async def test_plain_text_for_a_client_that_knows_no_markdown(workspace: Path, start: Start):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start()
    await wire.initialize("eglot", folder=workspace)
    uri = wire.open(workspace / "main.py")
    await wire.message(DIAGNOSTICS)
    contents = (await wire.hover(uri, HEAD, 5))["contents"]
    assert contents["kind"] == "plaintext"
    assert "*" not in contents["value"]
    assert "`" not in contents["value"]


async def test_auto_searches_after_a_save_where_the_user_trusts(
    workspace: Path, start: Start, tmp_path: Path
):
    write_profile(workspace, workspace / "main.py", {"find": 3.0})
    wire = await start(script=Path(__file__).with_name("odd_server.py"))
    wire.settings = {"auto": True}
    await wire.initialize(folder=workspace, initializationOptions={"trusted": True})
    uri = wire.open(workspace / "main.py")
    await wire.message(DIAGNOSTICS)
    wire.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    begun = await wire.message("$/progress")
    assert begun["value"]["title"] == "hasten: find"


async def test_a_profile_of_the_open_folder_counts_for_files_below_it(
    tmp_path: Path, workspace: Path, start: Start
):
    folder = tmp_path / "plain"  # nothing in it looks like a project
    below = folder / "sub" / "main.py"
    below.parent.mkdir(parents=True)
    below.write_text(SLOW)
    write_profile(folder, below, {"find": 3.0})
    wire = await start()
    await wire.initialize(folder=folder)
    uri = wire.open(below)
    await wire.message(DIAGNOSTICS)
    assert len(await wire.lenses(uri)) == 1


async def test_an_ignored_function_is_left_alone(workspace: Path, start: Start):
    file = workspace / "main.py"
    write_profile(workspace, file, {"find": 3.0, "cool": 3.0})
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file, SLOW.replace("def find", "# hasten: ignore\ndef find"))
    shown = await wire.message(DIAGNOSTICS)
    assert [d["message"] for d in shown["diagnostics"]] == ["50 % of the run is spent in cool"]
    assert await wire.actions(uri, HEAD + 1) == []


async def test_refusals_are_told_and_shown_as_they_are(workspace: Path, start: Start):
    file = workspace / "main.py"
    results = Results(state_dir(workspace))
    trap = "![image](http://example.invalid/x.png)"
    results.put_rejections(
        str(file), "find", [Rejection(str(file), "find", trap, "timing", "no gain")]
    )
    results.close()
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file)
    await wire.until(lambda m: m.get("method") == "workspace/codeLens/refresh")
    hover = (await wire.hover(uri, HEAD, 5))["contents"]["value"]
    assert "Tried and not offered:" in hover
    assert "timing: no gain" in hover
    assert trap not in hover


async def test_a_large_file_is_read_elsewhere_and_shows_the_same(workspace: Path, start: Start):
    file = workspace / "main.py"
    more = "".join(f"\n\ndef more_{n}(x):\n    return x + {n}\n" for n in range(6000))
    file.write_text(SLOW + more)
    assert len(SLOW + more) > LARGE
    write_profile(workspace, file, {"find": 3.0})
    put(workspace, suggestion(file, "find", SLOW + more, FAST + more), SLOW + more)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file)
    await wire.until(lambda m: "(proved)" in str(m))
    [lens] = await wire.lenses(uri)
    assert lens["command"]["title"] == "3.1× faster: test membership in a set (proved)"
    wire.insert(uri, 0, 0, "# a line\n")
    [action, _] = await wire.actions(uri, HEAD + 1)
    wire.insert(uri, HEAD + 2, 4, "x = 1\n    ")
    assert "edited since" in str(await wire.hover(uri, HEAD + 1, 5))
    await wire.until(lambda m: "it was edited since the profile" in str(m))
    [search] = await wire.actions(uri, HEAD + 1)
    assert action["title"].endswith("(proved)")
    assert search["command"]["command"] == "hasten.optimize"


async def test_a_search_is_offered_at_heads_of_a_large_file(workspace: Path, start: Start):
    text = "".join(f"def more_{n}(x):\n    return x + {n}\n" for n in range(8000))
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py", text)
    [action] = await wire.actions(uri, 2 * 5000)
    assert action["title"] == "Optimize `more_5000` with hasten"


async def test_progress_names_the_function_once(workspace: Path, start: Start):
    wire = await start(script=Path(__file__).with_name("odd_server.py"))
    await wire.initialize(folder=workspace)
    uri = wire.open(workspace / "main.py")
    arguments = [{"uri": uri, "function": "find"}]
    await wire.request(
        "workspace/executeCommand", {"command": "hasten.optimize", "arguments": arguments}
    )
    begun = await wire.until(lambda m: m.get("params", {}).get("value", {}).get("kind") == "begin")
    assert begun["params"]["value"]["title"] == "hasten: find"
    said = await wire.until(lambda m: "trying" in str(m))
    assert said["params"]["value"]["message"] == "trying"


async def test_what_a_proof_rests_on_has_changed(workspace: Path, start: Start):
    file, other = workspace / "main.py", workspace / "other.py"
    other.write_text("def helper(x):\n    return x\n")
    [helper] = functions_in(other.read_text(), str(other))
    text = SLOW.replace("found.append(item)", "found.append(helper(item))").replace(
        "import os", "from other import helper"
    )
    fast = text.replace("    found = []\n", "    found = []\n    wanted = set(wanted)\n")
    made = suggestion(file, "find", text, fast)
    before, after = Version.of({file: text}), Version.of({file: fast})
    python = Interpreter(Path(sys.executable), "3.11.7", [])
    rests_on = dependencies_of(file, "find", before, after, python)
    assert ("callee", "helper") in {(d.kind, d.name) for d in rests_on}
    put(workspace, replace(made, receipt=replace(made.receipt, dependencies=rests_on)), text)
    wire = await start()
    await wire.initialize(folder=workspace)
    uri = wire.open(file, text)
    await wire.until(lambda m: m.get("method") == "workspace/codeLens/refresh")

    async def offered(kind: str) -> None:
        """Wait until the one action is this kind; the test fails when no refresh comes."""
        while kind not in (await wire.actions(uri, HEAD))[0]["command"]["command"]:
            await wire.until(lambda m: m.get("method") == "workspace/codeLens/refresh")

    await offered("hasten.applied")
    other.write_text("def helper(x):\n    return -x\n")
    await offered("hasten.optimize")
    hover = (await wire.hover(uri, HEAD, 5))["contents"]["value"]
    assert "callee helper of other.py is changed" in hover
    other.write_text(helper.source)
    await offered("hasten.applied")
