"""Functions of JavaScript and TypeScript: names, ranges, fingerprints, silence, broken files."""

from __future__ import annotations

import sys
from subprocess import run

import pytest

from analysis.functions import function_named, functions_in, parse_file
from analysis.languages import dialect_of, language_of
from analysis.text import Position

JS = """\
export default function main(a, { b } = {}) { return 1; }
export const later = async (x) => x + 1;
class A extends B {
  static #p = 1;
  get x() { return 1; }
  set x(v) {}
  static async *m(a) {}
  h = () => 1;
  [k]() {}
  constructor() { this.z = function () {}; }
  #q() {}
}
const C = class { at(i) { return i; } };
module.exports.q = function* named() {};
var o = { a: function () {}, b() {}, c: x => x, 'd e': () => 1, n: { m() {} } };
X.prototype.f = function () {};
xs.map(function inner(x) { return x; });
xs.map((x) => { const kept = (y) => y; });
h = memo(() => 2);
module.exports = { z() {} };
function outer() { function inner() { return () => { const deep = () => 1; }; } }
"""
NAMES = [
    "main", "later", "A.get x", "A.set x", "A.m", "A.h", "A.constructor", "A.constructor.z", "A.#q",
    "C.at", "q", "o.a", "o.b", "o.c", "o.d e", "o.n.m", "X.f", "inner", "kept", "z", "outer",
    "outer.inner", "outer.inner.deep",
]  # fmt: skip

TS = """\
function g(a: string): string;
function g(a: any): any { return a; }
declare function gone(a: number): void;
abstract class B<T> extends C<T> {
  private x = 1;
  abstract m(): void;
  n(a: T): T { return a; }
  @dec() @other
  o(): void {}
}
namespace N.M { export function q() {} }
export const h = <T,>(x: T): T => x;
const k = ((x) => x) as (x: number) => number;
interface I { f(): void }
"""


def names(text: str, path: str = "a.js") -> list[str]:
    return [f.qualname for f in functions_in(text, path)]


def test_functions_have_the_names_that_they_are_given():
    assert names(JS) == NAMES
    assert names(JS, "a.tsx") == NAMES


def test_types_signatures_and_namespaces():
    for path in ("a.ts", "a.mts", "a.tsx"):
        assert names(TS, path) == ["g", "B.n", "B.o", "N.M.q", "h", "k"]
    [overloaded] = [f for f in functions_in(TS, "a.ts") if f.name == "g"]
    assert overloaded.line == 1
    [decorated] = [f for f in functions_in(TS, "a.ts") if f.name == "o"]
    assert (decorated.first_line, decorated.line) == (7, 8)
    assert TS[decorated.start :].startswith("@dec() @other")


def test_jsx():
    text = "const Row = ({ x }) => <td className='a'>{x.map((y) => <b>{y}</b>)}</td>;\n"
    assert names(text, "a.jsx") == names(text, "a.tsx") == ["Row"]


def test_kinds():
    kinds = {f.qualname: (f.kind, f.is_async) for f in functions_in(JS, "a.js")}
    assert kinds["main"] == ("function", False)
    assert kinds["later"] == ("function", True)
    assert kinds["A.m"] == ("method", True)
    assert kinds["A.constructor.z"] == kinds["outer.inner.deep"] == ("nested", False)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("A.m", "A.m"),
        ("at", "C.at"),
        ("get x", "A.get x"),
        ("A.x", None),
        ("inner", "inner"),
        ("deep", "outer.inner.deep"),
        ("nothing", None),
    ],
)
def test_a_function_is_found_by_what_a_person_types(said: str, meant: str | None):
    found = function_named(JS, "a.js", said)
    assert (found.qualname if found else None) == meant


def test_a_range_holds_what_names_the_function():
    text = "// \U0001f600 é\nexport const id = /* \U0001f600 */ (a) => {\n  return a;\n};\n"
    [found] = functions_in(text, "a.js")
    assert text[found.start : found.end] == text[text.index("export") : text.index(";\n};") + 3]
    assert text[found.def_start :].startswith("(a) =>")
    assert text[found.body_start :].startswith("return a")
    assert found.name_range.start == Position(1, 13)
    assert found.range.end == Position(3, 1)


def test_fingerprints_see_tokens_only():
    frames = (
        ("function f(a) { %s }", 0),
        ("class A { get f() { %s } }", 0),
        ("const o = { async f(a) { %s } };", 0),
        ("const f = async (a) => { %s };", 0),
    )
    seen = set()
    for frame, at in frames:
        one, same, other = (
            functions_in(frame % body, "a.js")[at].fingerprint
            for body in ("return 1;", "\n  // why\n  return /* one */ 1;\n", "return 2;")
        )
        assert one == same
        assert one != other
        seen |= {one, other}
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("let a;\nlet b;\nfunction f() {} // hasten: ignore\n", [True]),
        ("let a;\n/* hasten: ignore */\nconst f = () => 1;\n", [True]),
        ("let a;\n// hasten: ignore\nfunction f() {}\nfunction g() {}\n", [True, False]),
        ("// hasten: ignore\n\nfunction f() {}\nfunction g() {}\n", [True, True]),
        ('function f() { return "// hasten: ignore"; }\n', [False]),
        ("function f() {\n  // hasten: ignore\n  return 1;\n}\n", [False]),
    ],
)
def test_silence(text: str, ignored: list[bool]):
    assert [f.ignored for f in functions_in(text, "a.js")] == ignored


def test_what_is_broken_hides_only_itself():
    text = "function a() { return 1; }\nconst b = (x => ) 2 +;\nfunction c() { return 3; }\n"
    found = names(text)
    assert (found[0], found[-1]) == ("a", "c")


def test_a_file_that_is_being_typed():
    for cut in range(0, len(JS), 5):
        text = JS[:cut]
        for found in functions_in(text, "a.js"):
            assert 0 <= found.start <= found.def_start <= found.body_start <= found.end <= cut
            assert found.fingerprint


def test_line_ends_and_lone_surrogates():
    unix = [(f.qualname, f.line) for f in functions_in(JS, "a.js")]
    for end in ("\r\n", "\r"):
        text = JS.replace("\n", end)
        assert [(f.qualname, f.line) for f in functions_in(text, "a.js")] == unix
    assert names("// \ud800\nfunction f() {}") == ["f"]


def test_deep_nesting():
    deep = "(" * 3000 + "() => 1" + ")" * 3000
    assert (
        names(f"const f = {deep};\nfunction g() {{ return {'[' * 3000}{']' * 3000}; }}")[-1] == "g"
    )
    nested = "const f = () => { " * 300 + "}" * 300
    assert len(names(nested)) == 300


def test_a_tree_is_made_anew_from_an_older_one():
    old = parse_file(JS, "a.js")
    text = JS.replace("function outer()", "function outér(é)")
    found = [f.qualname for f in functions_in(text, "a.js", parse_file(text, "a.js", old))]
    assert "outér.inner" in found
    assert found == names(text)


def test_languages_by_suffix():
    paths = ("a.js", "a.MJS", "a.cjs", "a.jsx", "a.ts", "a.mts", "a.cts", "a.tsx")
    assert [language_of(p).name for p in paths] == ["javascript"] * 4 + ["typescript"] * 4
    assert dialect_of("a.js") is dialect_of("a.tsx")


def test_a_grammar_is_imported_at_the_first_file_that_needs_it():
    code = (
        "import sys; from analysis.functions import functions_in;"
        "functions_in('int f() { return 1; }', 'a.c');"
        "print('tree_sitter_javascript' in sys.modules);"
        "functions_in('function f() {}', 'a.js')[0].fingerprint;"
        "print('tree_sitter_javascript' in sys.modules, 'tree_sitter_typescript' in sys.modules,"
        " 'ast_grep_py' in sys.modules)"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False", "False"]
