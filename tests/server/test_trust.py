"""The user's list of trusted workspaces."""

from pathlib import Path

import pytest

from analysis.errors import InputError
from server import trust


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def test_nothing_is_trusted_at_first(tmp_path: Path):
    assert not trust.is_trusted(tmp_path)


def test_trust_covers_what_lies_below(tmp_path: Path):
    trust.trust(tmp_path / "a")
    assert trust.is_trusted(tmp_path / "a" / "b")
    assert not trust.is_trusted(tmp_path)


def test_trust_can_be_taken_back(tmp_path: Path):
    trust.trust(tmp_path)
    assert trust.untrust(tmp_path)
    assert not trust.is_trusted(tmp_path)


def test_a_link_does_not_carry_trust_to_another_place(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "theirs").mkdir()
    trust.trust(tmp_path / "mine")
    (tmp_path / "mine" / "link").symlink_to(tmp_path / "theirs")
    assert not trust.is_trusted(tmp_path / "mine" / "link")


def test_a_damaged_list_trusts_nothing(tmp_path: Path, data_home: Path):
    trust.trust(tmp_path)
    (data_home / "hasten" / "trusted.json").write_text('["/"')
    assert not trust.is_trusted(tmp_path)


def test_an_unwritable_folder_is_named(data_home: Path, tmp_path: Path):
    data_home.mkdir()
    (data_home / "hasten").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="hasten"):
        trust.trust(tmp_path)
