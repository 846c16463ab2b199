"""One Python module as others depend on it: its definitions, constants, classes and imports."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from tree_sitter import Node

from analysis.functions import Function, functions_in
from analysis.names import names_in
from analysis.syntax import Tree, normal_form, parse, statements, walk

_IMPORTS = ("import_statement", "import_from_statement")
_BLOCKS = (
    "if_statement", "try_statement", "with_statement", "block", "elif_clause", "else_clause",
    "except_clause", "finally_clause",
)  # fmt: skip
_DEFINITIONS = ("function_definition", "class_definition", "decorated_definition")


@dataclass(frozen=True)
class Import:
    """What a name stands for: a module (`attribute` None) or something inside it.

    `level` counts the dots of a relative import.
    """

    module: str
    attribute: str | None
    level: int = 0


@dataclass
class ClassBody:
    """A class without its methods: its bases, decorators and attributes."""

    name: str
    digest: str
    bases: tuple[str, ...]
    read: frozenset[str]


@dataclass
class Module:
    """A parsed module. `constants` holds the statements that bind or change a name."""

    path: Path
    text: str
    functions: dict[str, Function]
    classes: dict[str, ClassBody] = field(default_factory=dict)
    constants: dict[str, list[tuple[str, frozenset[str]]]] = field(default_factory=dict)
    imports: dict[str, Import] = field(default_factory=dict)
    stars: list[Import] = field(default_factory=list)

    def constant_digest(self, name: str) -> str:
        """One digest of all statements that make up a module-level name."""
        return digest("\x1e".join(form for form, _ in self.constants[name]))


def digest(text: str) -> str:
    """A short hash of a text, for comparing."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def read_module(path: Path, text: str) -> Module:
    """The module's definitions; syntax errors hide what they stand in, and nothing is run."""
    tree = parse(text)
    functions = {f.qualname: f for f in functions_in(text, str(path), tree)}
    module = Module(path, text, functions)
    for statement in statements(tree.root):
        _take(module, tree, statement)
    for node in walk(tree.root):
        if node.type in _IMPORTS:  # inside functions too: what they import is used there
            _take_import(module, tree, node)
    return module


def _parts(statement: Node) -> list[Node]:
    """A statement of the module itself; of a block statement those inside that bind names."""
    if statement.type not in _BLOCKS:
        return [statement]
    found, stack = [], [statement]
    while stack:
        for child in stack.pop().named_children:
            if child.type in _BLOCKS:
                stack.append(child)
            else:
                found.append(child)
    return found


def _take(module: Module, tree: Tree, statement: Node) -> None:
    if statement.type == "if_statement" and "__name__" in tree.source(statement)[:40]:
        return  # what only a script does is no part of the module
    for part in _parts(statement):
        inner = part
        if part.type == "decorated_definition":
            inner = part.child_by_field_name("definition") or part
        if inner.type == "class_definition":
            _take_class(module, tree, part, inner)
        elif inner.type != "function_definition" and part.type not in _IMPORTS:
            names = names_in(tree, [part])
            changed = {name for name in names.bound if "." not in name}
            form = normal_form(tree, statement)
            for name in changed | _changed_objects(tree, part):
                module.constants.setdefault(name, []).append((form, names.all))


def _changed_objects(tree: Tree, statement: Node) -> set[str]:
    """Names whose object a statement may change: `TABLE[k] = v`, `TABLE.append(v)`."""
    found = set()
    for node in walk(statement):
        target: Node | None = None
        if node.type in ("assignment", "augmented_assignment"):
            target = node.child_by_field_name("left")
        elif node.type == "call" and node.parent and node.parent.type == "expression_statement":
            target = node.child_by_field_name("function")
        while target is not None and target.type in ("subscript", "attribute"):
            target = target.child_by_field_name("value") or target.child_by_field_name("object")
            if target is not None and target.type == "identifier":
                found.add(tree.source(target))
    return found


def _take_class(module: Module, tree: Tree, whole: Node, node: Node) -> None:
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if name is None or body is None:
        return
    bases = node.child_by_field_name("superclasses")
    own = [s for s in statements(body) if s.type not in _DEFINITIONS]
    parts = [normal_form(tree, s) for s in own]
    decorators = [c for c in whole.children if c.type == "decorator"] if whole != node else []
    parts += [normal_form(tree, d) for d in decorators]
    read = names_in(tree, [*own, *decorators, *([bases] if bases else [])])
    shown = tuple(tree.source(b) for b in bases.named_children) if bases else ()
    module.classes[tree.source(name)] = ClassBody(
        tree.source(name), digest("\x1e".join((*parts, *shown))), shown, read.all
    )


def _take_import(module: Module, tree: Tree, node: Node) -> None:
    if node.type == "import_statement":
        for child in node.named_children:
            dotted, alias = _aliased(tree, child)
            name = alias or dotted.split(".", 1)[0]
            target = dotted if alias else dotted.split(".", 1)[0]
            module.imports.setdefault(name, Import(target, None))
            module.imports.setdefault(dotted, Import(dotted, None))
        return
    source = node.child_by_field_name("module_name")
    if source is None:
        return
    text = tree.source(source)
    level = len(text) - len(text.lstrip("."))
    target = text[level:]
    for child in node.named_children:
        if child == source:
            continue
        if child.type == "wildcard_import":
            module.stars.append(Import(target, None, level))
            continue
        dotted, alias = _aliased(tree, child)
        module.imports.setdefault(alias or dotted, Import(target, dotted, level))


def _aliased(tree: Tree, node: Node) -> tuple[str, str | None]:
    if node.type != "aliased_import":
        return tree.source(node), None
    name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
    return (tree.source(name) if name else "", tree.source(alias) if alias else None)
