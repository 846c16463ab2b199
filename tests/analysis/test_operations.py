"""Operations and shapes: what two functions of different programs can have in common."""

from __future__ import annotations

import textwrap

import pytest

from analysis.facts import facts_of_text, static_facts
from analysis.functions import functions_in
from analysis.languages.native import operations as native
from analysis.operations import SHAPES
from analysis.shape import shape_of
from tools.facts_docs import PAGE, page


def operations(body: str, head: str = "def subject(rows, text, table, n):") -> set[str]:
    whole = "import re, bisect\nimport numpy as np\n\n" + head + "\n"
    whole += textwrap.indent(textwrap.dedent(body), "    ")
    return set(static_facts(whole, functions_in(whole, "m.py")[0]).operations)


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("append-only", "for r in rows:\n    n.append(r)\n"),
        ("append-if", "for r in rows:\n    if r:\n        n.append(r)\n"),
        ("running-sum", "for r in rows:\n    n += r\n"),
        ("extreme-by-comparison", "for r in rows:\n    if r > n:\n        n = r\n"),
        ("flag", "for r in rows:\n    n = True\n"),
        ("hand-counter", "while n:\n    n -= 1\n"),
        ("characters", "for c in text:\n    if c == 'x': pass\n"),
        ("alternatives", "if n: pass\nelif text: pass\nelif rows: pass\n"),
        ("neighbours", "for i in n:\n    rows[i + 1]\n"),
        ("element-of-element", "for i in n:\n    rows[i][0]\n"),
        ("check-then-get", "if n in table:\n    return table[n]\n"),
        ("tuple-key", "return table[n, text]\n"),
        ("bits", "return n & 1\n"),
        ("power", "return n ** 2\n"),
        ("number-of-text", "for r in rows:\n    int(r)\n"),
        ("text-of-number", "for r in rows:\n    str(r)\n"),
        ("own-call", "for r in rows:\n    helper(r)\n"),
        ("method-call", "for r in rows:\n    n.advance(r)\n"),
        ("slice-recursion", "return subject(rows[1:], text, table, n)\n"),
        ("inner-function", "def inner(): pass\n"),
        ("lambda", "return lambda: n\n"),
        ("type-test", "for r in rows:\n    isinstance(r, n)\n"),
        ("tuple-made", "for r in rows:\n    n = (r, r)\n"),
        ("list-made", "for r in rows:\n    n = [r]\n"),
        ("dict-made", "for r in rows:\n    n = {r: 1}\n"),
        ("table", "n = [[0] * 3 for r in rows]\n"),
        ("early-end", "for r in rows:\n    break\n"),
        ("delete", "for r in rows:\n    del table[r]\n"),
        ("stepped-range", "for i in range(0, n, 2): pass\n"),
        ("key-function", "return sorted(rows, key=n)\n"),
        ("store-by-index", "for i in n:\n    rows[i] = 0\n"),
        ("string-compare", "for r in rows:\n    if r == 'word': pass\n"),
        ("all-pairs", "for i in range(n):\n    for j in range(i + 1, n): pass\n"),
        ("grow-by-one", "for r in rows:\n    n += [r]\n"),
        ("copy-per-step", "for r in rows:\n    list(n)\n"),
        ("nested-function-call", "for r in rows:\n    n.append(abs(r))\n"),
    ],
)  # fmt: skip
def test_every_shape_is_found(shape: str, body: str) -> None:
    assert SHAPES[shape] in operations(body)
    assert SHAPES[shape] not in operations("pass\n")


def test_every_shape_is_tested() -> None:
    (mark,) = (m for m in test_every_shape_is_found.pytestmark if m.name == "parametrize")
    assert {shape for shape, _ in mark.args[1]} == set(SHAPES)


def test_names_of_the_library_are_kept_and_those_of_the_program_are_not() -> None:
    found = operations(
        "total = sum(rows)\nfor row in rows:\n    row.split(',')\n    re.sub('a', 'b', row)\n"
        "    customer_name(row)\n    table.invoice(np.where(row))\n"
    )
    assert {"sum", "split in a loop", "re sub in a loop", "numpy where in a loop"} <= found
    assert not [phrase for phrase in found if "customer" in phrase or "invoice" in phrase]


def test_what_a_loop_runs_over_is_outside_of_it() -> None:
    assert {"sorted", "split"} <= operations("for r in sorted(text.split()): pass\n")


def test_facts_of_a_file_are_those_of_all_its_functions() -> None:
    text = "def f(a):\n    return sorted(a)\n\n\ndef g(a):\n    return sum(a)\n"
    assert {"sorted", "sum"} <= set(facts_of_text(text, "m.py").operations)
    assert set(facts_of_text(text, "m.py", "g").operations) == {"sum"}
    assert set(facts_of_text(text, "m.py", "nobody").operations) == {"sorted", "sum"}


def test_code_outside_of_functions_has_facts_too() -> None:
    script = "import sys\nfor line in sys.stdin:\n    print(line.split())\n"
    assert {"split in a loop", "print in a loop"} <= set(facts_of_text(script, "m.py").operations)
    assert shape_of(script, "m.py")


CPP = "#include <string>\n#include <vector>\nint subject({0}) {{\n{1}\nreturn 0;\n}}\n"


@pytest.mark.parametrize(
    ("shape", "parameters", "body"),
    [
        ("by-value", "std::vector<int> a", ""),
        ("loop-by-value", "", "for (auto x : a) {}"),
        ("nested-vector", "", "std::vector<std::vector<int>> a;"),
        ("inner-first-index", "", "for (j = 0; j < n; j++) for (i = 0; i < n; i++) s = a[i][j];"),
        ("element-of-element", "", "while (n) a[i][j] = 0;"),
        ("flush", "", "std::cout << std::endl;"),
        ("length-in-condition", "", "for (i = 0; i < strlen(s); i++) {}"),
        ("call-in-condition", "", "while (more(n)) {}"),
        ("string-growth", "", "while (n) s.append(t);"),
        ("vector-growth", "", "while (n) v.push_back(n);"),
        ("allocation", "", "while (n) p = new int;"),
        ("allocation", "", "while (n) p = malloc(n);"),
        ("release", "", "while (n) delete p;"),
        ("division", "", "while (n) s = n % 7;"),
        ("floating", "", "while (n) s = n * 0.5;"),
        ("bits", "", "s = n >> 1;"),
        ("branch", "", "while (n) while (m) if (k) {}"),
        ("alternatives", "", "if (a) {} else if (b) {} else if (c) {}"),
        ("pointer-chase", "", "while (p) p = p->next;"),
        ("byte-loop", "", "while (n) if (s[n] == 'x') {}"),
        ("global", "", "while (n) this->total += n;"),
        ("recursion", "", "return subject(n);"),
        ("own-call", "", "while (n) helper(n);"),
        ("object-made", "", "while (n) { std::string s; }"),
        ("early-end", "", "while (n) break;"),
        ("running-sum", "", "while (n) s += n;"),
        ("extreme-by-comparison", "", "while (n) if (n > best) best = n;"),
        ("double-lookup", "", "if (m.count(k)) return m[k];"),
        ("exception", "", "while (n) try { f(); } catch (...) {}"),
        ("all-pairs", "", "for (;;) for (int j = i + 1; j < n; j++) {}"),
        ("triple-loop", "", "while (a) while (b) while (c) {}"),
        ("struct-array", "", "while (n) s = a[n].x;"),
    ],
)
def test_every_shape_of_c_and_cpp_is_found(shape: str, parameters: str, body: str) -> None:
    found = facts_of_text(CPP.format(parameters, body), "m.cpp", "subject").operations
    assert native.SHAPES[shape] in found
    assert native.SHAPES[shape] not in facts_of_text(CPP.format("", ""), "m.cpp").operations


def test_every_shape_of_c_and_cpp_is_tested() -> None:
    marks = test_every_shape_of_c_and_cpp_is_found.pytestmark
    (mark,) = (m for m in marks if m.name == "parametrize")
    assert {shape for shape, _, _ in mark.args[1]} == set(native.SHAPES)


def test_a_function_of_a_module_is_no_inner_one() -> None:
    text = "def f():\n    return 1\n\n\nclass A:\n    def g(self):\n        return 2\n"
    assert SHAPES["inner-function"] not in facts_of_text(text, "m.py").operations
    nested = "class A:\n    def g(self):\n        def h(): pass\n"
    assert SHAPES["inner-function"] in facts_of_text(nested, "m.py").operations


def test_pairs_are_of_the_loop_right_around() -> None:
    assert SHAPES["all-pairs"] not in operations(
        "for i in range(n):\n    if i:\n        for j in range(i + 1, n): pass\n"
    )
    assert SHAPES["all-pairs"] not in operations(
        "for i in range(n):\n    for j in range(n + 1, i): pass\n"
    )


def test_names_of_the_native_library_are_kept() -> None:
    body = "for (auto& w : words) { total.append(w.substr(1)); customer(w); }"
    found = facts_of_text(CPP.format("", body), "m.cpp").operations
    assert {"append in a loop", "substr in a loop"} <= set(found)
    assert not [phrase for phrase in found if "customer" in phrase]


# -- shapes of syntax


def test_names_and_values_do_not_change_a_shape() -> None:
    one = "def f(a, b):\n    for x in a:\n        if x in b:\n            print(x + 1)\n"
    other = "def g(p, q):\n    for y in p:\n        if y in q:\n            show(y + 22)\n"
    assert shape_of(one, "m.py") == shape_of(other, "m.py")
    assert shape_of(one, "m.py") != shape_of(one.replace("in b", "== b"), "m.py")


def test_a_shape_is_of_one_function_or_of_all() -> None:
    text = "def f(a):\n    return [x for x in a]\n\n\ndef g(a):\n    while a:\n        a -= 1\n"
    first, second = (set(shape_of(text, "m.py", name).split()) for name in "fg")
    assert first and second and first != second
    assert set(shape_of(text, "m.py").split()) >= first | second


def test_shapes_of_c_are_read_too() -> None:
    assert shape_of("int f(int a) { while (a) a--; return a; }", "m.c", "f")


def test_the_page_of_the_vocabulary_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m tools.facts_docs"
