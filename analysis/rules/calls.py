"""Calls that do more than is asked: a list for one answer, a generator where a list is faster."""

from __future__ import annotations

import ast

from analysis.rules.base import Proposal, Rewrite, rule
from analysis.rules.flow import acts, is_plain, loads, names_in, stores
from analysis.rules.kinds import kind
from analysis.rules.names import bindings_of
from analysis.rules.nodes import walk
from analysis.rules.scope import Scope


def _no_await(node: ast.AST) -> bool:
    return not any(
        isinstance(n, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr)
        or (isinstance(n, ast.comprehension) and n.is_async)
        for n in walk(node)
    )


@rule(
    "any-all-generator",
    title="stop at the first answer",
    description="A list of all answers is built before it is asked whether any or all hold. A"
    " generator stops at the first answer that decides.",
    patterns=[{"kind": "call", "regex": r"^(any|all)\("}],
    node=ast.Call,
    gain=2,
    words=("any|all",),
)
def any_all_generator(scope: Scope, node: ast.Call) -> Proposal:
    """Hand `any` and `all` a generator instead of a list.

    Why it is slow: the list tests all elements even when the first one decides.

    Example:
        any([is_bad(x) for x in xs])    ->    any(is_bad(x) for x in xs)

    When not to: the answer is mostly decided by the last elements (a list is then a little
    faster), or the tests have effects that must all happen.
    """
    if not scope.is_builtin(node.func, "any", "all") or len(node.args) != 1 or node.keywords:
        return None
    argument = node.args[0]
    if not isinstance(argument, ast.ListComp) or not _no_await(argument):
        return None
    if any(isinstance(n, ast.Call) and acts(n) for n in walk(argument)):
        return None
    tail = scope.module.text[scope.end(argument) : scope.end(node)]
    text = scope.text(argument)[1:-1]
    if "," in tail:
        text = f"({text})"
    return Rewrite((scope.replace(argument, text),))


@rule(
    "generator-to-list",
    title="build the list that is consumed whole",
    description="A generator feeds a function that consumes all of it, and each element costs a"
    " switch between the two. A list is built in one go.",
    patterns=[
        {"kind": "call", "has": {"field": "arguments", "kind": "generator_expression"}},
        {
            "kind": "call",
            "has": {"field": "arguments", "has": {"kind": "generator_expression"}},
        },
    ],
    node=ast.Call,
    gain=1,
)
def generator_to_list(scope: Scope, node: ast.Call) -> Proposal:
    """Hand `sum`, `min`, `max`, `tuple`, `sorted` or `join` a list instead of a generator.

    Why it is slow: each element of a generator costs a switch between two frames; a list
    comprehension has none. `str.join` makes a list of a generator anyway.

    Example:
        sum(price(x) for x in xs)    ->    sum([price(x) for x in xs])

    When not to: there are so many elements that the list does not fit into memory.
    """
    if len(node.args) != 1 or not isinstance(node.args[0], ast.GeneratorExp) or node.keywords:
        return None
    join = isinstance(node.func, ast.Attribute) and node.func.attr == "join"
    if not join and not scope.is_builtin(node.func, "sum", "min", "max", "tuple", "sorted"):
        return None
    argument = node.args[0]
    if not _no_await(argument):
        return None
    text = scope.text(argument)
    if text[:1] != "(" or text[-1:] != ")":
        return None
    own = scope.start(argument) == scope.end(node.func)  # the call's own parentheses
    new = f"([{text[1:-1]}])" if own else f"[{text[1:-1]}]"
    return Rewrite((scope.replace(argument, new),))


@rule(
    "any-equality",
    title="ask for membership",
    description="A generator compares a value with each element in interpreted code. The membership"
    " test does the same walk in compiled code.",
    patterns=[{"kind": "call", "regex": r"^any\("}],
    node=ast.Call,
    gain=2,
    words=("any",),
)
def any_equality(scope: Scope, node: ast.Call) -> Proposal:
    """Write `any(x == y for y in ys)` as `x in ys`.

    Why it is slow: the generator runs several instructions for each element; `in` walks a list in
    C.

    Example:
        if any(name == other for other in names):    ->    if name in names:

    When not to: values may be NaN, or `==` has been given another meaning.
    """
    if not scope.is_builtin(node.func, "any") or len(node.args) != 1:
        return None
    argument = node.args[0]
    if not isinstance(argument, ast.GeneratorExp | ast.ListComp) or len(argument.generators) != 1:
        return None
    part, test = argument.generators[0], argument.elt
    if part.ifs or part.is_async or not isinstance(part.target, ast.Name):
        return None
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    if not isinstance(test.ops[0], ast.Eq):
        return None
    name = part.target.id
    sides = [test.left, test.comparators[0]]
    others = [s for s in sides if not (isinstance(s, ast.Name) and s.id == name)]
    if len(others) != 1 or name in names_in(others[0]) or not is_plain(scope, others[0]):
        return None
    text = f"{scope.operand(others[0])} in {scope.operand(part.iter)}"
    up = scope.parent(node)
    bare = isinstance(up, ast.If | ast.While | ast.Return | ast.Assign)
    return Rewrite((scope.replace(node, text if bare else f"({text})"),))


@rule(
    "dict-keys-membership",
    title="ask the dict itself",
    description="A membership test makes a view or a list of a mapping's keys, or a copy of a"
    " collection, only to look into it. The mapping or collection answers itself.",
    patterns=["$X in $D.keys()", "$X not in $D.keys()", "$X in list($D)", "$X not in list($D)"],
    node=ast.Compare,
    gain=2,
)
def dict_keys_membership(scope: Scope, node: ast.Compare) -> Proposal:
    """Test membership in the collection itself.

    Why it is slow: `list(...)` copies all elements and walks them; `.keys()` makes an object at
    each test.

    Example:
        if key in list(table.keys()):    ->    if key in table:

    When not to: the object's `in` means something else than its elements.
    """
    tested = node.comparators[0]
    text: ast.expr = tested
    while isinstance(text, ast.Call) and not text.keywords:
        if isinstance(text.func, ast.Attribute) and text.func.attr == "keys" and not text.args:
            text = text.func.value
        elif scope.is_builtin(text.func, "list") and len(text.args) == 1:
            text = text.args[0]
        else:
            break
    if text is tested or isinstance(text, ast.GeneratorExp | ast.Starred):
        return None
    if any(isinstance(n, ast.Call) and n is not tested for n in walk(text)):
        return None
    # `in` looks at the values of a few classes that have keys, as sqlite3.Row.
    return Rewrite((scope.replace(tested, scope.operand(text)),), sure=kind(scope, text) == "dict")


@rule(
    "any-all-loop",
    title="test in a loop instead of a generator",
    description="A function leaves, or not, by what a generator's elements say. For a few elements"
    " most of the time goes into making the generator and switching to it; a loop that returns has"
    " neither.",
    patterns=[{"kind": "call", "regex": r"^(any|all)\("}],
    node=ast.Call,
    gain=1,
    words=("any|all",),
)
def any_all_loop(scope: Scope, node: ast.Call) -> Proposal:
    """Write `if any(...): return` and `return any(...)` as a loop that returns.

    Why it is slow: a generator is a frame of its own that is made, entered for each element and
    thrown away. In a function that is called often with few elements that is most of the time.

    Example:
        if any(p.match(x) for p in ps):    for p in ps:
            return True                        if p.match(x):
                                                   return True

    When not to: outside of hot functions; the one line reads better.
    """
    if not scope.is_builtin(node.func, "any", "all") or len(node.args) != 1 or node.keywords:
        return None
    argument = node.args[0]
    if not isinstance(argument, ast.GeneratorExp) or not _is_one_loop(scope, argument):
        return None
    assert isinstance(node.func, ast.Name)
    is_any, up = node.func.id == "any", scope.parent(node)
    if isinstance(up, ast.Return):
        found, rest = f"return {is_any}", f"\n{scope.indent(up)}return {not is_any}"
    elif is_any and isinstance(up, ast.If) and len(up.body) == 1 and not up.orelse:
        if not isinstance(up.body[0], ast.Return):
            return None
        found, rest = scope.text(up.body[0]), ""
    else:
        return None
    if scope.statement(up) is not up or not scope.owns_line(up):
        return None
    if scope.module.has_comment(scope.start(up), scope.module.next_line(scope.end(up) - 1)):
        return None
    part, step = argument.generators[0], scope.indent(up) + scope.unit
    test = scope.line_text(argument.elt) if is_any else f"not {scope.operand(argument.elt)}"
    if part.ifs:
        wanted = scope.operand(argument.elt) if is_any else test
        test = f"{scope.operand(part.ifs[0])} and {wanted}"
    head = f"for {scope.text(part.target)} in {scope.line_text(part.iter)}:"
    code = f"{head}\n{step}if {test}:\n{step}{scope.unit}{found}{rest}"
    return Rewrite((scope.replace(up, code),))


def _is_one_loop(scope: Scope, generator: ast.GeneratorExp) -> bool:
    """Whether a generator can be a loop: one `for`, at most one `if`, a name of its own."""
    part = generator.generators[0]
    if len(generator.generators) != 1 or len(part.ifs) > 1 or not _no_await(generator):
        return False
    if not isinstance(part.target, ast.Name):
        return False
    name, function = part.target.id, scope.inner_function(generator)
    own = {n for g in scope.find(function, ast.GeneratorExp) for n in walk(g)}
    uses = [*loads(function, name), *stores(function, name)]
    bound = any(name in bindings_of(n) for n in walk(function) if not isinstance(n, ast.Name))
    return name not in scope.free_names and not bound and all(n in own for n in uses)


RULES = (any_all_generator, any_equality, dict_keys_membership, generator_to_list, any_all_loop)
