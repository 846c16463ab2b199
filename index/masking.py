"""Secrets in texts that leave the machine, replaced by what kind of secret they were.

Known shapes of keys and tokens, private keys, passwords in addresses, and values that are assigned
to names like "password" or "api_key". A secret of no known shape under no telling name is not seen:
whoever shares source looks at it.
"""

from __future__ import annotations

import functools
import re

_SHAPES: tuple[tuple[str, str], ...] = (
    (
        "private key",
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}KEY-----|\Z)",
    ),
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
    ("JSON web token", r"(?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
)  # fmt: skip
_KNOWN = tuple((name, re.compile(pattern)) for name, pattern in _SHAPES)

_NAME = (
    r"(?P<name>pass(?:word|wd|phrase)|\bpwd|secret|token|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|credential)[\w-]{0,40}"
)
_TELLING = re.compile(_NAME, re.I)
_TYPE = r":\s{0,8}[A-Za-z_][\w.\[\]|, ]{0,60}="
_ASSIGNED = re.compile(  # what stands before a literal: password = ("
    _NAME + r"(?:\\?['\"])?\s{0,8}\]?\s{0,8}"
    rf"(?:(?P<compared>[=!]==?)|:=|=>|[:=]|{_TYPE})[ \t]{{0,40}}"
    r"(?:(?:SecretStr|SecretBytes|str|bytes)?\(\s{0,40})?\Z",
    re.I,
)
_DEFAULT = re.compile(  # os.environ.get("TOKEN", "
    r"\b(?:get|getenv|setdefault|pop)\(\s{0,40}['\"][\w.-]{0,40}"
    rf"{_NAME}['\"]\s{{0,8}},\s{{0,40}}\Z",
    re.I,
)
_WINDOW = 200
"""Characters before a literal in which its name stands."""
_PART = re.compile(
    r"(?P<comment>(?<!\S)\#[ \t!][^\n]*|^[ \t]*(?://|\*)[ \t][^\n]*)"
    r"|(?P<long>\"\"\"|''')(?P<lines>(?:\\[\s\S]|[^\\])*?)(?:(?P=long)|\\?\Z)"
    r"|\"(?P<double>(?:\\[\s\S]|[^\"\\\n])*)\"?"
    # An apostrophe within a word opens nothing.
    r"|(?:(?<!\w)|(?<=\b[rbufRBUF])|(?<=\b[rbufRBUF]{2}))'(?P<single>(?:\\[\s\S]|[^'\\\n])*)'?"
    r"|`(?P<template>(?:\\[\s\S]|[^`\\\n])*)`?",
    re.M,
)
"""A comment or a literal, as most languages have them; one without an end ends with its line."""
_INNER = re.compile(  # {"password": "..."} in a literal or a comment
    _NAME + r"\\?['\"]?\s{0,8}(?:[=!]==?|=>|[:=])\s{0,8}(?P<quote>\\?['\"])"
    r"(?P<value>[^'\"\\\n]{6,400})(?P=quote)",
    re.I,
)
_PAIR = re.compile(  # host=db password=...
    r"(?:--)?" + _NAME + r"(?P<between>=|\s{1,2}=\s{0,2}|:\s{1,2})"
    r"(?P<value>[^\s'\"&;,<>{}%$()\[\]\\|:?@][^\s'\"&;,<>{}%$()\[\]\\|]{5,200})(?![\w(.\[{])",
    re.I,
)
_OPTION = re.compile(  # --password ...
    r"--" + _NAME + r"\s{1,2}(?P<value>[^\s'\"<>{}%$()\[\]\\|-][^\s'\"<>{}%$()\[\]\\|]{5,200})",
    re.I,
)
_BARE = re.compile(  # aws_secret_access_key = ..., as files of settings have it
    r"^[ \t]*(?:export[ \t]+)?[\w.-]{0,60}?" + _NAME + r"[ \t]*[=:][ \t]*"
    r"(?P<value>[A-Za-z0-9/+_-]{20,200}={0,2})[ \t]*$",
    re.I | re.M,
)
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@'\"{}]{0,100}:(?P<value>[^\s'\"?#]{1,300})", re.I
)
_PORT = re.compile(r"\d{1,5}(?![^/,)>\]])")
_CREDENTIAL = r"(?P<value>(?!(?:and|else|for|if|in|is|or)\b)[A-Za-z0-9][A-Za-z0-9._~+/=-]{15,})"
_HEADERS = (
    re.compile(
        r"\bauthorization\\?['\"]?\s{0,8}[:=,]\s{0,8}\\?['\"]?(?:bearer|basic|token)[ \t]{1,4}"
        + _CREDENTIAL,
        re.I,
    ),
    # Two words beside each other are no code; the second has a digit, or it may be prose.
    re.compile(r"\b(?:bearer|basic)[ \t]{1,4}(?=[A-Za-z._~+/=-]{0,200}\d)" + _CREDENTIAL, re.I),
    re.compile(r"\bauthorization['\"]\s{0,8}:\s{0,8}['\"]" + _CREDENTIAL + r"(?=['\"])", re.I),
)
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|%\(\w*\)s|%s|\$\{?\w+\}?|\*+|<[^<>]*>")


def masked(text: str) -> str:
    """The text with each secret that was found replaced by ``<masked KIND>``.

    Source that parses does so afterwards: only what is inside of literals and comments is replaced,
    and a bare value by a literal.
    """
    for name, pattern in _KNOWN:
        text = pattern.sub(f"<masked {name}>", text)
    if "://" in text:
        text = _ADDRESS.sub(_address, text)
    if _TELLING.search(text):  # most texts have no such name, and need no closer look
        text = _BARE.sub(_bare, _PART.sub(_part, text))
    for pattern in _HEADERS:
        text = pattern.sub(functools.partial(_replaced, kind="credential"), text)
    return text


def _part(match: re.Match[str]) -> str:
    """A literal that is given to a telling name, or a literal or comment that has such names."""
    for kind in ("lines", "double", "single", "template"):
        value, before = match[kind], match.string[max(0, match.start() - _WINDOW) : match.start()]
        if value is not None and _is_given(before.rstrip("rbufRBUF"), value):
            start, end = match.start(kind) - match.start(), match.end(kind) - match.start()
            return f"{match[0][:start]}<masked secret>{match[0][end:]}"
    whole = _INNER.sub(_inner, match[0])
    return _OPTION.sub(_replaced, _PAIR.sub(_pair, whole))


def _is_given(before: str, value: str) -> bool:
    """Whether what stands before a literal gives or compares it to a telling name."""
    if len(value) < 6 or _is_public(value):
        return False
    found = _ASSIGNED.search(before)
    if found is None:
        return _DEFAULT.search(before) is not None
    # A parser compares its tokens with words.
    return not found["compared"] or found["name"].lower() != "token" or _has_digit(value)


def _is_public(value: str) -> bool:
    """Whether a value is filled in later, or was masked."""
    return "<masked " in value[:8] or _PLACEHOLDER.fullmatch(value.strip()) is not None


def _has_digit(value: str) -> bool:
    return any(char.isdigit() for char in value)


def _replaced(match: re.Match[str], kind: str = "secret") -> str:
    start, end = match.start("value") - match.start(), match.end("value") - match.start()
    return f"{match[0][:start]}<masked {kind}>{match[0][end:]}"


def _inner(match: re.Match[str]) -> str:
    return match[0] if _is_public(match["value"]) else _replaced(match)


def _pair(match: re.Match[str]) -> str:
    """``password=s3cr3t``, but no sentence, and no ``password = users.password`` of a query."""
    value, plain = match["value"], match["between"] == "=" and match["name"].lower()[:3] == "pas"
    likely = plain and _TELLING.search(value) is None
    return _replaced(match) if likely or _has_digit(value) else match[0]


def _bare(match: re.Match[str]) -> str:
    """A value that is no name, as a literal: what is between = and the end may be an expression."""
    value = match["value"]
    mixed = any(c in "/+=" for c in value) and value.lower() != value != value.upper()
    digits = sum(char.isdigit() for char in value)
    if not (digits and mixed) and not (digits >= 4 and not value.isdigit()):
        return match[0]
    return match[0].replace(value, '"<masked secret>"', 1)


def _address(match: re.Match[str]) -> str:
    """The password of an address, which may have an @ or a / itself."""
    value = match["value"]
    at = max((i for i, c in enumerate(value) if c == "@" and value[i - 1 : i] != "/"), default=0)
    password = value[:at]
    if not at or _PORT.match(value) or _is_public(password):
        return match[0]
    if password.count("{") != password.count("}"):
        return match[0]
    start = match.start("value") - match.start()
    return f"{match[0][:start]}<masked password>{value[at:]}"
