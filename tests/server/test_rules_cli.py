"""`hasten rules`: what it lists, explains and finds, and what `measure` refuses."""

from __future__ import annotations

import cProfile
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from analysis.rules import evidence
from analysis.rules.catalogue import all_rules
from analysis.rules.evidence import Gain, Precision, Table, read_table, write_table
from hasten.paths import rules_table
from server.cli.main import main
from server.cli.rules_show import good_text, precision_text

TARGET = f"cpython-{sys.version_info[0]}.{sys.version_info[1]}"
SLOW = """é = "😀"; x = 1


def common(left, right: list):
    return [é for item in left if "😀" and item in right]


# hasten: ignore
def silenced(left, right: list):
    return [item for item in left if item in right]
"""


@dataclass(frozen=True)
class Done:
    """What a command ended with; `value` is the one JSON value on stdout."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Done]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'x'\n[tool.hasten]\nignore = ['gone']\n"
    )
    for name in ("src/slow.py", ".hidden/slow.py", "gone/slow.py", "node_modules/slow.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(SLOW)
    (tmp_path / "broken.py").write_bytes(b"# coding: none\n")

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        code = main(["rules", *map(str, arguments)])
        return Done(code, *capsys.readouterr())

    return run


def test_list(cli: Cli) -> None:
    gain = Gain("membership-set", "membership-set", TARGET, 4, 0.5, 0.4, 0.6, True, "")
    write_table(rules_table(), Table(gains=(gain,)))
    done = cli("list", "--json")
    assert done.code == 0
    rows = {row["id"]: row for row in done.value}
    assert list(rows) == [rule.id for rule in all_rules()]
    assert set(rows["membership-set"]) == {
        "id", "title", "languages", "gain", "target", "standing", "hinted", "precision",
    }  # fmt: skip
    assert rows["membership-set"]["target"] == TARGET
    python = cli("list", "--language", "python")
    assert python.code == 0
    assert "membership-set" in python.out
    wrong = cli("list", "--language", "cobol", "--json")
    assert (wrong.code, wrong.value["error"]["code"]) == (2, "language-unknown")


def test_explain(cli: Cli) -> None:
    gain = Gain("no-such-case", "x", "cpython-3.9", 4, 1.5, 1.4, 1.6, True, "")
    own = Gain("sorted-first", "x", "cpython-3.9", 4, 1.5, 1.4, 1.6, True, "")
    write_table(rules_table(), Table(gains=(gain, own)))
    done = cli("explain", "sorted-first", "--json")
    assert done.code == 0
    assert "Why it is slow:" in done.value["doc"]
    assert asdict(own) in done.value["gains"]
    assert {row["rule"] for row in done.value["gains"]} == {"sorted-first"}
    page = cli("explain", "sorted-first")
    assert "n=4 1.50×" in page.out
    wrong = cli("explain", "sorted-frist", "--json")
    assert (wrong.code, wrong.value["error"]["code"]) == (2, "rule-unknown")
    assert "sorted-first" in wrong.value["error"]["mend"]


def test_list_says_nothing_of_rules_whose_findings_were_not_tried(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = Precision("membership-set", found=9, tried=4, equal=4, not_slower=3, good=3)
    none = Precision("sorted-first", found=2, tried=0, equal=0, not_slower=0, good=0)
    assert good_text({**asdict(tried), "share": tried.share}) == "75% of 4"
    assert good_text({**asdict(none), "share": none.share}) == "-"
    assert good_text(None) == "-"
    assert "of 0" not in cli("list").out
    assert "none of them" in precision_text({**asdict(none), "share": none.share})


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 120])
def test_list_breaks_no_cell_on_a_narrow_terminal(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = cli("list")
    lines = done.out.splitlines()
    assert len(lines) == 1 + len(all_rules())
    assert [line.split()[0] for line in lines[1:]] == [rule.id for rule in all_rules()]
    assert max(map(len, lines)) <= columns
    assert ("too narrow for: for" in done.err) == (columns < 120)


def test_explain_on_a_narrow_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    gain = Gain("membership-set", "own-case", TARGET, 4, 1.5, 1.4, 1.6, True, "")
    write_table(rules_table(), Table(gains=(gain,)))
    monkeypatch.setenv("COLUMNS", "40")
    page = cli("explain", "membership-set").out
    assert f"own-case on {TARGET}\n  n=4 1.50× (1.40 to 1.60)\n" in page
    assert "    for word in words:\n        if word not in stop:\n" in page
    assert "    stop_set = set(stop)\n    for word in words:\n" in page


def test_explain_lets_paragraphs_flow(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The docstring's own line ends are not the terminal's."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("explain", "membership-set").out.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("Why it is slow:"))
    paragraph = lines[first : lines.index("", first)]
    assert all(
        len(line.rstrip()) + 1 + len(after.split()[0]) > 80 for line, after in pairwise(paragraph)
    )
    assert any("stop_set = set(stop)" in line and "for word" in line for line in lines)


def test_find_all_below_a_folder(cli: Cli, tmp_path: Path) -> None:
    done = cli("find", ".", "--all", "--rule", "membership-set", "--json")
    assert done.code == 0
    [row] = done.value
    line = SLOW.split("\n")[4]
    units = len(line[: line.index("item in right")].encode("utf-16-le")) // 2
    assert row == {
        "rule": "membership-set",
        "path": str(tmp_path / "src" / "slow.py"),
        "range": {
            "start": {"line": 4, "character": units},
            "end": {"line": 4, "character": units + len("item in right")},
        },
        "function": "common",
        "title": "test membership in a set",
        "description": row["description"],
    }
    assert row["description"].endswith(".")
    assert "broken.py" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(xs:\n    return xs\n", "'(' was never closed"),
        ("def f(x):\n    print x\n", "Missing parentheses"),
    ],
)
def test_find_says_what_it_can_not_parse(cli: Cli, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "syn.py").write_text(text)
    done = cli("find", "syn.py")
    assert (done.code, done.out) == (1, "nothing is found in what can be parsed\n")
    assert "1 file can't be parsed in full" in done.err
    assert "syn.py:" in done.err
    assert said in done.err
    as_json = cli("find", "syn.py", "--json")
    assert (as_json.code, as_json.value) == (1, [])
    assert said in as_json.err


def test_find_names_a_few_of_many_that_it_can_not_parse(cli: Cli, tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"old{number}.py").write_text("print 'x'\n")
    done = cli("find", ".", "--all")
    assert done.code == 0, "what can be parsed is looked at"
    assert "7 files can't be parsed in full" in done.err
    assert "old4.py:1" in done.err
    assert "and 2 more" in done.err


def test_find_tells_how_many_files_it_looked_at(cli: Cli) -> None:
    assert "1 file looked at" in cli("find", "src/slow.py").err
    assert "2 files looked at" in cli("find", ".").err
    assert "looked at" not in cli("find", ".", "--json").err


def profile_of(file: Path, folder: Path) -> Path:
    """A profile of a run that spends its time in one function of the file."""
    space: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    profile = cProfile.Profile()
    profile.runcall(space["common"], range(500), list(range(500)))
    out = folder / "run.pstats"
    profile.dump_stats(out)
    return out


def test_find_gives_what_would_be_hinted(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "SHIPPED", tmp_path / "none.json")
    monkeypatch.setattr(evidence, "PRECISION", tmp_path / "none.json")
    file = tmp_path / "src" / "slow.py"
    profile = profile_of(file, tmp_path)
    assert cli("find", file, "--json").code == 1
    hot = cli("find", file, "--profile", profile, "--json")
    assert hot.code == 0
    assert {(row["rule"], row["function"]) for row in hot.value} >= {("membership-set", "common")}
    loses = Gain("membership-set", "membership-set", TARGET, 4, 0.5, 0.4, 0.6, True, "")
    write_table(rules_table(), Table(gains=(loses,)))
    left = cli("find", file, "--profile", profile, "--rule", "membership-set", "--json")
    assert (left.code, left.value) == (1, [])
    page = cli("find", file, "--profile", profile, "--rule", "membership-set")
    assert "1 finding would not be hinted here" in page.err
    assert cli("find", file, "--profile", "none.pstats", "--json").code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("none.py",), "file-missing"),
        (("src/slow.py", "--rule", "none"), "rule-unknown"),
        (("pyproject.toml",), "language-unknown"),
        (("broken.py",), "source-encoding"),
    ],
)
def test_find_refuses(cli: Cli, arguments: tuple[str, ...], code: str) -> None:
    done = cli("find", *arguments, "--all", "--json")
    assert (done.code, done.value["error"]["code"]) == (2, code)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--python", "none"), "python-missing"),
        (("--targets", "pascal-3"), "target-unknown"),
        (("--rule", "none"), "rule-unknown"),
    ],
)
def test_measure_refuses(cli: Cli, arguments: tuple[str, ...], code: str) -> None:
    done = cli("measure", *arguments, "--json")
    assert (done.code, done.value["error"]["code"]) == (2, code)


def test_measure_keeps_a_damaged_table_and_says_so(cli: Cli) -> None:
    rules_table().parent.mkdir(parents=True)
    rules_table().write_text("{")
    done = cli("measure", "--json")
    assert (done.code, done.value["error"]["code"]) == (2, "evidence-damaged")
    assert rules_table().read_text() == "{"


def test_measure_goes_on_where_it_was(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "own" / "table.json"
    first = cli("measure", "--rule", "any-equality", "--out", out, "--json")
    assert first.code == 0
    assert first.value["table"] == str(out)
    assert first.value["known"] == 0
    kept = read_table(out)
    assert first.value["measured"] == [asdict(gain) for gain in kept.gains]
    assert {gain.target for gain in kept.gains} == {TARGET}
    assert kept.machine["cores"] == len(os.sched_getaffinity(0))
    second = cli("measure", "--rule", "any-equality", "--out", out, "--json")
    assert (second.code, second.value["measured"], second.value["known"]) == (0, [], 1)
    assert read_table(out) == kept
    assert not rules_table().exists()
