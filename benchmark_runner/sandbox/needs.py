"""The policy that is derived from an original, in words: what it touches, its candidates may."""

from __future__ import annotations

from collections.abc import Iterable

_USES = {
    "network": "uses the network",
    "write": "writes to a file",
    "read": "reads a file outside the project or the inputs themselves",
    "process": "starts a process",
    "kill": "sends signals",
    "ctypes": "calls C functions by ctypes",
    "introspection": "looks into the interpreter",
    "call": "makes a system call that the sandbox ends a process for",
}
_MOST = 3
"""Details that are named of each kind."""


def not_as_original(kind: str, detail: str) -> str:
    """In words, that a candidate tries what its original does not."""
    shown = f" ({detail})" if detail else ""
    return f"{_USES.get(kind, kind)}, which the original does not{shown}"


def needs(attempts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """What an original touches, one line for each kind; `attempts` as the tripwire tells them."""
    found: dict[str, list[str]] = {}
    for kind, detail in attempts:
        found.setdefault(kind, []).append(detail)
    lines = []
    for kind, details in sorted(found.items()):
        more = f" and {len(details) - _MOST} more" if len(details) > _MOST else ""
        lines.append(f"{_USES.get(kind, kind)} ({', '.join(sorted(details)[:_MOST])}{more})")
    return tuple(lines)
