"""Arithmetic: powers, sums of ranges, and recursion that computes the same again."""

from __future__ import annotations

from ast_grep_py import SgNode

from analysis.languages.native.rules.calls import (
    called,
    container,
    element,
    is_integer,
    name_of,
    plain,
)
from analysis.languages.native.rules.scope import NativeScope, std
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule

_BOTH = ("c", "c++")
_CPP = ("c++",)
_REALS = ("double", "float", "long double")


@rule(
    "power-to-product",
    title="multiply instead of raising to a power",
    description="A small whole power is computed by a general function of two real numbers."
    " Multiplying takes a few cycles.",
    patterns=std("pow($X, $N)"),
    gain=2,
    languages=_BOTH,
    words=("pow",),
)
def power_to_product(scope: NativeScope, node: SgNode) -> Proposal:
    """Write small whole powers as products.

    Why it is slow: `pow` works for any exponent, by logarithm and exponential: some 20 to 50 ns; a
    multiplication takes about 1 ns. Compilers only turn squares into products by themselves.

    Example:
        total += pow(x, 3);                    total += (double)x * x * x;

    When not to: the last digit matters: a product of real numbers may be rounded otherwise.
    """
    base, power = node["X"], scope.text(node["N"])
    if power not in ("3", "4", "3.0", "4.0") or base.kind() != "identifier":
        return None
    kind, name = scope.type_of(base), base.text()
    if kind not in _REALS and not is_integer(kind):
        return None
    first = name if kind in _REALS else f"(double){name}"
    product = " * ".join([first, *[name] * (int(power[0]) - 1)])
    return Rewrite((scope.replace(node, f"({product})"),), sure=kind not in _REALS)


@rule(
    "power-of-two",
    title="scale by a power of two",
    description="A power of two is computed by a general function of two real numbers. Setting the"
    " exponent gives the same number.",
    patterns=std("pow(2, $N)", "pow(2.0, $N)"),
    gain=1,
    languages=_BOTH,
    words=("pow",),
)
def power_of_two(scope: NativeScope, node: SgNode) -> Proposal:
    """Compute powers of two by `ldexp`.

    Why it is slow: `pow` works for any base; a power of two only needs the exponent of a floating
    point number to be set, which `ldexp` does. Both give the same number for whole exponents.

    Example:
        total += pow(2, k);                    total += ldexp(1.0, k);

    When not to: the exponent is not whole (then it is left alone).
    """
    power = node["N"]
    if power.kind() != "identifier" or not is_integer(scope.type_of(power)):
        return None
    function = scope.text(node.field("function")).replace("pow", "ldexp")
    return Rewrite((scope.replace(node, f"{function}(1.0, {scope.text(power)})"),))


@rule(
    "range-sum-prefix",
    title="take sums of ranges from prefix sums",
    description="The sum of a range of a vector is added up anew for each range. With the sums of"
    " all beginnings it is a difference of two.",
    patterns=["for ($T $J = $A; $J < $B; $$$U) $BODY", "for ($T $J = $A; $J <= $B; $$$U) $BODY"],
    gain=3,
    languages=_CPP,
    words=("for", "+="),
)
def range_sum_prefix(scope: NativeScope, node: SgNode) -> Proposal:
    """Sum up ranges by prefix sums that are built once.

    Why it is slow: n ranges of k elements take n times k additions; by differences they take one
    each.

    Example:
        for (int i = 0; i + k <= n; i++) {        std::vector<long long> sums(xs.size() + 1);
            long long total = 0;                  for (size_t at = 0; at < xs.size(); at++) {
            for (int j = i; j < i + k; j++)           sums[at + 1] = sums[at] + xs[at];
                total += xs[j];                   }
            best = std::max(best, total);         for (int i = 0; i + k <= n; i++) {
        }                                             long long total = 0;
                                                      total += sums[i + k] - sums[i];
                                                      best = std::max(best, total);
                                                  }

    When not to: there are few short ranges, or one may end before it begins.
    """
    counter, outer = name_of(node["J"]), scope.loops(node)
    step = node.field("update")
    body = scope.body(node)
    added = body[0].child(0) if len(body) == 1 else None
    if not outer or added is None or step is None or added.kind() != "assignment_expression":
        return None
    if scope.text(step) not in (f"{counter}++", f"++{counter}"):
        return None
    total, sign, value = added.field("left"), added.field("operator"), added.field("right")
    if (
        value is None
        or sign is None
        or sign.text() != "+="
        or value.kind() != "subscript_expression"
    ):
        return None
    made = container(scope, value.field("argument"), "vector")
    source = made.name.text()
    if scope.text(value) != f"{source}[{counter}]" or not is_integer(element(made.spelled)):
        return None
    loop = outer[-1]
    if made.first > scope.start(loop) or scope.changed(source, loop):
        return None
    kind = scope.type_of(total) if total is not None else ""
    if total is None or not is_integer(kind):
        return None
    first, last = scope.text(node["A"]), scope.text(node["B"])
    if "<=" in scope.text(node.field("condition")):
        last = f"{last} + 1"
    sums, at = scope.fresh("sums"), scope.fresh("at")
    lines = (
        f"std::vector<long long> {sums}({source}.size() + 1);\n"
        f"for (size_t {at} = 0; {at} < {source}.size(); {at}++) {{\n"
        f"\t{sums}[{at} + 1] = {sums}[{at}] + {source}[{at}];\n}}"
    )
    text = f"{scope.text(total)} += {sums}[{last}] - {sums}[{first}];"
    return Rewrite((scope.insert_before(loop, lines), scope.replace_statement(node, text)))


@rule(
    "recursion-memo",
    title="remember the results of the recursion",
    description="A function calls itself several times with the same arguments. Results that are"
    " remembered during one outer call are computed once.",
    patterns=[{"kind": "function_definition"}],
    gain=3,
    languages=_CPP,
    words=("return",),
)
def recursion_memo(scope: NativeScope, node: SgNode) -> Proposal:
    """Remember results of a recursion in a table that lives as long as the outermost call.

    Why it is slow: two calls at each step make the number of calls grow exponentially, though only
    few arguments differ.

    Example:
        long long ways(int n) {
            if (n < 2) return 1;
            return ways(n - 1) + ways(n - 2);
        }

        long long ways(int n) {
            std::map<int, long long> known;
            const auto compute = [&](const auto &self, int n) -> long long {
                const auto at = known.find(n);
                if (at != known.end()) {
                    return at->second;
                }
                if (n < 2) return known[n] = 1;
                return known[n] = self(self, n - 1) + self(self, n - 2);
            };
            return compute(compute, n);
        }

    When not to: the arguments seldom come again; or the function does more than return a number.
    """
    name, body, result = scope.function.name, node.field("body"), node.field("type")
    if scope.function.kind != "function" or body is None or result is None:
        return None
    if node.field("declarator").kind() != "function_declarator" or scope.has_comment(body):
        return None
    parameters = node.field("declarator").field("parameters").named_children()
    made = [_parameter(scope, p) for p in parameters]
    calls = [c for c in body.find_all(kind="call_expression") if called(c) == name]
    returns = body.find_all(kind="return_statement")
    kinds, names = [k for k, _ in made], [n for _, n in made]
    if not 1 <= len(made) <= 2 or len(calls) < 2 or not is_integer(scope.text(result)):
        return None
    if body.find(kind="lambda_expression") is not None or any(
        scope.assigned(n, body) for n in names
    ):
        return None
    table, compute, this = scope.fresh("known"), scope.fresh("compute"), scope.fresh("self")
    at = scope.fresh("at")
    one = len(made) == 1
    key = names[0] if one else f"{{{', '.join(names)}}}"
    keyed = kinds[0] if one else f"std::pair<{', '.join(kinds)}>"
    given = ", ".join(f"{k} {n}" for k, n in made)
    value = scope.text(result)
    unit, lead = scope.unit, scope.indent(body)
    first, last = scope.body(node)[0], scope.body(node)[-1]
    if not scope.owns_line(first) or not returns or not all(r.named_children() for r in returns):
        return None
    changes = []
    for call in calls:
        listed = call.field("arguments")
        start = scope.start(call)
        changes.append(scope.replace_between(start, scope.start(listed) + 1, f"{this}({this}, "))
    for back in returns:
        start = scope.start(back.named_children()[0])
        changes.append(scope.replace_between(start, start, f"{table}[{key}] = "))
    start, end = scope.source.line_start(scope.start(first)), scope.end(last)
    for line in range(scope.source.index.line_of(start), scope.source.index.line_of(end) + 1):
        place = scope.source.index.starts[line]
        if scope.source.index.line_text(line).strip() and place > start:
            changes.append(scope.replace_between(place, place, unit))
    inner = lead + unit
    head = [
        f"std::map<{keyed}, {value}> {table};",
        f"const auto {compute} = [&](const auto &{this}, {given}) -> {value} {{",
        f"{unit}const auto {at} = {table}.find({key});",
        f"{unit}if ({at} != {table}.end()) {{",
        f"{unit}{unit}return {at}->second;",
        f"{unit}}}",
    ]
    foot = [f"{inner}}};", f"{inner}return {compute}({compute}, {', '.join(names)});"]
    above = "".join(f"{inner}{line}\n" for line in head)
    changes.append(scope.replace_between(start, start, above + unit))
    changes.append(scope.replace_between(end, end, "\n" + "\n".join(foot)))
    return Rewrite((*changes, *scope.add_include("map")))


def _parameter(scope: NativeScope, node: SgNode) -> tuple[str, str]:
    """Type and name of a parameter of an integer type."""
    kind, name = node.field("type"), node.field("declarator")
    if kind is None or not is_integer(plain(scope.text(kind))):
        raise NoRewriteError("no whole number")
    return scope.text(kind), name_of(name)


RULES = (power_to_product, power_of_two, range_sum_prefix, recursion_memo)
