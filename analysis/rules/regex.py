"""Regular expressions looked up by their text at each use."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import hoist
from analysis.rules.kinds import kind
from analysis.rules.nodes import text_of, walk
from analysis.rules.scope import Scope
from analysis.rules.shapes import is_test, quoted
from analysis.text import TextChange

_FLAGS_AT = {"match": 2, "fullmatch": 2, "search": 2, "findall": 2, "finditer": 2}
_FLAGS_AT |= {"sub": 4, "subn": 4, "split": 3}


def _is_flag(scope: Scope, node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _is_flag(scope, node.left) and _is_flag(scope, node.right)
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and scope.is_module(node.value.id, "re")
        and node.attr.isupper()
    )


def _parts(scope: Scope, node: ast.AST) -> tuple[str, ast.expr, ast.expr | None, str] | None:
    """Of a call of the re module: function, pattern, flags, remaining arguments as text."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    name = node.func.attr
    if name not in _FLAGS_AT or not scope.is_imported(node.func, "re", name) or not node.args:
        return None
    if any(isinstance(a, ast.Starred) for a in node.args):
        return None
    flags: ast.expr | None = None
    rest = [scope.text(a) for a in node.args[1 : _FLAGS_AT[name]]]
    if len(node.args) > _FLAGS_AT[name] + 1:
        return None
    if len(node.args) == _FLAGS_AT[name] + 1:
        flags = node.args[-1]
    for keyword in node.keywords:
        if keyword.arg == "flags":
            flags = keyword.value
        elif keyword.arg is None or keyword.arg == "pattern":
            return None
        else:
            rest.append(f"{keyword.arg}={scope.text(keyword.value)}")
    if flags is not None and not _is_flag(scope, flags):
        return None
    return name, node.args[0], flags, ", ".join(rest)


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _signature(pattern: ast.expr, flags: ast.expr | None) -> tuple[str, str]:
    return text_of(pattern), text_of(flags) if flags else ""


def _existing(scope: Scope, pattern: ast.expr, flags: ast.expr | None) -> str | None:
    """A constant of the module that holds this very pattern already."""
    for name, value in scope.module.constants.items():
        if (
            name not in scope.own_names
            and isinstance(value, ast.Call)
            and scope.is_imported(value.func, "re", "compile")
            and not value.keywords
            and 1 <= len(value.args) <= 2
            and _signature(value.args[0], value.args[1] if value.args[1:] else None)
            == _signature(pattern, flags)
        ):
            return name
    return None


def _constant(
    scope: Scope, module: str, pattern: ast.expr, flags: ast.expr | None
) -> tuple[str, list[TextChange]]:
    existing = _existing(scope, pattern, flags)
    if existing is not None:
        return existing, []
    stem = scope.root.name.strip("_").upper() or "FUNCTION"
    name, number = f"_{stem}_RE", 1
    while not scope.module.is_fresh(name):
        number += 1
        name = f"_{stem}_RE_{number}"
    arguments = scope.text(pattern) + (f", {scope.text(flags)}" if flags else "")
    change = scope.module.constant_change(
        scope.function.start, name, f"{module}.compile({arguments})"
    )
    return name, [change]


def _imported_above(scope: Scope, name: str) -> bool:
    return any(
        start < scope.function.start
        for start, _, node in scope.module.imports
        if any((a.asname or a.name) == name for a in node.names)
    )


@rule(
    "regex-constant",
    title="compile a constant regular expression once",
    description="A function of the regular expression module is called with a constant pattern and"
    " looks it up in a cache at each call. The pattern is compiled once into a private constant of"
    " the module and its method is called.",
    patterns=["$RE.$F($P, $$$REST)"],
    node=ast.Call,
    gain=1,
)
def regex_constant(scope: Scope, node: ast.Call) -> Proposal:
    """Compile a constant pattern once for the module.

    Why it is slow: `re.match(pattern, text)` builds a key and looks the compiled pattern up at
    each call, about half a microsecond; with more than 512 patterns in use it compiles anew.

    Example:
        def words(line):                   _WORDS_RE = re.compile(r"\\w+")
            return re.findall(r"\\w+", line)

                                           def words(line):
                                               return _WORDS_RE.findall(line)

    When not to: the function is called rarely, or the texts are long, so that matching takes all
    the time.
    """
    parts = _parts(scope, node)
    if parts is None or not _is_constant(parts[1]) or not isinstance(node.func, ast.Attribute):
        return None
    module = scope.text(node.func.value)
    if not _imported_above(scope, module):
        return None
    name, changes = _constant(scope, module, parts[1], parts[2])
    wanted = _signature(parts[1], parts[2])
    for other in walk(scope.root):
        found = _parts(scope, other)
        if found and isinstance(other, ast.Call) and _signature(found[1], found[2]) == wanted:
            changes.append(_use(scope, other, name, found))
    return Rewrite(tuple(changes))


def _use(
    scope: Scope, call: ast.Call, name: str, parts: tuple[str, ast.expr, ast.expr | None, str]
) -> TextChange:
    return scope.replace(call, f"{name}.{parts[0]}({parts[3]})")


@rule(
    "regex-hoist",
    title="compile a regular expression before the loop",
    description="A pattern that stays the same during a loop is handed as text to the regular"
    " expression module at each turn. It is compiled once before the loop.",
    patterns=["$RE.$F($P, $$$REST)"],
    node=ast.Call,
    gain=1,
)
def regex_hoist(scope: Scope, node: ast.Call) -> Proposal:
    """Compile a pattern before the loop that uses it.

    Why it is slow: each call looks the pattern up in a cache, about half a microsecond.

    Example:
        for line in lines:                 pattern_re = re.compile(pattern)
            if re.search(pattern, line):   for line in lines:
                hits += 1                      if pattern_re.search(line):
                                                   hits += 1

    When not to: the loop runs a few times, or the texts are long.
    """
    parts = _parts(scope, node)
    if parts is None or _is_constant(parts[1]) or not isinstance(node.func, ast.Attribute):
        return None
    place = hoist(scope, parts[1], node)
    name = scope.fresh(f"{scope.stem(parts[1], 'pattern')}_re")
    module = scope.text(node.func.value)
    arguments = scope.line_text(parts[1]) + (f", {scope.text(parts[2])}" if parts[2] else "")
    changes = [scope.insert_before(place.statement, f"{name} = {module}.compile({arguments})")]
    wanted = _signature(parts[1], parts[2])
    for other in walk(place.loop):
        found = _parts(scope, other)
        if found and isinstance(other, ast.Call) and _signature(found[1], found[2]) == wanted:
            changes.append(_use(scope, other, name, found))
    return Rewrite(tuple(changes), sure=place.sure)


@rule(
    "regex-compile-constant",
    title="compile a constant regular expression outside of the function",
    description="A constant pattern is compiled inside a function at each call. It becomes a"
    " private constant of the module.",
    patterns=["$RE.compile($$$ARGS)"],
    node=ast.Call,
    gain=1,
)
def regex_compile_constant(scope: Scope, node: ast.Call) -> Proposal:
    """Move the compilation of a constant pattern out of the function.

    Why it is slow: `re.compile` finds the pattern in its cache at each call of the function, which
    takes about half a microsecond.

    Example:
        def parse(line):                   _PARSE_RE = re.compile(r"(\\d+)")
            number = re.compile(r"(\\d+)")
            return number.match(line)
                                           def parse(line):
                                               number = _PARSE_RE
                                               return number.match(line)

    When not to: the function is called rarely.
    """
    if not scope.is_imported(node.func, "re", "compile") or node.keywords:
        return None
    if not isinstance(node.func, ast.Attribute) or not 1 <= len(node.args) <= 2:
        return None
    flags = node.args[1] if node.args[1:] else None
    if not _is_constant(node.args[0]) or (flags and not _is_flag(scope, flags)):
        return None
    module = scope.text(node.func.value)
    if not _imported_above(scope, module):
        return None
    name, changes = _constant(scope, module, node.args[0], flags)
    return Rewrite((*changes, scope.replace(node, name)))


@rule(
    "regex-method",
    title="call the method of the compiled pattern",
    description="A compiled pattern of the module is handed to a function of the regular expression"
    " module, which looks at its type and its flags before it uses it. The pattern's own method"
    " does the same at once.",
    patterns=["$RE.$F($P, $$$REST)"],
    node=ast.Call,
    gain=1,
)
def regex_method(scope: Scope, node: ast.Call) -> Proposal:
    """Call a method of a pattern that the module has compiled already.

    Why it is slow: `re.match(pattern, text)` accepts a compiled pattern, but goes through two
    Python functions to find out that it is one.

    Example:
        NUMBER = re.compile(r"\\d+")       NUMBER = re.compile(r"\\d+")

        def is_number(text):               def is_number(text):
            return re.match(NUMBER, text)      return NUMBER.match(text)

    When not to: another module puts a text in the pattern's place.
    """
    parts = _parts(scope, node)
    if parts is None or not isinstance(parts[1], ast.Name) or parts[2] is not None:
        return None
    pattern = parts[1].id
    value = scope.module.constants.get(pattern)
    if pattern in scope.own_names or not isinstance(value, ast.Call):
        return None
    if not scope.is_imported(value.func, "re", "compile"):
        return None
    changes = []
    for other in walk(scope.root):
        found = _parts(scope, other)
        if found and isinstance(other, ast.Call) and _signature(*found[1:3]) == (pattern, ""):
            changes.append(_use(scope, other, pattern, found))
    return Rewrite(tuple(changes))


_SPECIAL = frozenset(".^$*+?{}[]|()")


def _literal(pattern: str) -> str | None:
    """The text that a pattern without any special character stands for."""
    text, escaped = "", False
    for character in pattern:
        if escaped and character.isalnum():
            return None
        if not escaped and character == "\\":
            escaped = True
            continue
        if not escaped and character in _SPECIAL:
            return None
        text, escaped = text + character, False
    return None if escaped or not text else text


@rule(
    "regex-literal",
    title="use the method of the text itself",
    description="A regular expression without any special character is looked for, replaced or"
    " split at. The methods of the text do the same without the machinery of regular expressions.",
    patterns=["$RE.$F($P, $$$REST)"],
    node=ast.Call,
    gain=2,
)
def regex_literal(scope: Scope, node: ast.Call) -> Proposal:
    """Use `replace`, `split`, `startswith` or `in` where the pattern is a plain text.

    Why it is slow: the pattern is looked up in a cache, and makes a match object or a list of
    pieces in a machine that reads the text character by character.

    Example:
        re.sub("-", "_", name)             name.replace("-", "_")
        if re.match("http:", url):         if url.startswith("http:"):

    When not to: the argument is no text of the builtin type.
    """
    parts = _parts(scope, node)
    if parts is None or parts[2] is not None or node.keywords or node in scope.formatted:
        return None
    pattern, arguments = parts[1], node.args[1:]
    if not isinstance(pattern, ast.Constant) or not isinstance(pattern.value, str):
        return None
    literal = _literal(pattern.value)
    if literal is None or kind(scope, arguments[-1]) not in (None, "str"):
        return None
    text = scope.text(pattern) if literal == pattern.value else f'"{quoted(literal)}"'
    subject = scope.operand(arguments[-1])
    name, count = parts[0], len(arguments)
    if name == "sub" and count == 2 and isinstance(arguments[0], ast.Constant):
        if not isinstance(arguments[0].value, str) or "\\" in arguments[0].value:
            return None
        new = f"{subject}.replace({text}, {scope.text(arguments[0])})"
        return Rewrite((scope.replace(node, new),))
    if name == "split" and count == 1:
        return Rewrite((scope.replace(node, f"{subject}.split({text})"),))
    if count != 1 or not is_test(scope, node):
        return None
    if name == "match":
        return Rewrite((scope.replace(node, f"{subject}.startswith({text})"),))
    return Rewrite((scope.replace(node, f"{text} in {subject}"),)) if name == "search" else None


RULES = (regex_constant, regex_hoist, regex_compile_constant, regex_method, regex_literal)
