"""Lines read and written one at a time through the console's own functions."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import is_plain, loads
from analysis.rules.kinds import kind
from analysis.rules.names import bound_in
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope
from analysis.rules.shapes import (
    clause,
    has_comments,
    names_stay,
    only_step,
    quotable,
    within_try,
)


@rule(
    "input-readline",
    title="read lines from the standard input itself",
    description="A loop reads each line through the function for questions at the console, which"
    " looks after the prompt and both outputs each time. The standard input gives the line itself.",
    patterns=["input()"],
    node=ast.Call,
    gain=2,
)
def input_readline(scope: Scope, node: ast.Call) -> Proposal:
    """Read with `sys.stdin.readline` where a loop reads many lines.

    Why it is slow: `input` flushes the outputs and asks whether it talks to a terminal at each
    call: two to three microseconds instead of half of one.

    Example:
        for _ in range(n):                 for _ in range(n):
            rows.append(int(input()))          rows.append(int(sys.stdin.readline()))

    When not to: a person answers at a terminal, or the end of the input is found by EOFError
    (then it is left alone).
    """
    if node.args or node.keywords or not scope.loops(node):
        return None
    sys, changes = scope.need("sys")
    function = scope.inner_function(node)
    for call in walk(function):
        if not isinstance(call, ast.Call) or not scope.is_builtin(call.func, "input"):
            continue
        if call.args:
            return None  # a question is asked
        if within_try(scope, call) or scope.inner_function(call) is not function:
            return None
        up = scope.parent(call)
        number = isinstance(up, ast.Call) and scope.is_builtin(up.func, "int", "float")
        cut = isinstance(up, ast.Attribute) and up.attr in ("split", "strip")
        if isinstance(up, ast.Attribute) and cut:
            outer = scope.parent(up)
            cut = isinstance(outer, ast.Call) and not outer.args and not outer.keywords
        tail = "" if number or cut else '.rstrip("\\n")'
        changes.append(scope.replace(call, f"{sys}.stdin.readline(){tail}"))
    return Rewrite(tuple(changes))


def _line(scope: Scope, call: ast.Call) -> str | None:
    """What one call of `print` writes, as an f-string."""
    if len(call.args) == 1 and not call.keywords:
        text = scope.text(call.args[0])
        quote = text[-1]
        literal = isinstance(call.args[0], ast.Constant | ast.JoinedStr) and quote in "'\""
        if literal and text.count(quote) == 2 and text.lstrip("f")[0] == quote:
            return text[:-1] + "\\n" + quote
    end = "\\n"
    for keyword in call.keywords:
        value = keyword.value
        if keyword.arg != "end" or not isinstance(value, ast.Constant):
            return None
        end = {"": "", " ": " ", ",": ",", "\n": "\\n", "\t": "\\t"}.get(str(value.value), "?")
        if end == "?":
            return None
    texts = [scope.line_text(a) for a in call.args]
    if not texts or not all(quotable(t) for t in texts):
        return None
    if any(isinstance(a, ast.Starred | ast.JoinedStr) for a in call.args):
        return None
    return 'f"' + " ".join(f"{{{t}}}" for t in texts) + end + '"'


@rule(
    "print-loop-write",
    title="write all lines at once",
    description="A loop prints one line for each element, and each print makes two or more writes."
    " The lines are put together and written with one call.",
    patterns=[{"kind": "for_statement"}],
    node=ast.For,
    gain=1,
)
def print_loop_write(scope: Scope, node: ast.For) -> Proposal:
    """Join the lines of a loop of prints and write them once.

    Why it is slow: `print` looks up the standard output, converts each argument and writes it and
    the line's end on their own.

    Example:
        for x in xs:                       sys.stdout.write("".join([f"{x}\\n" for x in xs]))
            print(x)

    When not to: the lines must appear while the loop runs, or an error halfway must leave the
    first ones printed.
    """
    step = only_step(node)
    if not isinstance(step, ast.Expr) or not isinstance(step.value, ast.Call):
        return None
    if within_try(scope, node):
        return None
    call = step.value
    if not scope.is_builtin(call.func, "print") or not call.args:
        return None
    if not isinstance(node.target, ast.Name | ast.Tuple) or not is_plain(scope, node.iter):
        return None
    if not all(is_plain(scope, a) for a in call.args) or kind(scope, node.iter) == "iterator":
        return None
    targets = bound_in(node.target)
    if not names_stay(scope, node, targets) or has_comments(scope, node, node):
        return None
    if not any(loads(step, name) for name in targets):
        return None
    line = _line(scope, call)
    if line is None or step in scope.formatted:
        return None
    sys, changes = scope.need("sys")
    inner = f"{line} for {scope.text(node.target)} in {clause(scope, node.iter)}"
    text = f'{sys}.stdout.write("".join([{inner}]))'
    return Rewrite((*changes, scope.replace(node, text)))


RULES = (input_readline, print_loop_write)
