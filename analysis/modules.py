"""One Python module as others depend on it: its definitions, constants, classes and imports."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
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
_FILE_NAME = re.compile(r"(?!/)[^\x00-\x1f\\:*?<>|{}]{0,150}[^/]\.(?!pyc?$)\w{1,12}")
_DEFINITIONS = ("function_definition", "class_definition", "decorated_definition")


@dataclass(frozen=True)
class Import:
    """What a name stands for: a module (`attribute` None) or something inside it.

    `level` counts the dots of a relative import.
    """

    module: str
    attribute: str | None
    level: int = 0


Chain = tuple[str, ...]
"""Attributes from left to right: `a.b.c` as ("a", "b", "c"); `f().b` begins with ""."""


@dataclass(frozen=True)
class Statement:
    """What a statement says, as its normal form, and the names and chains that it uses.

    `files` are texts of it that may name a file: "a.csv", and "data/a.csv" of `"data" / "a.csv"`.
    """

    form: str
    names: frozenset[str]
    chains: frozenset[Chain]
    files: frozenset[str] = frozenset()


@dataclass
class Module:
    """A parsed module.

    `functions` has all definitions of a qualified name (a property's getter and setter, one for
    each branch of an `if`). `classes` are classes without their methods: bases, decorators and
    attributes. `constants` are the statements that bind or change a name.
    """

    path: Path
    text: str
    functions: dict[str, list[Function]] = field(default_factory=dict)
    classes: dict[str, Statement] = field(default_factory=dict)
    constants: dict[str, list[Statement]] = field(default_factory=dict)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    stars: list[Import] = field(default_factory=list)

    def function_digest(self, qualname: str) -> str:
        """One digest of all definitions of a function."""
        marks = [function.fingerprint for function in self.functions[qualname]]
        return marks[0] if len(marks) == 1 else digest("\x1e".join(marks))

    def constant_digest(self, name: str) -> str:
        """One digest of all statements that make up a module-level name."""
        return digest("\x1e".join(statement.form for statement in self.constants[name]))


def digest(text: str) -> str:
    """A short hash of a text, for comparing."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


@lru_cache(maxsize=512)
def read_module(path: Path, text: str) -> Module:
    """The module's definitions; syntax errors hide what they stand in, and nothing is run.

    Kept, since versions of a project differ in a file or two.
    """
    tree = parse(text)
    module = Module(path, text)
    for function in functions_in(text, str(path), tree):
        module.functions.setdefault(function.qualname, []).append(function)
    for statement in statements(tree.root):
        _take(module, tree, statement)
    for node in walk(tree.root):
        if node.type in _IMPORTS:  # inside functions too: what they import is used there
            _take_import(module, tree, node)
    return module


def _function_tree(source: str) -> Tree:
    return parse(f"if 1:\n{source}" if source[:1].isspace() else source)


@lru_cache(maxsize=8192)
def used_by(source: str) -> Statement:
    """The names and chains that a definition uses; its form is left out."""
    tree = _function_tree(source)
    return _statement(tree, "", [tree.root])


def _chains_in(tree: Tree, nodes: Iterable[Node]) -> Iterator[Chain]:
    """All chains of attributes below some nodes."""
    for top in nodes:
        for node in walk(top):
            if node.type == "attribute":
                yield _chain(tree, node)


def _chain(tree: Tree, node: Node) -> Chain:
    chain: list[str] = []
    at: Node | None = node
    while at is not None and at.type == "attribute":
        name = at.child_by_field_name("attribute")
        chain.append(tree.source(name) if name else "")
        at = at.child_by_field_name("object")
    chain.append(tree.source(at) if at is not None and at.type == "identifier" else "")
    return tuple(reversed(chain))


def _statement(tree: Tree, form: str, nodes: Iterable[Node]) -> Statement:
    nodes = list(nodes)
    names, chains = names_in(tree, nodes).all, frozenset(_chains_in(tree, nodes))
    return Statement(form, names, chains, frozenset(_files_in(tree, nodes)))


def _files_in(tree: Tree, nodes: Iterable[Node]) -> Iterator[str]:
    """Texts that look like names of files: alone, joined by `/`, or arguments of one call."""
    for top in nodes:
        for node in walk(top):
            parts: list[str] = []
            if node.type == "string":
                parts = [_content(tree, node)]
            elif node.type == "argument_list":
                parts = [_content(tree, n) for n in node.named_children if n.type == "string"]
            elif node.type == "binary_operator":
                inner = [n for n in walk(node) if n.type == "string"]
                parts = [_content(tree, n) for n in sorted(inner, key=lambda n: n.start_byte)]
            name = "/".join(parts)
            if _FILE_NAME.fullmatch(name):
                yield name


def _content(tree: Tree, node: Node) -> str:
    """A string as it stands in the text, without its quotes; "" for one that is put together."""
    inner = node.named_children
    plain = [tree.source(child) for child in inner if child.type == "string_content"]
    return plain[0] if len(plain) == 1 and all(c.type != "interpolation" for c in inner) else ""


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
    parts = _parts(statement)
    own = [p for p in parts if p.type not in _DEFINITIONS and p.type not in _IMPORTS]
    for part in parts:
        inner, decorators = part, []
        if part.type == "decorated_definition":
            inner = part.child_by_field_name("definition") or part
            decorators = [c for c in part.children if c.type == "decorator"]
        if inner.type == "class_definition":
            _take_class(module, tree, decorators, inner)
        if decorators:
            _take_decorated(module, tree, decorators, inner)
        elif part in own:
            bound = {name for name in names_in(tree, [part]).bound if "." not in name}
            said = _statement(tree, normal_form(tree, statement), own)
            changed = bound | _changed_objects(tree, part) | _changed_by_calls(module, tree, [part])
            for name in changed:
                module.constants.setdefault(name, []).append(said)


def _take_decorated(module: Module, tree: Tree, decorators: list[Node], inner: Node) -> None:
    """`@register` and `@total.register` change what they enter the definition into."""
    name = inner.child_by_field_name("name")
    said = _statement(tree, "".join(normal_form(tree, d) for d in decorators), decorators)
    known = {tree.source(name)} if name else set()
    said = Statement(said.form, said.names | known, said.chains, said.files)
    owners = {c[0] for c in said.chains if c[0] in module.functions or c[0] in module.constants}
    for changed in (owners | _changed_by_calls(module, tree, decorators)) - known:
        module.constants.setdefault(changed, []).append(said)


def _changed_by_calls(module: Module, tree: Tree, nodes: Iterable[Node]) -> set[str]:
    """Module-level names that functions of the module change which are called or decorate here."""
    work = [name for name in names_in(tree, nodes).read if name in module.functions]
    seen, found = set(work), set()
    while work:
        for function in module.functions[work.pop()]:
            own = _function_tree(function.source)
            names = names_in(own, [own.root])
            declared = [n for n in walk(own.root) if n.type == "global_statement"]
            told = {own.source(child) for node in declared for child in node.named_children}
            found |= (told & names.bound) | (_changed_objects(own, own.root) - names.bound)
            more = (names.read & module.functions.keys()) - seen
            seen |= more
            work += more
    return found


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


def _take_class(module: Module, tree: Tree, decorators: list[Node], node: Node) -> None:
    name, block = node.child_by_field_name("name"), node.child_by_field_name("body")
    if name is None or block is None:
        return
    bases = node.child_by_field_name("superclasses")
    own = [s for s in statements(block) if s.type not in _DEFINITIONS]
    read = [*own, *decorators, *([bases] if bases else [])]
    forms = [normal_form(tree, piece) for piece in read]
    body = _statement(tree, digest("\x1e".join(forms)), read)
    other = module.classes.get(tree.source(name))
    if other is not None:  # in another branch
        form = digest(other.form + body.form)
        body = Statement(
            form, other.names | body.names, other.chains | body.chains, other.files | body.files
        )
    module.classes[tree.source(name)] = body


def _take_import(module: Module, tree: Tree, node: Node) -> None:
    if node.type == "import_statement":
        for child in node.named_children:
            dotted, alias = _aliased(tree, child)
            name = alias or dotted.split(".", 1)[0]
            target = dotted if alias else dotted.split(".", 1)[0]
            _add_import(module, name, Import(target, None))
            _add_import(module, dotted, Import(dotted, None))
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
        _add_import(module, alias or dotted, Import(target, dotted, level))


def _add_import(module: Module, name: str, known: Import) -> None:
    """All that a name may stand for: another one in each function, or in an `except`."""
    stands_for = module.imports.setdefault(name, [])
    if known not in stands_for:
        stands_for.append(known)


def _aliased(tree: Tree, node: Node) -> tuple[str, str | None]:
    if node.type != "aliased_import":
        return tree.source(node), None
    name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
    return (tree.source(name) if name else "", tree.source(alias) if alias else None)
