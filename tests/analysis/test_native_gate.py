"""The static gate for C and C++, keys of candidates, and groups of changes."""

from __future__ import annotations

import pytest

from analysis.decompose import decompose, normalised_key
from analysis.facts import static_facts
from analysis.functions import function_named
from analysis.gate import check_candidate
from analysis.text import apply_changes

NAME = "count(const int *, size_t)"
BEFORE = """\
#include <stdio.h>
/* helper */
static int helper(int x) { return x * 2; }
long count(const int *a, size_t n) {
    long c = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            if (a[i] == a[j]) c++;
    }
    return c;
}
int main(void) { return 0; }
"""
START = "    long c = 0;\n"
GOOD = BEFORE.replace("#include <stdio.h>\n", "#include <stdio.h>\n#include <string.h>\n").replace(
    "long count",
    "static int one(int x) { return x; }\nstatic const int TABLE[2] = {1, 2};\nlong count",
).replace(START, "    long c = 0; int m[3]; memset(m, 0, sizeof m);\n")  # fmt: skip


def inside(line: str) -> str:
    return BEFORE.replace(START, START + line + "\n")


def outside(line: str) -> str:
    return BEFORE.replace("long count", line + "\nlong count")


@pytest.mark.parametrize(
    "after",
    [
        GOOD,
        inside("    c += helper(0);"),
        outside("// a comment"),
        inside("static const int T = 1;"),
    ],
)
def test_what_may_be_tried(after: str):
    assert check_candidate(BEFORE, after, NAME, "a.c") is None


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (BEFORE, "it changes nothing"),
        (BEFORE.replace("return c;", "return c"), "syntax error in line 10"),
        (BEFORE.replace("const int *a", "int *a"), "there is no function count"),
        (BEFORE.replace("long count", "int count"), "the head of count"),
        (BEFORE.replace("x * 2", "x + x"), "changes code outside the function"),
        (BEFORE.replace("return 0;", "return 1;"), "changes code outside the function"),
        (BEFORE.replace("static int helper(int x) { return x * 2; }\n", ""), "outside"),
        (inside('#pragma GCC optimize("O3")'), "preprocessor directive"),
        (outside('#pragma GCC optimize("O3")'), "outside the function"),
        (outside("#define for while"), "outside the function"),
        (inside('    system("ls");'), "it uses system"),
        (inside('    asm("nop");'), "it uses asm"),
        (inside("    static long kept;"), "keeps state across calls"),
        (outside("static int f2(void) { static int n; return n++; }"), "keeps state across calls"),
        (outside("static int cache[10];"), "not a static constant"),
        (outside("int extra(void) { return 1; }"), "not static"),
        (outside('static __attribute__((cold)) int e(void) { return 1; }'), "__attribute__"),
        (outside('#include "own.h"'), "not the standard library's"),
        (outside("#include <pthread.h>"), "it includes <pthread.h>"),
        (inside("    c += 1; // \\\n   c += 1;"), "line splice"),
        (BEFORE + "\0", "characters"),
        (inside("    c += 1;" * 10_000), "too long"),
    ],
)  # fmt: skip
def test_what_is_refused_before_it_is_built(after: str, why: str):
    assert why in (check_candidate(BEFORE, after, NAME, "a.c") or "")


def test_a_file_that_the_grammar_does_not_read_whole_can_be_changed_where_it_does():
    broken = "MACRO(weird ((\nint x = ;\n" + BEFORE
    if function_named(broken, "a.c", NAME) is None:
        pytest.fail("the function is hidden")
    after = broken.replace(START, "    long c = 0, d = 1;\n")
    assert check_candidate(broken, after, NAME, "a.c") is None
    worse = broken.replace(START, "    long c = ;\n")
    assert "syntax error" in (check_candidate(broken, worse, NAME, "a.c") or "")


def test_members_and_namespaces():
    before = "namespace n { struct S { int v; int f(int a) const { return a + v; } }; }\n"
    name = "n::S::f(int) const"
    after = before.replace("return a + v;", "int r = a; r += v; return r;")
    assert check_candidate(before, after, name, "a.cpp") is None
    member = before.replace("int v;", "int v; int w;")
    assert "member" in (check_candidate(before, member, name, "a.cpp") or "")


def test_a_program_may_keep_a_buffer_in_main():
    before = "#include <stdio.h>\nint main() { return 0; }\n"
    after = before.replace("return 0;", "static char b[100]; b[0] = 1; return 0;")
    assert check_candidate(before, after, "main()", "a.c") is None


def test_keys_are_the_same_for_the_same_tokens():
    again = BEFORE.replace("/* helper */\n", "").replace("    ", "  ")
    assert normalised_key(BEFORE, NAME, "a.c") == normalised_key(again, NAME, "a.c")
    assert normalised_key(BEFORE, NAME, "a.c") != normalised_key(GOOD, NAME, "a.c")


def test_groups_add_up_to_the_whole_change_and_keep_names_together():
    after = inside("    int extra = 3;").replace(
        "return c;", "c += extra; c -= extra;\n    return c;"
    ).replace("c++;", "++c;")  # fmt: skip
    groups = decompose(BEFORE, after, NAME, "a.c")
    assert len(groups) == 2
    text, between = BEFORE, []
    for group in groups:
        text = apply_changes(text, group)
        between.append(text)
    assert text == after
    assert all(("int extra" in t) == ("+= extra" in t) for t in between)


def test_facts():
    function = function_named(BEFORE, "a.c", NAME)
    assert function is not None
    assert static_facts(BEFORE, function).words == ("nested-loop", "loop")


LOOPS = """\
#include <cstdio>
#define go(i, a, b) for (int i = a; i <= b; i++)
#define rep(i, n) go(i, 0, (n) - 1)
#define FAST setvbuf(stdin, 0, _IOFBF, 1 << 16); setvbuf(stdout, 0, _IOFBF, 1 << 16);
int sum(const int *a, int n) {
    int s = 0;
    rep(i, n) s += a[i];
    return s;
}
"""


def test_loops_by_macro_are_no_syntax_errors():
    name = "sum(const int *, int)"
    body = "    FAST\n    go(i,\n 0, n - 1) if (a[i] > 0) s += a[i]; else s -= -a[i];\n"
    after = LOOPS.replace("    rep(i, n) s += a[i];\n", body)
    assert check_candidate(LOOPS, after, name, "a.cpp") is None
    worse = after.replace("else s -= -a[i];", "else s -= ;")
    assert "syntax error in line 9" in (check_candidate(LOOPS, worse, name, "a.cpp") or "")
