"""What the text of a C or C++ candidate must not bring in, and what a reader should know of it.

No proof: whoever wants to can hide a word from it. What runs is held by the sandbox.
"""

from __future__ import annotations

import re

_REFUSED = (
    (r"__(asan|ubsan|lsan|sanitizer)_\w*|no_sanitize\w*|__SANITIZE_\w+", "speaks to sanitizers"),
    (r"\b_GLIBCXX_ASSERTIONS\b|\b__has_feature\b", "asks how it was built"),
    (r"\.incbin\b", "takes a file of the machine into the program"),
)
_NOTED = (
    (r"#\s*pragma\s+GCC\s+optimize|optimize\s*\(", "it sets the compiler's optimisation by itself"),
    (
        r"#\s*pragma\s+GCC\s+target|\btarget\s*\(|immintrin\.h",
        "it is built for processors with certain instructions and ends with a fault on others",
    ),
    (r"\bconstructor\b\s*(\(|\))", "it runs code before main()"),
    (r"\b(fread|read|mmap)\s*\(", "it reads standard input in its own way"),
)


_IN_FUNCTIONS = (
    (r"\b(__)?asm(__)?\b", "holds assembly"),
    (r"##|%:%:|\\\n|\?\?/", "puts words together, so that they can't be read"),
    (r"__builtin_(frame|return)_address|__builtin_longjmp", "looks at its caller"),
    (r"\b(section|alias|ifunc|weakref|cleanup|constructor|destructor)\s*\(", "uses an attribute"),
    (r"\bhasten_\w+", "speaks to what calls it"),
    (r"\bstdin\b", "looks at what its caller reads"),
)


def refusal(before: str, after: str, *, function: bool = False) -> str | None:
    """Why a candidate's text is refused before it is built, or None."""
    for pattern, what in (*_REFUSED, *(_IN_FUNCTIONS if function else ())):
        if word := _new(pattern, before, after):
            return f"it {what}: {word}"
    return None


def notes(before: str, after: str) -> list[str]:
    """What the candidate's text brings in that a reader of the receipt should know."""
    return [what for pattern, what in _NOTED if _new(pattern, before, after)]


def _new(pattern: str, before: str, after: str) -> str | None:
    known = {found.group() for found in re.finditer(pattern, before)}
    for found in re.finditer(pattern, after):
        if found.group() not in known:
            return found.group().strip()
    return None
