"""`hasten verify` of programs with cases and of C and C++ functions, through the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.benchmark_runner.native_programs import FAST, SLOW, needs_compiler, write_cases
from tests.e2e.cli import Cli

SLOW_CPP = """
#include <vector>
namespace lab {
int alike(const std::vector<int> &v, int x) {
  int found = 0;
  for (int a : v)
    for (int b : v) found += a == b && b == x;
  return found;
}
}
"""
FAST_CPP = """
#include <algorithm>
#include <vector>
namespace lab {
int alike(const std::vector<int> &v, int x) {
  int found = (int)std::count(v.begin(), v.end(), x);
  return found * found;
}
}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def write(cli: Cli, **texts: str) -> None:
    for name, text in texts.items():
        (cli.folder / name.replace("_", ".")).write_text(text)


@needs_compiler
def test_a_c_program_with_the_users_flags(cli: Cli) -> None:
    write(cli, slow_c=SLOW, fast_c=FAST)
    write_cases(cli.folder / "cases", (3, 2500, 3500))
    build = "gcc -O3 {source} -o {out}"
    done = cli("verify", "slow.c", "fast.c", "--cases", "cases", "--build", build, "--json")
    value = done.value
    assert (done.code, value["decision"], value["equality"]) == (0, "faster", "exact"), done.out
    assert value["inputs"]["source"] == "cases"
    receipt = value["receipt"]
    assert receipt["kind"] == "program"
    assert receipt["build"]["timed"][:2] == ["gcc", "-O3"]
    assert receipt["build"]["sanitizers"] == ["address", "undefined"]


@pytest.mark.slow
@needs_compiler
def test_a_wrong_program_is_told_with_a_line_that_shows_it(cli: Cli) -> None:
    wrong = FAST.replace("total += (2LL", "total -= (2LL")
    write(cli, slow_c=SLOW, wrong_c=wrong)
    write_cases(cli.folder / "cases", (3, 40))
    done = cli("verify", "slow.c", "wrong.c", "--cases", "cases/n3.in", "--json")
    assert (done.code, done.value["decision"]) == (1, "different")
    line = done.value["counterexample"]["snippet"]
    told = []
    for name in ("slow.c", "wrong.c"):
        subprocess.run(["cc", name, "-o", "after"], cwd=cli.folder, check=True)
        shown = subprocess.run(["sh", "-c", line], cwd=cli.folder, capture_output=True, check=True)
        told.append(shown.stdout)
    assert told[0] != told[1]


@pytest.mark.slow
@needs_compiler
def test_a_claim_of_another_compiler_says_so(cli: Cli) -> None:
    write(cli, slow_c=SLOW, fast_c=SLOW + "/* the same */\n")
    write_cases(cli.folder / "cases", (3,))
    cli("verify", "slow.c", "fast.c", "--cases", "cases", "--only-cases", "--save", "claim.json")
    claim = json.loads((cli.folder / "claim.json").read_text())
    [compiler] = [d for d in claim["dependencies"] if d["kind"] == "compiler"]
    was = compiler["digest"]
    compiler["digest"] = "an older one"
    (cli.folder / "claim.json").write_text(json.dumps(claim))
    done = cli("verify", "--receipt", "claim.json", "--json")
    assert f"{compiler['name']} was an older one, is {was}" in json.dumps(done.value)


@pytest.mark.slow
def test_a_python_program_from_lines_of_json(cli: Cli) -> None:
    work = "n = int(input())\nprint(sum({0} * {0} for {0} in range(n)))\n"
    write(cli, slow_py=work.format("i"), after_py=work.format("k"))
    total = sum(i * i for i in range(400_000))
    case = {"input": "400000\n", "output": f"{total}\n"}
    (cli.folder / "cases.jsonl").write_text(json.dumps(case) + "\n")
    done = cli("verify", "slow.py", "after.py", "--cases", "cases.jsonl", "--only-cases", "--json")
    assert (done.code, done.value["equality"]) == (1, "exact")
    assert done.value["decision"] in ("not faster", "inconclusive"), done.value["reason"]
    assert "too short" not in done.value["reason"]


@needs_compiler
@pytest.mark.slow
def test_a_cpp_function_by_its_argument_types(cli: Cli) -> None:
    write(cli, slow_cpp=SLOW_CPP, fast_cpp=FAST_CPP)
    name = "lab::alike(const std::vector<int> &, int)"
    done = cli("verify", "slow.cpp", "fast.cpp", "--function", name, "--json")
    assert (done.code, done.value["decision"], done.value["equality"]) == (0, "faster", "exact")
    assert done.value["receipt"]["kind"] == "native"
    assert done.value["receipt"]["function"] == name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--cases", "nowhere"), "file-missing"),
        (("--cases", "slow.c"), "cases-none"),
        (("--cases", "cases", "--build", "gcc {source}"), "build-command"),
        (("--cases", "cases", "--build", "no-such-compiler {source} -o {out}"), "compiler-missing"),
        (("--cases", "cases", "--function", "main"), "usage"),
        (("--function", "nobody(int)"), "function-missing"),
    ],
)
def test_what_can_not_be_used_is_named(cli: Cli, more: tuple[str, ...], code: str) -> None:
    write(cli, slow_c=SLOW, fast_c=FAST)
    write_cases(cli.folder / "cases", (3,))
    done = cli("verify", "slow.c", "fast.c", *more, "--json")
    assert done.code == 2
    assert done.value["error"]["code"] == code
    assert done.value["error"]["mend"]
