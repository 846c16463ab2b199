"""What ast-grep matches is never left out by the shapes that are looked for first."""

from __future__ import annotations

import pytest

from analysis.functions import functions_in
from analysis.rules.base import NoRewriteError, Rule, holds
from analysis.rules.cases import all_cases
from analysis.rules.catalogue import python_rules
from analysis.rules.module import Module
from analysis.rules.patterns import make_plan
from analysis.rules.scope import Scope

CASES = [case for case in all_cases() if case.language == "python"]
ODD = """\
def odd(a, b, c, *d):
    x = (a).count(b,)
    y = (sum)((a[b:]), [])
    x = x + (y)
    z = [*a, b] if (a in (b)) else not a in b.keys()
    a += [b,]
    a.b += (c)
    for i in range(0, len(a) - 1): print(a[i][b], i not in list(b,))
    while a: a = a[1:]; a.pop(0)
    return sorted(a)[0], any(f(q) for q in a), max(b, key=a.count), f"{a.index(b)!r:{c.d(*d)}}"
"""


@pytest.mark.parametrize(
    "text", [ODD, "\n\n".join(case.before for case in CASES)], ids=["odd", "cases"]
)
def test_no_match_is_left_out(text: str) -> None:
    rules = python_rules()
    module = Module(text, functions_in(text, "f.py"))
    plan, matched = make_plan(rules), 0
    for outer, _ in module.groups:
        scope = Scope(module, outer)
        sites = plan.sites(scope)
        for number, rule in enumerate(rules):
            for pattern in rule.patterns:
                for start, end in scope.piece.matches(pattern):
                    node = node_at(scope, rule, start, end)
                    if node is not None:
                        matched += 1
                        known = node in sites.get(number, ())
                        assert known or says_nothing(rule, scope, node), (rule.id, text[start:end])
    assert matched > 20


def says_nothing(rule: Rule, scope: Scope, node: object) -> bool:
    """Whether a node may be left out: the function lacks the rule's words, and rightly so."""
    if holds(scope.function.source, [words.split("|") for words in rule.words]):
        return False
    try:
        return rule.check(scope, node) is None
    except NoRewriteError:
        return True


def node_at(scope: Scope, rule: Rule, start: int, end: int) -> object | None:
    for node in scope.nodes:
        if isinstance(node, rule.node) and node not in scope.formatted:
            place = scope.start(node), scope.end(node)  # type: ignore[arg-type]
            if place == (start, end) or (place[0] == start and hasattr(node, "body")):
                return node
    return None


def test_a_pattern_that_is_no_python_takes_every_node() -> None:
    odd = Rule("odd", "", "", ("$X ?? $Y",), python_rules()[0].node, 1, lambda scope, node: None)
    plan = make_plan([odd])
    assert plan.table == {python_rules()[0].node[0]: ([(0, None)], {})}
