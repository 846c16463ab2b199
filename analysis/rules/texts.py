"""Texts that are cut and cleaned the long way."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule, words
from analysis.rules.flow import key, names_in
from analysis.rules.kinds import kind
from analysis.rules.scope import Scope
from analysis.rules.shapes import (
    has_comments,
    names_stay,
    only_step,
    quoted,
)
from analysis.text import TextChange

_FEW = 10  # so many characters are taken out by `replace` as fast as by a table
_CLASSES = words(
    """
    ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits printable
    punctuation whitespace
    """
)


@rule(
    "split-once",
    title="split only as far as is looked at",
    description="A text is split at every separator, and only one of the first parts, or the last,"
    " is used. A limit stops the split there.",
    patterns=[{"kind": "subscript", "regex": r"\.split\([^()]*\)\[-?\d\]$"}],
    node=ast.Subscript,
    gain=3,
    words=(".split",),
)
def split_once(scope: Scope, node: ast.Subscript) -> Proposal:
    """Give `split` a limit where only one of its first parts is used.

    Why it is slow: all parts are cut and copied, whatever their number, to look at one.

    Example:
        line.split(",")[0]     ->    line.split(",", 1)[0]
        path.split("/")[-1]    ->    path.rsplit("/", 1)[-1]

    When not to: the text has a few separators only.
    """
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    if call.func.attr != "split" or call.keywords or len(call.args) > 1:
        return None
    if not isinstance(node.ctx, ast.Load):
        return None
    if isinstance(call.func.value, ast.Attribute) and call.func.value.attr == "str":
        return None  # a column of texts
    separator = call.args[0] if call.args else ast.Constant(None)
    if not isinstance(separator, ast.Constant) or not isinstance(separator.value, str | None):
        return None
    index = key(node.slice)
    if index not in ("0", "1", "2", "-1") or kind(scope, call.func.value) not in (None, "str"):
        return None
    text = scope.text(separator) if call.args else "None"
    name, limit = ("rsplit", 1) if index == "-1" else ("split", int(index) + 1)
    owner = scope.text(call.func.value)
    new = f"{owner}.{name}({text}, {limit})[{index}]"
    return Rewrite((scope.replace(node, new),))


def _characters(scope: Scope, node: ast.expr) -> str | None:
    """The text of an expression that is a text of several single characters."""
    if isinstance(node, ast.Attribute) and node.attr in _CLASSES:
        known = isinstance(node.value, ast.Name) and scope.is_module(node.value.id, "string")
        return scope.text(node) if known else None
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(node, ast.List | ast.Tuple):
        values = [e.value for e in node.elts if isinstance(e, ast.Constant)]
        if len(values) == len(node.elts) and all(
            isinstance(v, str) and len(v) == 1 for v in values
        ):
            value = "".join(str(v) for v in values)
    if isinstance(value, str) and len(set(value)) >= _FEW:
        return f'"{quoted(value)}"'
    if isinstance(node, ast.Name) and kind(scope, node) == "str":
        return node.id
    return None


def _table(scope: Scope, characters: str, new: str) -> tuple[str, list[TextChange]]:
    """A table that takes characters out, or puts a blank in their place.

    It becomes a constant of the module where its characters are known there.
    """
    text = f'str.maketrans("", "", {characters})'
    if new:
        text = f'str.maketrans({characters}, " " * len({characters}))'
    known = characters.startswith('"') or any(
        start < scope.function.start and characters.startswith(f"{alias.asname or alias.name}.")
        for start, _, node in scope.module.imports
        for alias in node.names
    )
    if not known:
        return text, []
    stem, number = f"_{scope.root.name.strip('_').upper() or 'FUNCTION'}_TABLE", 1
    name = stem
    while not scope.module.is_fresh(name):
        number += 1
        name = f"{stem}_{number}"
    return name, [scope.module.constant_change(scope.function.start, name, text)]


@rule(
    "replace-loop-translate",
    title="take all characters out in one pass",
    description="A loop takes one character after the other out of a text, with a pass over it for"
    " each. A translation table takes all of them out in one pass.",
    patterns=[{"kind": "for_statement"}],
    node=ast.For,
    gain=2,
)
def replace_loop_translate(scope: Scope, node: ast.For) -> Proposal:
    """Use `str.translate` instead of a loop of `replace`.

    Why it is slow: each `replace` walks the whole text, and copies it when it finds something.

    Example:
        for c in marks:                    text = text.translate(str.maketrans("", "", marks))
            text = text.replace(c, "")

    When not to: the text is a few characters long, or hardly any character is replaced.
    """
    step = only_step(node)
    if not isinstance(step, ast.Assign) or not isinstance(step.value, ast.Call):
        return None
    call, target = step.value, step.targets[0]
    if len(step.targets) != 1 or not isinstance(target, ast.Name | ast.Attribute):
        return None
    if not isinstance(call.func, ast.Attribute) or key(call.func) != f"{key(target)}.replace":
        return None
    if len(call.args) != 2 or call.keywords or not isinstance(node.target, ast.Name):
        return None
    old, new = call.args
    if key(old) != node.target.id or not isinstance(new, ast.Constant):
        return None
    characters = _characters(scope, node.iter)
    if characters is None or has_comments(scope, node, node):
        return None
    if not names_stay(scope, node, [node.target.id]) or not scope.is_builtin(
        ast.Name("str"), "str"
    ):
        return None
    if new.value not in ("", " ") or not isinstance(new.value, str):
        return None
    table, changes = _table(scope, characters, new.value)
    text = scope.text(target)
    change = scope.replace(node, f"{text} = {text}.translate({table})")
    return Rewrite((*changes, change))


@rule(
    "filter-join-translate",
    title="take characters out by a table",
    description="A text is put together anew from all its characters but some. A translation table"
    " takes them out in compiled code.",
    patterns=[{"kind": "call", "regex": r"^(''|\"\")\.join\("}],
    node=ast.Call,
    gain=2,
    words=(".join",),
)
def filter_join_translate(scope: Scope, node: ast.Call) -> Proposal:
    """Use `str.translate` instead of joining the characters that stay.

    Why it is slow: each character is a text of its own that is tested and joined by the
    interpreter.

    Example:
        "".join([c for c in text if c not in marks])
                                           text.translate(str.maketrans("", "", marks))

    When not to: the text is a few characters long, or is no text but a list of texts.
    """
    made = node.args[0] if len(node.args) == 1 else None
    if not isinstance(made, ast.GeneratorExp | ast.ListComp) or len(made.generators) != 1:
        return None
    part = made.generators[0]
    if len(part.ifs) != 1 or part.is_async or not isinstance(part.target, ast.Name):
        return None
    test, name = part.ifs[0], part.target.id
    if key(made.elt) != name or not isinstance(test, ast.Compare) or key(test.left) != name:
        return None
    if len(test.ops) != 1 or not isinstance(test.ops[0], ast.NotIn):
        return None
    characters = _characters(scope, test.comparators[0])
    source = part.iter
    if characters is None or kind(scope, source) not in (None, "str") or name in names_in(source):
        return None
    if not isinstance(source, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
        return None
    if isinstance(source, ast.Call) and kind(scope, source) != "str":
        return None
    if not scope.is_builtin(ast.Name("str"), "str"):
        return None
    table, changes = _table(scope, characters, "")
    return Rewrite((*changes, scope.replace(node, f"{scope.text(source)}.translate({table})")))


RULES = (
    split_once,
    replace_loop_translate,
    filter_join_translate,
)
