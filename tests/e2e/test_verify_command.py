"""`hasten verify --command`: a tree against a commit, by the project's own commands."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from benchmark_runner.receipt import from_json
from benchmark_runner.receipts.dependencies import changes_since
from benchmark_runner.sandbox.probe import probe
from tests.e2e.cli import Cli, below, still_there, wait_until

SLOW = """
def unique(xs):
    seen = []
    for x in xs:
        if x not in seen:
            seen.append(x)
    return seen
"""
FAST = "def unique(xs):\n    return list(dict.fromkeys(xs))\n"
TESTS = """
import sys
sys.path.insert(0, ".")
from shop import unique

def test_order():
    assert unique([3, 1, 3]) == [3, 1]

def test_empty():
    assert unique([]) == []
"""
BENCH = """
import sys, time
sys.path.insert(0, ".")
from shop import unique

for n in (40, 300):
    xs = list(range(n)) * 2
    start = time.process_time()
    for _ in range(2000 // n):
        unique(xs)
    print(f"unique {n}: {(time.process_time() - start) * 1e3 + 0.001:.4f} ms")
"""
SLEEPS = "import time\n\ndef test_it():\n    time.sleep(600)\n"
TEST, NUMBERS = "python -m pytest -q tests", "python bench.py"
PYTHON = ("--python", sys.executable)


def run_git(folder: Path, *arguments: str) -> None:
    own = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *own, "-C", folder, *arguments], check=True, capture_output=True)


def make(folder: Path, files: dict[str, str]) -> Path:
    """A repository with one commit."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run_git(folder, "init", "-q")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # no waiting for the timings of others
    return Cli(tmp_path / "home")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    files = {"shop.py": SLOW, "tests/test_shop.py": TESTS, "bench.py": BENCH}
    return make(tmp_path / "shop", files)


def judge(cli: Cli, tree: Path, *flags: str, benchmark: str = NUMBERS) -> tuple[int, Any]:
    given = ("--test", TEST, "--benchmark", benchmark, *PYTHON, "--json")
    done = cli("verify", "--command", *given, *flags, cwd=tree)
    return done.code, done.value


def left_over() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("hasten-own-*/hasten-command-*"))


@pytest.mark.slow
def test_a_gain_of_plain_numbers(cli: Cli, shop: Path) -> None:
    (shop / "shop.py").write_text(FAST)
    (shop / "bench.py").write_text("print('unique 40: 99999')")  # not used: the base's is
    code, value = judge(cli, shop)
    assert (code, value["decision"], value["equality"]) == (0, "faster", "exact"), value["reason"]
    receipt = from_json(value["receipt"])
    measured = receipt.measurement
    assert receipt.kind == "command" and measured is not None
    assert (measured.clock, measured.unit) == ("metric", "s")
    assert [t.name for t in measured.inputs] == ["unique 40", "unique 300"]
    kinds = {(d.kind, d.name) for d in receipt.dependencies}
    assert kinds == {
        ("tree", "base commit"), ("tree", "base tree"),
        ("before tree file", "shop.py"), ("after tree file", "shop.py"),
    }  # fmt: skip
    assert changes_since(receipt.dependencies) == ()
    (shop / "shop.py").write_text(FAST + "\n# more\n")
    assert changes_since(receipt.dependencies) == ("shop.py was changed",)
    notes = " ".join(receipt.notes)
    assert "are the base's for both" in notes and "bench.py (not used)" in notes
    assert "exit codes: benchmark after 0" in notes
    assert receipt.verdict is not None and receipt.verdict.inputs == 2
    assert not (shop / ".git" / "worktrees").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "text", "call", "now"),
    [
        ("shop.py", "def unique(xs):\n    return sorted(set(xs))\n", "test_order", "failed"),
        ("conftest.py", "", "", ""),
    ],
)
def test_a_failing_test_is_different_and_a_new_conftest_is_not_used(
    cli: Cli, shop: Path, file: str, text: str, call: str, now: str
) -> None:
    if not text:
        text = "collect_ignore_glob = ['*']\n"
    (shop / file).write_text(text)
    code, value = judge(cli, shop, "--budget", "1")
    assert code == 1, value
    if call:
        assert value["decision"] == "different"
        assert call in value["counterexample"]["call"]
        assert value["counterexample"]["after"] == now
    else:
        assert value["equality"] == "exact"


@pytest.mark.slow
def test_a_test_that_is_gone_differs_where_each_side_has_its_own(cli: Cli, shop: Path) -> None:
    (shop / "tests" / "test_shop.py").write_text(TESTS.partition("def test_empty")[0])
    code, value = judge(cli, shop, "--own-tests")
    assert (code, value["decision"]) == (1, "different")
    assert value["counterexample"]["after"] == "not run"


@pytest.mark.slow
def test_a_benchmark_that_got_slower_is_named(cli: Cli, shop: Path) -> None:
    (shop / "shop.py").write_text(FAST)
    run_git(shop, "commit", "-qam", "fast")
    (shop / "shop.py").write_text(SLOW)
    code, value = judge(cli, shop)
    assert (code, value["decision"]) == (1, "slower"), value["reason"]
    assert "unique 300" in {row["name"] for row in value["slower_on"]}
    code, value = judge(cli, shop, "--base", "HEAD~1", "--budget", "1")
    assert value["decision"] in {"not faster", "inconclusive"}, value["reason"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "line", "code"),
    [
        (("--base", "nowhere"), NUMBERS, "ref-unknown"),
        ((), "python -c pass", "metric-missing"),
        ((), "python missing.py", "original-failed"),
        (("--metric", "pyperf"), NUMBERS, "metric-missing"),
    ],
)
def test_what_can_not_be_judged_is_told(
    cli: Cli, shop: Path, flags: tuple[str, ...], line: str, code: str
) -> None:
    exit_code, value = judge(cli, shop, *flags, benchmark=line)
    assert (exit_code, value["error"]["code"]) == (2, code)
    assert value["error"]["mend"]


@pytest.mark.slow
def test_a_workspaces_own_commands_are_inert_until_it_is_trusted(cli: Cli, shop: Path) -> None:
    trap = cli.folder / "trap"
    table = f'[command]\ntest = "touch {trap}"\nbenchmark = "touch {trap}"\n'
    (shop / "hasten.toml").write_text(table)
    done = cli("verify", "--command", "--json", cwd=shop)
    assert (done.code, done.value["error"]["code"]) == (2, "command-benchmark-missing")
    assert "not trusted" in done.err
    assert not trap.exists()


@pytest.mark.slow
def test_commands_reach_neither_the_network_nor_the_users_files(cli: Cli, shop: Path) -> None:
    outside = cli.folder / "outside"
    (shop / "tests" / "test_more.py").write_text(f"""
import pathlib, socket, pytest

def test_nothing_outside():
    with pytest.raises(OSError):
        pathlib.Path({str(outside)!r}).write_text("x")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", 9), 1)
""")
    run_git(shop, "add", "-A")
    run_git(shop, "commit", "-qm", "more")
    _, value = judge(cli, shop, "--budget", "1")
    assert value["equality"] == "exact", value
    assert not outside.exists()


@pytest.mark.slow
@pytest.mark.parametrize("level", ["L1", "L2"])
def test_a_kill_leaves_no_process_and_the_next_run_no_folder(
    cli: Cli, shop: Path, level: str
) -> None:
    if probe().level < level:
        pytest.skip(f"this machine does not reach {level}")
    (shop / "tests" / "test_shop.py").write_text(SLEEPS)
    run_git(shop, "commit", "-qam", "slow test")
    running = cli.start(
        "verify", "--command", "--test", TEST, "--benchmark", NUMBERS, *PYTHON, cwd=shop,
        HASTEN_SANDBOX=level,
    )  # fmt: skip
    running.said("testing the original")
    wait_until(lambda: any("pytest" in c for c in below(running.process.pid).values()), "pytest")
    started = below(running.process.pid)
    assert left_over()
    running.signal(signal.SIGKILL)
    running.wait()
    wait_until(lambda: not still_there(started), "the end of all processes")
    assert not (shop / ".git" / "worktrees").exists()
    folders = set(left_over())
    run_git(shop, "reset", "-q", "--hard", "HEAD~1")
    judge(cli, shop, "--budget", "1")
    assert not folders & set(left_over())


C_FILES = {
    "sum.c": "long total(int n) { long t = 0; for (int i = 0; i < n; i++)"
    " for (int j = 0; j < 40; j++) t += i; return t; }\n",
    "bench/bench_sum.c": """
#include <stdio.h>
#include <time.h>
long total(int);
int main(void) {
    volatile long x;
    clock_t start = clock();
    for (int i = 0; i < 10; i++) x = total(20000);
    printf("%f ms\\n", 1e3 * (clock() - start) / CLOCKS_PER_SEC);
    return 0;
}
""",
    "test/test_sum.c": "long total(int); int main(void) { return total(10) != 1800; }\n",
    "Makefile": """all: bench/run test/run
bench/run: bench/bench_sum.c sum.c
\tcc -O0 -o $@ bench/bench_sum.c sum.c
test/run: test/test_sum.c sum.c
\tcc -O0 -o $@ test/test_sum.c sum.c
""",
    ".gitignore": "run\n",
    "hasten.toml": '[command]\nsetup = "make"\ntest = "test/run"\nbenchmark = "bench/run"\n',
}


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("make") or not shutil.which("cc"), reason="no C compiler")
def test_a_project_in_c_is_built_for_each_version(cli: Cli, tmp_path: Path) -> None:
    tree = make(tmp_path / "sum", C_FILES)
    better = C_FILES["sum.c"].replace("for (int j = 0; j < 40; j++) t += i", "t += 40L * i")
    (tree / "sum.c").write_text(better)
    cli("trust", str(tree))
    done = cli("verify", "--command", "--json", cwd=tree)
    value = done.value
    assert (done.code, value["decision"]) == (0, "faster"), value
    assert value["receipt"]["called"] == "bench/run"
    wrong = better.replace("40L", "41L")
    (tree / "sum.c").write_text(wrong)
    value = cli("verify", "--command", "--json", cwd=tree).value
    assert value["decision"] == "different"
    assert "exit code 1" in value["counterexample"]["after"]


@pytest.mark.slow
def test_a_project_with_pytest_benchmark(cli: Cli, shop: Path) -> None:
    (shop / "benchmarks").mkdir()
    (shop / "benchmarks" / "test_speed.py").write_text("""
import sys
sys.path.insert(0, ".")
from shop import unique

def test_many(benchmark):
    benchmark(unique, list(range(300)) * 2)
""")
    run_git(shop, "add", "-A")
    run_git(shop, "commit", "-qm", "benchmarks")
    (shop / "shop.py").write_text(FAST)
    line = "pytest -q benchmarks --benchmark-max-time=0.05 --benchmark-min-rounds=3"
    given = ("--test", TEST, "--benchmark", line, *PYTHON, "--json")
    done = cli("verify", "--command", *given, cwd=shop, timeout=600)
    value = done.value
    assert (done.code, value["decision"]) == (0, "faster"), value["reason"]
    [row] = value["receipt"]["measurement"]["inputs"]
    assert row["name"] == "benchmarks/test_speed.py::test_many"
    libraries = {d["name"] for d in value["receipt"]["dependencies"] if d["kind"] == "library"}
    assert libraries == {"pytest-benchmark"}
