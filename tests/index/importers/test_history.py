"""Claims out of a repository's history; nothing that its configuration names is started."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.errors import Cancelled
from analysis.gate import check_candidate
from analysis.progress import CancelToken, silent
from index.importers import git_reader, history
from index.importers.claim import Claim, ClaimError
from index.importers.history import edit_distance, mine
from index.importers.messages import claims_speed, ratio_told, without_names
from index.record import home_of

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

SLOW = """\
import math


def common(left, right):
    return [x for x in left if x in right]


def area(radius):
    total = 0.0
    for _ in range(1):
        total += math.pi * radius * radius
    return total


class Box:
    def size(self):
        return len([x for x in self.items])
"""
FAST = SLOW.replace(
    "    return [x for x in left if x in right]",
    "    wanted = set(right)\n    return [x for x in left if x in wanted]",
)
BOTH = FAST.replace("import math\n", "import math\nfrom functools import reduce\n").replace(
    "        total += math.pi * radius * radius\n",
    "        total = reduce(float.__add__, [math.pi * radius * radius], total)\n",
)


class Repository:
    """A repository that a test makes, with git's own defaults."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, given: str | None = None) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        who = {
            f"GIT_{w}_{k}": v
            for w in ("AUTHOR", "COMMITTER")
            for k, v in (("NAME", "A"), ("EMAIL", "a@b.c"), ("DATE", "2026-02-03T04:05:06Z"))
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments], input=given, text=True, check=True,
            capture_output=True,
            env={**kept, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"},
        )  # fmt: skip
        return done.stdout

    def commit(self, message: str, **files: str) -> None:
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_py", ".py").replace("_c", ".c")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def mined(self, home: str = "") -> list[Claim]:
        return list(mine(self.folder, silent, home=home))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "some project")


def test_a_commit_that_claims_a_gain_is_one_claim_for_the_changed_function(
    repository: Repository,
) -> None:
    repository.commit("start", app_py=SLOW)
    repository.commit("Speed up `common`: look members up in a set (#12)\n\nDetails.", app_py=FAST)
    (claim,) = repository.mined()
    sha = repository.git("rev-parse", "HEAD").strip()[:12]
    assert claim.origin == f"git:some-project:{sha}:app.py::common"
    assert (claim.language, claim.function) == ("python", "common")
    assert (claim.slow, claim.fast) == (SLOW, FAST)
    assert claim.title == "Speed up: look members up in a set"
    assert claim.notice.endswith("Speed up `common`: look members up in a set (#12)")
    assert claim.created.startswith("2026-02-03T04:05:06")


def test_a_private_repository_has_a_home(repository: Repository) -> None:
    repository.commit("start", app_py=SLOW)
    repository.commit("Speed up `common`", app_py=FAST)
    (private,), (public,) = repository.mined("abc"), repository.mined()
    assert private.origin.startswith("git:some-project@abc:")
    assert home_of(private.provenance) == home_of(private.unproved_provenance) == "abc"
    assert home_of(public.provenance) is None
    assert private.notice == public.notice
    assert private.notice.startswith("some-project, commit ")


def test_of_several_changed_functions_each_is_put_into_the_old_file_alone(
    repository: Repository,
) -> None:
    repository.commit("start", app_py=SLOW)
    repository.commit("Make it 2.5x faster", app_py=BOTH)
    first, second = repository.mined()
    assert (first.function, first.fast) == ("common", FAST)
    assert second.function == "area"
    assert "from functools import reduce" in second.fast
    assert "wanted = set(right)" not in second.fast
    assert check_candidate(SLOW, second.fast, "area", "app.py") is None
    assert first.reported_ratio == 2.5


def test_c_functions_are_found(repository: Repository) -> None:
    slow = "int twice(int n) {\n    int s = 0;\n    for (int i = 0; i < n; i++) s += 2;\n"
    repository.commit("start", app_c=slow + "    return s;\n}\n")
    repository.commit(
        "perf: no loop for a product",
        app_c="int twice(int n) {\n    return n > 0 ? 2 * n : 0;\n}\n",
    )
    (claim,) = repository.mined()
    assert (claim.language, claim.function) == ("c", "twice(int)")
    assert claim.title == "No loop for a product"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests__app_py", FAST),
        ("app_txt", FAST),
        ("app_py", SLOW.replace("x in right", "x in right  # faster")),
        ("app_py", FAST + "\n".join(f"x{n} = {n}" for n in range(300))),
        ("app_py", "def common(:\n    pass\n\n\n\n"),
    ],
    ids=["a test", "no source", "a comment", "a large difference", "no Python"],
)
def test_other_changes_are_no_claims(repository: Repository, path: str, text: str) -> None:
    repository.commit("start", **{path: SLOW})
    repository.commit("Faster", **{path: text})
    assert repository.mined() == []


def test_merges_are_left_out(repository: Repository) -> None:
    repository.commit("start", app_py=SLOW)
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("Use a set", app_py=FAST)
    repository.git("checkout", "-q", "main")
    repository.commit("else", other_py="x = 1\n")
    repository.git("merge", "-q", "--no-ff", "-m", "This makes it faster", "side")
    assert repository.mined() == []


HOSTILE = """\
[core]
    fsmonitor = {program} fsmonitor
    pager = {program} pager
    hooksPath = {hooks}
    sshCommand = {program} ssh
[diff]
    external = {program} external
[diff "evil"]
    textconv = {program} textconv
    command = {program} driver
[filter "evil"]
    smudge = {program} smudge
    clean = {program} clean
[log]
    showSignature = true
[gpg]
    program = {program}
[protocol "ext"]
    allow = always
[remote "origin"]
    url = ext::{program} remote
    promisor = true
    partialclonefilter = blob:none
[extensions]
    partialClone = origin
[alias]
    cat-file = !{program} alias
"""


@pytest.fixture
def hostile(repository: Repository, tmp_path: Path) -> Path:
    """The file that tells which of the repository's programs were started."""
    started, program = tmp_path / "started", tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$@" >> {started}\nexit 1\n')
    program.chmod(0o755)
    repository.commit("start", app_py=SLOW)
    (repository.folder / ".gitattributes").write_text("*.py diff=evil filter=evil\n")
    repository.commit("Speed up by a set", app_py=FAST)
    signed = repository.git("cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n", 1
    )
    sha = repository.git("hash-object", "-t", "commit", "-w", "--stdin", given=signed).strip()
    repository.git("update-ref", "refs/heads/main", sha)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    shutil.copy(program, hooks / "post-index-change")
    with (repository.folder / ".git" / "config").open("a") as file:
        file.write(HOSTILE.format(program=program, hooks=hooks))
    return started


def test_programs_of_a_hostile_repository_are_not_started(
    repository: Repository, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"{hostile.with_name('program')} environment")
    monkeypatch.setenv("GIT_PAGER", f"{hostile.with_name('program')} environment")
    (claim,) = repository.mined()
    assert claim.fast == FAST
    assert not hostile.exists()


def test_a_blob_that_is_missing_is_not_fetched(repository: Repository, hostile: Path) -> None:
    blob = repository.git("rev-parse", "HEAD:app.py").strip()
    (repository.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert repository.mined() == []
    assert not hostile.exists()


def test_plain_git_would_start_them(repository: Repository, hostile: Path) -> None:
    """Or the two tests above would show nothing."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    command = ["git", "-C", str(repository.folder), "log", "-p", "-1"]
    subprocess.run(command, env=kept, capture_output=True, check=False)
    told = hostile.read_text()
    assert "textconv" in told
    assert "--verify" in told  # what git asks of gpg


@pytest.mark.parametrize(
    "config",
    [
        "[diff]\n    orderFile = {file}\n    relative = true\n",
        "[core]\n    attributesFile = {file}\n    excludesFile = {file}\n",
        "[mailmap]\n    file = {file}\n    blob = HEAD:app.py\n[log]\n    mailmap = true\n",
        "[blame]\n    ignoreRevsFile = {file}\n",
        "[core]\n    alternateRefsCommand = touch {file}\n",
    ],
    ids=["orderFile", "attributes and excludes", "mailmap", "blame", "alternates"],
)
def test_files_that_the_configuration_names_are_not_read(
    repository: Repository, tmp_path: Path, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a pipe that nobody writes to: whoever opens it waits for ever."""
    monkeypatch.setattr(git_reader, "SILENCE_S", 20.0)
    file = tmp_path / "waits"
    os.mkfifo(file)
    repository.commit("start", app_py=SLOW)
    repository.commit("Speed up by a set", app_py=FAST)
    with (repository.folder / ".git" / "config").open("a") as own:
        own.write(config.format(file=file))
    (claim,) = repository.mined()
    assert claim.fast == FAST


def test_git_that_says_nothing_is_given_up(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_reader, "SILENCE_S", 0.0)
    repository.commit("start", app_py=SLOW)
    waits = tmp_path / "waits"
    os.mkfifo(waits)
    with (repository.folder / ".git" / "config").open("a") as file:
        file.write(f"[include]\n    path = {waits}\n")
    with pytest.raises(ClaimError, match="it said nothing for 0 s"):
        repository.mined()


def test_waiting_for_git_can_be_cancelled(repository: Repository, tmp_path: Path) -> None:
    repository.commit("start", app_py=SLOW)
    token, waits = CancelToken(), repository.folder / ".git" / "objects" / "info" / "alternates"
    reader = git_reader.GitReader(repository.folder, token.check)
    os.mkfifo(waits)
    token.cancel()
    with pytest.raises(Cancelled):
        list(reader.commits(9))


def test_gits_memory_is_bounded(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit("start", app_py=SLOW)
    (repository.folder / ".git" / "objects" / "info" / "alternates").symlink_to("/dev/zero")
    monkeypatch.setattr(git_reader, "MOST_MEMORY", 200 << 20)
    with pytest.raises(ClaimError, match="git can't read it"):
        repository.mined()


def test_each_file_can_be_the_last(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit("start", app_py=SLOW, other_py=SLOW)
    repository.commit("Speed up both", app_py=FAST, other_py=FAST)
    token, compared = CancelToken(), []

    def counted(before: str, after: str) -> int:
        compared.append(before)
        token.cancel()
        return history.MOST_LINES + 1

    monkeypatch.setattr(history, "_lines_changed", counted)
    with pytest.raises(Cancelled):
        list(mine(repository.folder, silent, token))
    assert len(compared) == 1


class Line(str):
    """A line that counts how often it is compared."""

    compared = 0

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        Line.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize(
    ("old", "new", "least"),
    [
        ("", "", 0),
        ("abc", "abc", 0),
        ("abc", "", 3),
        ("abcabba", "cbabac", 5),
        ("axb", "ayb", 2),
        ("a" * 50, "b" * 50, 11),
        ("ab" * 20, "ba" * 20, 2),
        ("a" + "xy" * 30, "xy" * 30 + "b", 2),
    ],
)
def test_the_fewest_lines_that_are_gone_or_new(old: str, new: str, least: int) -> None:
    assert edit_distance(list(old), list(new), 10) == least
    assert edit_distance(list(new), list(old), 10) == least


def test_files_that_are_made_to_take_long_are_compared_within_bounds() -> None:
    lines = [Line("x" if n % 2 else "y") for n in range(4000)]
    turned = [Line("y" if n % 3 else "x") for n in range(4000)]
    for old, new in ((lines, turned), (lines, lines[1:] + lines[:1]), (lines[:1] * 4000, lines)):
        Line.compared = 0
        edit_distance(old, new, 50)
        assert Line.compared <= 101 * 4200


def test_a_forged_message_makes_no_other_commit(repository: Repository) -> None:
    repository.commit("start", app_py=SLOW)
    forged = "Faster\n\n\x01" + "0" * 40 + "\x022026\x02Faster\x03:100644 100644 a b M\0app.py"
    tree = repository.git("rev-parse", "HEAD^{tree}").strip()
    sha = repository.git("commit-tree", tree, "-p", "HEAD", given=forged.replace("\0", "")).strip()
    repository.git("update-ref", "refs/heads/main", sha)
    assert repository.mined() == []


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()  # of the folders above none is looked at
    with pytest.raises(ClaimError, match="git can't read it"):
        list(mine(tmp_path, silent))


def test_a_repository_without_commits_is_refused(repository: Repository) -> None:
    with pytest.raises(ClaimError, match="git can't read it"):
        repository.mined()


def test_mining_can_be_cancelled(repository: Repository) -> None:
    repository.commit("start", app_py=SLOW)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        list(mine(repository.folder, silent, token))


@pytest.mark.parametrize(
    "message",
    [
        "Speed up parsing", "speedup of the reader", "perf: fewer copies", "Optimise the join",
        "Make lookups 3x faster", "Improve performance of sorting", "Performance improvements",
        "Avoid quadratic behaviour in merge", "O(n^2) -> O(n) in dedupe",
        "Reduce overhead of calls", "perf(core)!: no copies",
    ],
)  # fmt: skip
def test_messages_that_claim_a_gain(message: str) -> None:
    assert claims_speed(message)


@pytest.mark.parametrize(
    "message",
    [
        "Add a performance test", "Revert \"Speed up parsing\"", "Merge branch faster", "Fix typo",
        "Benchmark for the faster path is gone", "Make the tests faster", "Speed up CI",
        "Optimize imports", "Disable optimization", "It is slower now, but right",
        "perf tests: add one", "Add optimization level flag", "Improve perf docs", "Fail faster",
        "Add reader\n\nThis is faster.",
    ],
)  # fmt: skip
def test_messages_that_speak_of_something_else(message: str) -> None:
    assert not claims_speed(message)


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("[perf] app.reader: use a deque in `Reader.next()`", "Use a deque"),
        ("Speed up read_rows() with a set, see #123 (GH-77)", "Speed up with a set, see"),
        ("fix(core): avoid quadratic growth of strings", "Avoid quadratic growth of strings"),
        ("Optimize my_function", ""),
        ("Improve performance", ""),
        ("Look up in a set (2.5x faster)", "Look up in a set (faster)"),
        ("Sort once, 30% less time", "Sort once, less time"),
        ("Faster CsvReader by buffering; thanks @someone", "Faster by buffering; thanks"),
        ("Speed up\x1b[31m scans of lists", "Speed up [31m scans of lists"),
    ],
)
def test_titles_are_free_of_names_and_of_figures_that_nobody_proved(
    message: str, title: str
) -> None:
    assert without_names(message) == title


def test_ratios_of_messages() -> None:
    assert ratio_told("3x faster joins") == 3.0
    assert ratio_told("faster joins") is None
