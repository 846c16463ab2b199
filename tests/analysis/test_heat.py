"""Heat is on the right function after edits, or it says that it is not certain."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent, indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.functions import Function, functions_in
from analysis.heat import carry_lines, match_functions

MODULES = ("heapq", "textwrap", "json.encoder", "bisect", "fractions")
MARK = re.compile(r"  # id:\w+")


def found(then: str, now: str) -> dict[str, tuple[str, str]]:
    a, b = functions_in(dedent(then), "m.py"), functions_in(dedent(now), "m.py")
    return {a[n].qualname: (b[m.now].qualname, m.state) for n, m in match_functions(a, b).items()}


ONE = """
    def f(x):
        return f(x - 1) + 1

    def g(x):
        return x * 2
"""


def test_moved_and_reformatted():
    now = """
        import os

        def g(x):  # doubled
            return (x*2)

        def f( x ):
            # all the way down
            return f(x - 1) + 1
    """
    assert found(ONE, now) == {"f": ("f", "same"), "g": ("g", "same")}


def test_renamed_with_its_recursion():
    now = ONE.replace("f(", "depth(")
    assert found(ONE, now) == {"f": ("depth", "same"), "g": ("g", "same")}


def test_a_call_of_another_function_is_no_rename():
    now = ONE.replace("def f(", "def h(")
    assert found(ONE, now) == {"g": ("g", "same")}


def test_a_method_that_calls_itself_is_renamed():
    then = "class A:\n    def walk(self, n):\n        return self.walk(n.next) or n.walk\n"
    now = then.replace("def walk", "def run").replace("self.walk", "self.run")
    assert found(then, now) == {"A.walk": ("A.run", "same")}


def test_into_a_class_and_out_of_it():
    now = "class C:\n" + indent(dedent(ONE), "    ")
    assert found(ONE, now) == {"f": ("C.f", "same"), "g": ("C.g", "same")}
    assert found(now, ONE) == {"C.f": ("f", "same"), "C.g": ("g", "same")}


def test_what_is_copied_and_edited_is_changed():
    now = ONE.replace("x * 2", "x << 1") + "\n    def g_old(x):\n        return x * 2\n"
    assert found(ONE, now) == {"f": ("f", "same"), "g": ("g", "changed")}


def test_what_is_deleted_is_gone():
    assert found(ONE, "def other():\n    pass\n") == {}


def test_names_that_were_swapped():
    now = """
        def g(x):
            return g(x - 1) + 1

        def f(x):
            return x * 2
    """
    assert found(ONE, now) == {"f": ("g", "same"), "g": ("f", "same")}


TWINS = """
    class A:
        def get(self):
            return self.x
        def first(self):
            return 1

    class B:
        def get(self):
            return self.x
        def second(self):
            return 2
"""


def test_equal_methods_go_with_their_class():
    now = TWINS.replace("class A", "class New").replace("class B", "class Other")
    first, second = dedent(now).split("class Other")
    matched = found(TWINS, "class Other" + second + "\n" + first)
    assert matched["A.get"] == ("New.get", "same")
    assert matched["B.get"] == ("Other.get", "same")
    only = found(TWINS, "class Other" + second)
    assert only == {"B.get": ("Other.get", "same"), "B.second": ("Other.second", "same")}


def test_one_of_several_equal_ones_is_not_certain():
    then = "class A:\n    def get(self):\n        return self.x\n"
    now = then.replace("A", "B") + then.replace("A", "C")
    assert found(then, now) == {"A.get": ("B.get", "unsure")}


def test_of_several_definitions_the_last_is_the_one_that_runs():
    then = "def f():\n    return 1\n"
    a, b = functions_in(then, "m.py"), functions_in(then + then, "m.py")
    assert {n: m.now for n, m in match_functions(a, b).items()} == {0: 1}


def test_changed_in_a_class_that_was_renamed():
    now = TWINS.replace("class A", "class New").replace("return 1", "return 11")
    now = now.replace("def get(self):", "def get(self, more=0):", 1)
    then = TWINS + "\n        def third(self):\n            return 3\n"
    assert found(then, now.replace("class B", "class Two"))["B.second"] == ("Two.second", "same")
    grown = dedent(TWINS).replace(
        "        return 1", "        return 1\n    def z(self):\n        return 9"
    )
    renamed = grown.replace("class A", "class New").replace("return 1\n", "return 11\n", 1)
    assert found(grown, renamed)["A.first"] == ("New.first", "changed")


def lines_of(then: str, now: str) -> dict[int, int]:
    (a,), (b,) = functions_in(then, "m.py"), functions_in(now, "m.py")
    return carry_lines(a, b)


def test_lines_go_with_their_text():
    then = "def f(x):\n    a = 1\n    b = 2\n    return a + b\n"
    now = "\n\ndef f(x):\n    # new\n    a = 1\n    b = 3\n    return a + b\n"
    assert lines_of(then, now) == {1: 3, 2: 5, 4: 7}
    assert lines_of(then, then) == {1: 1, 2: 2, 3: 3, 4: 4}
    assert lines_of(then, then.replace("f(", "g("))[1] == 1


def test_lines_of_a_function_that_was_indented():
    then = "def f(x):\n    for y in x:\n        g(y)\n"
    assert lines_of(then, "class A:\n" + indent(then, "    ")) == {1: 2, 2: 3, 3: 4}


# -- random edits of real files


@dataclass
class Edited:
    """A text with a mark at each function, which the comparison does not see."""

    rng: random.Random
    text: str
    changed: set[str] = field(default_factory=set)
    number: int = 0

    def functions(self) -> tuple[Function, ...]:
        return functions_in(self.text, "m.py")

    def pick(self, *, top: bool = False) -> Function | None:
        """A function that spans several lines and holds no string of several lines."""
        fit = [
            f
            for f in self.functions()
            if mark_of(f).isdigit()
            and f.source.count("\n") > 1
            and self.text[f.def_start : f.body_start].count("\n") > 0
            and not re.search(r"\"\"\"|'''|\\\n", f.source)
            and (not top or f.kind == "function")
        ]
        return self.rng.choice(fit) if fit else None

    def replace(self, start: int, end: int, new: str) -> None:
        self.text = self.text[:start] + new + self.text[end:]

    def touch(self, function: Function) -> None:
        """Its code is another one now, and that of the functions around it."""
        for f in self.functions():
            if f.start <= function.start and function.end <= f.end:
                self.changed.add(mark_of(f))

    def fresh(self) -> str:
        self.number += 1
        return f"fresh_{self.number}"


def mark_of(function: Function) -> str:
    line = function.source.split("\n")[function.line - function.first_line]
    return line.rpartition("  # id:")[2]


def whole_lines(function: Function) -> tuple[int, int, str]:
    start = function.end - len(function.source)
    return start, function.end, function.source


def insert_above(edited: Edited) -> None:
    if f := edited.pick(top=True):
        start, _, _ = whole_lines(f)
        edited.replace(start, start, f"# a note\n{edited.fresh()} = 1\n\n")


def comment(edited: Edited) -> None:
    if f := edited.pick():
        column = f.body_start - edited.text.rfind("\n", 0, f.body_start) - 1
        edited.replace(f.body_start, f.body_start, "# a note\n\n" + " " * column)


def change_body(edited: Edited) -> None:
    if f := edited.pick():
        edited.touch(f)
        column = f.body_start - edited.text.rfind("\n", 0, f.body_start) - 1
        edited.replace(f.body_start, f.body_start, f"{edited.fresh()} = 1\n" + " " * column)


def rename(edited: Edited) -> None:
    if f := edited.pick():
        around = [g for g in edited.functions() if g.start < f.start and f.end <= g.end]
        edited.changed.update(mark_of(g) for g in around)
        start, end, source = whole_lines(f)
        own = rf"(?<!\.)\b{f.name}\b(?!\s*=)|(?<=\bself\.){f.name}\b|(?<=\bcls\.){f.name}\b"
        edited.replace(start, end, re.sub(own, edited.fresh(), source))


def wrap(edited: Edited) -> None:
    if f := edited.pick(top=True):
        start, end, source = whole_lines(f)
        if not source[0].isspace():
            body = indent(source, "    ")
            edited.replace(start, end, f"class {edited.fresh().title()}:\n{body}")


def duplicate(edited: Edited) -> None:
    if f := edited.pick(top=True):
        _, end, source = whole_lines(f)
        if not source[0].isspace():
            copy = re.sub(r"# id:", "# id:copy", source).replace(f.name, edited.fresh(), 1)
            edited.replace(end, end, f"\n\n{copy}\n")


def delete(edited: Edited) -> None:
    if f := edited.pick(top=True):
        start, end, source = whole_lines(f)
        if not source[0].isspace():
            edited.replace(start, end, "pass")


def reorder(edited: Edited) -> None:
    if f := edited.pick(top=True):
        start, end, source = whole_lines(f)
        if not source[0].isspace():
            edited.replace(start, end, "pass")
            edited.text += f"\n\n{source}\n"


EDITS = (insert_above, comment, change_body, rename, wrap, duplicate, delete, reorder)


def marked(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    lines = Path(spec.origin).read_text(encoding="utf-8").split("\n")
    for n, f in enumerate(functions_in("\n".join(lines), "m.py")):
        if not lines[f.line].endswith("\\"):
            lines[f.line] += f"  # id:{n}"
    return "\n".join(lines)


@pytest.mark.parametrize("module", MODULES)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_random_edits_of_real_files(module: str, seed: int) -> None:
    edited = Edited(random.Random(seed), marked(module))
    then = functions_in(MARK.sub("", edited.text), "m.py")
    ids = [mark_of(f) for f in edited.functions()]
    made = [edited.rng.choice(EDITS) for _ in range(edited.rng.randint(1, 8))]
    for edit in made:
        edit(edited)
    now_marked = edited.functions()
    now = functions_in(MARK.sub("", edited.text), "m.py")
    assert [f.qualname for f in now] == [f.qualname for f in now_marked]
    where = {mark_of(f): n for n, f in enumerate(now_marked)}
    codes = Counter(f.nameless_fingerprint for f in now)
    matched = match_functions(then, now)
    assert len({m.now for m in matched.values()}) == len(matched)
    for n, mark in enumerate(ids):
        match, right = matched.get(n), where.get(mark)
        if match is None:
            # Reported as gone: deleted, or edited beyond what its name tells.
            assert right is None or mark in edited.changed, (made, then[n].qualname)
        elif match.state == "same":
            # An equal twin can stand in only where nothing tells the two apart.
            twin = codes[now[match.now].nameless_fingerprint] > 1
            # A copy whose original is gone, by its code or its name, is as good as a rename.
            copied = mark_of(now_marked[match.now]).endswith(f"copy{mark}") and (
                right is None
                or (mark in edited.changed and now[right].qualname != then[n].qualname)
            )
            assert match.now == right or twin or copied, (made, then[n].qualname)
            assert mark not in edited.changed or twin or copied, (made, then[n].qualname)
        elif match.state == "changed":
            # Of an edited function and a copy of it nothing tells which is meant: it is stale.
            copied = mark_of(now_marked[match.now]).endswith(f"copy{mark}")
            assert match.now == right or copied, (made, then[n].qualname)
            assert mark in edited.changed, (made, then[n].qualname)
