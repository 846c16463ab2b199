"""What a model is told about JavaScript and TypeScript, and its answers as edits."""

from __future__ import annotations

import pytest

from analysis.functions import function_named
from analysis.gate import check_candidate
from optimizer.proposers import script
from optimizer.proposers.model_answer import BadAnswer, Declined
from optimizer.proposers.prompt import build
from optimizer.proposers.tellers import of_language

TEXT = """\
import { key } from './key.js';
const LIMIT = 3;
const PASSWORD = 'hunter2';
function weigh(x) {
  return x * LIMIT;
}

/** What both have. */
export const shared = (left, right) => {
  return left.filter((x) => right.includes(weigh(x)) && PASSWORD);
};

class Grid {
  at(x) {
    return this.cells.filter((c) => c === x)[0];
  }
}
"""
BODY = """\
  const wanted = new Set(right);
  return left.filter((x) => wanted.has(weigh(x)) && PASSWORD);
"""


def reply(code: str, mark: str = "javascript") -> str:
    return f"CHANGE: use a set\nWHY: Each search walked everything.\n```{mark}\n{code}\n```\n"


def edited(code: str, name: str = "shared", mark: str = "javascript") -> str:
    after = script.edit_of(reply(code, mark), TEXT, "a.js", name, "m").apply(TEXT)
    assert check_candidate(TEXT, after, name, "a.js") is None
    return after


def test_what_it_is_shown() -> None:
    prompt = build(TEXT, "a.js", "shared", share=None, example=None, runs="", shapes=())
    shown = "\n".join(message["content"] for message in prompt.messages)
    for part in ("one JavaScript function", "const LIMIT", "function weigh", "right.includes"):
        assert (part in shown) == (part != "const LIMIT"), part
    assert "hunter2" not in shown
    assert "class Grid" not in shown
    assert of_language("a.tsx") is script
    assert "one TypeScript function" in script.system("a.ts")


@pytest.mark.parametrize("head", ["export const shared = ", "const shared = "])
def test_an_answer_takes_the_place_of_the_function(head: str) -> None:
    after = edited(f"{head}(left, right) => {{\n{BODY}}};")
    assert after == TEXT.replace(TEXT.split("=> {\n")[1].split("};")[0], BODY)


def test_helpers_stand_above_the_function_and_its_comment() -> None:
    helper = "// Twice.\nfunction twice(x) {\n  return x + x;\n}\n"
    after = edited(f"{helper}\nconst shared = (left, right) => {{\n{BODY}}};")
    assert f"{helper}\n/** What both have. */\nexport const shared" in after


def test_a_method_comes_with_or_without_its_class() -> None:
    method = "at(x) {\n  return this.cells.find((c) => c === x);\n}"
    for code in (method, f"class Grid {{\n  {method}\n}}"):
        after = edited(code, "Grid.at", "js")
        assert "  at(x) {\n    return this.cells.find(" in after.replace("\n      ", "\n    ")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (reply("const shared = (left, right) => {"), "does not parse"),
        (reply("const other = 1;"), "does not define 'shared'"),
        (reply(BODY + "function shared() {}\nfunction shared() {}"), "twice"),
        ("nothing to see", "found 0 fence lines"),
    ],
)
def test_answers_that_are_no_use(answer: str, why: str) -> None:
    with pytest.raises(BadAnswer, match=why):
        script.edit_of(answer, TEXT, "a.js", "shared", "m")


def test_there_may_be_nothing_to_gain() -> None:
    with pytest.raises(Declined):
        script.edit_of("NOTHING: it is fast already", TEXT, "a.js", "shared", "m")


def test_a_function_that_is_gone() -> None:
    assert function_named(TEXT, "a.js", "gone") is None
    with pytest.raises(BadAnswer, match="no longer"):
        script.edit_of(reply("function gone() {}"), TEXT, "a.js", "gone", "m")
