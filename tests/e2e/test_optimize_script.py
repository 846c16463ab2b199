"""`hasten optimize` of a JavaScript project: rules propose, its own commands prove."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.cli import Cli

SLOW = """\
/** What both lists have in common. */
function shared(left, right) {
  const found = [];
  for (const item of left) {
    if (right.includes(item)) {
      found.push(item);
    }
  }
  return found;
}

module.exports = { shared };
"""
TESTS = """\
const assert = require('assert');
const { shared } = require('./words');
assert.deepStrictEqual(shared([3, 1, 2, 3], [3, 2]), [3, 2, 3]);
"""
BENCH = """\
const { shared } = require('./words');
const left = Array.from({ length: 6000 }, (_, i) => i);
const right = left.map((x) => x * 2);
const began = process.hrtime.bigint();
for (let i = 0; i < 5; i++) shared(left, right);
console.log(Number(process.hrtime.bigint() - began) / 1e9);
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture
def project(cli: Cli) -> Path:
    folder = cli.folder / "project"
    folder.mkdir()
    files = {"words.js": SLOW, "test.js": TESTS, "bench.js": BENCH}
    files["package.json"] = json.dumps({"name": "words", "version": "1.0.0", "main": "words.js"})
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.slow
def test_a_rule_is_proved_by_the_projects_commands(cli: Cli, project: Path):
    done = cli("optimize", "words.js::shared", cwd=project)
    assert done.code == 2
    assert "it is proved by the project's own commands, and none are named" in done.err
    if shutil.which("node") is None:
        pytest.skip("no node on this machine: a JavaScript project was not optimized")
    (project / "hasten.toml").write_text(
        "[command]\ntest = 'node test.js'\nbenchmark = 'node bench.js'\n"
    )
    assert cli("trust", ".", cwd=project).code == 0
    done = cli("optimize", "words.js::shared", "--command", "--apply", "--json", cwd=project)
    assert done.code == 0, done.err
    [found] = done.value["suggestions"]
    assert [edit["title"] for edit in found["edits"]] == ["test membership in a Set"]
    assert "const rightSet = new Set(right);" in (project / "words.js").read_text()
