"""The process that looks with the rules, as the front sees it: what is asked, what it answers.

See server.lsp.rules_reader.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hasten.launcher import child_command
from server.lsp.child import Child

LIMIT_S = 30.0


@dataclass(frozen=True)
class Question:
    """A text, and the functions (None: all) that are looked at; `hot` are those that are hot."""

    path: Path
    text: str
    names: Collection[str] | None
    hot: Collection[str]
    target: str | None
    measured: Path

    def to_json(self) -> dict[str, Any]:
        """As it is asked."""
        return {
            "path": str(self.path),
            "text": self.text,
            "names": None if self.names is None else [*self.names],
            "hot": [*self.hot],
            "target": self.target,
            "measured": str(self.measured),
        }


@dataclass(frozen=True)
class RuleHint:
    """What a rule says of a place, by string offsets; `first` to `last` is the function around."""

    rule: str
    title: str
    function: str
    start: int
    end: int
    first: int
    last: int


class Finder:
    """Asks the process; callers wait for their turn."""

    def __init__(self) -> None:
        self._child = Child(child_command("lsp", "--find-rules"), LIMIT_S)

    async def look(self, question: Question) -> tuple[RuleHint, ...] | None:
        """What the rules find; None where there is no answer."""
        return await self._child.ask(question.to_json(), _hints, question.path)

    async def forget(self, path: Path) -> None:
        """Nothing more is asked of a file."""
        await self._child.tell({"forget": str(path)})

    def stop(self) -> None:
        """End the process."""
        self._child.stop()


def _hints(answer: dict[str, Any]) -> tuple[RuleHint, ...]:
    return tuple(RuleHint(*row) for row in answer["hints"])
