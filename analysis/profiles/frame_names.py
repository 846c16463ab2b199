"""Frames written as one text, as folded stacks, traces and perf write them."""

from __future__ import annotations

import re
from typing import NamedTuple

_SOURCE = (
    r"\.(?:py[wixt]?|[cm]?[jt]sx?|c|cc|cpp|cxx|c\+\+|h|hh|hpp|hxx|rs|go|java|rb|php|lua|jl|scala"
    r"|kt)"
)
_PYTHON = re.compile(r"py::(.+?):([^:].*)")
_V8 = re.compile(
    r"(?:JS|LazyCompile|Function|Script|Eval|Module|Builtin|Callback|RegExp|Stub)"
    r":\s*[*~^+']*(\S*) (\S.*?):(\d{1,9}):\d+"
)
_IN_BRACKETS = re.compile(r"(.*\S) \(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_WITH_LINE = re.compile(r"(.+?):(\d{1,9})(?::\d{1,9})?")
_FILE_FIRST = re.compile(rf"(.+?{_SOURCE}|<[^<>]*>):([^:\d][^:]*)(?::(\d{{1,9}}))?")
_LINE_FIRST = re.compile(rf"(.+?{_SOURCE}|<[^<>]*>):(\d{{1,9}})\((.+)\)")
_TORCH = re.compile(rf"(.+?{_SOURCE}|<[^<>]*>)\((\d{{1,9}})\): (.+)")
_MARKED = re.compile(r"_\[([kijw])\]$")
_NOT_CODE = re.compile(r"thread \(0x|thread \d|process \d|Thread-|MainThread$|\[", re.IGNORECASE)
_IS_SOURCE = re.compile(rf"(?:.*{_SOURCE}|<.*|.*\.ipynb)", re.IGNORECASE | re.DOTALL)
_LIBRARY = re.compile(
    r"\[|/(?:usr/(?!local/src/|src/)|lib|opt/|nix/|snap/)"
    r"|(?:.*/)?(?:lib[^/]*\.(?:so|dylib)[^/]*|ld-[^/]*|python[\d.]*|node|linux-vdso[^/]*)$"
)
_MAX_CHARS = 2_000
_LOCALS = ".<locals>."


class FrameName(NamedTuple):
    """What a frame's text says; `path` is "" and `line` None where it does not."""

    path: str
    name: str
    line: int | None
    native: bool


def parse_frame(text: str) -> FrameName:
    """The function, file and line that a frame's text names.

    Known are ``f (file.py:12)``, ``f (file.py)``, ``file.py:f:12``, ``file.py:12(f)``,
    ``py::f:/file.py`` (Python in perf), ``JS:*f /file.js:1:2`` (V8 in perf), ``f_[k]`` (kernel) and
    a symbol alone.
    """
    text = text.strip()
    if len(text) > _MAX_CHARS:
        return FrameName("", text[:_MAX_CHARS], None, False)
    marked = _MARKED.search(text)
    if marked:
        text = text[: marked.start()]
        if marked.group(1) == "k":
            return FrameName("", text, None, True)
    if found := _PYTHON.fullmatch(text):
        return FrameName(found[2], found[1], None, False)
    if found := _V8.fullmatch(text):
        return FrameName(found[2], found[1], int(found[3]), False)
    if _NOT_CODE.match(text):
        return FrameName("", text, None, True)
    if text.endswith(")"):
        if found := _IN_BRACKETS.fullmatch(text):
            name, path = found[1], found[2]
            if with_line := _WITH_LINE.fullmatch(path):
                return FrameName(with_line[1], name, int(with_line[2]), False)
            if _IS_SOURCE.fullmatch(path):
                return FrameName(path, name, None, False)
            if "/" in path or ".so" in path or path.endswith((".dll", ".dylib", ".exe")):
                return FrameName("", name, None, True)
        if found := _LINE_FIRST.fullmatch(text):
            return FrameName(found[1], found[3], int(found[2]), False)
    elif found := _TORCH.fullmatch(text):
        return FrameName(found[1], found[3], int(found[2]), False)
    if ":" in text and (found := _FILE_FIRST.fullmatch(text)):
        return FrameName(found[1], found[2], int(found[3]) if found[3] else None, False)
    return FrameName("", text, None, False)


def is_nameless(name: str) -> bool:
    """Whether it names code without a name of its own, or a file's own lines.

    ``<lambda>``, ``<module>``; from CPython 3.11 on also ``f.<locals>.<genexpr>``.
    """
    return name.rpartition(".")[2].startswith("<")


def function_around(name: str) -> str:
    """The qualified name of the function that nameless code is in; "" where it does not tell."""
    parts = name.split(_LOCALS)
    while parts and is_nameless(parts[-1]):
        parts.pop()
    return _LOCALS.join(parts)


def is_library(module: str) -> bool:
    """Whether a module's path or name is that of the system, an interpreter or a shared library."""
    return _LIBRARY.match(module[:_MAX_CHARS]) is not None
