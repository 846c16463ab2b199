"""Profiles and the sources that they are about: edits, other checkouts, foreign profiles."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from analysis.hotspots import Ranking, rank
from analysis.profiles import opened as opened_module
from analysis.profiles.load import load_profile
from analysis.profiles.model import FunctionCost, LineCost, Profile
from analysis.profiles.opened import Opened, open_profile
from analysis.profiles.sources import NEWER, OTHER, Sources, keep_text, read_text, take_sources
from analysis.profiles.store import (
    newest_profile,
    profiles_folder,
    read_sidecar,
    sidecar_of,
    sources_folder,
    write_sidecar,
)

SOURCE = """\
def first(x):
    return x + 1


class A:
    def run(self):
        return [first(x) for x in self]


class B:
    def run(self):
        return sum(self)
"""
LATER = 2_000_000_000


def stack(line_of_a: int, name: str = "run") -> str:
    """A speedscope profile: 60 of A.run at a line of it, 40 of first."""
    frames = [
        {"name": name, "file": "pkg/m.py", "line": line_of_a},
        {"name": "first", "file": "pkg/m.py", "line": 2},
    ]
    sampled = {
        "type": "sampled", "name": "", "unit": "seconds", "startValue": 0, "endValue": 100,
        "samples": [[0], [0, 1]], "weights": [60, 40],
    }  # fmt: skip
    schema = "https://www.speedscope.app/file-format-schema.json"
    return json.dumps({"$schema": schema, "shared": {"frames": frames}, "profiles": [sampled]})


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    (made / "pkg").mkdir(parents=True)
    (made / "pkg" / "m.py").write_text(SOURCE)
    return made


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    made = tmp_path / "given.json"
    made.write_text(stack(7))
    return made


def ranked(opened: Opened, workspace: Path) -> Ranking:
    return rank(opened.profile, workspace, sources=opened.sources)


def states(ranking: Ranking) -> dict[str, tuple[str, bool, str | None]]:
    return {s.measured: (s.function, s.stale, s.unsure) for s in ranking.spots}


def test_a_foreign_profile_is_followed_from_its_first_reading(tmp_path, workspace, profile):
    first = ranked(open_profile(profile, workspace, tmp_path / "state"), workspace)
    assert states(first) == {"A.run": ("A.run", False, None), "first": ("first", False, None)}
    # The class of that name moves away from the line, and another one comes to stand there.
    edited = SOURCE.replace("return x + 1", "return 1 + x").replace("class A", "class New")
    parts = edited.split("\n\n\n")
    (workspace / "pkg" / "m.py").write_text("\n\n\n".join([parts[0], parts[2], parts[1]]))
    os.utime(workspace / "pkg" / "m.py", (LATER, LATER))
    second = ranked(open_profile(profile, workspace, tmp_path / "state"), workspace)
    assert states(second) == {"A.run": ("New.run", False, None), "first": ("first", True, None)}
    assert [(s.worth, s.measured) for s in second.spots] == [(0.6, "A.run"), (0.4, "first")]


def test_the_progress_of_a_foreign_profile_goes_one_way(tmp_path, workspace, profile, monkeypatch):
    monkeypatch.setattr(opened_module, "_PIECE", 64)
    told: dict[str, list[float]] = {}
    open_profile(
        profile,
        workspace,
        tmp_path / "state",
        progress=lambda message, share: told.setdefault(message, []).append(share),
    )
    assert list(told) == [f"recognising {profile.name}", f"reading {profile.name}"]
    for shares in told.values():
        assert shares == sorted(shares)
        assert 0 <= shares[0] <= shares[-1] == 1


def test_a_file_that_is_newer_is_not_certain_and_not_changed(tmp_path, workspace, profile):
    os.utime(workspace / "pkg" / "m.py", (LATER, LATER))
    found = ranked(open_profile(profile, workspace, tmp_path / "state"), workspace)
    assert states(found) == {"A.run": ("A.run", False, NEWER), "first": ("first", False, NEWER)}


def test_later_evidence_ends_the_doubt(tmp_path, workspace, profile):
    file = workspace / "pkg" / "m.py"
    before = file.stat().st_mtime
    os.utime(file, (LATER, LATER))
    open_profile(profile, workspace, tmp_path / "state")
    os.utime(file, (before, before))  # restored, as from a backup
    found = ranked(open_profile(profile, workspace, tmp_path / "state"), workspace)
    assert {unsure for _, _, unsure in states(found).values()} == {None}


def test_a_file_with_the_functions_elsewhere_is_not_the_one_that_was_profiled(
    tmp_path, workspace, programs
):
    file = workspace / "pkg" / "m.py"
    stats = {
        (str(file), 1, "first"): (1, 1, 3.0, 3.0, {}),
        (str(file), 30, "run"): (1, 1, 3.0, 3.0, {}),
    }
    out = programs.pstats_file(tmp_path / "p", stats)  # written after the file, as a copy is
    found = ranked(open_profile(out, workspace, tmp_path / "state"), workspace)
    assert {s.unsure for s in found.spots} == {OTHER}


def test_what_is_gone_is_told_and_goes_to_nobody(tmp_path, workspace, profile):
    open_profile(profile, workspace, tmp_path / "state")
    file = workspace / "pkg" / "m.py"
    file.write_text(
        SOURCE.replace(
            "class A:\n    def run(self):\n        return [first(x) for x in self]", "x = 1"
        )
    )
    found = ranked(open_profile(profile, workspace, tmp_path / "state"), workspace)
    assert states(found) == {"first": ("first", False, None)}
    assert [(s.measured, s.worth) for s in found.gone] == [("A.run", 0.6)]
    file.unlink()
    found = ranked(open_profile(profile, workspace, tmp_path / "state"), workspace)
    assert found.spots == ()
    assert {s.measured for s in found.gone} == {"A.run", "first"}


def recorded(workspace: Path, profile: Path, state: Path) -> Path:
    """A profile that hasten wrote for the workspace."""
    out = profiles_folder(state) / "1.json"
    out.parent.mkdir(parents=True)
    shutil.copy(profile, out)
    sources = take_sources(
        load_profile(out, workspace).functions, workspace, sources_folder(out.parent),
        not_after=LATER,
    )  # fmt: skip
    write_sidecar(
        sidecar_of(out), sources, command=["python", "main.py"], cwd="/", seconds=1.5, created=2.5,
        fingerprints={"pkg/m.py::first": "a"},
    )  # fmt: skip
    return out


def test_a_profile_may_itself_be_called_json(tmp_path, workspace, profile):
    out = recorded(workspace, profile, tmp_path / "state")
    stored = newest_profile(tmp_path / "state")
    assert stored is not None
    assert (stored.path, stored.command, stored.seconds) == (out, ("python", "main.py"), 1.5)
    assert stored.sources.text("pkg/m.py") == SOURCE
    assert stored.fingerprints == {"pkg/m.py::first": "a"}


def test_another_checkout(tmp_path, workspace, profile):
    out = recorded(workspace, profile, tmp_path / "state")
    other = tmp_path / "other"
    shutil.copytree(workspace, other)
    text = SOURCE.replace("def first", "def renamed").replace("first(x) for", "first(x + 1) for")
    (other / "pkg" / "m.py").write_text("import os\n\n" + text)
    os.utime(other / "pkg" / "m.py", (LATER, LATER))
    opened = open_profile(out, other, tmp_path / "elsewhere")
    assert states(ranked(opened, other)) == {
        "A.run": ("A.run", True, None),
        "first": ("renamed", False, None),
    }


def test_a_profile_with_absolute_paths_of_another_checkout_of_this_machine(
    tmp_path, workspace, programs
):
    file = workspace / "pkg" / "m.py"
    stats = {(str(file), 1, "first"): (1, 1, 3.0, 3.0, {})}
    given = programs.pstats_file(tmp_path / "p", stats)
    out = recorded(workspace, given, tmp_path / "state")
    other = tmp_path / "other"
    shutil.copytree(workspace, other)
    (spot,) = ranked(open_profile(out, other, tmp_path / "elsewhere"), other).spots
    assert spot.path == str(other / "pkg" / "m.py")


def test_a_file_that_moved_is_found_by_the_end_of_its_path(tmp_path, workspace, profile):
    open_profile(profile, workspace, tmp_path / "state")
    (workspace / "src").mkdir()
    (workspace / "pkg").rename(workspace / "src" / "pkg")
    found = ranked(open_profile(profile, workspace, tmp_path / "state"), workspace)
    assert {s.path for s in found.spots} == {str(workspace / "src" / "pkg" / "m.py")}
    assert not any(s.stale or s.unsure for s in found.spots)


def test_the_sidecar_of_the_first_version_is_read(tmp_path, workspace, programs):
    folder = profiles_folder(tmp_path / "state")
    folder.mkdir(parents=True)
    file = workspace / "pkg" / "m.py"
    programs.pstats_file(folder / "7.pstats", {(str(file), 1, "first"): (1, 1, 3.0, 3.0, {})})
    facts = {
        "schema": 1, "command": ["python"], "cwd": "/", "seconds": 1.0, "created": 2.0,
        "fingerprints": {f"{file}::first": "of another text"},
    }  # fmt: skip
    (folder / "7.json").write_text(json.dumps(facts))
    stored = newest_profile(tmp_path / "state")
    assert stored is not None
    opened = open_profile(stored.path, workspace, tmp_path / "state")
    (spot,) = rank(
        opened.profile, workspace, sources=opened.sources, fingerprints=stored.fingerprints
    ).spots
    assert (spot.function, spot.stale, spot.unsure) == ("first", True, None)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": 2}', "[" * 100_000, '{"schema": 2, "sources": 3}', "\x00"],
)
def test_a_sidecar_that_is_none(tmp_path, text):
    file = tmp_path / "x.sidecar"
    file.write_text(text)
    assert read_sidecar(file) is None


def test_texts_are_kept_by_their_hash(tmp_path):
    name = keep_text(tmp_path, SOURCE)
    assert read_text(tmp_path, name) == SOURCE
    assert keep_text(tmp_path, SOURCE) == name
    assert [f.name for f in tmp_path.iterdir()] == [name]
    (tmp_path / ("0" * 64)).write_bytes((tmp_path / name).read_bytes())
    assert read_text(tmp_path, "0" * 64) is None
    assert read_text(tmp_path, "../" + name) is None
    (tmp_path / name).write_bytes(b"no text")
    assert read_text(tmp_path, name) is None


def test_where_nothing_can_be_kept_the_texts_serve_this_time(tmp_path, workspace, profile):
    state = tmp_path / "state"
    state.write_text("not a folder")
    found = ranked(open_profile(profile, workspace, state), workspace)
    assert states(found)["A.run"] == ("A.run", False, None)


def test_lines_are_carried_over_edits(tmp_path, workspace):
    file = str(workspace / "pkg" / "m.py")
    sources = Sources(tmp_path, {}, texts={"pkg/m.py": SOURCE})
    profile = Profile(
        "test", "seconds", 10.0, (FunctionCost(file, "run", 6, 6.0, 6.0, 6.0, 1),),
        lines=(LineCost(file, 7, 5.0, 5.0), LineCost(file, 6, 1.0, 1.0)),
    )  # fmt: skip
    text = SOURCE.replace("def run(self):", "def run(self, more=()):", 1)
    (workspace / "pkg" / "m.py").write_text("\n\n\n" + text)
    (spot,) = rank(profile, workspace, sources=sources).spots
    assert spot.stale
    assert [(x.line, x.measured_line) for x in spot.lines] == [(10, 7), (None, 6)]
