"""What the command line prints of texts that others wrote: as they are, and nothing steered."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from optimizer.engine.protocol import OptimizeSpec
from optimizer.suggestion import InputsSummary, Outcome, Rejection
from server.cli import doctor, output
from server.cli.main import main
from server.cli.outcome import print_outcome
from server.cli.output import ProgressLine, emit_error, log, note, page, printable

CLI = Path(output.__file__).parent
INERT = r"closing [/b] dict[key] a\[x] \[dim] [link=http://a.b]x [bold]b :x: end\ "
STEERS = "\x1b[31mred\x1b]8;;http://a.b\x07 \x9b2J \u202e \ud800 \x00\u2028end"
STEERLESS = "\ufffd[31mred\ufffd]8;;http://a.b"
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\ud800-\udfff]")


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def table(*cells: str | Text) -> Table:
    made = Table(box=None)
    for cell in cells:
        made.add_column()
        made.add_row(cell)
    return made


WAYS = {
    "a result": lambda text: page().print(text),
    "a styled result": lambda text: page().print(text, style="dim", soft_wrap=True),
    "a text": lambda text: page().print(Text.assemble(("x ", "bold"), text)),
    "a cell": lambda text: page().print(table(text)),
    "a styled cell": lambda text: page().print(table(Text(text, "bold"))),
    "a remark": note,
    "an error": lambda text: emit_error("code", text, "", as_json=False),
    "a mend": lambda text: emit_error("code", "x", text, as_json=False),
    "progress": lambda text: ProgressLine()(text),
    "progress with its share": lambda text: ProgressLine()(text, 0.5),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_nothing_is_read_as_markup(way, capsys: pytest.CaptureFixture[str]) -> None:
    way(INERT)
    assert INERT.strip() in "".join(capsys.readouterr())


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_nothing_steers_the_terminal(way, capsys: pytest.CaptureFixture[str]) -> None:
    way(STEERS)
    shown = "".join(capsys.readouterr())
    assert STEERLESS in shown
    assert not FORBIDDEN.search(shown)


def test_a_status_on_a_terminal_shows_it_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with ProgressLine() as progress:
        progress(f"{INERT}{STEERS}", 0.5)
    err = capsys.readouterr().err
    assert INERT.strip() in err
    assert STEERLESS in err


def test_printable_keeps_lines_tabs_and_the_number_of_characters() -> None:
    assert printable("a\n\tb é 漢 👍") == "a\n\tb é 漢 👍"
    assert printable("a\r\nb\xa0c\x1bd\ue000") == "a \nb c\ufffdd\ufffd"


def test_styles_stay_where_they_are() -> None:
    text = Text.assemble("a\x1b", ("b", "bold"))
    segments = [s for s in page().render(text) if s.text.strip()]
    assert [(s.text, bool(s.style and s.style.bold)) for s in segments] == [
        ("a\ufffd", False), ("b", True),
    ]  # fmt: skip
    assert text.plain == "a\x1bb"


def test_a_diff_is_verbatim_for_patch_and_harmless_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = Rejection("m.py", "f[/b]", "use dict[key]", "timing", "\x1b[2J")
    outcome = Outcome((), (refused,), InputsSummary("file", 1), None)
    spec = OptimizeSpec(workspace="/w", path="m.py", function="f", python="/usr/bin/python3")
    diff = "+x = '\x1b[2J \u202e'"
    print_outcome(outcome, [diff], applied=False, spec=spec)
    piped = capsys.readouterr().out
    assert diff in piped
    assert "f[/b]: use dict[key]: \ufffd[2J [timing]" in piped
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_outcome(outcome, [diff], applied=False, spec=spec)
    assert "+x = '\ufffd[2J \ufffd'" in capsys.readouterr().out


def test_an_internal_error_prints_its_traceback_harmless(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ValueError(INERT + STEERS)

    monkeypatch.setattr(doctor, "place_of", fail)
    assert main(["doctor"]) == 3
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.count(INERT) == 2
    assert not FORBIDDEN.search(err)


def test_logged_warnings_are_printed_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    output.Unclaimed().handle(
        logging.LogRecord("x", logging.WARNING, "", 0, "%s: a [/b] \x1b[2J", ("m",), None)
    )
    assert capsys.readouterr().err == "m: a [/b] \ufffd[2J\n"


def test_the_command_line_has_one_way_to_print() -> None:
    """A console of another kind, or markup, would let text of others through."""
    by_others = re.compile(
        r"\bConsole\(|from_markup|rich\.print|markup=True|(?<![.\w])(?<!def )print\("
        r"|print_exc|\[/?bold|\[/\]"
    )
    for file in sorted(CLI.glob("*.py")):
        assert by_others.findall(file.read_text()) == [], file.name
    assert isinstance(page(), type(log()))
