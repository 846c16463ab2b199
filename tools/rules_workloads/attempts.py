"""How a workload goes on where one of its calls raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def attempt(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The result, or None where the call raises; then it says so."""
    try:
        return function(*arguments, **named)
    except Exception as error:
        print(f"{getattr(function, '__qualname__', function)}: {type(error).__name__}: {error}")
        return None
