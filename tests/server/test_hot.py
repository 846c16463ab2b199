"""`hasten hot` and `hasten profile diff` as they are typed, in this process."""

from __future__ import annotations

import json
import marshal
import os
import signal
from pathlib import Path

import pytest

from analysis.profiles.opened import open_profile
from server.cli import hot
from server.cli.main import main

SOURCE = """\
def slow(xs):
    return sorted(xs)

def quick(x):
    return x

class Old:
    def run(self):
        return 1
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "100")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("")
    (folder / "m.py").write_text(SOURCE)
    monkeypatch.chdir(folder)
    return folder


def pstats_of(project: Path, name: str, **seconds: float) -> Path:
    lines = {"slow": 1, "quick": 4, "run": 8}
    file, caller = str(project / "m.py"), (str(project / "m.py"), 4, "quick")
    stats: dict[object, object] = {
        (file, lines[n], n): (5000, 5000, s, s, {}) for n, s in seconds.items()
    }
    if "slow" in seconds:
        stats[file, 1, "slow"] = (
            5000,
            5000,
            1.0,
            seconds["slow"],
            {caller: (5000, 5000, 1.0, seconds["slow"])},
        )
        stats["~", 0, "<built-in method builtins.sorted>"] = (
            5000, 5000, seconds["slow"] - 1, seconds["slow"] - 1,
            {(file, 1, "slow"): (5000, 5000, seconds["slow"] - 1, seconds["slow"] - 1)},
        )  # fmt: skip
    made = project / name
    made.write_bytes(marshal.dumps(stats))
    return made


def test_all_is_in_the_json(project, capsys):
    pstats_of(project, "p", slow=8.0, quick=2.0)
    assert main(["hot", "--profile", "p", "--json"]) == 0
    spot = json.loads(capsys.readouterr().out)[0]
    assert spot == {
        "function": "slow",
        "path": str(project / "m.py"),
        "line": 1,
        "self_share": 0.1,
        "total_share": 0.8,
        "worth": 0.8,
        "stale": False,
        "unsure": None,
        "measured": "slow",
        "measured_path": str(project / "m.py"),
        "measured_line": 1,
        "calls": 5000,
        "native_share": 7 / 8,
        "advice": "native",
        "why": "of the 80 % of the run spent here 88 % is native code, most in `sorted` (70 %): "
        "another algorithm or library, or fewer calls, not other Python; called 5,000 times, "
        "all of them by `quick`.",
        "callers": [
            {"function": "quick", "path": str(project / "m.py"), "share": 1.0, "calls": 5000,
             "per_call": 1.0, "saves": 0.0}
        ],
        "callees": [{"function": "sorted", "share": 0.7}],
        "lines": [],
    }  # fmt: skip


def test_the_table_says_why_and_what_is_not_certain(project, capsys):
    given = pstats_of(project, "p", slow=8.0, quick=2.0, run=1.0)
    assert main(["hot", "--profile", "p"]) == 0
    assert "Of the 73 % of the run spent here" in capsys.readouterr().out
    text = SOURCE.replace("def slow", "def fast").replace("return x\n", "return +x\n")
    (project / "m.py").write_text(text[: text.index("class")])
    assert main(["hot", "--profile", "p"]) == 0
    done = capsys.readouterr()
    assert "m.py::fast line 1 (was slow)" in done.out
    assert "m.py::quick line 4 (changed since)" in done.out
    assert "no longer there, and left out: Old.run (9.1 %)" in done.err
    given.write_bytes(given.read_bytes() + b" ")  # another content: its first reading is now
    os.utime(given, (1, 1))
    main(["hot", "--profile", "p"])
    assert "(not certain: the file is newer than the profile)" in capsys.readouterr().out


def test_a_file_that_can_not_be_decoded_is_said_to_be_so(project, capsys):
    pstats_of(project, "p", slow=8.0, quick=2.0)
    assert main(["hot", "--profile", "p"]) == 0  # its text is known from now on
    capsys.readouterr()
    other = pstats_of(project, "never_read", slow=6.0, quick=2.0)
    for broken in (b"# caf\xe9\n" + SOURCE.encode(), SOURCE.encode("utf-16")):
        (project / "m.py").write_bytes(broken)
        for name in ("p", other.name):
            assert main(["hot", "--profile", name]) == 1
            done = capsys.readouterr()
            assert "nothing that can be read in this workspace takes" in done.out
            said = " ".join(done.err.split())
            assert "left out, 100 % of the run: " in said
            assert "m.py: can't be decoded" in said
            assert "save the file as UTF-8" in said
            assert "no longer there" not in said


def test_nothing_is_said_of_the_file_that_was_asked_for(project, capsys):
    pstats_of(project, "p", slow=8.0)
    (project / "other.py").write_text("def cold():\n    pass\n")
    assert main(["hot", "other.py", "--profile", "p"]) == 1
    assert capsys.readouterr().out == ("nothing in other.py takes a measurable share of the run\n")


def test_an_interrupt_cancels_the_reading(project, capsys, monkeypatch):
    pstats_of(project, "p", slow=8.0)

    def interrupted(*arguments, **more):
        os.kill(os.getpid(), signal.SIGINT)
        return open_profile(*arguments, **more)

    monkeypatch.setattr(hot, "open_profile", interrupted)
    assert main(["hot", "--profile", "p", "--json"]) == 130
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cancelled"


def speedscope(project: Path) -> Path:
    frames = [{"name": "slow", "file": "m.py", "line": 2}]
    sampled = {
        "type": "sampled", "name": "", "unit": "seconds", "startValue": 0, "endValue": 4,
        "samples": [[0]], "weights": [4],
    }  # fmt: skip
    made = project / "p.json"
    schema = "https://www.speedscope.app/file-format-schema.json"
    made.write_text(
        json.dumps({"$schema": schema, "shared": {"frames": frames}, "profiles": [sampled]})
    )
    return made


def test_another_format_is_read_too(project, capsys):
    speedscope(project)
    assert main(["hot", "--profile", "p.json", "--lines", "--json"]) == 0
    (spot,) = json.loads(capsys.readouterr().out)
    assert (spot["function"], spot["calls"], spot["native_share"]) == ("slow", None, None)


def test_two_profiles_are_compared(project, capsys):
    pstats_of(project, "a", slow=8.0, quick=2.0)
    assert main(["hot", "--profile", "a", "--json"]) == 0  # its sources are known from now on
    capsys.readouterr()
    (project / "m.py").write_text("\n" + SOURCE.replace("def slow", "def fast"))
    stats = {(str(project / "m.py"), 2, "fast"): (50, 50, 2.0, 2.0, {})}
    (project / "b").write_bytes(marshal.dumps(stats))
    assert main(["profile", "diff", "a", "b", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["unit"], found["ratio"]) == ("seconds", 5.0)
    change = found["changes"][0]
    assert (change["name_before"], change["function"]) == ("slow", "fast")
    assert (change["difference"], change["verdict"], change["code"]) == (-6.0, "less", "same")
    assert change["before"]["calls"] == 5000
    assert main(["profile", "diff", "a", "b"]) == 0
    done = capsys.readouterr()
    assert "m.py::fast (was slow)" in done.out
    assert "-6 s" in done.out
    assert "not known" in done.err


def test_diff_is_a_word_before_the_dashes_only(project, capsys):
    assert main(["profile", "diff", "a", "--json"]) == 2
    assert "AFTER" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert main(["profile", "diff", "a", "b", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "file-missing"
    assert main(["profile", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "command-missing"
    assert main(["profile", "python", "main.py", "--json"]) == 2
    assert "two dashes" in json.loads(capsys.readouterr().out)["error"]["mend"]
    assert main(["profile", "--json", "--", "diff", "a", "b"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "workload-unsupported"
