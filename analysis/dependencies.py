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

from analysis.modules import Chain, Import, Module, Statement, read_module, used_by

Kind = Literal["function", "callee", "constant", "library", "extension", "data"]
_COMPILED = (".so", ".*.so", ".pyd", ".*.pyd")
_MOST = 2_000
"""Definitions that are followed; of a function that reaches more, the rest is left out."""


@dataclass(frozen=True, order=True)
class Need:
    """One thing that a function depends on. `path` is absolute, empty for libraries.

    An extension is a compiled module of the project, data a file that a text of the code names
    from the module's folder or a root; their digests are empty, as a library's is.
    """

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
        self._used: set[tuple[Path, str]] = set()
        self._looked_at: set[Path] = set()

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
            mark = module.function_digest(name)
        else:
            mark = module.classes[name].form
        self._found[key] = Need(kind, str(module.path), name, mark)
        self._work.append((module, kind, name))

    def _want_methods(self) -> None:
        """Methods of any class in the modules that were reached, by the names that are called."""
        for module in [m for m in self._modules.values() if m is not None]:
            for qualname, (function, *_) in module.functions.items():
                if function.kind == "method" and function.name in self._attributes:
                    self._want(module, "callee", qualname)

    def _follow(self, module: Module, kind: str, name: str) -> None:
        if kind == "constant":
            for statement in module.constants[name]:
                self._use_all(module, statement)
        elif name in module.functions:
            self._follow_function(module, name)
        else:
            self._follow_class(module, name)

    def _follow_class(self, module: Module, name: str) -> None:
        body = module.classes[name]
        self._use_all(module, body)
        for qualname, (function, *_) in module.functions.items():
            if qualname == f"{name}.{function.name}" and function.name.startswith("__"):
                self._want(module, "callee", qualname)

    def _follow_function(self, module: Module, qualname: str) -> None:
        for function in module.functions[qualname]:
            if function.kind == "method":
                self._use(module, qualname.rpartition(".")[0])
            used = used_by(function.source)
            self._attributes.update(name for chain in used.chains for name in chain[1:])
            self._use_all(module, used)

    def _use_all(self, module: Module, used: Statement) -> None:
        for name in sorted(used.names):
            self._use(module, name)
        for chain in sorted(used.chains):
            self._use_chain(module, chain)
        for name in used.files:
            for base in (module.path.parent, *self._roots):
                place = base / name
                if place.is_file() and place.is_relative_to(base):
                    need = Need("data", str(place), place.name, "")
                    self._found["data", need.path, ""] = need

    def _use_chain(self, module: Module, chain: Chain) -> None:
        """`package.module.name`, as far as it leads through modules of the project."""
        if not self._is_new(module, ".".join(chain)):
            return
        for length in range(len(chain) - 1, 0, -1):
            if known := module.imports.get(".".join(chain[:length])):
                for one in known:
                    self._use_inside(module, one, chain[length:])
                return

    def _use_inside(self, module: Module, known: Import, rest: Chain) -> None:
        """Attributes of what an import stands for."""
        target = self._imported_module(module, _submodule(known))
        if target is not None:
            self._use(target, rest[0])
            self._use_chain(target, rest)
            if len(rest) > 1:
                whole = _submodule(known).module
                below = Import(f"{whole}.{rest[0]}".strip("."), None, known.level)
                if self._imported_module(module, below) is not None:
                    self._use_inside(module, below, rest[1:])
        elif known.attribute is not None:
            target = self._imported_module(module, known)
            if target is not None:
                self._use_chain(target, (known.attribute, *rest))

    def _is_new(self, module: Module, name: str) -> bool:
        """Whether a name of a module was not used before: imports may run in circles."""
        key = (module.path, name)
        known = key in self._used
        self._used.add(key)
        return not known

    def _use(self, module: Module, name: str) -> None:
        """A name that is read in a module: what it stands for there."""
        if not self._is_new(module, name):
            return
        own = name in module.functions or name in module.classes
        if own:
            self._want(module, "callee", name)
        if name in module.constants:
            self._want(module, "constant", name)
        for known in module.imports.get(name, ()):
            self._use_import(module, known)
        if not own and name not in module.constants and name not in module.imports:
            for star in module.stars:
                target = self._imported_module(module, star)
                if target is not None:
                    self._use(target, name)
                elif not star.level:
                    self._library(star)

    def _use_import(self, module: Module, known: Import) -> None:
        self._take_extensions(module, known)
        if known.attribute is not None and self._imported_module(module, _submodule(known)):
            return  # a submodule: what is used of it is found by its attributes
        target = self._imported_module(module, known)
        if target is None and not known.level:
            self._library(known)
        elif target is not None and known.attribute is not None and target is not module:
            self._use(target, known.attribute)

    def _take_extensions(self, module: Module, known: Import) -> None:
        """Compiled modules of the project: Python takes them before the text beside them."""
        for one in dict.fromkeys((known, _submodule(known))):
            for path in self._places(module.path, one):
                if path.name == "__init__.py" or path in self._looked_at:
                    continue
                self._looked_at.add(path)
                for suffix in _COMPILED:
                    for found in path.parent.glob(f"{path.stem}{suffix}"):
                        need = Need("extension", str(found), found.name, "")
                        self._found["extension", need.path, need.name] = need

    def _library(self, known: Import) -> None:
        top = known.module.split(".", 1)[0]
        self._found.setdefault(("library", "", top), Need("library", "", top, ""))

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
