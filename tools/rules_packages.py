"""The public packages whose code the rules are tried in; see tools.rules_precision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A release: its folder of code in the distribution, its tests, and what they need.

    `tests` are arguments of pytest; `folder` is the distribution's, where it is named otherwise.
    """

    name: str
    version: str
    code: str
    tests: tuple[str, ...]
    needs: tuple[str, ...] = ()
    folder: str = ""

    @property
    def folder_name(self) -> str:
        return self.folder or f"{self.name.replace('-', '_')}-{self.version}"


_DOC = "--doctest-modules"
PACKAGES = (
    Package("abydos", "0.5.0", "abydos", (_DOC, "abydos"), ("numpy", "deprecation")),
    Package("algorithms", "1.0.1", "algorithms", ("tests",)),
    Package("ase", "3.29.0", "ase", ("ase/test", _DOC), ("numpy", "scipy", "matplotlib")),
    Package("boltons", "26.2.0", "boltons", ("tests",)),
    Package("chess", "1.11.2", "chess", ("test.py",)),
    Package("dit", "2.3", "dit", ("tests", "dit", _DOC),
            ("boltons", "debtcollector", "lattices", "loguru", "networkx", "numpy", "pltable",
             "scipy", "xarray")),
    Package("docutils", "0.23", "docutils", ("test",)),
    Package("ezdxf", "1.4.5", "src/ezdxf", ("--noconftest", "tests"),
            ("fonttools", "numpy", "pyparsing", "typing_extensions")),
    Package("graphtheory", "1.1.0", "graphtheory", ("graphtheory",), ("numpy", "matplotlib")),
    Package("lark", "1.3.1", "lark", ("tests",)),
    Package("lingpy", "2.6.14", "src/lingpy", ("tests/test_basictypes.py", _DOC, "src/lingpy"),
            ("appdirs", "clldutils", "csvw", "lxml", "networkx", "numpy", "pycldf", "tqdm",
             "pytest-mock")),
    Package("markdown", "3.11.3", "markdown", ("tests",), ("pyyaml",)),
    Package("mingus", "0.6.1", "mingus", (_DOC, "mingus"), ("six",)),
    Package("mistune", "3.4.0", "src/mistune", ("tests",)),
    Package("mlxtend", "0.25.0", "mlxtend", (), ("numpy", "pandas", "scikit-learn", "scipy")),
    Package("more-itertools", "11.2.1", "more_itertools", ("tests",)),
    Package("mpmath", "1.4.1", "mpmath", ("mpmath/tests",), ("pexpect",)),
    Package("music21", "10.5.1", "music21", (_DOC, "music21"),
            ("chardet", "joblib", "jsonpickle", "matplotlib", "more-itertools", "numpy",
             "requests", "webcolors")),
    Package("networkx", "3.6.1", "networkx", (_DOC, "networkx"),
            ("numpy", "pandas", "scipy", "matplotlib")),
    Package("nltk", "3.10.4", "nltk", (_DOC, "nltk"),
            ("click", "defusedxml", "joblib", "regex", "tqdm", "numpy", "pytest-mock")),
    Package("ordpy", "1.2.3", "ordpy", (_DOC, "ordpy"), ("numpy", "networkx")),
    Package("pandapower", "3.5.6", "pandapower", (_DOC, "pandapower"),
            ("deepdiff", "geojson", "networkx", "numpy", "pandas<3", "pandera", "scipy", "tqdm",
             "typing_extensions", "matplotlib")),
    Package("permuta", "2.3.1", "permuta", ("tests", "permuta", _DOC), ("automata-lib==9.0.0",)),
    Package("pycuber", "0.2.2", "pycuber", (_DOC, "pycuber")),
    Package("pyformlang", "1.0.11", "pyformlang", (_DOC, "pyformlang"),
            ("networkx", "numpy", "pydot")),
    Package("pygments", "2.21.0", "pygments", ("tests",)),
    Package("pygorithm", "1.0.4", "pygorithm", ("tests",)),
    Package("pyphen", "0.18.1", "pyphen", ("tests",)),
    Package("pyspellchecker", "0.9.1", "spellchecker", ()),
    Package("python-dateutil", "4.0.0", "src/dateutil", ("tests",), ("six", "freezegun")),
    Package("pyzx", "0.10.8", "pyzx", ("tests",),
            ("ipywidgets", "lark", "numpy", "pyperclip", "tqdm", "galois", "networkx")),
    Package("scikit-fuzzy", "0.5.0", "skfuzzy", (_DOC, "skfuzzy"),
            ("numpy", "scipy", "networkx", "matplotlib")),
    Package("sqlparse", "0.6.1", "sqlparse", ("tests",)),
    Package("stonesoup", "1.9.1", "stonesoup", ("stonesoup",),
            ("matplotlib", "numpy", "ordered-set", "plotly", "pymap3d", "rtree", "ruamel.yaml",
             "scipy", "utm", "networkx", "pandas")),
    Package("sympy", "1.14.0", "sympy", ("sympy",), ("mpmath",)),
    Package("tabulate", "0.10.0", "tabulate", ("test",)),
    Package("textdistance", "4.6.3", "textdistance", ("tests",), ("numpy",)),
    Package("toolz", "1.2.0", "toolz", ("toolz/tests",)),
    Package("treelib", "1.7.1", "treelib", ("tests", _DOC), ("six",)),
    Package("tryalgo", "1.7.0", "tryalgo", ("tests",)),
    Package("xgi", "0.10.2", "xgi", ("tests", "xgi", _DOC),
            ("matplotlib", "networkx", "numpy", "pandas", "requests", "scipy", "xopen")),
)  # fmt: skip
