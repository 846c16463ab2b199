"""What is shown in an editor of words that others wrote: nothing of it links, loads or steers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from lsprotocol import types
from markdown_it import MarkdownIt

from server.lsp.features import hover
from server.lsp.features.hover import plain
from server.lsp.server import HastenServer
from tests.optimizer import made

TRAP = "![i](https://e.example/i.png) [l](command:f) <b>h</b> ~~~ ``` www.e.example \u202e\x1b[2J"
NAMES = ("f", TRAP, f"x` {TRAP}", f"``{TRAP}", f"```{TRAP}`", f"`` `{TRAP}``")


def assert_inert(markdown: str) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    found = {t.type for token in tokens for t in (token, *(token.children or ()))}
    assert not {kind for kind in found if kind.startswith(("link", "image", "html", "fence"))}
    assert markdown.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_functions_are_no_markup(name: str) -> None:
    hot = SimpleNamespace(
        worth=0.5, self_share=0.5, total_share=0.5, measured=f"{name}2",
        why=f"called by `{name}` and `g`, not by {name}",
    )  # fmt: skip
    seen = SimpleNamespace(hot=hot, function=name, hot_lines=(), stale=False, unsure=name)
    run = SimpleNamespace(command=("python", name), created=0.0, seconds=1.0)
    lines = list(hover._heat_lines(seen, run))  # type: ignore[arg-type]
    for line in lines:
        assert_inert(line)
    assert_inert("\n".join(lines))
    if name == "f":
        assert lines[0] == "**50 % of the run** is what a fix in `f` can save"
        assert lines[2] == "- Called by `f` and `g`, not by f"


@pytest.mark.parametrize("words", NAMES)
def test_what_a_proof_rests_on_is_no_markup(words: str) -> None:
    """Units come from the project's own benchmark, the rest from what ran it."""
    whole = made.suggestion("s1")
    proof = whole.receipt
    assert proof.measurement is not None
    where = replace(
        proof.environment, implementation=words, python_version=words, python=words, cpu=words
    )
    measured = replace(proof.measurement, unit=words)
    proof = replace(proof, measurement=measured, environment=where)
    [rung] = whole.edits
    for rungs in ((rung,), (rung, rung)):
        steps = tuple(replace(r, title=words, description=words) for r in rungs)
        edit = SimpleNamespace(title=words, suggestion=replace(whole, receipt=proof, edits=steps))
        assert_inert("\n".join(hover._proof_lines(SimpleNamespace(edit=edit))))  # type: ignore


def test_what_can_not_be_seen_becomes_a_blank() -> None:
    assert plain("a\u202eb\x1b[2J\u200bc\ud800") == "a b \\[2J c"


def test_a_message_holds_no_link() -> None:
    """VS Code makes links in messages, and runs the command of a `command:` one."""
    shown: list[types.ShowMessageParams] = []
    server = SimpleNamespace(window_show_message=shown.append)
    HastenServer.say(server, "f: [see](command:evil) [see](https://e.example)")  # type: ignore
    assert [s.message for s in shown] == ["f: [see] (command:evil) [see] (https://e.example)"]
