"""The static gate for JavaScript and TypeScript, keys of candidates, groups of changes, facts."""

from __future__ import annotations

import pytest

from analysis.decompose import decompose, normalised_key
from analysis.facts import static_facts
from analysis.functions import function_named
from analysis.gate import check_candidate
from analysis.text import apply_changes

BEFORE = """\
const fs = require('fs');
let count = 0;
const table = { a: 1 };
/* helper */
function helper(x) { return x * 2; }
function common(xs, ys) {
  let n = 0;
  for (const y of ys) {
    if (xs.includes(y)) n++;
  }
  return n;
}
class Grid {
  at(x) { return this.cells[x]; }
}
module.exports = { common };
"""
START = "  let n = 0;\n"


def inside(line: str) -> str:
    return BEFORE.replace(START, START + line + "\n")


def outside(line: str) -> str:
    return BEFORE.replace("function common", line + "\nfunction common")


@pytest.mark.parametrize(
    "after",
    [
        inside("  const seen = new Set(xs); let a, [b, { c: d, ...e }] = [1, {}]; a = b; d++;"),
        inside("  for (const [k, v] of Object.entries(e => k)) n += helper(v);"),
        inside("  try { n++; } catch (error) { n = error.code; }"),
        inside("  ys.sort((a, b) => a - b); const o = { helper, xs }; o.x = 1; o['y'] = 2;"),
        outside("// a comment"),
        outside("const LIMIT = -3 * 4;\nconst WORD = /a+/i;\nconst twice = (x) => x + x;"),
        outside("function twice(x) { let y = x; y += x; return y; }"),
        outside("const NAMES = Object.freeze(['a', 'b']);"),
    ],
)
def test_what_may_be_tried(after: str):
    assert check_candidate(BEFORE, after, "common", "a.js") is None
    assert check_candidate(BEFORE, after, "common", "a.ts") is None


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (BEFORE, "it changes nothing"),
        (BEFORE.replace("return n;", "return n +;"), "syntax error in line 11"),
        (BEFORE.replace("(xs, ys)", "(xs, zs)"), "the head of common"),
        (BEFORE.replace("function common", "async function common"), "the head of common"),
        (BEFORE.replace("function common(", "function other("), "no function common any more"),
        (BEFORE.replace("x * 2", "x + x"), "changes code outside the function"),
        (BEFORE.replace("function helper(x) { return x * 2; }\n", ""), "outside the function"),
        (inside("  count++;"), "keeps state across calls: count"),
        (inside("  made = 1;"), "keeps state across calls: made"),
        (inside("  [count, n] = [1, 2];"), "keeps state across calls: count"),
        (inside("  table.b = new Set(xs);"), "keeps state across calls: table.b"),
        (inside("  common.known = xs;"), "keeps state across calls: common.known"),
        (inside("  this.known = xs;"), "keeps state across calls: this.known"),
        (outside("const known = new Map();"), "keeps state across calls"),
        (outside("const known = [];"), "keeps state across calls"),
        (outside("const frozen = Object.freeze([[], {}]);"), "keeps state across calls"),
        (outside("const sticky = /a/g;"), "keeps state across calls"),
        (outside("const next = () => count++;"), "keeps state across calls"),
        (outside("function next() { return count++; }"), "keeps state across calls: count"),
        (outside("let known;"), "adds code outside"),
        (outside("helper(1);"), "adds code outside"),
        (inside("  eval('n++');"), "it uses eval"),
        (inside("  Array.prototype.x = 1;"), "keeps state across calls"),
        (inside("  const now = Date.now();"), "it uses Date"),
        (inside("  n += performance.now();"), "it uses performance"),
        (inside("  process.exit(0);"), "it uses process"),
        (inside("  import('net');"), "it imports something"),
        (inside("  n += missing(xs);"), "missing, which is defined nowhere"),
        (BEFORE + "\0", "characters"),
        (inside("  n += 1;" * 10_000), "too long"),
        (inside(f"  n = {'(' * 300}1{')' * 300};"), "nested more than 200 levels"),
    ],
)
def test_what_is_refused_before_it_is_run(after: str, why: str):
    assert why in (check_candidate(BEFORE, after, "common", "a.js") or "")


def test_what_the_function_changed_before_it_may_change_still():
    before = BEFORE.replace(START, START + "  count += 1;\n")
    after = before.replace("n++;", "n += 1;")
    assert check_candidate(before, after, "common", "a.js") is None


def test_methods_and_arrows():
    after = BEFORE.replace("return this.cells[x];", "const { cells } = this; return cells[x];")
    assert check_candidate(BEFORE, after, "Grid.at", "a.js") is None
    assert "outside" in (check_candidate(BEFORE, after, "common", "a.js") or "")
    member = after.replace("at(x)", "extra() {}\n  at(x)")
    assert "adds a member to a class" in (check_candidate(BEFORE, member, "Grid.at", "a.js") or "")
    arrow = "export const f = (xs) => xs.filter((x) => x)[0];\n"
    assert check_candidate(arrow, arrow.replace("filter", "find"), "f", "a.ts") is None
    block = "export const f = (xs) => {\n  return xs[0];\n};\n"
    assert check_candidate(arrow, block, "f", "a.ts") is None
    assert "outside" in (check_candidate(arrow, arrow.replace("export ", ""), "f", "a.ts") or "")


def test_types_can_be_used_and_kept():
    before = "export function f<T>(xs: T[]): T[] {\n  return xs.filter((x) => x);\n}\n"
    after = before.replace("return", "const seen: Set<T> = new Set<T>(xs as T[]);\n  return")
    assert check_candidate(before, after, "f", "a.ts") is None
    assert "head" in (
        check_candidate(before, before.replace("): T[]", "): any"), "f", "a.ts") or ""
    )


def test_a_file_that_is_broken_elsewhere_can_be_changed():
    broken = BEFORE + "const b = ) 2 +;\n"
    after = broken.replace("n++;", "n += 1;")
    assert check_candidate(broken, after, "common", "a.js") is None
    worse = broken.replace("n++;", "n += ;")
    assert "syntax error in line 9" in (check_candidate(broken, worse, "common", "a.js") or "")


def test_keys_are_the_same_for_the_same_tokens():
    again = BEFORE.replace("/* helper */\n", "").replace("  ", "\t")
    assert normalised_key(BEFORE, "common", "a.js") == normalised_key(again, "common", "a.js")
    other = inside("  n = 1;")
    assert normalised_key(BEFORE, "common", "a.js") != normalised_key(other, "common", "a.js")


def test_groups_add_up_to_the_whole_change_and_keep_names_together():
    after = inside("  const $seen = new Set(xs);").replace("xs.includes(y)", "$seen.has(y)")
    after = after.replace("  return n;", "  // all\n  return Number(n);")
    groups = decompose(BEFORE, after, "common", "a.js")
    assert len(groups) == 2
    text, between = BEFORE, []
    for group in groups:
        text = apply_changes(text, group)
        between.append(text)
    assert text == after
    assert all(("const $seen" in t) == ("$seen.has" in t) for t in between)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("for (const y of ys) if (xs.includes(y)) n++;", ("membership-in-loop", "loop")),
        ("ys.map((y) => xs.map((x) => x % y));", ("nested-loop", "loop", "modulo-in-loop")),
        ("while (xs.length) xs.shift();", ("list-shift", "while-loop", "loop")),
        ("return f(xs) + f(ys);", ("overlapping-recursion",)),
        ("for (const y of ys) a = [...a, new RegExp(y)];",
         ("list-growth", "regex-in-loop", "object-in-loop", "loop")),
        ("return xs;", ()),
    ],
)  # fmt: skip
def test_facts(body: str, words: tuple[str, ...]):
    text = f"function f(xs, ys) {{ let n = 0, a = []; {body} }}\n"
    function = function_named(text, "a.js", "f")
    assert function is not None
    assert static_facts(text, function).words == words
