"""Arrays and objects that are copied as a whole to add one part."""

from __future__ import annotations

from ast_grep_py import SgNode

from analysis.languages.javascript.rules.scope import SCRIPTS, ScriptScope, members
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule

_VALUE_OF = ("member_expression", "subscript_expression")


def _added(scope: ScriptScope, name: str, value: SgNode) -> list[str]:
    """Statements that add in place what `value` adds to a copy of the named array or object.

    Raises NoRewriteError where it does anything else.
    """
    if value.kind() == "parenthesized_expression":
        return _added(scope, name, value.named_children()[0])
    if value.kind() == "call_expression":
        return _concatenated(scope, name, value)
    parts = members(value)
    spread = parts[0] if parts else None
    if spread is None or scope.text(spread).replace(" ", "") != f"...{name}" or len(parts) < 2:
        raise NoRewriteError("it is not copied first")
    if any(scope.uses(name, part) for part in parts[1:]):
        raise NoRewriteError("the parts read the whole")
    if value.kind() == "array":
        return _pushed(scope, name, parts[1:])
    return [_assigned(scope, name, part) for part in parts[1:]]


def _concatenated(scope: ScriptScope, name: str, call: SgNode) -> list[str]:
    receiver, arguments = scope.receiver(call), call.field("arguments")
    if scope.method(call) != "concat" or receiver is None or receiver.text() != name:
        raise NoRewriteError("no concatenation")
    given = members(arguments) if arguments is not None else []
    if len(given) != 1 or scope.uses(name, given[0]):
        raise NoRewriteError("not one argument")
    if given[0].kind() == "array":
        return _pushed(scope, name, members(given[0]))
    if given[0].kind() == "identifier" and scope.is_array(given[0].text(), call):
        item = scope.fresh("item")
        return [f"for (const {item} of {given[0].text()}) {name}.push({item});"]
    raise NoRewriteError("it may be a value or an array")


def _pushed(scope: ScriptScope, name: str, parts: list[SgNode]) -> list[str]:
    out: list[str] = []
    plain: list[str] = []
    for part in parts:
        if part.kind() == "spread_element":
            item = scope.fresh("item")
            inner = scope.text(part.named_children()[0])
            out += [f"{name}.push({', '.join(plain)});"] if plain else []
            out.append(f"for (const {item} of {inner}) {name}.push({item});")
            plain = []
        else:
            plain.append(scope.text(part))
    return [*out, f"{name}.push({', '.join(plain)});"] if plain else out


def _assigned(scope: ScriptScope, name: str, part: SgNode) -> str:
    if part.kind() == "shorthand_property_identifier":
        return f"{name}.{part.text()} = {part.text()};"
    key, value = part.field("key"), part.field("value")
    if part.kind() != "pair" or key is None or value is None:
        raise NoRewriteError("no property")
    kind, text = key.kind(), scope.text(key)
    at = {"property_identifier": f".{text}", "computed_property_name": text}.get(kind, f"[{text}]")
    return f"{name}{at} = {scope.text(value)};"


def _grown(scope: ScriptScope, node: SgNode) -> Proposal:
    """The statement `a = copy of a with more` as one that changes an `a` of its own."""
    assignment = node if node.kind() == "assignment_expression" else node.children()[0]
    target, value, statement = assignment.field("left"), assignment.field("right"), node.parent()
    if target is None or value is None or target.kind() != "identifier":
        return None
    if statement is None or statement.kind() != "expression_statement":
        return None
    name = target.text()
    made = scope.declaration(name, node)
    around = scope.loops(node)
    if made is None or made.value is None or scope.owner(made.name) != scope.owner(node):
        return None
    if made.value.kind() not in ("array", "object") or len(scope.loops(made.name)) >= len(around):
        return None
    loop = around[len(around) - len(scope.loops(made.name)) - 1]
    for use in scope.uses(name, loop):
        up = use.parent()
        if not scope.inside(use, statement) and (up is None or up.kind() not in _VALUE_OF):
            return None
    code = _added(scope, name, value)
    up = statement.parent()
    if len(code) > 1 and (up is None or up.kind() not in scope.grammar.blocks):
        return Rewrite((scope.replace(statement, f"{{ {' '.join(code)} }}"),))
    return Rewrite((scope.replace_statement(statement, "\n".join(code)),))


@rule(
    "js-spread-push",
    title="push instead of copying the array",
    description="An array is copied as a whole in each turn of a loop to add a few elements. They"
    " are added in place.",
    patterns=("$A = [...$A, $$$X]", "$A = $A.concat($X)"),
    gain=3,
    languages=SCRIPTS,
    words=("...|concat", "for|while"),
)
def spread_push(scope: ScriptScope, node: SgNode) -> Proposal:
    """Push to an array instead of making a longer copy of it.

    Why it is slow: `[...all, x]` and `all.concat([x])` copy what was collected so far, so that the
    time grows with the square of the length.

    Example:
        let all = [];                      let all = [];
        for (const x of xs) {              for (const x of xs) {
          all = [...all, f(x)];              all.push(f(x));
        }                                  }

    When not to: somebody keeps one of the copies. An array that is used as a whole inside the loop
    is left alone.
    """
    return _grown(scope, node)


@rule(
    "js-spread-assign",
    title="set a property instead of copying the object",
    description="An object is copied as a whole in each turn of a loop to set a property. It is set"
    " in place.",
    patterns=("$A = {...$A, $$$X}",),
    gain=3,
    languages=SCRIPTS,
    words=("...", "for|while"),
)
def spread_assign(scope: ScriptScope, node: SgNode) -> Proposal:
    """Set a property of an object instead of making a larger copy of it.

    Why it is slow: `{...all, [key]: value}` copies every property that was set so far.

    Example:
        let byId = {};                     let byId = {};
        for (const x of xs) {              for (const x of xs) {
          byId = { ...byId, [x.id]: x };     byId[x.id] = x;
        }                                  }

    When not to: somebody keeps one of the copies, or a key may be `__proto__`.
    """
    return _grown(scope, node)


@rule(
    "js-reduce-spread",
    title="let reduce change its own accumulator",
    description="Each step of a reduction copies the accumulator to add a part to it. The"
    " accumulator is made for this reduction, and can be changed in place.",
    patterns=("$X.reduce($F, [])", "$X.reduce($F, {})"),
    gain=3,
    languages=SCRIPTS,
    words=(".reduce(", "...|concat"),
)
def reduce_spread(scope: ScriptScope, node: SgNode) -> Proposal:
    """Change the accumulator of `reduce` instead of copying it in each step.

    Why it is slow: `[...all, x]` and `{ ...all, [key]: x }` copy what was collected so far, so that
    the time grows with the square of the number of steps.

    Example:
        xs.reduce((all, x) => [...all, f(x)], [])
        xs.reduce((all, x) => { all.push(f(x)); return all; }, [])

    When not to: the callback keeps an earlier accumulator. Only a literal `[]` or `{}` to start
    with is known to be nobody else's.
    """
    function = node["F"]
    if function.kind() != "arrow_function" or function.text().startswith("async"):
        return None
    parameters, body = function.field("parameters"), function.field("body")
    if parameters is None or body is None:
        return None
    first = next(iter(members(parameters)), None)
    name = scope.text(first).split(":")[0].strip() if first is not None else ""
    if not name.isidentifier() or scope.has_comment(function):
        return None
    if body.kind() not in scope.grammar.blocks:
        return Rewrite((scope.replace(body, _expression(scope, name, body)),))
    changes = []
    for statement in body.find_all(kind="return_statement"):
        value = next(iter(members(statement)), None)
        if value is None or _owner(scope, statement) != function:
            return None
        if value.text() != name:
            code = [*_added(scope, name, value), f"return {name};"]
            changes.append(scope.replace_statement(statement, "\n".join(code)))
            scope.statement(statement)
    return Rewrite(tuple(changes))


def _owner(scope: ScriptScope, node: SgNode) -> SgNode | None:
    """The innermost function around a node."""
    return next((up for up in node.ancestors() if up.kind() in scope.grammar.functions), None)


def _expression(scope: ScriptScope, name: str, body: SgNode) -> str:
    """A block that does what the arrow's expression did; `c ? added : all` becomes an `if`."""
    while body.kind() == "parenthesized_expression":
        body = members(body)[0]
    condition, one, other = (body.field(f) for f in ("condition", "consequence", "alternative"))
    if body.kind() == "ternary_expression" and condition and one and other:
        test = scope.text(condition)
        if other.text() == name:
            code = _added(scope, name, one)
        elif one.text() == name:
            code, test = _added(scope, name, other), f"!({test})"
        else:
            raise NoRewriteError("it does not end with the accumulator")
        if len(code) != 1:
            raise NoRewriteError("it takes several statements")
        return f"{{ if ({test}) {code[0]} return {name}; }}"
    return f"{{ {' '.join(_added(scope, name, body))} return {name}; }}"


@rule(
    "js-reduce-flat",
    title="flatten by flat",
    description="Arrays are put together one after the other, and each step copies what was put"
    " together before. The engine's own method copies each element once.",
    patterns=(
        "$X.reduce(($A, $B) => $A.concat($B), [])",
        "$X.reduce(($A, $B) => [...$A, ...$B], [])",
    ),
    gain=3,
    languages=SCRIPTS,
    words=(".reduce(",),
)
def reduce_flat(scope: ScriptScope, node: SgNode) -> Proposal:
    """Flatten an array of arrays by `flat`.

    Why it is slow: each `concat` copies everything before it, so that the time grows with the
    square of the number of arrays.

    Example:
        rows.reduce((all, row) => all.concat(row), [])      rows.flat()

    When not to: an element is something other than an array that can be iterated over, such as a
    text that the spread takes apart.
    """
    if scope.has_comment(node):
        return None
    return Rewrite((scope.replace(node, f"{scope.text(node['X'])}.flat()"),))


RULES = (spread_push, spread_assign, reduce_flat, reduce_spread)
