"""Functions that call themselves again for what they have already computed, or with copies."""

from __future__ import annotations

from ast_grep_py import SgNode

from analysis.languages.javascript.rules.scope import PURE_METHODS, SCRIPTS, ScriptScope, members
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule

_OUTER = (
    "this", "await_expression", "yield_expression", "assignment_expression",
    "augmented_assignment_expression", "update_expression", "new_expression", "throw_statement",
)  # fmt: skip
_MOST_PARAMETERS = 4
_ARITHMETIC = ("-", "*", "/", "%", "**", "<<", ">>")


def _parts(scope: ScriptScope, node: SgNode) -> tuple[str, list[SgNode], SgNode, list[SgNode]]:
    """A plain function's name, parameters, body and calls of itself.

    Raises NoRewriteError where it has other parameters than names, or texts over several lines.
    """
    name, parameters, body = (node.field(f) for f in ("name", "parameters", "body"))
    if name is None or parameters is None or body is None or node.text().startswith("async"):
        raise NoRewriteError("no plain function")
    given = [p.field("pattern") or p for p in members(parameters)]
    if not given or any(p.kind() != "identifier" for p in given):
        raise NoRewriteError("parameters that are no names")
    if any("\n" in scope.text(t) for t in body.find_all(kind="template_string")):
        raise NoRewriteError("a text would be indented")
    own = scope.matches(f"{name.text()}($$$A)")
    calls = [c for c in own if scope.inside(c, body)]
    if len(scope.uses(name.text(), body)) != len(calls):
        raise NoRewriteError("the function is used as a value")
    return name.text(), given, body, calls


def _inner(scope: ScriptScope, body: SgNode, changes: list[tuple[SgNode, str]]) -> str:
    """The text between the braces of a body with nodes replaced, one step further in."""
    start, end = scope.start(body) + 1, scope.end(body) - 1
    text = scope.source.text[start:end]
    for node, new in sorted(changes, key=lambda c: scope.start(c[0]), reverse=True):
        text = text[: scope.start(node) - start] + new + text[scope.end(node) - start :]
    lines = text.strip("\r\n").rstrip().splitlines()
    if len(lines) < 2 and "\n" not in scope.text(body):
        return scope.unit * 2 + text.strip()
    return "\n".join(scope.unit + line if line.strip() else line for line in lines)


def _signature(scope: ScriptScope, node: SgNode) -> tuple[str, str]:
    """The parameters and the result's type as they are written."""
    parameters, result = node.field("parameters"), node.field("return_type")
    if parameters is None:
        raise NoRewriteError("no parameters")
    return scope.text(parameters), scope.text(result) if result is not None else ""


@rule(
    "js-recursion-memo",
    title="keep results of the recursion",
    description="A function calls itself several times for parts of the same problem, and computes"
    " the same parts again and again. Results are kept while the outermost call runs.",
    patterns=({"kind": "function_declaration"},),
    gain=3,
    languages=SCRIPTS,
    words=("return",),
)
def recursion_memo(scope: ScriptScope, node: SgNode) -> Proposal:
    """Keep the results of a recursion for the time of one outer call.

    Why it is slow: when a function calls itself twice, the number of calls can double with each
    level; most of them compute what another one has computed already.

    Example:
        function ways(n) {                        function ways(n) {
          if (n < 2) return 1;                      const known = new Map();
          return ways(n - 1) + ways(n - 2);         const solve = (n) => {
        }                                             ...

    When not to: the parts do not overlap, or the function has effects. One that assigns anything,
    or calls what is not known to be pure, is left alone. Arguments are told apart by their values;
    objects by their identity.
    """
    name, given, body, calls = _parts(scope, node)
    if len(calls) < 2 or len(given) > _MOST_PARAMETERS:
        return None
    if any(body.find(kind=kind) is not None for kind in _OUTER):
        return None
    for call in body.find_all(kind="call_expression"):
        function = call.field("function")
        written = scope.text(function) if function is not None else ""
        if written != name and scope.method(call) not in PURE_METHODS and "Math." not in written:
            return None
    if any(scope.loops(call) for call in calls):
        return None
    solve, compute, known, key, found = (
        scope.fresh(n) for n in ("solve", "compute", "known", "key", "found")
    )
    parameters, result = _signature(scope, node)
    names = ", ".join(p.text() for p in given)
    told = _told_apart(scope, body, given, calls)
    made = told[0] if len(told) == 1 else f"`{','.join(f'${{{name}}}' for name in told)}`"
    changes = [(f, solve) for c in calls if (f := c.field("function")) is not None]
    unit, indent = scope.unit, scope.indent(node)
    lines = [
        f"const {known} = new Map();",
        f"const {solve} = {parameters}{result} => {{",
        f"{unit}const {key} = {made};",
        f"{unit}let {found} = {known}.get({key});",
        f"{unit}if ({found} === undefined) {{",
        f"{unit * 2}{found} = {compute}({names});",
        f"{unit * 2}{known}.set({key}, {found});",
        f"{unit}}}",
        f"{unit}return {found};",
        "};",
        f"const {compute} = {parameters}{result} => {{",
    ]
    head = "\n".join(indent + unit + line for line in lines)
    text = f"{{\n{head}\n{_inner(scope, body, changes)}\n{indent}{unit}}};\n"
    text += f"{indent}{unit}return {solve}({names});\n{indent}}}"
    return Rewrite((scope.replace(body, text),))


def _told_apart(
    scope: ScriptScope, body: SgNode, given: list[SgNode], calls: list[SgNode]
) -> list[str]:
    """The parameters by which calls differ; of several, only numbers make a text that is a key.

    Raises NoRewriteError where they can't be told.
    """
    passed = [members(a) for c in calls if (a := c.field("arguments")) is not None]
    if any(len(arguments) != len(given) for arguments in passed):
        raise NoRewriteError("a call leaves parameters out")
    told = [
        p.text()
        for i, p in enumerate(given)
        if any(scope.text(arguments[i]) != p.text() for arguments in passed)
    ]
    if not told or (len(told) > 1 and not all(_is_number(scope, body, name) for name in told)):
        raise NoRewriteError("calls can't be told apart")
    return told


def _is_number(scope: ScriptScope, body: SgNode, name: str) -> bool:
    """Whether a parameter is computed with as only a number is."""
    for use in scope.uses(name, body):
        up = use.parent()
        if up is None:
            continue
        operator = up.field("operator")
        if up.kind() == "binary_expression" and operator is not None:
            if operator.text() in _ARITHMETIC:
                return True
        elif up.kind() == "subscript_expression" and up.field("index") == use:
            return True
    return False


@rule(
    "js-slice-walk",
    title="recurse by an index instead of a slice",
    description="A function takes the first element and calls itself with a copy of all the others."
    " An index of the place in the array needs no copies.",
    patterns=({"kind": "function_declaration"},),
    gain=3,
    languages=SCRIPTS,
    words=(".slice(1)", "[0]"),
)
def slice_walk(scope: ScriptScope, node: SgNode) -> Proposal:
    """Walk an array by an index instead of calling itself with the rest of it.

    Why it is slow: `slice(1)` copies everything behind the first element in each call, so that the
    time and the memory grow with the square of the length.

    Example:
        function sum(xs) {                        function sum(xs) {
          if (xs.length === 0) return 0;            const walk = (from) => {
          return xs[0] + sum(xs.slice(1));            if (xs.length - from === 0) return 0;
        }                                             return xs[from] + walk(from + 1);
                                                    };
                                                    return walk(0);
                                                  }

    When not to: the function is called with texts of a few characters. One that uses the rest for
    anything but calling itself is left alone.
    """
    _, given, body, calls = _parts(scope, node)
    name = given[0].text()
    at, walk = scope.fresh("from"), scope.fresh("walk")
    changes: list[tuple[SgNode, str]] = []
    covered: list[SgNode] = []
    for call in calls:
        arguments = call.field("arguments")
        passed = members(arguments) if arguments is not None else []
        if not passed or scope.text(passed[0]) != f"{name}.slice(1)" or len(passed) != len(given):
            return None
        function = call.field("function")
        if function is None:
            return None
        changes += [(function, walk), (passed[0], f"{at} + 1")]
        covered.append(passed[0])
    for use in scope.uses(name, body):
        if any(scope.inside(use, part) for part in covered):
            continue
        up = use.parent()
        text = scope.text(up) if up is not None else ""
        if up is None or scope.is_target(use) or text not in (f"{name}[0]", f"{name}.length"):
            return None
        tight = up.parent()
        length = f"{name}.length - {at}"
        loose = tight is not None and "===" in [c.text() for c in tight.children()]
        changes.append(
            (up, f"{name}[{at}]" if text.endswith("]") else length if loose else f"({length})")
        )
    if not calls:
        return None
    parameters, result = node.field("parameters"), _signature(scope, node)[1]
    typed = scope.grammar.name != "javascript"
    inner = [f"{at}: number" if typed else at]
    inner += [scope.text(p) for p in members(parameters)[1:]] if parameters is not None else []
    rest = ", ".join(["0", *(p.text() for p in given[1:])])
    unit, indent = scope.unit, scope.indent(node)
    text = (
        f"{{\n{indent}{unit}const {walk} = ({', '.join(inner)}){result} => {{\n"
        f"{_inner(scope, body, changes)}\n{indent}{unit}}};\n"
        f"{indent}{unit}return {walk}({rest});\n{indent}}}"
    )
    return Rewrite((scope.replace(body, text),))


RULES = (recursion_memo, slice_walk)
