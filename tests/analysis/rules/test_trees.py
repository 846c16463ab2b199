"""The engine of rules on tree-sitter's trees, with rules made for the test: C++ stands for all."""

from __future__ import annotations

import logging

import pytest
from ast_grep_py import SgNode

from analysis.functions import functions_in
from analysis.languages.native.rules.scope import CPP, NativeScope
from analysis.rules.base import Check, Finding, Proposal, Rewrite, Rule
from analysis.rules.tree_scope import Scope
from analysis.rules.trees import find_in_trees

LOOP = """\
int sum(const int *xs, int n) {
    int total = 0;
    for (int i = 0; i < n; i++) {
        total += square(xs[i]);
    }
    return total;
}
"""


def made(check: Check, pattern: str = "square($X)", *words: str) -> Rule:
    return Rule("made", "do it", "It is done.", (pattern,), (), 2, check, ("c++",), words)


def multiply(scope: Scope, node: SgNode) -> Proposal:
    x = scope.text(node["X"])
    return Rewrite((scope.replace(node, f"{x} * {x}"),))


def found(text: str, *rules: Rule, only: str | None = None) -> tuple[Finding, ...]:
    functions = functions_in(text, "f.cpp")
    return find_in_trees(
        text, "f.cpp", functions, only, grammar=CPP, rules=rules, scope_class=NativeScope
    )


def after(text: str, check: Check) -> list[str]:
    return [f.edit.apply(text) for f in found(text, made(check))]


def test_a_finding() -> None:
    (finding,) = found(LOOP, made(multiply))
    assert finding.edit.apply(LOOP) == LOOP.replace("square(xs[i])", "xs[i] * xs[i]")
    assert finding.function == "sum(const int *, int)"
    assert (finding.rule, finding.edit.origin, finding.edit.source) == ("made", "rule", "made")


def test_offsets_are_of_characters_and_ranges_utf16() -> None:
    text = "// é😀\n" + LOOP.replace("total += ", "/* 😀 */ total += ")
    (finding,) = found(text, made(multiply))
    assert "/* 😀 */ total += xs[i] * xs[i];" in finding.edit.apply(text)
    assert finding.range.start.line == 4
    assert finding.range.start.character == len("        /* 😀 */ total += ") + 1


def test_lone_surrogates_and_carriage_returns() -> None:
    assert len(found("// \ud800\n" + LOOP, made(multiply))) == 1
    for end in ("\r\n", "\r"):
        text = LOOP.replace("\n", end)
        (finding,) = found(text, made(in_front))
        assert f"{end}        use(1);{end}        use(2);{end}        total" in (
            finding.edit.apply(text)
        )


def in_front(scope: Scope, node: SgNode) -> Proposal:
    return Rewrite((scope.insert_before(scope.statement(node), "use(1);\nuse(2);"),))


def test_lines_around_statements() -> None:
    def around(scope: Scope, node: SgNode) -> Proposal:
        loop = scope.loops(node)[0]
        return Rewrite(
            (
                scope.insert_before(loop, "if (n) {\n\tuse(n);\n}"),
                scope.insert_after(loop, "end();"),
                scope.remove(scope.statement(node)),
            )
        )

    (text,) = after(LOOP, around)
    assert "    if (n) {\n        use(n);\n    }\n    for (" in text
    assert "i++) {\n    }\n    end();\n    return" in text


def test_statements_that_share_a_line_are_left_alone() -> None:
    text = LOOP.replace(" {\n        total", " { total").replace(
        ";\n    }\n    return", "; }\n  return"
    )
    assert after(text, in_front) == []
    assert (
        after(LOOP.replace("{\n        total", "\n        total").replace("    }\n", ""), in_front)
        == []
    )


def test_an_ignored_function_gives_nothing() -> None:
    assert found("// hasten: ignore\n" + LOOP, made(multiply)) == ()


def test_only_one_function() -> None:
    text = LOOP + LOOP.replace("sum", "other")
    assert len(found(text, made(multiply))) == 2
    (finding,) = found(text, made(multiply), only="other(const int *, int)")
    assert finding.function == "other(const int *, int)"


def test_words_that_a_function_must_hold() -> None:
    assert len(found(LOOP, made(multiply, "square($X)", "square", "for|while"))) == 1
    assert found(LOOP, made(multiply, "square($X)", "square", "while|do")) == ()


def test_deeper_loops_and_larger_gains_come_first() -> None:
    text = LOOP.replace("return total;", "return square(total);")
    rules = found(text, made(multiply))
    assert [f.range.start.line for f in rules] == [3, 5]


def test_a_failing_rule_takes_no_other_down(caplog: pytest.LogCaptureFixture) -> None:
    def fail(scope: Scope, node: SgNode) -> Proposal:
        raise KeyError("boom")

    with caplog.at_level(logging.ERROR):
        assert len(found(LOOP, made(fail), made(multiply))) == 1
    assert "rule made failed in sum" in caplog.text


def test_an_edit_that_breaks_the_text_is_dropped() -> None:
    for code, count in (("(", 0), ("x +", 0), ("x + 1", 1)):
        check: Check = lambda scope, node, code=code: Rewrite((scope.replace(node, code),))  # noqa: E731
        assert len(found(LOOP, made(check))) == count


def test_a_method_is_read_with_its_class() -> None:
    method = "    Box(int n) : n(square(n)) { m = square(n); }\n    int n, m;\n"
    text = f"struct Box {{\n{method}}};\n"
    (finding,) = found(text, made(multiply))
    assert "{ m = n * n; }" in finding.edit.apply(text)


def test_outside_of_the_function_only_includes_are_added() -> None:
    for code, count in (("#include <algorithm>\n", 1), ("int x;\n", 0)):

        def add(scope: Scope, node: SgNode, code: str = code) -> Proposal:
            return Rewrite((scope.replace_between(0, 0, code), scope.replace(node, "1")))

        text = "int y;\n" + LOOP
        assert len(found(text, made(add))) == count


def test_an_include_goes_among_the_others_once() -> None:
    def include(scope: NativeScope, node: SgNode) -> Proposal:
        return Rewrite((*scope.add_include("algorithm"), scope.replace(node, "1")))

    (text,) = after("// About.\n#include <vector>\n\n" + LOOP, include)
    assert text.startswith("// About.\n#include <algorithm>\n#include <vector>\n\nint sum")
    (text,) = after("#include <vector>\n#include <array>\n" + LOOP, include)
    assert text.startswith("#include <vector>\n#include <array>\n#include <algorithm>\nint sum")
    (text,) = after("// About.\n" + LOOP, include)
    assert text.startswith("// About.\n#include <algorithm>\nint sum")
    (text,) = after("#include <bits/stdc++.h>\n" + LOOP, include)
    assert "algorithm" not in text


def test_what_changes_a_variable() -> None:
    text = """\
    void f(std::vector<int> &v, std::string s, int a, int *p, std::map<int, int> m) {
        use(v.size(), s[0], *p);
        %s
    }
    """
    cases = {
        "v": ("v.push_back(1);", "v[0] = 1;", "std::sort(v.begin(), v.end());", "g(v);",
              "for (auto &x : v) x = 1;", "auto &w = v;", "v[0]++;"),
        "s": ("s += 'x';", "std::cin >> s;", "f(&s);"),
        "p": ("*p = 1;", "p[1]++;", "g(p);"),
        "a": ("a <<= 1;", "std::cin >> a;"),
    }  # fmt: skip
    harmless = {
        "v": ("g(v.size());", "int x = v[0];", "for (const auto &x : v) g();", "auto w = v;",
              "const auto &w = v;", "v.front() + 1;"),
        "s": ("std::string t = s;", "std::cout << s;", "if (s == \"a\") g();"),
        "a": ("int b = a + 1;", "b = a >> 1;", "v[a] = 1;", "std::max(a, 1);"),
    }  # fmt: skip
    for table, expected in ((cases, True), (harmless, False)):
        for name, statements in table.items():
            for statement in statements:
                whole = text % statement
                seen: list[bool] = []

                def look(
                    scope: NativeScope, node: SgNode, name: str = name, seen: list[bool] = seen
                ) -> Proposal:
                    below = scope.neighbour(scope.statement(node), 1)
                    assert below is not None
                    seen.append(scope.changed(name, below))
                    return None

                found(whole, made(look, "use($$$A)"))
                if "std::sort" in statement:
                    continue
                assert seen == [expected], statement


def test_types_of_names() -> None:
    text = """\
int table[10][20];
void f(const std::vector<std::string> &names, const char *p, unsigned long long n = 3) {
    std::map<int, std::vector<int>> m;
    vector<int> v(n);
    for (const auto &x : names) {
        int x2 = 0, *q = nullptr;
        see(names, p, n, m, v, x, x2, q, table, unknown);
    }
}
"""
    seen: list[str] = []

    def look(scope: NativeScope, node: SgNode) -> Proposal:
        seen.extend(scope.type_of(a) for a in node.field("arguments").named_children())
        return None

    found(text, made(look, "see($$$A)"))
    assert seen == [
        "vector<string>", "char*", "unsigned long long", "map<int,vector<int>>", "vector<int>",
        "auto", "int", "int*", "int[][]", "",
    ]  # fmt: skip
