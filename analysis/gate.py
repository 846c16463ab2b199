"""The static gate: what is refused before anything of it runs.

A candidate may come from a model that answers anything, so sizes and depths are bounded before the
text meets a recursive parser.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections import Counter
from difflib import SequenceMatcher
from functools import lru_cache

from pyflakes import checker, messages
from tree_sitter import Node

from analysis.functions import functions_in, parse
from analysis.languages import dialect_of
from analysis.names import imported_modules, imported_names, names_in
from analysis.syntax import Tree, depth, normal_form, walk
from analysis.text import TextChange, apply_changes

MAX_ADDED = 30_000
MAX_CONTINUED = 200
MAX_DEPTH = 200

_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")
_FORBIDDEN_CALLS = ("eval", "exec", "compile", "open", "input", "__import__", "globals", "setattr")
_CONTINUED = re.compile(r"\\\r?\n")
_FATAL = (
    messages.UndefinedName,
    messages.UndefinedLocal,
    messages.UndefinedExport,
    messages.LateFutureImport,
    messages.FutureFeatureNotDefined,
    messages.ReturnOutsideFunction,
    messages.YieldOutsideFunction,
    messages.ContinueOutsideLoop,
    messages.BreakOutsideLoop,
    messages.DefaultExceptNotLast,
    messages.DuplicateArgument,
    messages.TwoStarredExpressions,
    messages.TooManyExpressionsInStarredAssignment,
)


def check_candidate(before: str, after: str, qualname: str, path: str) -> str | None:
    """Why `after` can't be a candidate for the function `qualname` of `before`; None if it can.

    It must parse, keep the function with its signature and decorators, use no undefined name, and
    change nothing outside the function but to add imports (of the standard library or of what the
    file imports already) and private module constants (``_NAME = ...``).
    """
    dialect = dialect_of(path)
    if dialect is not None:
        return dialect.check_candidate(before, after, qualname, path)
    if after == before:
        return "it changes nothing"
    if len(after) > len(before) + MAX_ADDED:
        return f"it is too long: {len(after) - len(before)} characters more than before"
    if "\0" in after or re.search("[\ud800-\udfff]", after):
        return "it holds characters that Python source can't have"
    # tree-sitter takes quadratic time for them.
    if _CONTINUED.subn("", after)[1] > _CONTINUED.subn("", before)[1] + MAX_CONTINUED:
        return "it has too many lines that end in a backslash"
    old, new = parse(before), parse(after)
    was = definition_node(old, before, qualname)
    if was is None:
        return f"before the edit, there is no function {qualname}"
    if new.root.has_error and not old.root.has_error:
        return f"it does not parse: syntax error in line {_error_line(new.root)}"
    now = definition_node(new, after, qualname)
    if now is None:
        return f"there is no function {qualname} any more"
    if now.has_error and not was.has_error:
        return f"it does not parse: syntax error in line {_error_line(now)}"
    if depth(now) > max(MAX_DEPTH, depth(was)):
        return f"{qualname} is nested more than {MAX_DEPTH} levels deep"
    return (
        _header_difference(old, was, new, now, qualname)
        or _outside_difference(old, was, new, now)
        or _inside_problem(old, was, new, now)
        or new_problem(before, after, qualname, path)
    )


def new_problem(before: str, after: str, qualname: str, path: str) -> str | None:
    """A syntax error or undefined name that `before` has not; None where this Python can't tell."""
    known = _messages(before, qualname, path)
    if isinstance(known, str):
        return None
    found = _messages(after, qualname, path)
    if isinstance(found, str):
        return f"it does not parse: {found}"
    added = Counter(found) - Counter(known)
    return next(iter(added), None)


def definition_node(tree: Tree, text: str, qualname: str) -> Node | None:
    """The node of the function (with its decorators); of several definitions the last."""
    named = [f for f in functions_in(text, "", tree) if f.qualname == qualname]
    if not named:
        return None
    start = named[-1].def_start
    node = tree.node_at(start, start + 1)
    while node is not None and node.type != "function_definition":
        node = node.parent
    parent = node.parent if node is not None else None
    return parent if parent is not None and parent.type == "decorated_definition" else node


def _parts(node: Node) -> tuple[list[Node], Node]:
    """Decorators and definition."""
    if node.type == "function_definition":
        return [], node
    definition = node.child_by_field_name("definition")
    assert definition is not None
    return [c for c in node.children if c.type == "decorator"], definition


def _header_difference(old: Tree, was: Node, new: Tree, now: Node, qualname: str) -> str | None:
    (old_decorators, old_def), (new_decorators, new_def) = _parts(was), _parts(now)
    if [normal_form(old, d) for d in old_decorators] != [
        normal_form(new, d) for d in new_decorators
    ]:
        return f"the decorators of {qualname} were changed"
    if (old_def.children[0].type == "async") != (new_def.children[0].type == "async"):
        return f"{qualname} was changed between def and async def"
    for field in ("parameters", "return_type", "type_parameters"):
        before, after = old_def.child_by_field_name(field), new_def.child_by_field_name(field)
        forms = [normal_form(t, n) if n else "" for t, n in ((old, before), (new, after))]
        if forms[0] != forms[1]:
            return f"the signature of {qualname} was changed"
    return None


def _outside(tree: Tree, hole: Node) -> list[tuple[str, Node | None]]:
    """The file's pieces outside the function: top-level nodes by text, the function cut out."""
    pieces: list[tuple[str, Node | None]] = []
    for node in tree.root.children:
        if node.start_byte <= hole.start_byte and hole.end_byte <= node.end_byte:
            head = tree.text[tree.offset(node.start_byte) : tree.offset(hole.start_byte)]
            tail = tree.text[tree.offset(hole.end_byte) : tree.offset(node.end_byte)]
            pieces += [("<" + head, None), (">" + tail.rstrip(), None)]
        else:
            pieces.append((tree.source(node).rstrip(), node))
    return pieces


def _outside_difference(old: Tree, was: Node, new: Tree, now: Node) -> str | None:
    before, after = _outside(old, was), _outside(new, now)
    matcher = SequenceMatcher(None, [p[0] for p in before], [p[0] for p in after], autojunk=False)
    lost: set[str] = set()
    won: set[str] = set()
    bound = _module_names(old)
    known = _known_modules(old)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        for text, node in before[i1:i2]:
            if node is None or node.type not in _IMPORTS:
                return f"it changes code outside the function: {_short(text)}"
            lost |= _import_set(old, node)
        for text, node in after[j1:j2]:
            reason = _addition_problem(new, text, node, known, bound)
            if reason:
                return reason
            if node is not None and node.type in _IMPORTS:
                won |= _import_set(new, node)
    if lost - won:
        return f"it takes away an import: {sorted(lost - won)[0]}"
    return None


def _addition_problem(
    tree: Tree, text: str, node: Node | None, known: frozenset[str], bound: frozenset[str]
) -> str | None:
    if node is not None and node.type == "comment":
        return None
    if node is not None and node.type in _IMPORTS:
        return _import_problem(tree, node, known)
    if node is None or node.type != "expression_statement" or node.named_child_count != 1:
        return f"it adds code outside the function: {_short(text)}"
    assignment = node.named_children[0]
    target = assignment.child_by_field_name("left")
    if assignment.type != "assignment" or target is None or target.type != "identifier":
        return f"it adds code outside the function: {_short(text)}"
    name = tree.source(target)
    if not name.startswith("_") or name.startswith("__"):
        return f"it adds a module constant that is not private (_{name.strip('_')}): {_short(text)}"
    if name in bound:
        return f"it assigns a name that the module has already: {name}"
    if depth(node) > MAX_DEPTH:
        return f"the constant {name} is nested more than {MAX_DEPTH} levels deep"
    calls = (n.child_by_field_name("function") for n in walk(node) if n.type == "call")
    for called in calls:
        if called is not None and tree.source(called) in _FORBIDDEN_CALLS:
            return f"the constant {name} calls {tree.source(called)}"
    return None


def _inside_problem(old: Tree, was: Node, new: Tree, now: Node) -> str | None:
    known = _known_modules(old)
    old_globals = {old.source(n) for n in walk(was) if n.type == "global_statement"}
    for node in walk(now):
        if node.type in _IMPORTS:
            reason = _import_problem(new, node, known)
            if reason:
                return reason
        elif node.type == "global_statement" and new.source(node) not in old_globals:
            return f"it keeps state across calls: {_short(new.source(node))}"
    return None


def _import_problem(tree: Tree, node: Node, known: frozenset[str]) -> str | None:
    for module in imported_modules(tree, node):
        if module == "__future__" and "__future__" not in known:
            return "it adds a __future__ import, which changes the whole file"
        top = module if module.startswith(".") else module.split(".")[0]
        if top not in known and top not in sys.stdlib_module_names:
            return f"it imports {module}, which the file does not use already"
        if any(child.type == "wildcard_import" for child in node.children):
            return f"it imports everything from {module}"
    return None


def _module_names(tree: Tree) -> frozenset[str]:
    """What the module's own statements bind; bodies of functions and classes are not looked at."""
    names: set[str] = set()
    for node in tree.root.named_children:
        inner = node.child_by_field_name("definition") or node
        if inner.type in ("function_definition", "class_definition"):
            name = inner.child_by_field_name("name")
            names.add(tree.source(name) if name else "")
        else:
            names |= names_in(tree, [node]).bound
    return frozenset(names)


def _known_modules(tree: Tree) -> frozenset[str]:
    """What the file imports anywhere: modules as written, and their top-level packages."""
    known: set[str] = set()
    for node in _import_nodes(tree):
        for module in imported_modules(tree, node):
            known |= {module, module.split(".")[0] or module}
    return frozenset(known)


def _import_nodes(tree: Tree) -> list[Node]:
    found = []
    at = 0
    while (at := tree.data.find(b"import", at)) >= 0:
        node = tree.root.descendant_for_byte_range(at, at + 6)
        if node is not None and not node.is_named and node.parent is not None:
            found.append(node.parent)
        at += 6
    return [node for node in found if node.type in _IMPORTS]


def _import_set(tree: Tree, node: Node) -> set[str]:
    names = imported_names(tree, node) or ["*"]
    return {f"{','.join(imported_modules(tree, node)[:1])}:{name}" for name in names}


def _error_line(node: Node) -> int:
    """The 1-based line of the first error, as far inside as the parser can tell."""
    place = node
    for at in walk(node):
        if at.is_missing:
            place = at
            break
        if at.is_error:
            if place.is_error and at.start_byte >= place.end_byte:
                break
            place = at
    return int(place.start_point.row) + 1


def _short(text: str) -> str:
    line = next((part.strip("<> \t") for part in text.splitlines() if part.strip("<> \t")), "")
    return line if len(line) <= 60 else line[:57] + "..."


@lru_cache(maxsize=64)
def _messages(text: str, qualname: str, path: str) -> tuple[str, ...] | str:
    """What pyflakes calls fatal; a plain string when the text does not parse here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(_skeleton(text, qualname, path))
            found = checker.Checker(module, filename=path).messages
    except SyntaxError as error:
        return f"{error.msg} in line {error.lineno}"
    except (RecursionError, MemoryError):
        return "nested too deeply for Python's parser"
    except ValueError as error:
        return str(error)
    return tuple(m.message % m.message_args for m in found if isinstance(m, _FATAL))


def _skeleton(text: str, qualname: str, path: str) -> str:
    """The text without the bodies of other functions, which the candidate can't have changed.

    Functions that declare globals stay: they bind names of the module.
    """
    functions = functions_in(text, path)
    target = next((f for f in reversed(functions) if f.qualname == qualname), None)
    changes: list[TextChange] = []
    for function in functions:
        around = target is not None and function.start <= target.start < function.end
        inside = target is not None and target.start <= function.start < target.end
        below = changes and function.start < changes[-1].end
        if around or inside or below or "global" in function.source:
            continue
        kept_lines = text.count("\n", function.body_start, function.end)
        body = "pass" + "\n" * kept_lines
        changes.append(TextChange(function.body_start, function.end, body))
    return apply_changes(text, changes)
