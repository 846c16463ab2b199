"""Programs, functions of C, and a project's own commands: each from the code action to the edit.

The model is a local server that answers what a test tells it: one answer that does something else,
and one that is right and faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import LspSpecificationWarning

from tests.e2e.cli import Cli
from tests.e2e.editor import editing
from tests.optimizer.openai_server import Answer, openai_server

pytestmark = pytest.mark.filterwarnings(
    f"error::{LspSpecificationWarning.__module__}.LspSpecificationWarning"
)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def reply(title: str, code: str, mark: str = "python") -> str:
    return f"CHANGE: {title}\nWHY: Each step walked everything.\n```{mark}\n{code}```\n"


@pytest.fixture
def answers() -> list[str]:
    """What the model answers, in turn; the last one again and again."""
    return []


@pytest.fixture
def model(answers: list[str]) -> Iterator[dict[str, Any]]:
    """Settings for a search by that model which is over soon."""

    def answer(body: dict[str, Any], number: int) -> Answer:
        return Answer(answers[min(number, len(answers) - 1)])

    with openai_server(answer) as server:
        yield {"model": "openai/told", "api_base": server.url, "budget": 4}


WORDS = """\
def shared(left, right):
    found = []
    for item in left:
        if {test}:
            found.append(item)
    return found
"""
TESTS = """\
from words import shared


def test_shared():
    assert shared([3, 1, 2, 3, 3], [3, 2]) == [3, 2, 3, 3]
"""
BENCH = """\
import time

from words import shared

left, right = list(range(2000)), list(range(0, 4000, 2))
began = time.perf_counter()
shared(left, right)
print(time.perf_counter() - began)
"""


@pytest.mark.slow
async def test_a_projects_own_commands(cli: Cli, model: dict[str, Any], answers: list[str]):
    folder = cli.folder / "project"
    (folder / "tests").mkdir(parents=True)
    (folder / "hasten.toml").write_text(
        "[command]\ntest = 'python -m pytest -q tests'\nbenchmark = 'python bench.py'\n"
    )
    slow = WORDS.format(test="any(item == other for other in right)")
    (folder / "words.py").write_text(slow)
    (folder / "tests" / "test_words.py").write_text(TESTS)
    (folder / "bench.py").write_text(BENCH)
    head = "def shared(left, right):\n    wanted = set(right)\n"
    body = WORDS.format(test="item in wanted").split("\n", 1)[1]
    answers += [
        reply("count from the end", head + body.replace("return found", "return found[::-1]")),
        reply("use a set", head + "    # each item is looked up once\n" + body),
    ]
    at = types.Position(0, 5)
    file = folder / "words.py"
    async with editing(cli, file, at, client="code-server", settings=model) as editor:
        editor.open()
        [_, action] = await editor.actions()
        assert action.title == "Optimize `shared` with hasten, by the project's benchmark"
        assert await editor.run(action.command) == {"state": "started"}
        assert "faster: use a set" in await editor.progress_ended()
        [proved, *_] = await editor.actions()
        hover = await editor.hover()
        assert "the project's tests pass; its benchmark command: 1 metric" in hover
        assert "count from the end" in hover.split("Tried and not offered")[1]
        assert r"test\_words::test\_shared: passed before, failed after" in hover
        assert proved.edit is not None
        editor.apply(proved.edit)
        assert "item in wanted" in editor.text
        assert "[::-1]" not in editor.text
        assert await editor.run(proved.command) is True
        editor.becomes(slow)
        assert (await editor.actions())[0].title == proved.title
    [receipt] = (cli.folder / "data").rglob("receipts/*.json")
    again = cli("verify", "--receipt", str(receipt), "--json", cwd=folder).value
    assert again["repeats"]["changed"] == [], again
    assert again["repeats"]["holds"], again["reason"]


PAIRS = """\
#include <cstdio>
#include <vector>

static long long pairs(const std::vector<int> &values, int wanted) {
    long long found = 0;
    for (size_t i = 0; i < values.size(); i++)
        for (size_t j = i + 1; j < values.size(); j++)
            if (values[i] + values[j] == wanted) found++;
    return found;
}

int main() {
    int n, wanted;
    if (scanf("%d %d", &n, &wanted) != 2) return 1;
    std::vector<int> values(n);
    for (int &value : values)
        if (scanf("%d", &value) != 1) return 1;
    printf("%lld\\n", pairs(values, wanted));
    return 0;
}
"""
COUNTED = """\
#include <unordered_map>

static long long pairs(const std::vector<int> &values, int wanted) {
    // how often each value came before
    std::unordered_map<int, long long> seen;
    long long found = 0;
    for (int value : values) {
        auto other = seen.find(wanted - value);
        if (other != seen.end()) found += other->second;
        seen[value]++;
    }
    return found;
}
"""
FLAGGED = """\
#include <unordered_set>

static long long pairs(const std::vector<int> &values, int wanted) {
    std::unordered_set<int> seen;
    long long found = 0;
    for (int value : values) {
        if (seen.count(wanted - value)) found++;
        seen.insert(value);
    }
    return found;
}
"""


def write_cases(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, size in enumerate((6, 900, 3000, 6000)):
        values = [(n * 7919) % (size // 2 + 1) for n in range(size)]
        text = " ".join(map(str, values))
        (folder / f"{number}.in").write_text(f"{size} {size // 2}\n{text}\n")


@pytest.mark.slow
async def test_a_cpp_program_with_cases(cli: Cli, model: dict[str, Any], answers: list[str]):
    folder = cli.folder / "project"
    write_cases(folder / "cases" / "pairs")
    (folder / "hasten.toml").write_text(
        "[program]\ncases = 'cases/{stem}'\nbuild = 'g++ -O1 {source} -o {out}'\n"
    )
    file = folder / "pairs.cpp"
    file.write_text(PAIRS)
    answers += [reply("use a set", FLAGGED, "cpp"), reply("count in a map", COUNTED, "cpp")]
    at = types.Position(3, 20)
    async with editing(cli, file, at, client="Neovim", settings=model, language="cpp") as editor:
        editor.open()
        [action] = await editor.actions()
        assert action.title == "Optimize `pairs(const std::vector<int> &, int)` with hasten"
        assert await editor.run(action.command) == {"state": "started"}
        assert "faster: count in a map" in await editor.progress_ended()
        [proved, *_] = await editor.actions()
        hover = await editor.hover()
        assert "output exactly equal on" in hover
        assert "cases" in hover
        assert re.search(r"g\+\+ \d+[.\d]* -O1, ASan and UBSan clean", hover)
        assert "use a set" in hover.split("Tried and not offered")[1]
        assert proved.edit is not None
        editor.apply(proved.edit)
        assert "#include <unordered_map>" in editor.text
        assert "unordered_set" not in editor.text
        assert await editor.run(proved.command) is True
        editor.becomes(PAIRS)
        assert (await editor.actions())[0].title == proved.title


@pytest.mark.slow
def test_a_cpp_program_on_the_command_line(cli: Cli, model: dict[str, Any], answers: list[str]):
    folder = cli.folder / "project"
    write_cases(folder / "cases")
    file = folder / "pairs.cpp"
    file.write_text(PAIRS)
    answers += [reply("count in a map", COUNTED, "cpp")]
    done = cli(
        "optimize", "pairs.cpp::pairs", "--cases", "cases", "--build", "g++ -O1 {source} -o {out}",
        "--model", model["model"], "--api-base", model["api_base"], "--budget", "1", "--json",
        cwd=folder, timeout=480,
    )  # fmt: skip
    assert done.code == 0, done.err
    [found] = done.value["suggestions"]
    assert found["function"] == "pairs(const std::vector<int> &, int)"
    assert found["receipt"]["kind"] == "program"
    assert found["receipt"]["build"]["timed"][1] == "-O1"
    assert found["receipt"]["inputs"]["source"] == "cases"
    assert done.value["inputs"]["source"] == "cases"
    assert file.read_text() == PAIRS
    assert cli("apply", found["id"], cwd=folder).code == 0
    assert "std::unordered_map<int, long long> seen;" in file.read_text()
    assert cli("undo", cwd=folder).code == 0
    assert file.read_text() == PAIRS


QUEUE = """\
#include <cstdio>
#include <vector>

long long passed_on(const std::vector<int> &values) {
    std::vector<int> queue(values);
    long long total = 0;
    for (size_t turn = 0; turn < 6 * values.size(); turn++) {
        int first = queue.front();
        queue.erase(queue.begin());
        queue.push_back(first ^ 1);
        total += first * (turn % 3);
    }
    return total;
}

int main() {
    int count, wanted;
    if (scanf("%d %d", &count, &wanted) != 2) return 1;
    std::vector<int> values(count);
    for (int &value : values) {
        if (scanf("%d", &value) != 1) return 1;
    }
    printf("%lld\\n", passed_on(values));
}
"""


@pytest.mark.slow
def test_a_cpp_program_by_rules_alone(cli: Cli):
    folder = cli.folder / "project"
    write_cases(folder / "cases")
    file = folder / "queue.cpp"
    file.write_text(QUEUE)
    done = cli(
        "optimize", "queue.cpp::passed_on", "--cases", "cases", "--budget", "1", "--json",
        cwd=folder, timeout=480,
    )  # fmt: skip
    assert done.code == 0, done.err
    [found] = done.value["suggestions"]
    [edit] = found["edits"]
    assert edit["title"] == "take from the front of a deque"
    assert found["receipt"]["kind"] == "program"
    assert cli("apply", found["id"], cwd=folder).code == 0
    assert "std::deque<int> queue(values.begin(), values.end());" in file.read_text()


@pytest.mark.slow
def test_what_is_missing_is_named(cli: Cli):
    folder = cli.folder / "project"
    folder.mkdir()
    (folder / "pairs.cpp").write_text(PAIRS)
    (folder / "words.py").write_text(WORDS.format(test="item in right"))

    def refused(*arguments: str) -> dict[str, str]:
        done = cli("optimize", *arguments, "--json", cwd=folder)
        assert done.code == 2
        error: dict[str, str] = done.value["error"]
        return error

    alone = refused("pairs.cpp::main")
    assert alone["code"] == "workload-unsupported"
    assert "no cases are named" in alone["message"]
    unknown = refused("pairs.cpp::pair", "--model", "openai/x")
    assert unknown["code"] == "function-unknown"
    assert "pairs(const std::vector<int> &, int)" in unknown["mend"]
    assert refused("words.py::shared", "--command")["code"] == "command-benchmark-missing"
    assert refused("words.py::shared", "--cases", "nowhere")["code"] == "cases-missing"
    assert refused("words.py::shared", "--command", "--cases", ".")["code"] == "usage"


COUNT_EQUAL = """\
#include <stddef.h>

/* Pairs of equal values. */
long equal_pairs(const int *values, size_t count) {
    long found = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (values[i] == values[j]) found++;
    return found;
}
"""
SORTED = """\
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right) {
    int a = *(const int *)left, b = *(const int *)right;
    return (a > b) - (a < b);
}

long equal_pairs(const int *values, size_t count) {
    long found = 0, run = 0;
    int *sorted = malloc(count ? count * sizeof *sorted : 1);
    if (count) memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 1; i < count; i++) {
        run = sorted[i] == sorted[i - 1] ? run + 1 : 0;
        found += run;
    }
    free(sorted);
    return found;
}
"""
PAST_THE_END = COUNT_EQUAL.split("*/\n")[1].replace(
    "long found = 0;", "long found = values[count];"
)


@pytest.mark.slow
async def test_a_c_function(cli: Cli, model: dict[str, Any], answers: list[str]):
    folder = cli.folder / "project"
    folder.mkdir()
    (folder / "hasten.toml").write_text("")
    file = folder / "equal.c"
    file.write_text(COUNT_EQUAL)
    answers += [
        reply("start from the next value", PAST_THE_END, "c"),
        reply("sort a copy first", SORTED, "c"),
    ]
    at = types.Position(3, 8)
    async with editing(cli, file, at, client="code-server", settings=model, language="c") as editor:
        editor.open()
        [action] = await editor.actions()
        assert action.title == "Optimize `equal_pairs(const int *, size_t)` with hasten"
        assert await editor.run(action.command) == {"state": "started"}
        assert "faster: sort a copy first" in await editor.progress_ended()
        [proved, *_] = await editor.actions()
        hover = await editor.hover()
        assert "results exactly equal on" in hover
        assert "ASan and UBSan clean" in hover
        assert "start from the next value" in hover.split("Tried and not offered")[1]
        assert proved.edit is not None
        editor.apply(proved.edit)
        assert "qsort(sorted" in editor.text
        assert "values[count]" not in editor.text
        assert await editor.run(proved.command) is True
        editor.becomes(COUNT_EQUAL)
        assert (await editor.actions())[0].title == proved.title
