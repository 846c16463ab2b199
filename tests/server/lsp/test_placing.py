"""What was measured of a file, in the editor's text of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.functions import functions_in
from analysis.heat import AMBIGUOUS
from analysis.profiles.sources import keep_text
from analysis.text import LineIndex
from server.lsp.outline import Outline
from server.lsp.placing import FileHeat, Hot, HotLine, Placed, PlacedLine
from tests.server.lsp.made import SLOW


def hot(name: str, line: int, *lines: HotLine, **more: object) -> Hot:
    fields = {"stale": False, "unsure": None, "why": "", **more}
    return Hot(name, name, line, 0.5, 0.5, 0.5, lines=lines, **fields)  # type: ignore[arg-type]


@pytest.fixture
def heat(tmp_path: Path) -> FileHeat:
    name = keep_text(tmp_path, SLOW)
    spots = (hot("find", 4, HotLine(7, 0.4), HotLine(6, 0.1)), hot("cool", 12))
    return FileHeat("1", "/main.py", str(tmp_path), name, spots)


def placed(heat: FileHeat, text: str) -> dict[str, Placed]:
    return heat.place(functions_in(text, "/main.py"))


def test_lines_are_counted_from_the_head(heat):
    lines = (PlacedLine(3, 0.4), PlacedLine(2, 0.1))
    assert placed(heat, SLOW) == {
        "find": Placed(0, False, None, lines),
        "cool": Placed(1, False, None),
    }
    assert placed(heat, "# above\n\n" + SLOW)["find"].lines == lines


def test_renamed_and_changed(heat):
    text = SLOW.replace("def find", "def search").replace("x + 1", "x + 2")
    assert {n: (p.spot, p.stale) for n, p in placed(heat, text).items()} == {
        "search": (0, False),
        "cool": (1, True),
    }


def test_changed_lines_are_left_out(heat):
    text = SLOW.replace("if item in wanted", "if item not in wanted")
    assert placed(heat, text)["find"] == Placed(0, True, None, (PlacedLine(2, 0.1),))


def test_gone_and_not_certain(heat):
    start = SLOW.index("def cool")
    text = SLOW[:start] + "".join(
        f"class {c}:\n    def cool(x):\n        return x + 1\n" for c in "AB"
    )
    assert placed(heat, text)["A.cool"] == Placed(1, False, AMBIGUOUS)
    assert set(placed(heat, SLOW[:start])) == {"find"}


def test_without_a_text_the_fingerprint_or_the_disk_tells(heat):
    (find, _) = functions_in(SLOW, "/main.py")
    spots = (
        hot("find", 4, fingerprint=find.fingerprint),
        hot("cool", 12, unsure="the file is newer than the profile"),
    )
    bare = FileHeat("2", "/main.py", heat.folder, None, spots)
    assert placed(bare, SLOW) == {
        "find": Placed(0, False, None),
        "cool": Placed(1, False, "the file is newer than the profile"),
    }
    assert placed(bare, SLOW.replace("found = []", "found = list()"))["find"].stale


def test_an_outline_of_another_process_is_the_same(heat):
    again = FileHeat.from_json(json.loads(json.dumps(heat.to_json())))
    assert again == heat
    outline = Outline.of(SLOW, LineIndex(SLOW), functions_in(SLOW, "/main.py"), (), again)
    told = Outline.from_json(SLOW, json.loads(json.dumps(outline.to_json())), (), heat)
    assert told.hot == outline.hot == placed(heat, SLOW)
    assert set(told.fingerprints) == {"find", "cool"}
    assert told.is_of((), heat)
    assert not told.is_of((), None)
    assert not told.is_of(["find"], heat)
