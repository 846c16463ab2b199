"""Functions of C and C++: names with argument types, ranges, fingerprints, silence."""

from __future__ import annotations

import sys
from subprocess import run

import pytest

from analysis.functions import function_named, functions_in, parse_file
from analysis.languages import dialect_of, language_of
from analysis.text import Position

CPP = """\
#include <vector>
extern "C" { int c_f(int a[], int n) { return a[0]; } }
namespace ns { namespace {
class A {
public:
  A(int x) : x_(x) {}
  ~A() {}
  bool operator<(const A &o) const noexcept { return x_ < o.x_; }
  template <class T> T get(T a, int b = 3) const { return a; }
  operator int() const { return 1; }
  int x_;
};
} }
template <typename T> T A<T>::f(std::vector<int> &v, int (*cb)(int, char *), ...) { return 1; }
int *const f(void) { return 0; }
auto g(int x) -> int { return x; }
char **h(unsigned long int *a, char *argv[], T &&x, int (&arr)[3], std::map<int,T> *m) { return 0; }
#ifdef X
int k(int) { return 1; }
#else
int k(long) { return 1; }
#endif
MACRO int q(int a) { return a; }
template<> int mx<int>(int a) { return a; }
int (*fp(int a))(double) { return 0; }
int main(int argc, char **argv) { return 0; }
"""

NAMES = [
    "c_f(int [], int)",
    "ns::A::A(int)",
    "ns::A::~A()",
    "ns::A::operator<(const A &) const",
    "ns::A::get(T, int) const",
    "ns::A::operator int() const",
    "A<T>::f(std::vector<int> &, int (*)(int, char *), ...)",
    "f(void)",
    "g(int)",
    "h(unsigned long int *, char *[], T &&, int (&)[3], std::map<int, T> *)",
    "k(int)",
    "k(long)",
    "q(int)",
    "mx<int>(int)",
    "fp(int)",
    "main(int, char **)",
]


def test_names_carry_scopes_and_argument_types():
    assert [f.qualname for f in functions_in(CPP, "a.cpp")] == NAMES


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("g", "g(int)"),
        ("get", "ns::A::get(T, int) const"),
        ("ns::A::get", "ns::A::get(T, int) const"),
        ("k( long )", "k(long)"),
        ("h(unsigned long int*,char*[],T&&,int(&)[3],std::map<int,T>*)", NAMES[9]),
        ("k", None),
        ("nothing", None),
        ("g(long)", None),
    ],
)
def test_a_function_is_found_by_what_a_person_types(said: str, meant: str | None):
    found = function_named(CPP, "a.cpp", said)
    assert (found.qualname if found else None) == meant


def test_ranges_are_utf16_and_hold_the_template_head():
    text = "// \U0001f600 é\ntemplate <class T>\nT id(T a) {\n  /* \U0001f600 */ return a;\n}\n"
    [found] = functions_in(text, "a.hpp")
    assert (found.first_line, found.line) == (1, 2)
    assert text[found.start :].startswith("template")
    assert text[found.body_start :].startswith("return a")
    assert found.range.end == Position(4, 1)
    one_line = "/* \U0001f600 */ int f(int a) { return a; }"
    [found] = functions_in(one_line, "a.c")
    assert found.name_range.start == Position(0, 13)


def test_fingerprints_see_tokens_only():
    one = "int f(int a) { return a + 1; }"
    same = "int  f ( int a )\n{ // why\n  return a /* one */ + 1;\n}"
    other = "int f(int a) { return a + 2; }"
    a, b, c = (functions_in(t, "a.c")[0].fingerprint for t in (one, same, other))
    assert a == b
    assert a != c


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("int a;\nint b;\nint f() { return 1; } // hasten: ignore\n", [True]),
        ("int a;\n/* hasten: ignore */\nint f() { return 1; }\nint g();\n", [True]),
        ("int a;\n/* hasten: ignore */\nint f() { }\nint g() { }\n", [True, False]),
        ("// hasten: ignore\n\nint f() { return 1; }\nint g() { return 1; }\n", [True, True]),
        ('int f() { return puts("// hasten: ignore"); }\n', [False]),
        ("int f() {\n  // hasten: ignore\n  return 1;\n}\n", [False]),
    ],
)  # fmt: skip
def test_silence(text: str, ignored: list[bool]):
    assert [f.ignored for f in functions_in(text, "a.cpp")] == ignored


def test_what_is_broken_hides_only_itself():
    text = "int a() { return 1; }\nint b(int x) { return ) 2 +; }\nint c() { return 3; }\n"
    names = [f.qualname for f in functions_in(text, "a.c")]
    assert names[0] == "a()"
    assert names[-1] == "c()"


def test_a_tree_is_made_anew_from_an_older_one():
    old = parse_file(CPP, "a.cpp")
    text = CPP.replace("auto g(int x)", "auto g(long x, int é)")
    names = [f.qualname for f in functions_in(text, "a.cpp", parse_file(text, "a.cpp", old))]
    assert "g(long, int)" in names
    assert names == [f.qualname for f in functions_in(text, "a.cpp")]


def test_languages_by_suffix():
    names = {p: language_of(p).name for p in ("a.py", "a.c", "a.CC", "a.h", "a", "<candidate>")}
    assert names == {
        "a.py": "python", "a.c": "c", "a.CC": "c++", "a.h": "c++", "a": "python",
        "<candidate>": "python",
    }  # fmt: skip
    assert dialect_of("a.py") is None


def test_a_grammar_is_imported_at_the_first_file_that_needs_it():
    code = (
        "import sys; from analysis.functions import functions_in;"
        "functions_in('def f(): pass', 'a.py');"
        "print('tree_sitter_c' in sys.modules, 'analysis.languages.native' in sys.modules);"
        "functions_in('int f() { return 1; }', 'a.c');"
        "print('tree_sitter_c' in sys.modules, 'tree_sitter_cpp' in sys.modules)"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True", "False"]
