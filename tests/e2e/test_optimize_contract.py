"""`optimize`, `hot`, `profile`, `apply`, `undo`: their JSON, exit codes and what they write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmark_runner.receipt import from_json
from tests.e2e.cli import Cli, Done

BASKET = (
    '# -*- coding: latin-1 -*-\r\n"""Caf\xe9."""\r\n\f\r\nfrom .util import norm\r\n\r\n\r\n'
    "class Basket:\r\n\tdef __init__(self, items):\r\n\t\tself.items = items\r\n\r\n"
    "\tdef common(self, other):\r\n\t\tfound = []  # d\xe9j\xe0 vu\r\n"
    "\t\tfor item in self.items:\r\n\t\t\tif item in other:\r\n"
    "\t\t\t\tfound.append(norm(item))\r\n\t\treturn found\r\n"
).encode("latin-1")
UTIL = """def norm(x):
    return x + 0


def lookup(rows, wanted):
    label = "😀"; out = []
    for row in rows:
        if (label, row) in [("😀", w) for w in wanted]: out.append(row)
    return out
"""
MAIN = """import sys

sys.path.insert(0, "src")
from my_shop.basket import Basket
from my_shop.util import lookup


def main(name):
    total = len(name)
    for n in range(4):
        total += len(Basket(list(range(n, 1200))).common(list(range(0, 2400, 2))))
        total += len(lookup(list(range(120)), list(range(n, 240, 2))))
    print(total)


main(sys.argv[1])
"""
EMOJI = """def pick(rows: list[int], wanted: list[int]) -> list[int]:
    a = "😀é"; out = [r for r in rows if r in list(wanted)]; b = "😀"
    return out + [len(a), len(b)]
"""
INPUTS = """def inputs():
    for n in (200, 300, 400):
        yield (list(range(n)), list(range(0, 2 * n, 2))), {}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture
def shop(cli: Cli) -> Path:
    """A project with src layout, relative imports, spaces in its path and old encodings."""
    folder = cli.folder / "my shop"
    package = folder / "src" / "my_shop"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[project]\nname = 'my-shop'\n")
    (package / "__init__.py").write_text("")
    (package / "basket.py").write_bytes(BASKET)
    (package / "util.py").write_text(UTIL)
    (folder / "main.py").write_text(MAIN)
    return folder


def offset(text: str, position: dict[str, int]) -> int:
    """The offset of a 0-based position whose character counts UTF-16 units, as in LSP."""
    lines = text.replace("\r\n", "\n\0").replace("\0", "").split("\n")
    ends = "\r\n" if "\r\n" in text else "\n"
    start = sum(len(line) + len(ends) for line in lines[: position["line"]])
    line = lines[position["line"]].encode("utf-16-le")
    return start + len(line[: 2 * position["character"]].decode("utf-16-le"))


def applied(text: str, replacements: list[dict[str, Any]]) -> str:
    """The text after replacements whose ranges all refer to the text before."""
    spots = [
        (offset(text, r["range"]["start"]), offset(text, r["range"]["end"]), r["new_text"])
        for r in replacements
    ]
    for start, end, new in sorted(spots, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def check_suggestion(suggestion: dict[str, Any], text: str) -> str:
    """Check one suggestion against the contract; returns the text after it."""
    assert suggestion.keys() >= {
        "id", "function", "title", "ratio", "interval", "equality", "edits", "replacements",
        "receipt",
    }  # fmt: skip
    low, high = suggestion["interval"]
    assert 1 < low <= suggestion["ratio"] <= high
    assert suggestion["equality"] == "exact"
    assert from_json(suggestion["receipt"]).decision == "faster"
    whole = applied(text, suggestion["replacements"])
    assert whole != text
    step = text
    for rung in suggestion["edits"]:
        assert rung.keys() >= {
            "title", "description", "replacements", "alone", "ratio", "interval", "receipt",
        }  # fmt: skip
        assert isinstance(rung["alone"], bool)
        assert rung["title"]
        assert rung["interval"][0] <= rung["ratio"] <= rung["interval"][1]
        step = applied(step, rung["replacements"])
    assert step == whole
    compile(whole, "after", "exec", dont_inherit=True)
    return whole


def said_by(folder: Path) -> str:
    command = [sys.executable, "main.py", "two words"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(f.relative_to(folder)): f.read_bytes()
        for f in folder.rglob("*")
        if f.is_file() and f.suffix in {".py", ".toml"}
    }


def error_of(done: Done) -> dict[str, str]:
    assert done.code == 2, done.out + done.err
    assert done.value.keys() == {"error"}
    error: dict[str, str] = done.value["error"]
    assert error.keys() == {"code", "message", "mend"}
    return error


def test_a_workload_from_nothing_to_applied_and_back(cli: Cli, shop: Path):
    """One command finds, captures, proves together and measures; apply and undo keep each byte."""
    before, printed = files_of(shop), said_by(shop)
    done = cli(
        "optimize", "--workload", 'python main.py "two words"', "--budget", "2", "--json", cwd=shop
    )
    assert done.code == 0, done.err
    value = done.value
    assert value.keys() >= {"suggestions", "rejected", "inputs", "run"}
    assert files_of(shop) == before
    texts = {"Basket.common": BASKET.decode("latin-1"), "lookup": UTIL}
    found = {s["function"]: s for s in value["suggestions"]}
    assert "Basket.common" in found, value["rejected"]
    after = {name: check_suggestion(s, texts[name]) for name, s in found.items()}
    assert value["inputs"]["source"] == "captured"
    assert value["inputs"]["count"] > 0
    assert value["run"]["before_s"] > 0
    assert value["run"]["after_s"] > 0
    for row in value["rejected"]:
        assert row.keys() >= {"function", "title", "stage", "reason"}
        assert row["stage"]
        assert row["reason"]

    ids = [s["id"] for s in value["suggestions"]]
    assert cli("apply", *ids, "--json", cwd=shop).value["applied"] == ids
    basket = (shop / "src" / "my_shop" / "basket.py").read_bytes()
    assert basket.decode("latin-1") == after["Basket.common"]
    assert basket.count(b"\n") == basket.count(b"\r\n")
    assert said_by(shop) == printed
    assert error_of(cli("apply", ids[0], "--json", cwd=shop))["code"] == "applied-already"
    undone = cli("undo", "--json", cwd=shop)
    assert (undone.code, sorted(undone.value["undone"])) == (0, sorted(ids))
    assert files_of(shop) == before
    again = cli("undo", "--json", cwd=shop)
    assert (again.code, again.value["undone"]) == (1, [])


@pytest.mark.slow
def test_utf16_ranges_and_apply_through_a_link(cli: Cli):
    """A file outside any project, behind a symbolic link, read-only, with characters above FFFF."""
    real = cli.folder / "real.py"
    real.write_text(EMOJI)
    real.chmod(0o444)
    (cli.folder / "link.py").symlink_to("real.py")
    (cli.folder / "give.py").write_text(INPUTS)
    done = cli(
        "optimize", "link.py::pick", "--inputs", "give.py", "--budget", "1", "--apply", "--json"
    )
    assert done.code == 0, done.out + done.err
    [suggestion] = done.value["suggestions"]
    after = check_suggestion(suggestion, EMOJI)
    assert real.read_text() == after
    assert done.value["inputs"] == {"source": "file", "count": 3}
    assert done.value["run"] is None
    assert (cli.folder / "link.py").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o444
    assert cli("undo", suggestion["id"], "--json").code == 0
    assert real.read_text() == EMOJI

    real.chmod(0o644)
    real.write_text(EMOJI.replace("return out", "return out[:1]"))
    assert error_of(cli("apply", suggestion["id"], "--json"))["code"] == "stale"
    real.write_text("# moved down\n\n\n" + EMOJI)
    assert cli("apply", suggestion["id"], "--json").code == 0
    assert real.read_text() == "# moved down\n\n\n" + after
    real.write_text("X = 1\n" + real.read_text())
    shown = cli("undo")
    assert shown.code == 0
    assert "real.py" in shown.out or "link.py" in shown.out
    assert real.read_text() == "X = 1\n# moved down\n\n\n" + EMOJI


def test_nothing_to_gain_exits_with_1_and_says_why(cli: Cli):
    (cli.folder / "a.py").write_text(
        "def add(a: int, b: int) -> int:\n    return a + b\n\n\n"
        "def quiet(a: list[int]) -> int:  # hasten: ignore\n    return sorted(a)[0]\n"
    )
    done = cli("optimize", "a.py::add", "--json")
    assert (done.code, done.value["suggestions"], done.value["run"]) == (1, [], None)
    [row] = done.value["rejected"]
    assert (row["function"], row["stage"]) == ("add", "search")
    assert error_of(cli("optimize", "a.py::quiet", "--json"))["code"] == "function-ignored"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("optimize",), "target-missing"),
        (("optimize", "a.py", "--inputs", "a.py"), "inputs-need-function"),
        (("optimize", "a.py::f", "--inputs", "no.py"), "file-missing"),
        (("optimize", "no.py"), "file-missing"),
        (("optimize", "a.py::g"), "function-unknown"),
        (("optimize", "a.py::"), "usage"),
        (("optimize", "a.py", "--strategy", "guess"), "settings"),
        (("optimize", "a.py", "--budget", "0"), "settings"),
        (("optimize", "a.py", "--budget", "many"), "usage"),
        (("optimize", "a.py", "--nonsense"), "usage"),
        (("apply",), "usage"),
        (("apply", "0123456789"), "suggestion-unknown"),
        (("undo", "0123456789"), "undo-unknown"),
        (("hot",), "profile-missing"),
        (("hot", "no.py"), "file-missing"),
        (("profile",), "command-missing"),
        (("index", "search", "a.py::g"), "function-unknown"),
        (("nonsense",), "usage"),
    ],
)
def test_bad_words_are_one_json_error(cli: Cli, arguments: tuple[str, ...], code: str):
    (cli.folder / "a.py").write_text("def f(a: int) -> int:\n    return a\n")
    error = error_of(cli(*arguments, "--json"))
    assert error["code"] == code
    assert error["message"]
    assert error["mend"]


def test_a_workload_is_given_once(cli: Cli):
    done = cli("optimize", "--workload", "python a.py", "--json", "--", "python", "a.py")
    assert error_of(done)["code"] == "usage"


def test_profile_and_hot(cli: Cli, shop: Path):
    """The program's own output never reaches stdout; what changed since is stale."""
    done = cli("profile", "--json", "--", "python", "main.py", "two words", cwd=shop)
    assert done.code == 0, done.err
    assert "two" not in done.out.replace("two words", "")
    file = Path(done.value["profile"])
    listed = cli("hot", "--json", cwd=shop).value
    assert cli("hot", "--profile", file, "--json", cwd=shop).value == listed
    assert listed[0].keys() == {
        "function", "path", "line", "self_share", "total_share", "worth", "stale", "unsure",
        "measured", "measured_path", "measured_line", "calls", "native_share", "advice", "why",
        "callers", "callees", "lines",
    }  # fmt: skip
    assert listed[0]["function"] == "Basket.common"
    assert listed[0]["path"] == str(shop / "src" / "my_shop" / "basket.py")
    assert [s["worth"] for s in listed] == sorted((s["worth"] for s in listed), reverse=True)
    assert not any(s["stale"] for s in listed)
    only = cli("hot", "--profile", file, "src/my_shop/util.py", "--json", cwd=shop).value
    assert {s["function"] for s in only} == {"norm", "lookup"}
    assert {s["line"] for s in only if s["function"] == "lookup"} == {5}

    table = cli("hot", cwd=shop, COLUMNS="100")
    assert "src/my_shop/basket.py::Basket.common" in table.out
    (shop / "src" / "my_shop" / "util.py").write_text(UTIL.replace("x + 0", "x + 1 - 1"))
    changed = {s["function"]: s["stale"] for s in cli("hot", "--json", cwd=shop).value}
    assert (changed["norm"], changed["Basket.common"]) == (True, False)


@pytest.mark.slow
def test_doctor_trust_and_index(cli: Cli, shop: Path):
    """Each prints one JSON value of its kind; the shipped corpus answers for a function."""
    checks = cli("doctor", "--json", cwd=shop).value
    assert checks.keys() >= {
        "version", "python", "sandbox", "embedding", "model", "chroma", "editors",
    }  # fmt: skip
    assert all(check.keys() >= {"ok", "mend"} for check in checks.values())
    assert all(check["ok"] or check["mend"] for check in checks.values())
    states = [cli("trust", *flags, "--json", cwd=shop) for flags in (["--show"], [], ["--remove"])]
    assert [s.value["trusted"] for s in states] == [False, True, False]
    assert [s.code for s in states] == [1, 0, 0]
    hits = cli("index", "search", "src/my_shop/basket.py::Basket.common", "--json", cwd=shop).value
    assert any("set" in hit["title"].casefold() for hit in hits), [h["title"] for h in hits]
    assert all(hit["ratio"] > 1 and hit["receipt"] for hit in hits)
    assert cli("index", "stats", "--json", cwd=shop).value["records"] >= 25
