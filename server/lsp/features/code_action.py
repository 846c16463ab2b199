"""Code actions: each proved edit that fits, each of its steps that stands alone, or a search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lsprotocol import types

from analysis.languages import PYTHON, language_of
from server.lsp.documents import Document
from server.lsp.feature import Feature
from server.lsp.features.commands import (
    applied_command,
    optimize_command,
    reject_command,
)
from server.lsp.finder import RuleHint
from server.lsp.sight import Fitting, Seen

KIND = "refactor.rewrite.hasten"
_HEAD = re.compile(r"[ \t\f]*(?:async[ \t]+def|def\b|@)")


class Actions(Feature):
    """The actions for a place."""

    def code_actions(
        self, document: Document, start: int, end: int, context: types.CodeActionContext
    ) -> Sequence[types.CodeAction]:
        """Actions of the functions that touch the range, innermost first.

        A search is offered inside functions of which something is known, and at the head of any
        other: an editor shows a light bulb wherever there is an action.
        """
        if not wanted(context.only):
            return ()
        sight = self.server.see(document)
        touching = sight.touching(start, end)
        actions = [a for seen in touching for a in self._of(document, seen, context, sight.root)]
        if not touching and (ruled := self._ruled(document, start, end)):
            for function in dict.fromkeys(h.function for h in ruled):
                mine = self._diagnostics(document, function, context)
                actions += self._searches(document, function, sight.root, mine)
        elif not touching and _may_be_head(document, start):
            here = document.spans.head_at(start)
            if here is None and not document.is_large:
                here = document.read(document.outline.wanted, document.outline.heat).head_at(start)
            if here and here not in document.outline.silenced:
                actions += self._searches(document, here, sight.root)
        return actions

    def _of(
        self, document: Document, seen: Seen, context: types.CodeActionContext, root: Path
    ) -> Iterator[types.CodeAction]:
        mine = [
            d
            for d in context.diagnostics
            if d.source == "hasten" and d.range == document.to_range(*seen.span.name)
        ]
        mine += self._diagnostics(document, seen.function, context)
        for fitting in seen.fitting:
            yield self._edit_action(document, fitting, mine)
        for fitting in seen.fitting:
            if fitting.edit.rung is None:
                yield _reject_action(document, fitting)
        if not seen.fitting:
            yield from self._searches(document, seen.function, root, mine)

    def _ruled(self, document: Document, start: int, end: int) -> list[RuleHint]:
        """The hints of rules that touch the range."""
        return [h for h in self.server.findings.of(document) if h.start <= end and start <= h.end]

    def _diagnostics(
        self, document: Document, function: str, context: types.CodeActionContext
    ) -> list[types.Diagnostic]:
        """Those of the context that are hints of rules in a function."""
        places = [
            (h.rule, document.to_range(h.start, h.end))
            for h in self.server.findings.of(document)
            if h.function == function
        ]
        return [
            d for d in context.diagnostics if d.source == "hasten" and (d.code, d.range) in places
        ]

    def _searches(
        self,
        document: Document,
        function: str,
        root: Path,
        diagnostics: list[types.Diagnostic] | None = None,
    ) -> Iterator[types.CodeAction]:
        """The search by calls or cases, and one by the project's benchmark where it names one.

        Where the benchmark is the only way, it is the only action.
        """
        by_command = self.server.configuration.of(root).command_benchmark
        if not by_command or not language_of(document.path).by_commands:
            yield search_action(document, function, diagnostics)
        if by_command:
            yield search_action(document, function, diagnostics, kind="command")

    def _edit_action(
        self, document: Document, fitting: Fitting, diagnostics: list[types.Diagnostic]
    ) -> types.CodeAction:
        edit = fitting.edit
        whole = edit.rung is None
        suffix = "(proved)" if whole else "(proved, this step alone)"
        return types.CodeAction(
            title=f"{edit.title} {suffix}",
            kind=KIND,
            diagnostics=diagnostics or None,
            is_preferred=whole or None,
            edit=self.server.workspace_edit(document, fitting.changes),
            command=applied_command(document, edit),
        )


def _reject_action(document: Document, fitting: Fitting) -> types.CodeAction:
    """The action that has an edit offered never again."""
    title = f"Don't offer again: {fitting.edit.title}"
    return types.CodeAction(
        title=title, kind=KIND, command=reject_command(title, document, fitting.edit)
    )


def _may_be_head(document: Document, offset: int) -> bool:
    """Whether a function's head may lie there, without reading the file."""
    if language_of(document.path) is not PYTHON:
        return True  # a head in C looks like anything; reading costs little while nothing changes
    return _HEAD.match(document.lines.line_text(document.lines.line_of(offset))) is not None


def search_action(
    document: Document,
    function: str,
    diagnostics: list[types.Diagnostic] | None = None,
    kind: str | None = None,
) -> types.CodeAction:
    """The action that starts a search; `kind` is as of OptimizeArguments."""
    title = f"Optimize `{function}` with hasten"
    if kind == "command":
        title += ", by the project's benchmark"
    return types.CodeAction(
        title=title,
        kind=KIND,
        diagnostics=diagnostics or None,
        command=optimize_command(title, document, function, kind),
    )


def wanted(only: Sequence[str] | None) -> bool:
    """Whether the client asks for this kind: kinds are hierarchical (LSP 3.17, CodeActionKind)."""
    if only is None:
        return True
    return any(kind == "" or kind == KIND or KIND.startswith(f"{kind}.") for kind in only)
