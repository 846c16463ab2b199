"""Secrets in texts that leave the machine, replaced by what kind of secret they were.

Known shapes of keys and tokens, private keys, passwords in addresses, and values that are assigned
to names like "password" or "api_key". A secret of no known shape under no telling name is not seen:
whoever shares source looks at it.
"""

from __future__ import annotations

import re

_SHAPES: tuple[tuple[str, str], ...] = (
    ("private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*KEY-----|\Z)"),
    ("AWS key", r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b"),
    ("GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    ("GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("Slack webhook", r"https://hooks\.slack\.com/services/[A-Za-z0-9/]+"),
    ("Google key", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("Stripe key", r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"),
    ("API key", r"\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}"),
    ("PyPI token", r"\bpypi-[A-Za-z0-9_-]{40,}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("hub token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("SendGrid key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("JSON web token", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
)  # fmt: skip
_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@'\"]*:)([^\s/@'\"]{1,200})(@)", re.I)
_HEADER = re.compile(
    r"(\b(?:authorization|bearer|basic)\b['\"]?\s*[:=]?\s*['\"]?(?:bearer |basic )?)"
    r"([A-Za-z0-9._~+/=-]{16,})",
    re.I,
)
_NAMED = re.compile(
    r"((?:pass(?:word|wd|phrase)|secret|token|api_?key|access_?key|private_?key|credential)s?"
    r"\w*['\"]?\]?\s*(?::\s*str\s*)?[:=]\s*[rbuf]?)(['\"])([^'\"\n]{6,})\2",
    re.I,
)
_KNOWN = tuple((name, re.compile(pattern)) for name, pattern in _SHAPES)


def masked(text: str) -> str:
    """The text with each secret that was found replaced by ``<masked KIND>``."""
    for name, pattern in _KNOWN:
        text = pattern.sub(f"<masked {name}>", text)
    text = _ADDRESS.sub(r"\1<masked password>\3", text)
    text = _NAMED.sub(_value, text)
    return _HEADER.sub(r"\1<masked credential>", text)


def _value(match: re.Match[str]) -> str:
    if match[3].startswith("<masked "):
        return match[0]
    return f"{match[1]}{match[2]}<masked secret>{match[2]}"
