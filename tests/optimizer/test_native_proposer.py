"""C and C++ before a model: what it is shown, and its answers as edits."""

from __future__ import annotations

import pytest

from analysis.gate import check_candidate
from optimizer.proposers.model_answer import BadAnswer, Declined
from optimizer.proposers.native import edit_of
from optimizer.proposers.prompt import build

TEXT = """\
// counts
#include <iostream>
#include <vector>
using namespace std;
#define N 100
#define UNUSED 1
struct P { int a; };
struct Other { int b; };
static const char *api_key = "hunter2";
static int table[N];
int helper(int x) { return x + table[x]; }
int other(int x) { return x; }
namespace q {
    // counts pairs
    int count(const std::vector<P> &v) {
        int c = api_key[0];
        for (auto &x : v) for (auto &y : v) c += helper(x.a) == y.a;
        return c + N;
    }
}
"""
NAME = "q::count(const std::vector<P> &)"
CODE = """\
#include <unordered_set>
#include <vector>
static const int K = 3;
// doubles
static int twice(int x) { return 2 * x; }

int count(const std::vector<P> &v) {
    std::unordered_set<int> seen;
    return (int)seen.size() + twice(K);
}
"""


def reply(code: str, mark: str = "cpp") -> str:
    return f"CHANGE: Use a set.\nWHY: The nested loop was slow.\n```{mark}\n{code}```\n"


def test_the_prompt_shows_what_the_function_names_and_no_secret():
    prompt = build(TEXT, "a.cpp", NAME, runs="It is built with -O2.")
    assert "one C++ function" in prompt.system
    assert "```cpp" in prompt.system
    for shown in (
        "#include <vector>",
        "#define N 100",
        "struct P",
        "table[N]",
        "int helper(int x)",
    ):
        assert shown in prompt.user
    for hidden in ("UNUSED", "Other", "int other", "hunter2", "a.cpp"):
        assert hidden not in prompt.user
    assert prompt.user.endswith("Rewrite `count` so that it is faster. It is built with -O2.")
    assert "one C function" in build("int f(int a) { return a; }\n", "a.c", "f(int)").system


def test_an_answer_goes_into_its_place():
    edit = edit_of(reply(CODE), TEXT, "a.cpp", NAME, "m")
    after = edit.apply(TEXT)
    assert (edit.title, edit.description) == ("use a set", "The nested loop was slow")
    assert "#include <vector>\n#include <unordered_set>\nusing" in after
    assert after.count("#include <vector>") == 1
    constant, helper = "static const int K = 3;", "static int twice(int x) { return 2 * x; }"
    above = f"    {constant}\n\n    // doubles\n    {helper}"
    assert f"{above}\n\n    // counts pairs\n    int count(const std::vector<P> &v) {{\n" in after
    assert "        std::unordered_set<int> seen;\n" in after
    assert check_candidate(TEXT, after, NAME, "a.cpp") is None


def test_line_ends_of_the_file_are_kept():
    text = TEXT.replace("\n", "\r\n")
    after = edit_of(reply(CODE), text, "a.cpp", NAME, "m").apply(text)
    assert after.count("\n") == after.count("\r\n")


def test_a_member_may_come_without_its_class():
    text = "struct S {\n  int v;\n  int f(int a) const {\n    return a + v;\n  }\n};\n"
    code = "static int one() { return 1; }\nint f(int a) const {\n  return v + a * one();\n}\n"
    after = edit_of(reply(code), text, "a.hpp", "S::f(int) const", "m").apply(text)
    assert after.startswith("static int one() { return 1; }\n\nstruct S {\n")
    assert "  int f(int a) const {\n    return v + a * one();\n  }\n};\n" in after
    assert check_candidate(text, after, "S::f(int) const", "a.hpp") is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (reply(CODE, "python"), "not marked as c or cpp"),
        (reply("int other(int x) { return 1; }\n"), "does not define"),
        (reply(CODE + CODE), "twice"),
        (reply(CODE.replace("return (int)", "return (int")), "does not parse"),
        ("no code", "found 0 fence lines"),
    ],
)
def test_bad_answers(answer: str, why: str):
    with pytest.raises(BadAnswer, match=why):
        edit_of(answer, TEXT, "a.cpp", NAME, "m")


def test_nothing_to_gain_is_an_answer():
    with pytest.raises(Declined):
        edit_of("NOTHING: it is fast", TEXT, "a.cpp", NAME, "m")
