"""Texts put together from values, and log messages that are put together for nothing."""

from __future__ import annotations

import ast
import re
from string import Formatter

from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.rules.kinds import kind
from analysis.rules.lists import is_simple
from analysis.rules.nodes import text_of
from analysis.rules.scope import Scope
from analysis.rules.shapes import quotable, quoted
from analysis.text import TextChange

_LONGEST = 100
_QUIET = ("debug", "info")


def _braced(value: str) -> str:
    """A text as it stands in an f-string between double quotes."""
    return quoted(value).replace("{", "{{").replace("}", "}}")


def _expression(scope: Scope, node: ast.expr) -> str:
    """An expression's text, fit for the braces of an f-string of any version."""
    text = scope.line_text(node)
    if not quotable(text) or isinstance(node, ast.Starred | ast.Dict | ast.Set | ast.IfExp):
        raise NoRewriteError("can't stand in an f-string")
    return text


@rule(
    "format-fstring",
    title="write the values into the text",
    description="A text is formatted by a method that reads its pattern at each call. An f-string"
    " is taken apart when the code is compiled.",
    patterns=["$S.format($$$ARGS)"],
    node=ast.Call,
    gain=1,
)
def format_fstring(scope: Scope, node: ast.Call) -> Proposal:
    """Write an f-string instead of a call of `format`.

    Why it is slow: the method is looked up and called, and reads the pattern character by
    character each time.

    Example:
        "{}: {:.2f}".format(name, cost)    ->    f"{name}: {cost:.2f}"

    When not to: the text is translated, or kept apart as a pattern.
    """
    if not isinstance(node.func, ast.Attribute) or node in scope.formatted:
        return None
    pattern = node.func.value
    if not isinstance(pattern, ast.Constant) or not isinstance(pattern.value, str):
        return None
    if isinstance(scope.statement(node), ast.Raise):
        return None  # never hot
    named = {k.arg: k.value for k in node.keywords if k.arg}
    if len(named) != len(node.keywords) or not (node.args or named):
        return None
    pieces, used, at = [], set(), 0
    try:
        fields = list(Formatter().parse(pattern.value))
    except ValueError:
        return None
    for literal, field, spec, conversion in fields:
        pieces.append(_braced(literal))
        if field is None:
            continue
        if spec and not re.fullmatch(r"[\w<>^=+\-., %#]*", spec):
            return None
        if field == "":
            field, at = str(at), at + 1
        if field.isdigit() and int(field) < len(node.args):
            value = node.args[int(field)]
        elif field in named:
            value = named[field]
        else:
            return None
        if value in used and not is_simple(value):
            return None
        used.add(value)
        tail = f"!{conversion}" if conversion else ""
        pieces.append(f"{{{_expression(scope, value)}{tail}{':' + spec if spec else ''}}}")
    text = f'f"{"".join(pieces)}"'
    if len(used) != len(node.args) + len(named) or len(text) > _LONGEST:
        return None
    if scope.module.has_comment(scope.start(node), scope.end(node)):
        return None
    return Rewrite((scope.replace(node, text),))


def _added(node: ast.expr) -> list[ast.expr]:
    """The parts of `a + b + c`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_added(node.left), node.right]
    return [node]


@rule(
    "concat-fstring",
    title="build the text in one step",
    description="A text is added up from constants and converted values, and each step makes a new"
    " text. An f-string builds it in one go.",
    patterns=[{"kind": "binary_operator", "regex": r"\+[^+]*\bstr\(|\bstr\([^+]*\+"}],
    node=ast.BinOp,
    gain=1,
    words=("str",),
)
def concat_fstring(scope: Scope, node: ast.BinOp) -> Proposal:
    """Write an f-string instead of adding `str(...)` and constants.

    Why it is slow: each `+` copies what is there so far, and each `str` is looked up and called.

    Example:
        name + "-" + str(number)    ->    f"{name}-{number!s}"

    When not to: outside of hot loops it does not matter.
    """
    up = scope.parent(node)
    if isinstance(up, ast.BinOp) and isinstance(up.op, ast.Add) and up.left is node:
        return None
    parts = _added(node)
    if len(parts) < 3 or node in scope.formatted or isinstance(scope.statement(node), ast.Raise):
        return None
    pieces, converted, constant = [], 0, 0
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            pieces.append(_braced(part.value))
            constant += 1
        elif isinstance(part, ast.Call) and scope.is_builtin(part.func, "str"):
            if len(part.args) != 1 or part.keywords:
                return None
            # A class may format itself otherwise than `str` does, as enumerations of ints do.
            plain = kind(scope, part.args[0]) in ("str", "int", "float")
            pieces.append(f"{{{_expression(scope, part.args[0])}{'' if plain else '!s'}}}")
            converted += 1
        elif kind(scope, part) == "str" and not isinstance(part, ast.JoinedStr):
            pieces.append(f"{{{_expression(scope, part)}}}")
        else:
            return None
    text = f'f"{"".join(pieces)}"'
    if not converted or not constant or len(text) > _LONGEST:
        return None
    if scope.module.has_comment(scope.start(node), scope.end(node)):
        return None
    return Rewrite((scope.replace(node, text),))


def _is_logger(scope: Scope, node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        value = scope.module.constants.get(node.id)
        made = isinstance(value, ast.Call) and scope.is_imported(value.func, "logging", "getLogger")
        return made or scope.is_module(node.id, "logging")
    return isinstance(node, ast.Attribute) and node.attr.strip("_") in ("logger", "log")


@rule(
    "logging-lazy",
    title="let the logger format what it writes",
    description="The text of a log message is built before the logger is asked whether it writes"
    " it. Handed over in parts, it is built only when it is written.",
    patterns=[{"kind": "call", "regex": r"^[\w.]+\.(debug|info)\(\s*f"}],
    node=ast.Call,
    gain=1,
    words=(".debug|.info",),
)
def logging_lazy(scope: Scope, node: ast.Call) -> Proposal:
    """Hand a log message over in parts instead of an f-string.

    Why it is slow: most debug messages are never written, but each is formatted.

    Example:
        log.debug(f"read {count} rows")    ->    log.debug("read %s rows", count)

    When not to: the level is always enabled.
    """
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _QUIET:
        return None
    message = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if not isinstance(message, ast.JoinedStr) or not _is_logger(scope, node.func.value):
        return None
    pieces, values = [], []
    for part in message.values:
        if isinstance(part, ast.Constant):
            pieces.append(quoted(str(part.value)).replace("%", "%%"))
            continue
        assert isinstance(part, ast.FormattedValue)
        if part.format_spec is not None or part.conversion not in (-1, 115, 114):
            return None
        if isinstance(part.value, ast.Await | ast.Yield | ast.NamedExpr | ast.Tuple | ast.Lambda):
            return None
        pieces.append("%r" if part.conversion == 114 else "%s")
        values.append(text_of(part.value))
    if not values:
        return None
    text = f'"{"".join(pieces)}", {", ".join(values)}'
    if len(text) > _LONGEST or scope.module.has_comment(scope.start(node), scope.end(node)):
        return None
    change = scope.replace(message, text)
    return Rewrite((TextChange(change.start, scope.end(message), change.new_text),))


RULES = (format_fstring, concat_fstring, logging_lazy)
