from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from analysis.dependencies import Need, needs_of

FILES = {
    "app/__init__.py": "",
    "app/work.py": """
        import json
        import numpy as np
        from app import tools
        from app.shapes import Square, area as area_of
        from . import limits
        from .limits import MOST as most

        SCALE = 3
        TABLE = {}
        TABLE["a"] = SCALE
        UNUSED = 1

        def helper(x):
            return x * SCALE

        def never(x):
            return UNUSED

        class Base:
            factor = 2
            def scale(self, x):
                return x * self.factor

        class Worker(Base):
            def __init__(self, n):
                self.n = n
            def other(self):
                return never(1)
            def run(self, xs):
                '''Docs.'''
                total = sum(helper(x) for x in xs) + TABLE["a"] + limits.LEAST
                total += tools.double(area_of(Square(self.n)))
                return self.scale(total) + most + np.sum(xs)

        if __name__ == "__main__":
            TABLE = None
    """,
    "app/tools.py": """
        def double(x):
            return twice(x)

        def twice(x):
            return 2 * x

        def thrice(x):
            return 3 * x
    """,
    "app/shapes.py": """
        class Square:
            def __init__(self, side):
                self.side = side
            def size(self):
                return self.side

        def area(shape):
            return shape.size() ** 2
    """,
    "app/limits.py": "MOST = 9\nLEAST = 1\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))
    return tmp_path


def needs(project: Path, qualname: str = "Worker.run") -> set[Need]:
    def read(path: Path) -> str | None:
        return path.read_text() if path.is_file() else None

    return set(needs_of(project / "app/work.py", qualname, read, [project]))


def named(found: set[Need]) -> set[str]:
    return {f"{n.kind} {Path(n.path).stem}:{n.name}" if n.path else f"library {n.name}"
            for n in found}  # fmt: skip


def test_all_that_a_method_reaches_and_nothing_else(project: Path) -> None:
    assert named(needs(project)) == {
        "function work:Worker.run",
        "callee work:helper",
        "callee work:Worker",
        "callee work:Worker.__init__",
        "callee work:Base",
        "callee work:Base.scale",
        "callee tools:double",
        "callee tools:twice",
        "callee shapes:area",
        "callee shapes:Square",
        "callee shapes:Square.__init__",
        "callee shapes:Square.size",
        "constant work:SCALE",
        "constant work:TABLE",
        "constant limits:MOST",
        "constant limits:LEAST",
        "library numpy",
    }


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("app/tools.py", "return 2 * x", "return x + x"),
        ("app/shapes.py", "return self.side", "return abs(self.side)"),
        ("app/limits.py", "LEAST = 1", "LEAST = 2"),
        ("app/work.py", 'TABLE["a"] = SCALE', 'TABLE["a"] = 4'),
        ("app/work.py", "factor = 2", "factor = 3"),
        ("app/work.py", "class Worker(Base)", "class Worker(Base, dict)"),
        ("app/work.py", "return x * SCALE", "return SCALE * x"),
    ],
)
def test_a_change_that_reaches_it_shows(project: Path, file: str, old: str, new: str) -> None:
    before = needs(project)
    path = project / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert needs(project) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("app/tools.py", "return 3 * x", "return x + x + x"),
        ("app/work.py", "UNUSED = 1", "UNUSED = 2"),
        ("app/work.py", "return never(1)", "return never(2)"),
        ("app/work.py", "'''Docs.'''", "'''Other docs.'''"),
        ("app/work.py", "SCALE = 3", "SCALE = 3  # a comment"),
    ],
)
def test_a_change_that_does_not_reach_it_does_not(
    project: Path, file: str, old: str, new: str
) -> None:
    before = needs(project)
    path = project / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert needs(project) == before


def test_imports_inside_functions_stars_and_definitions_in_blocks(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "from b import *\n"
        "try:\n    import fast\nexcept ImportError:\n    def quick(x): return x\n"
        "def f(x):\n    from c import inner\n    return outer(x) + inner(x) + quick(x)\n"
    )
    (tmp_path / "b.py").write_text("def outer(x): return x\ndef more(x): return x\n")
    (tmp_path / "c.py").write_text("def inner(x): return x\n")
    read = lambda p: p.read_text() if p.is_file() else None  # noqa: E731
    found = needs_of(tmp_path / "a.py", "f", read, [tmp_path])
    assert named(set(found)) == {
        "function a:f", "callee b:outer", "callee c:inner", "callee a:quick",
    }  # fmt: skip


def test_what_is_not_there_and_cycles_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import b\ndef f(x): return b.g(x)\n")
    (tmp_path / "b.py").write_text("import a\ndef g(x): return a.f(x) if x else missing(x\n")
    read = lambda p: p.read_text() if p.is_file() else None  # noqa: E731
    assert needs_of(tmp_path / "a.py", "nothing", read, [tmp_path]) == ()
    assert needs_of(tmp_path / "none.py", "f", read, [tmp_path]) == ()
    found = needs_of(tmp_path / "a.py", "f", read, [tmp_path])
    assert "function a:f" in named(set(found))


def reached(folder: Path, files: dict[str, str], called: str = "f") -> set[str]:
    """What `called` of a.py reaches in some files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(dedent(text))
    read = lambda p: p.read_text() if p.is_file() else None  # noqa: E731
    return named(set(needs_of(folder / "a.py", called, read, [folder])))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"a.py": "import b\nT = b.made()\ndef f(x): return T[x]\n",
             "b.py": "def made(): return {}\n"},
            {"callee b:made", "constant a:T"}, id="a constant made by another module",
        ),
        pytest.param(
            {"a.py": "T = {}\ndef fill():\n    T[1] = one()\ndef one(): return 1\nfill()\n"
                     "def f(x): return T[x]\n"},
            {"constant a:T", "callee a:fill", "callee a:one"}, id="a table that a call fills",
        ),
        pytest.param(
            {"a.py": "N = 0\ndef begin():\n    global N\n    N = 3\nbegin()\n"
                     "def f(x): return N\n"},
            {"constant a:N", "callee a:begin"}, id="a global that a call sets",
        ),
        pytest.param(
            {"a.py": "R = {}\ndef known(n):\n    def wrap(g):\n        R[n] = g\n"
                     "        return g\n    return wrap\n@known('b')\ndef do(x): return x\n"
                     "def f(x): return R['b'](x)\n"},
            {"constant a:R", "callee a:known", "callee a:do"}, id="a registry of decorators",
        ),
        pytest.param(
            {"a.py": "from functools import singledispatch\n@singledispatch\n"
                     "def g(x): return x\n@g.register\ndef _(x: int): return more(x)\n"
                     "def more(x): return x\ndef f(x): return g(x)\n"},
            {"callee a:g", "constant a:g", "callee a:_", "callee a:more", "library functools"},
            id="single dispatch",
        ),
        pytest.param(
            {"a.py": "import base\nclass A(base.B): pass\ndef f(x): return A()[x]\n",
             "base.py": "class B:\n    def __getitem__(self, i): return i\n"},
            {"callee a:A", "callee base:B", "callee base:B.__getitem__"},
            id="a base class of another module",
        ),
        pytest.param(
            {"a.py": "import b, numpy as np\nb.FLAG = 1\nnp.seterr(all='ignore')\n"
                     "def f(x): return np.sum(b.g(x))\n",
             "b.py": "def g(x): return x\n"},
            {"callee b:g", "constant a:b", "constant a:np", "library numpy"},
            id="an attribute of a module that is set",
        ),
        pytest.param(
            {"a.py": "try:\n    from b import g\nexcept ImportError:\n    from c import g\n"
                     "def f(x): return g(x)\n",
             "b.py": "def g(x): return x\n", "c.py": "def g(x): return +x\n"},
            {"callee b:g", "callee c:g"}, id="imports in turn",
        ),
        pytest.param(
            {"a.py": "try:\n    from b import g\nexcept ImportError:\n    g = None\n"
                     "def f(x): return g(x)\n",
             "b.py": "def g(x): return x\n"},
            {"callee b:g", "constant a:g"}, id="an import or nothing",
        ),
        pytest.param(
            {"a.py": "from p import g\ndef f(x): return g(x)\n",
             "p/__init__.py": "from .core import *\n", "p/core.py": "from .low import *\n",
             "p/low.py": "def g(x): return x\n"},
            {"callee low:g"}, id="a star of a star",
        ),
        pytest.param(
            {"a.py": "import p\ndef f(x): return p.low.g(x)\n",
             "p/__init__.py": "from . import low\n", "p/low.py": "def g(x): return x\n"},
            {"callee low:g"}, id="a module that a package brings",
        ),
        pytest.param(
            {"a.py": "import p\ndef f(x): return p.low.g(x)\n",
             "p/__init__.py": "", "p/low.py": "def g(x): return x\n"},
            {"callee low:g"}, id="a module that somebody else imports",
        ),
        pytest.param(
            {"a.py": "import b\nif b.FAST:\n    N = 1\nelse:\n    N = 2\ndef f(x): return N\n",
             "b.py": "FAST = True\n"},
            {"constant a:N", "constant b:FAST"}, id="a condition",
        ),
    ],
)  # fmt: skip
def test_ways_that_lead_to_what_it_needs(
    tmp_path: Path, files: dict[str, str], expected: set[str]
) -> None:
    assert reached(tmp_path, files) == {"function a:f", *expected}


def test_every_definition_of_a_name_counts(tmp_path: Path) -> None:
    text = (
        "class A:\n    @property\n    def size(self): return 1\n"
        "    @size.setter\n    def size(self, n): pass\n"
        "def f(x): return A().size\n"
    )
    read: dict[Path, str] = {tmp_path / "a.py": text}
    before = needs_of(tmp_path / "a.py", "f", read.get, [tmp_path])
    read[tmp_path / "a.py"] = text.replace("return 1", "return 2")
    assert needs_of(tmp_path / "a.py", "f", read.get, [tmp_path]) != before


def test_imports_in_a_circle(tmp_path: Path) -> None:
    files = {
        "a.py": "from b import g, h\ndef f(x): return g(x) + h.k.l(x)\n",
        "b.py": "from a import g, h\n",
    }
    assert reached(tmp_path, files) == {"function a:f"}
