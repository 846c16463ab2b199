from __future__ import annotations

import pytest

from analysis.edits import AtomicEdit
from analysis.errors import AnalysisError, Cancelled, InputError
from analysis.progress import CancelToken, silent
from analysis.source import decode_source, read_source, write_source
from analysis.text import TextChange


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"x = 1\r\ny = 2\r\n", "x = 1\r\ny = 2\r\n"),
        (b"x = 1\ry = 2\r", "x = 1\ry = 2\r"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "# -*- coding: latin-1 -*-\nx = 'é'\n"),
        ("x = '😀'\n\x0c\n".encode(), "x = '😀'\n\x0c\n"),
        (b"", ""),
    ],
)
def test_a_file_is_read_and_written_back_byte_for_byte(tmp_path, data, text):
    path = tmp_path / "m.py"
    path.write_bytes(data)
    path.chmod(0o640)
    source = read_source(path)
    assert source.text == text
    write_source(source, source.text)
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["m.py"]


@pytest.mark.parametrize(
    "data",
    [
        b"x = '\xff'\n",
        b"# coding: no-such-encoding\n",
        b"# coding: hex\n00\n",
        b"# coding: undefined\nx = 1\n",
        b"\xef\xbb\xbf# coding: latin-1\n",
    ],
)
def test_bytes_that_are_no_text_are_named(tmp_path, data):
    with pytest.raises(AnalysisError, match=r"m\.py: can't be decoded") as caught:
        decode_source(data, tmp_path / "m.py")
    assert caught.value.code == "source-encoding"
    assert isinstance(caught.value, InputError)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AnalysisError, match=r"gone\.py: can't be read"):
        read_source(tmp_path / "gone.py")


def test_a_text_that_the_encoding_can_not_hold_leaves_the_file_alone(tmp_path):
    path = tmp_path / "m.py"
    data = b"# coding: latin-1\nx = 1\n"
    path.write_bytes(data)
    with pytest.raises(AnalysisError, match="can't be written as iso-8859-1"):
        write_source(read_source(path), "x = '😀'\n")
    assert path.read_bytes() == data
    assert [p.name for p in tmp_path.iterdir()] == ["m.py"]


def test_a_link_is_written_through(tmp_path):
    real, link = tmp_path / "real.py", tmp_path / "link.py"
    real.write_text("x = 1\n")
    link.symlink_to(real)
    write_source(read_source(link), "x = 2\n")
    assert link.is_symlink()
    assert real.read_text() == "x = 2\n"


def test_an_edit_applies_its_changes_to_its_text():
    edit = AtomicEdit("t", "d", (TextChange(4, 5, "2"), TextChange(0, 1, "y")), "rule", "r")
    assert edit.apply("x = 1\n") == "y = 2\n"


def test_cancelling_is_heard():
    token = CancelToken()
    token.check()
    assert not token.cancelled
    assert not token.wait(0)
    token.cancel()
    assert token.cancelled
    assert token.wait(60)
    with pytest.raises(Cancelled):
        token.check()


def test_silent_progress_takes_what_progress_takes():
    assert silent("half", 0.5) is None
