"""Figures as people read them."""

from __future__ import annotations


def ratio_words(ratio: float) -> str:
    """ "3.1×", never flattered: cut, not rounded."""
    digits = 2 if ratio < 1.1 else 1 if ratio < 10 else 0
    scale = 10**digits
    return f"{int(ratio * scale + 1e-9) / scale:.{digits}f}×"
