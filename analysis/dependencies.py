"""What a Python function depends on, by reading: callees, constants, classes, libraries.

Names are followed through the modules of the project. Where the receiver of a method is not known,
every method of that name in the modules that were reached counts: saying too much makes a claim
stale once too often, saying too little would keep a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tree_sitter import Node

from analysis.modules import Import, Module, read_module
from analysis.names import names_in
from analysis.syntax import Tree, parse, walk

Kind = Literal["function", "callee", "constant", "library"]
_MOST = 2_000
"""Definitions that are followed; of a function that reaches more, the rest is left out."""


@dataclass(frozen=True, order=True)
class Need:
    """One thing that a function depends on. `path` is absolute, empty for libraries."""

    kind: Kind
    path: str
    name: str
    digest: str


def needs_of(
    path: Path, qualname: str, read: Callable[[Path], str | None], roots: Sequence[Path]
) -> tuple[Need, ...]:
    """All that the function needs, sorted: itself, callees and constants of the project, libraries.

    `read` gives the text of a file, None where there is none; `roots` are the folders that
    absolute imports of the project start from. A library's digest is empty: its version is known
    to the interpreter only.
    """
    return _Reader(read, roots).needs(path, qualname)


class _Reader:
    def __init__(self, read: Callable[[Path], str | None], roots: Sequence[Path]) -> None:
        self._read, self._roots = read, roots
        self._modules: dict[Path, Module | None] = {}
        self._found: dict[tuple[str, str, str], Need] = {}
        self._work: list[tuple[Module, str, str]] = []
        self._attributes: set[str] = set()

    def needs(self, path: Path, qualname: str) -> tuple[Need, ...]:
        module = self._module(path)
        if module is None or qualname not in module.functions:
            return ()
        self._want(module, "function", qualname)
        while self._work and len(self._found) < _MOST:
            while self._work and len(self._found) < _MOST:
                owner, kind, name = self._work.pop()
                self._follow(owner, kind, name)
            self._want_methods()
        return tuple(sorted(self._found.values()))

    def _module(self, path: Path) -> Module | None:
        if path not in self._modules:
            text = self._read(path)
            self._modules[path] = None if text is None else read_module(path, text)
        return self._modules[path]

    def _want(self, module: Module, kind: Kind, name: str) -> None:
        """Note a function, a constant or (kind callee) the body of a class, and follow it."""
        key = ("callee" if kind == "function" else kind, str(module.path), name)
        if key in self._found:
            return
        if kind == "constant":
            mark = module.constant_digest(name)
        elif name in module.functions:
            mark = module.functions[name].fingerprint
        else:
            mark = module.classes[name].digest
        self._found[key] = Need(kind, str(module.path), name, mark)
        self._work.append((module, kind, name))

    def _want_methods(self) -> None:
        """Methods of any class in the modules that were reached, by the names that are called."""
        for module in [m for m in self._modules.values() if m is not None]:
            for qualname, function in module.functions.items():
                if function.kind == "method" and function.name in self._attributes:
                    self._want(module, "callee", qualname)

    def _follow(self, module: Module, kind: str, name: str) -> None:
        if kind == "constant":
            for _, names in module.constants[name]:
                for used in names:
                    self._use(module, used)
        elif name in module.functions:
            self._follow_function(module, name)
        else:
            self._follow_class(module, name)

    def _follow_class(self, module: Module, name: str) -> None:
        body = module.classes[name]
        for used in (*body.read, *(base.split("[")[0] for base in body.bases)):
            self._use(module, used)
        for qualname, function in module.functions.items():
            if qualname == f"{name}.{function.name}" and function.name.startswith("__"):
                self._want(module, "callee", qualname)

    def _follow_function(self, module: Module, qualname: str) -> None:
        function = module.functions[qualname]
        source = function.source
        tree = parse(f"if 1:\n{source}" if source[:1].isspace() else source)
        if function.kind == "method":
            self._use(module, qualname.rpartition(".")[0])
        names = names_in(tree, [tree.root])
        dotted = set(_dotted_names(tree))
        for name in names.all:
            self._use(module, name)
        for chain in dotted:
            self._attributes.update(chain[1:])
            self._use_chain(module, chain)

    def _use_chain(self, module: Module, chain: tuple[str, ...]) -> None:
        """`package.module.name`, as far as it leads through modules of the project."""
        for length in range(len(chain) - 1, 0, -1):
            known = module.imports.get(".".join(chain[:length]))
            if known is None:
                continue
            target = self._imported_module(module, _submodule(known))
            target = target or self._imported_module(module, known)
            if target is not None:
                self._use(target, chain[length])
            return

    def _use(self, module: Module, name: str) -> None:
        """A name that is read in a module: what it stands for there."""
        if name in module.functions or name in module.classes:
            self._want(module, "callee", name)
        if name in module.constants:
            self._want(module, "constant", name)
        elif name in module.imports:
            self._use_import(module, module.imports[name])
        elif name not in module.functions and name not in module.classes:
            for star in module.stars:
                target = self._imported_module(module, star)
                if target is not None and target is not module:
                    self._use_from(target, name)

    def _use_from(self, module: Module, name: str) -> None:
        known = (module.functions, module.classes, module.constants, module.imports)
        if any(name in names for names in known):
            self._use(module, name)

    def _use_import(self, module: Module, known: Import) -> None:
        if known.attribute is not None and self._imported_module(module, _submodule(known)):
            return  # a submodule: what is used of it is found by its attributes
        target = self._imported_module(module, known)
        if target is None and not known.level:
            top = known.module.split(".", 1)[0]
            self._found.setdefault(("library", "", top), Need("library", "", top, ""))
        elif target is not None and known.attribute is not None and target is not module:
            self._use_from(target, known.attribute)

    def _imported_module(self, module: Module, known: Import) -> Module | None:
        for path in self._places(module.path, known):
            found = self._module(path)
            if found is not None:
                return found
        return None

    def _places(self, importer: Path, known: Import) -> Iterator[Path]:
        parts = [p for p in known.module.split(".") if p]
        if known.level:
            folder = importer.parent
            for _ in range(known.level - 1):
                folder = folder.parent
            bases: Sequence[Path] = (folder,)
        else:
            bases = self._roots
        for base in bases:
            if parts:
                yield base.joinpath(*parts[:-1], f"{parts[-1]}.py")
            yield base.joinpath(*parts, "__init__.py")


def _submodule(known: Import) -> Import:
    """`from package import name` read as the module package.name."""
    if known.attribute is None:
        return known
    return Import(f"{known.module}.{known.attribute}".strip("."), None, known.level)


def _dotted_names(tree: Tree) -> Iterator[tuple[str, ...]]:
    """Chains of attributes: `a.b.c` as ("a", "b", "c"); the first part is empty for `f().b`."""
    for node in walk(tree.root):
        if node.type != "attribute":
            continue
        chain: list[str] = []
        at: Node | None = node
        while at is not None and at.type == "attribute":
            name = at.child_by_field_name("attribute")
            chain.append(tree.source(name) if name else "")
            at = at.child_by_field_name("object")
        chain.append(tree.source(at) if at is not None and at.type == "identifier" else "")
        yield tuple(reversed(chain))
