from __future__ import annotations

from pathlib import Path

import pytest

from analysis.functions import functions_in
from analysis.hotspots import hot_spots
from analysis.profiles.load import load_profile
from analysis.profiles.model import FunctionCost, Profile
from analysis.profiles.places import Places
from analysis.profiles.sources import OTHER

SOURCE = """\
import functools

def a():
    pass

@functools.cache
def b():
    pass

class C:
    def a(self):
        pass

def silent():  # hasten: ignore
    pass
"""


def cost(path, name, line, own=1.0, total=None, direct=None):
    total = own if total is None else total
    return FunctionCost(str(path), name, line, own, total, own if direct is None else direct, 1)


def profile(*costs, total=10.0):
    return Profile("test", "seconds", total, costs)


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "m.py").write_text(SOURCE)
    return tmp_path


def seen(spots):
    return [(s.function, s.line, s.stale) for s in spots]


def test_hottest_first_by_worth(workspace):
    path = workspace / "pkg" / "m.py"
    spots = hot_spots(
        profile(
            cost(path, "a", 3, own=1, total=9, direct=2),
            cost(path, "b", 6, own=3, total=4, direct=3),
            cost(path, "a", 11, own=1, total=5, direct=4),
        ),
        workspace,
    )
    assert seen(spots) == [("C.a", 11, False), ("b", 7, False), ("a", 3, False)]
    assert [(s.self_share, s.total_share, s.worth) for s in spots] == [
        (0.1, 0.5, 0.4),
        (0.3, 0.4, 0.3),
        (0.1, 0.9, 0.2),
    ]
    assert {s.path for s in spots} == {str(path.resolve())}


def test_no_share_is_above_one(workspace):
    path = workspace / "pkg" / "m.py"
    (spot,) = hot_spots(profile(cost(path, "a", 3, own=11, total=50, direct=30)), workspace)
    assert (spot.self_share, spot.total_share, spot.worth) == (1, 1, 1)


def test_a_real_profile_has_no_module_code_and_no_share_above_one(run):
    folder, path = run
    spots = hot_spots(load_profile(path, folder), folder)
    assert {s.function for s in spots} == {"key", "ordered", "text", "Tree.depth", "idle"}
    assert all(0 <= s.self_share <= s.worth <= s.total_share <= 1 for s in spots)
    assert not any(s.stale for s in spots)
    assert spots[-1].function == "idle"


def test_without_sources_what_moved_is_not_certain_and_what_is_gone_is_left_out(workspace):
    path = workspace / "pkg" / "m.py"
    costs = [cost(path, "b", 4), cost(path, "gone", 1), cost(path, "<module>", 1)]
    (spot,) = hot_spots(profile(*costs), workspace)
    assert (spot.function, spot.line, spot.stale, spot.unsure) == ("b", 7, False, OTHER)


def test_fingerprints_tell_what_changed(workspace):
    path = workspace / "pkg" / "m.py"
    prints = {
        f"{path.resolve()}::{f.qualname}": f.fingerprint for f in functions_in(SOURCE, str(path))
    }
    costs = [cost(path, "a", 3), cost(path, "b", 6)]
    path.write_text("\n\n" + SOURCE.replace("def a():\n    pass", "def a():\n    return 1"))
    stale = {
        s.function: s.stale for s in hot_spots(profile(*costs), workspace, fingerprints=prints)
    }
    assert stale == {"a": True, "b": False}
    relative = {key.replace(f"{path.resolve()}", "pkg/m.py"): v for key, v in prints.items()}
    again = hot_spots(profile(*costs), workspace, fingerprints=relative)
    assert {s.function: s.stale for s in again} == stale


def test_silenced_functions_and_files_are_left_out(workspace):
    path = workspace / "pkg" / "m.py"
    costs = [cost(path, "a", 3), cost(path, "silent", 14)]
    assert seen(hot_spots(profile(*costs), workspace)) == [("a", 3, False)]
    assert hot_spots(profile(*costs), workspace, ignore=["pkg"]) == ()


def test_only_one_file_or_folder(workspace):
    (workspace / "other.py").write_text("def a():\n    pass\n")
    costs = [cost(workspace / "pkg" / "m.py", "a", 3), cost(workspace / "other.py", "a", 1)]
    for only, line in [("pkg", 3), ("pkg/m.py", 3), ("other.py", 1)]:
        spots = hot_spots(profile(*costs), workspace, only=workspace / only)
        assert [s.line for s in spots] == [line]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("pkg/m.py", "pkg/m.py"),
        ("m.py", "pkg/m.py"),
        ("/ci/build/pkg/m.py", "pkg/m.py"),
        ("C:\\work\\pkg\\m.py", "pkg/m.py"),
        ("pkg\\m.py", "pkg/m.py"),
        ("/ci/main.py", "main.py"),
        ("/ci/build/m.py", None),
        ("/ci/build/twice.py", None),
        ("/ci/one/twice.py", "one/twice.py"),
        ("/ci/.venv/lib/python3.11/site-packages/pkg/m.py", None),
        ("/usr/lib/python3.11/main.py", None),
        ("site-packages/pkg/m.py", None),
        ("env/lib/m.py", None),
        ("<string>", None),
        ("<frozen importlib._bootstrap>", None),
        ("~", None),
        ("", None),
        ("a\0b", None),
        ("../outside.py", None),
    ],
)
def test_files_are_found_by_the_end_of_their_path(workspace, named, found):
    for path in ["main.py", "one/twice.py", "two/twice.py", "env/lib/m.py", "env/pyvenv.cfg"]:
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text("")
    expected = None if found is None else str(workspace.resolve() / found)
    assert Places(workspace).file(named) == expected


OTHER_PROGRAM = "def a():\n    pass\n\ndef c():\n    pass\n\ndef d():\n    pass\n"


@pytest.mark.parametrize(
    ("above", "text", "found"),
    [
        ("clone", SOURCE, True),
        ("clone", SOURCE + "\ndef later():\n    pass\n", True),
        ("other_project", OTHER_PROGRAM, False),
        ("other_project", "", False),
        ("lib/python3.11", SOURCE, False),
        ("lib/pypy3.10", SOURCE, False),
        ("env/lib/python3.11/site-packages", SOURCE, False),
        ("python/Lib", SOURCE, False),
    ],
)
def test_a_file_of_this_machine_outside_the_workspace(
    workspace, tmp_path_factory, above, text, found
):
    folder = tmp_path_factory.mktemp("elsewhere") / above
    (folder / "pkg").mkdir(parents=True)
    if above == "python/Lib":  # a standard library wherever it lies
        (folder / "os.py").touch()
        (folder / "site.py").touch()
    outside = folder / "pkg" / "m.py"
    outside.write_text(text)
    expected = str(workspace.resolve() / "pkg" / "m.py") if found else None
    assert Places(workspace).file(str(outside)) == expected


def test_another_checkout_reads_the_same_whether_it_is_there_or_not(workspace, tmp_path_factory):
    clone = tmp_path_factory.mktemp("clone")
    (clone / "pkg").mkdir()
    outside = clone / "pkg" / "m.py"
    costs = [cost(outside, "a", 3), cost(outside, "b", 6)]
    gone = hot_spots(profile(*costs), workspace)
    outside.write_text(SOURCE)
    assert hot_spots(profile(*costs), workspace) == gone
    assert seen(gone) == [("a", 3, False), ("b", 7, False)]


def test_files_without_functions_are_of_another_checkout_where_they_are_equal(
    workspace, tmp_path_factory
):
    outside = tmp_path_factory.mktemp("clone") / "pkg" / "data.py"
    outside.parent.mkdir()
    outside.write_text("A = 1\n")
    ours = workspace / "pkg" / "data.py"
    for text, expected in (("A = 1\n", str(ours.resolve())), ("A = 2\n", None)):
        ours.write_text(text)
        assert Places(workspace).file(str(outside)) == expected


def test_an_environment_inside_the_workspace_is_not_ours(workspace):
    for folder in [".venv/lib", "mine/lib"]:
        (workspace / folder).mkdir(parents=True)
        (workspace / folder / "m.py").write_text(SOURCE)
    (workspace / "mine" / "pyvenv.cfg").write_text("")
    costs = [cost(workspace / f / "m.py", "a", 3) for f in (".venv/lib", "mine/lib")]
    assert hot_spots(profile(*costs), workspace) == ()


def test_a_linked_workspace(workspace, tmp_path_factory):
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(workspace)
    (spot,) = hot_spots(profile(cost(link / "pkg" / "m.py", "a", 3)), link, only=Path("pkg"))
    assert spot.function == "a"
