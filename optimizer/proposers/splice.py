"""Puts a function's new body into its file so that nothing else changes.

Indentation is added to lines of code only, never to lines inside a string, and the result is
checked against the answer's syntax tree: a splice that would change its meaning is refused.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Sequence

from analysis.functions import Function, function_named
from analysis.languages import PYTHON, language_of
from analysis.text import LineIndex, TextChange, apply_changes


class SpliceError(ValueError):
    """The new function can't be put in place of the old one."""


def dedented(text: str, function: Function) -> str:
    """The function's source with its decorators at column 0; lines inside strings stay as is."""
    index = LineIndex(text)
    start = index.starts[index.line_of(function.start)]
    lead = text[start : function.start]
    source = _newlines(text[function.start : function.end], "\n")
    if not lead or lead.strip():
        return source
    if language_of(function.path) is not PYTHON:
        return textwrap.dedent(lead + source)
    try:
        inside = {n - 1 for n in _string_lines(f"if 1:\n{lead}{source}\n")}
    except (tokenize.TokenError, SyntaxError):
        return textwrap.dedent(lead + source)
    return "\n".join(
        line.removeprefix(lead) if n not in inside else line
        for n, line in enumerate(source.split("\n"), 1)
    )


def _newlines(source: str, newline: str) -> str:
    return re.sub(r"\r\n|\r|\n", lambda _: newline, source)


def _string_lines(source: str) -> set[int]:
    """1-based lines that begin inside a string literal."""
    inside: set[int] = set()
    opened: list[int] = []
    starts = {getattr(tokenize, n, -1) for n in ("FSTRING_START", "TSTRING_START")}
    ends = {getattr(tokenize, n, -1) for n in ("FSTRING_END", "TSTRING_END")}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        first, last = token.start[0], token.end[0]
        if token.type == tokenize.STRING:
            inside.update(range(first + 1, last + 1))
        elif token.type in starts:
            opened.append(first)
        elif token.type in ends and opened:
            inside.update(range(opened.pop() + 1, last + 1))
    return inside


def indented(source: str, lead: str) -> str:
    """`source` with `lead` before each line of code."""
    if not lead:
        return source
    inside = _string_lines(source)
    lines = source.split("\n")
    return "\n".join(
        lead + line if line.strip() and n not in inside else line for n, line in enumerate(lines, 1)
    )


def _definition(tree: ast.Module) -> ast.FunctionDef | ast.AsyncFunctionDef:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            return statement
    raise SpliceError("there is no function in it")


def _docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.Expr | None:
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first if isinstance(first.value.value, str) else None
    return None


def _code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The dump of each statement but the docstring."""
    return [ast.dump(s) for s in node.body if s is not _docstring(node)]


def same_signature(
    a: ast.FunctionDef | ast.AsyncFunctionDef, b: ast.FunctionDef | ast.AsyncFunctionDef
) -> str | None:
    """What differs between two signatures, or None. Annotations do not count."""
    if type(a) is not type(b) or a.name != b.name:
        return "it is another function"
    if [ast.dump(d) for d in a.decorator_list] != [ast.dump(d) for d in b.decorator_list]:
        return "its decorators are others"
    if _bare(a.args) != _bare(b.args):
        return "its parameters are others"
    return None


def _bare(arguments: ast.arguments) -> str:
    copy = ast.parse(f"lambda {_unannotated(arguments)}: 0", mode="eval").body
    return ast.dump(copy)


def _unannotated(arguments: ast.arguments) -> str:
    clone: ast.arguments = ast.parse(f"def _({ast.unparse(arguments)}): pass").body[0].args  # type: ignore[attr-defined]
    every = [*clone.posonlyargs, *clone.args, *clone.kwonlyargs, clone.vararg, clone.kwarg]
    for argument in every:
        if argument is not None:
            argument.annotation = None
    return ast.unparse(clone)


def body_change(text: str, function: Function, answer: str) -> TextChange:
    """The change that gives `function` the body of the function in `answer` (at column 0).

    The old signature, decorators and docstring stay as they are written. Raises SpliceError.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    old_source = dedented(text, function)
    try:
        old, new = _definition(ast.parse(old_source)), _definition(ast.parse(answer))
    except SyntaxError as error:
        raise SpliceError(f"it does not parse: {error.msg}") from error
    differs = same_signature(old, new)
    if differs:
        raise SpliceError(differs)
    index = LineIndex(text)
    lead_start = index.starts[index.line_of(function.start)]
    lead = text[lead_start : function.start]
    if lead.strip():
        raise SpliceError("the function stands behind other code on its line")
    statements = [s for s in new.body if s is not _docstring(new)]
    kept_docstring = _docstring(old)
    if not statements:
        raise SpliceError("its body is empty")
    first = statements[0]
    first_line = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))])
    lines = answer.split("\n")
    block = "\n".join(lines[_with_comments(lines, first_line, new) - 1 : new.end_lineno])
    if first_line == new.lineno:  # def f(): return 1
        raise SpliceError("its body stands on the line of its def")
    start = function.body_start
    if kept_docstring is not None:
        start = _end_of_docstring(text, function, kept_docstring, old_source, index)
    start_line = index.line_of(start)
    before = text[index.starts[start_line] : start]
    if kept_docstring is None and before.strip():
        raise SpliceError("the old body stands on the line of its def")
    new_text = _newlines(indented(block, lead), newline)
    if kept_docstring is None:
        at = index.starts[start_line]
    else:
        at, new_text = start, newline + new_text
    return TextChange(at, function.end, new_text)


def _with_comments(
    lines: list[str], first_line: int, new: ast.FunctionDef | ast.AsyncFunctionDef
) -> int:
    """The line from which the body is taken: comments right above its first statement belong."""
    docstring = _docstring(new)
    floor = (docstring.end_lineno if docstring else None) or new.lineno
    line = first_line
    while line - 1 > floor and lines[line - 2].lstrip().startswith("#"):
        line -= 1
    return line


def _end_of_docstring(
    text: str, function: Function, docstring: ast.Expr, old_source: str, index: LineIndex
) -> int:
    """Offset of the end of the docstring's last line in the file."""
    assert docstring.end_lineno is not None
    line = index.line_of(function.start) + docstring.end_lineno - 1
    rest = old_source.split("\n")[docstring.end_lineno - 1][docstring.end_col_offset or 0 :]
    if ";" in rest:
        raise SpliceError("code stands behind the docstring on its line")
    return index.starts[line] + len(index.line_text(line))


def splice(
    text: str,
    function: Function,
    answer: str,
    imports: Sequence[str] = (),
    constants: Sequence[str] = (),
) -> tuple[TextChange, ...]:
    """The changes that put `answer`'s function in place and what it needs above it.

    `imports` go behind the file's last top-level import above the function, `constants` right above
    the top-level statement that holds it, where all that it may be made of is bound. Raises
    SpliceError where the spliced file would not mean what the answer says.
    """
    changes = [body_change(text, function, answer)]
    newline = "\r\n" if "\r\n" in text else "\n"
    above: dict[int, str] = {}
    if imports:
        above[_import_line_end(text, function)] = "\n".join(imports) + "\n"
    if constants:
        at = _above_statement(text, function)
        head = "\n" if at in above else ""
        above[at] = above.get(at, "") + head + "\n".join(constants) + "\n\n\n"
    changes += [TextChange(at, at, _newlines(new, newline)) for at, new in above.items()]
    after = apply_changes(text, changes)
    _check(after, function, answer)
    return tuple(changes)


def _above_statement(text: str, function: Function) -> int:
    """Offset of the line of the top-level statement around the function, its comments included."""
    index = LineIndex(text)
    limit = index.line_of(function.start)
    line = 0
    for statement in _top_level(text):
        decorators = getattr(statement, "decorator_list", [])
        first = min([statement.lineno, *(d.lineno for d in decorators)]) - 1
        if first > limit:
            break
        line = first
    while line > 0 and index.line_text(line - 1).startswith("#"):
        line -= 1
    if line == 0:  # a shebang and an encoding cookie stay on top
        return _import_line_end(text, function)
    return index.starts[line]


def _top_level(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise SpliceError("the file does not parse, so nothing can be added to it") from error


def _import_line_end(text: str, function: Function) -> int:
    """Offset of the line after the last top-level import above the function, or after the head."""
    index = LineIndex(text)
    line = 0
    limit = index.line_of(function.start)
    for n, statement in enumerate(_top_level(text)):
        end = statement.end_lineno or statement.lineno
        if end > limit:
            break
        is_head = (
            n == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        )
        if is_head or isinstance(statement, ast.Import | ast.ImportFrom):
            line = end
    if line == 0:  # a shebang, an encoding cookie and the comments above the code stay on top
        while line < limit and index.line_text(line).startswith("#"):
            line += 1
    if line >= len(index.starts):
        raise SpliceError("there is no line to put an import on")
    return index.starts[line]


def _check(after: str, function: Function, answer: str) -> None:
    """The function in the new text must be the answer's, statement by statement."""
    found = function_named(after, function.path, function.qualname)
    if found is None:
        raise SpliceError("the function is gone from the file")
    try:
        got, want = _definition(ast.parse(dedented(after, found))), _definition(ast.parse(answer))
    except SyntaxError as error:
        raise SpliceError(f"the file would not parse: {error.msg}") from error
    if _code(got) != _code(want):
        raise SpliceError("the file would not mean what the answer says")
