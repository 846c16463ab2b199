"""What a commit's message says: whether it claims a gain, how large, and a title without names."""

from __future__ import annotations

import re

CLAIMS = (
    r"\bspe+d(?:s|ed|ing)?[ -]?ups?\b",
    r"\b(?:much |way |significantly |\d+(?:\.\d+)? ?[x%×] )?faster\b",
    r"\boptimi[sz](?:e[sd]?|ing|ations?)\b",
    r"\bperf(?:ormance)?\b.{0,40}\b(?:improve\w*|gain\w*|boost\w*|better|win)",
    r"\b(?:improve\w*|boost\w*|better|increase\w*)\b.{0,40}\bperf(?:ormance)?\b",
    r"^\W*perf\b(?:\([^)]*\))?!?:",
    r"\b(?:reduce\w*|cut\w*|lower\w*|save\w*)\b.{0,30}\b(?:run ?time|cpu time|time spent|overhead)",
    r"\b(?:avoid|remove|fix|no more)\w*\b.{0,40}\bquadratic\b",
    r"\bO\(n ?(?:\^|\*\*) ?2\).{0,30}\bO\(",
    r"\b\d+(?:\.\d+)?[x×] (?:speed|quick)",
)
"""What a message must say somewhere in its first line, without regard to case."""
DENIALS = (
    r"^\W*(?:revert|merge|bump|release|backport)\b",
    r"\bperf(?:ormance)?[ -](?:tests?|bench\w*|regress\w*|docs?|notes?|counters?|monitor\w*)\b",
    r"\bperf(?:ormance)?[ -](?:metrics?|logs?|data|page|numbers?|suite)\b",
    r"^\W*(?:\w+ )?(?:an? |the )?benchmarks?\b",
    r"\b(?:slower|slow ?down|not? faster|faster tests?|faster ci|faster builds?)\b",
    r"\b(?:tests?|ci|builds?|docs?|install\w*)\b.{0,15}\b(?:faster|speed)",
    r"\bspe+d(?:s|ed|ing)?[ -]?up (?:the )?(?:tests?|ci|builds?|docs?|install\w*)\b",
    r"\boptimi[sz]\w* (?:the )?(?:imports?|docs?|images?|svgs?|assets|dockerfile|css|layout)\b",
    r"\b(?:disable|without|remove|no|drop|undo)\b.{0,15}\boptimi[sz]",
    r"\boptimi[sz]ation (?:level|flag|problem|algorithm)s?\b",
    r"\b(?:typos?|fail(?:s|ing)? faster?)\b",
)
"""What shows that the first line speaks of something else."""

_CLAIMS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in CLAIMS)
_DENIALS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in DENIALS)
_TIMES = re.compile(r"\b(\d{1,4}(?:\.\d{1,3})?) ?[x×] (?:faster|speed|quick)", re.IGNORECASE)
_WORDS = """
    a an and better bit by code even faster for function general improve improved improvement
    improvements improves improving in it its make makes making minor more much of on optimisation
    optimise optimised optimization optimizations optimize optimized optimizes optimizing some perf
    performance quicker slight slightly small speed speeds speedup speedups the this to up very way
    with x
"""
_SAYS_NOTHING = frozenset(_WORDS.split())
_PREFIX = re.compile(r"^\W*(?:\[[^\]]{1,40}\]\s*|[\w./*-]{1,40}(?:\([^)]{0,40}\))?!?:\s+)+")
_REFERENCE = re.compile(r"\(?#\d+\)?|\bgh-\d+\b|\b[A-Z]{2,10}-\d+\b|@[\w-]+|\b[0-9a-f]{7,40}\b")
_QUOTED = re.compile(r"`[^`]*`|''[^']*''|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)")
_NAME = re.compile(
    r"[\w.:/]*[\w)](?:\(\))|[A-Za-z_][\w-]*(?:[._/:]\w+)+|\w*_\w+|\b[a-z]+[A-Z]\w*"
    r"|\b[A-Z][a-z0-9]+[A-Z]\w*"
)
_FIGURE = re.compile(r"[~≈<>]?\b\d+(?:[.,]\d+)?(?:-\d+)?(?: ?[x×%]| times\b)", re.IGNORECASE)
_ORPHAN = re.compile(
    r"\b(?:in|of|for|to|from|at|by|with|via|using|the|a|an|and|on)\b\s*(?=$|[,.;:)]|\b(?:in|of|for|to"
    r"|from|at|by|with|via|using|and|on)\b)",
    re.IGNORECASE,
)


def claims_speed(message: str) -> bool:
    """Whether the first line of a commit's message says that it makes something faster."""
    line = first_line(message)
    return any(p.search(line) for p in _CLAIMS) and not any(p.search(line) for p in _DENIALS)


def ratio_told(message: str) -> float | None:
    """The ratio of "2.5x faster" in the first line, or None."""
    told = _TIMES.search(first_line(message))
    return float(told[1]) or None if told else None


def without_names(message: str, names: tuple[str, ...] = ()) -> str:
    """The first line of a message without names of code, files, people and issues, and figures.

    "" where what is left says no more than that it is faster. It stays the words of a stranger.
    """
    line = _PREFIX.sub("", first_line(message))
    for pattern in (_QUOTED, _REFERENCE, _FIGURE, _NAME):
        line = pattern.sub(" ", line)
    for name in names:
        if len(name) > 2:
            line = re.sub(rf"\b{re.escape(name)}\b", " ", line)
    for _ in range(3):
        line = _ORPHAN.sub(" ", line)
    line = re.sub(r"\(\s+", "(", re.sub(r"\(\s*\)|\[\s*\]", " ", line))
    line = re.sub(r"\s+([,.;:])", r"\1", re.sub(r"\s+", " ", line)).strip(" ,.;:-")
    if not set(re.findall(r"[a-z]+", line.lower())) - _SAYS_NOTHING:
        return ""
    return line[:1].upper() + line[1:160]


def first_line(message: str) -> str:
    """The first line of a message, bounded, with nothing in it that can't be printed."""
    line = message.strip().split("\n", 1)[0]
    return "".join(char if char.isprintable() else " " for char in line)[:300]
