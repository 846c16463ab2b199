"""What a rewrite rule is and what it finds.

A rule is an ast-grep pattern that names the places worth a look, and a function that checks the
guards on the syntax tree and returns the changes. Rules may be bold about what is right or faster:
every finding is run against the original before anyone sees it. They may not be bold about text:
a finding always parses, binds every name it uses and stays inside the function, but for imports
and private constants of the module.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.edits import AtomicEdit
from analysis.text import Range, TextChange


class NoRewriteError(Exception):
    """A guard does not hold: the rule has nothing to say here. Never leaves `find`."""


@dataclass(frozen=True)
class Rewrite:
    """The changes that a rule proposes for one place. `sure` says that types were evident."""

    changes: tuple[TextChange, ...]
    sure: bool = True


Proposal = Rewrite | None
Check = Callable[[Any, Any], Proposal]
"""Guards and rewrite: (scope, node) in the terms of the language's own engine."""


@dataclass(frozen=True)
class Rule:
    """One idea of how to make code faster.

    `patterns` are ast-grep patterns (text) or ast-grep rules (mapping); what they match is handed
    to `check`, in Python as the node of the standard library's `ast` of one of the classes `node`.
    `gain` says what kind of gain can be hoped for: 3 another order of growth, 2 a large constant
    factor, 1 a small one. `languages` are names of `analysis.languages`; an id is unique among all.
    `words` are texts that a function must hold to be worth a look; one with `|` in it stands for
    any of several.
    """

    id: str
    title: str
    description: str
    patterns: tuple[str | dict[str, Any], ...]
    node: tuple[type[ast.AST], ...]
    gain: int
    check: Check
    languages: tuple[str, ...] = ("python",)
    words: tuple[str, ...] = ()

    @property
    def doc(self) -> str:
        """What the rule does, why it is slow, an example, when not to."""
        return self.check.__doc__ or ""


@dataclass(frozen=True)
class Finding:
    """A rule's edit for one place; `range` is what the rule matched, `function` a qualname."""

    rule: str
    function: str
    range: Range
    edit: AtomicEdit


def rule(
    rule_id: str,
    *,
    title: str,
    description: str,
    patterns: Sequence[str | dict[str, Any]],
    node: type[ast.AST] | tuple[type[ast.AST], ...] = (),
    gain: int,
    languages: tuple[str, ...] = ("python",),
    words: tuple[str, ...] = (),
) -> Callable[[Check], Rule]:
    """Make a rule of the function that checks guards and writes the changes."""
    classes = node if isinstance(node, tuple) else (node,)

    def wrap(check: Check) -> Rule:
        found = tuple(patterns)
        return Rule(rule_id, title, description, found, classes, gain, check, languages, words)

    return wrap


def holds(text: str, groups: Sequence[Sequence[str]]) -> bool:
    """Whether a text holds one word of each group."""
    for group in groups:
        for word in group:
            if word in text:
                break
        else:
            return False
    return True


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())
