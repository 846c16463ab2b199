from __future__ import annotations

from pathlib import Path

import pytest

from analysis.ignore import is_ignored_path


@pytest.mark.parametrize(
    ("path", "glob", "ignored"),
    [
        ("tests/test_a.py", "tests", True),
        ("tests/test_a.py", "tests/", True),
        ("pkg/tests/test_a.py", "tests", True),
        ("pkg/tests/test_a.py", "/tests", False),
        ("pkg/tests/test_a.py", "pkg/tests", True),
        ("pkg/tests/test_a.py", "tests/test_a.py", False),
        ("pkg/tests/test_a.py", "**/test_*.py", True),
        ("test_a.py", "**/test_*.py", True),
        ("pkg/a/b/c.py", "pkg/**/c.py", True),
        ("pkg/c.py", "pkg/**/c.py", True),
        ("pkg/a/b/c.py", "pkg/**", True),
        ("other/c.py", "pkg/**", False),
        ("pkg/a/b/c.py", "pkg/*/c.py", False),
        ("pkg/a/c.py", "pkg/*/c.py", True),
        ("gen_pb2.py", "*_pb2.py", True),
        ("deep/down/gen_pb2.py", "*_pb2.py", True),
        ("a1.py", "a[0-9].py", True),
        ("A1.py", "a[0-9].py", False),
        ("a.py", "./a.py", True),
        ("a.py", "", False),
        ("a.py", "/", False),
        ("a.py", "**", True),
        ("a.py", "b/**/**/a.py", False),
    ],
)
def test_globs(tmp_path, path, glob, ignored):
    assert is_ignored_path(tmp_path / path, [glob], tmp_path) is ignored
    assert is_ignored_path(Path(path), [glob], tmp_path) is ignored


def test_a_path_outside_the_workspace_is_matched_by_none(tmp_path):
    (tmp_path / "w").mkdir()
    assert not is_ignored_path(tmp_path / "other.py", ["**", "*.py"], tmp_path / "w")
    assert not is_ignored_path(tmp_path / "w2" / "other.py", ["**"], tmp_path / "w")


def test_links_to_the_workspace_are_followed(tmp_path):
    (tmp_path / "w" / "gen").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "w")
    assert is_ignored_path(tmp_path / "link" / "gen" / "a.py", ["gen"], tmp_path / "w")
    assert is_ignored_path(tmp_path / "w" / "gen" / "a.py", ["gen"], tmp_path / "link")


def test_a_glob_made_to_take_long_does_not(tmp_path):
    assert not is_ignored_path("a" * 200 + "/b", ["*a" * 40 + "x", "**/" * 50 + "x"], tmp_path)
