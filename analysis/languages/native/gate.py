"""The static gate for C and C++: what is refused before anything of it is built.

It reads tokens, not meaning: whoever wants to can hide a call from it. What runs is held by the
sandbox; here an honest mistake is told early, and what would make the comparison worthless (other
compiler flags by pragma or attribute, code outside the function) is kept out.
"""

from __future__ import annotations

import re
from collections import Counter

from tree_sitter import Node

from analysis.languages.common import MAX_DEPTH, form, new_error, short, tokens, unfit
from analysis.languages.native.functions import definition_named
from analysis.languages.native.macros import readable
from analysis.languages.native.syntax import CONTAINERS, parse
from analysis.languages.outside import Pieces, outside_difference
from analysis.syntax import Tree, depth, walk

_SYSTEM_INCLUDE = re.compile(r"#\s*include\s*<([A-Za-z0-9_./+]+)>")
_ODD = re.compile(r"\\\r?\n|\?\?[=/'()!<>-]|%:")
_FORBIDDEN = frozenset(
    (
        "system", "popen", "execl", "execlp", "execle", "execv", "execvp", "execve", "execvpe",
        "fexecve", "fork", "vfork", "clone", "posix_spawn", "posix_spawnp", "dlopen", "dlsym",
        "syscall", "ptrace", "fopen", "freopen", "fdopen", "open", "openat", "creat",
        "ifstream", "ofstream", "fstream", "basic_ifstream", "basic_ofstream", "filesystem",
        "socket", "connect", "bind", "getenv", "secure_getenv", "setenv", "putenv", "environ",
        "signal", "sigaction", "atexit", "at_quick_exit", "on_exit", "setjmp", "longjmp",
        "sigsetjmp", "siglongjmp", "pthread_create", "thread", "jthread", "async",
        "thrd_create", "asm", "__asm", "__asm__", "__attribute", "__attribute__", "__declspec",
        "_Pragma", "__pragma", "gnu", "clock", "clock_gettime", "gettimeofday", "rdtsc", "__rdtsc",
        "__builtin_ia32_rdtsc",
    )
)  # fmt: skip
_HEADERS_REFUSED = frozenset(
    (
        "thread", "future", "filesystem", "fstream", "dlfcn.h", "pthread.h", "threads.h",
        "signal.h", "csignal", "setjmp.h", "csetjmp", "sys/socket.h", "sys/ptrace.h",
        "sys/syscall.h", "spawn.h",
    )
)  # fmt: skip
_DEFINITION = "function_definition"
_ADDED_QUALIFIERS = ("const", "constexpr")


def check_candidate(before: str, after: str, qualname: str, path: str) -> str | None:
    """Why `after` can't be a candidate for the function of `before`; None if it can.

    It must parse as well as before and keep the function's head. Outside the function it may add
    includes of the standard library, static (in C++ also template) helpers and constants.
    """
    problem = unfit(before, after)
    if problem is not None:
        return problem
    old, new = parse(before, path), parse(after, path)
    was = definition_named(old, before, path, qualname)
    if was is None:
        return f"before the edit, there is no function {qualname}"
    now = definition_named(new, after, path, qualname)
    broken = new_error(parse(readable(before), path), parse(readable(after, before), path))
    if broken is not None:
        return f"it does not parse: syntax error in line {broken}"
    if now is None:
        return f"there is no function {qualname} any more"
    if depth(now) > max(MAX_DEPTH, depth(was)):
        return f"{qualname} is nested more than {MAX_DEPTH} levels deep"
    if _head(old, was) != _head(new, now):
        return f"the head of {qualname} was changed"
    return (
        outside_difference(
            _pieces(old, was),
            _pieces(new, now),
            lambda node: _addition_problem(new, node),
        )
        or _inside_problem(old, was, new, now, qualname)
        or _new_words(old, new)
    )


def _definition(outer: Node) -> Node:
    while outer.type == "template_declaration":
        outer = next(c for c in outer.children if c.type in ("template_declaration", _DEFINITION))
    return outer


def _head(tree: Tree, outer: Node) -> list[str]:
    """All tokens of the definition but its body and a constructor's initializers."""
    words: list[str] = []
    node = outer
    while node.type == "template_declaration":
        inner = next(c for c in node.children if c.type in ("template_declaration", _DEFINITION))
        words += [t for c in node.children if c.id != inner.id for _, t in tokens(tree, c)]
        node = inner
    body = node.child_by_field_name("body")
    skipped = {body.id} if body is not None else set()
    skipped |= {c.id for c in node.children if c.type == "field_initializer_list"}
    return words + [t for c in node.children if c.id not in skipped for _, t in tokens(tree, c)]


def _pieces(tree: Tree, hole: Node) -> Pieces:
    """The file outside the function: definitions and declarations by their tokens, what is around
    the function taken apart until only the function itself is left out."""
    pieces: Pieces = []
    stack: list[Node] = [tree.root]
    while stack:
        node = stack.pop()
        holds = node.start_byte <= hole.start_byte and hole.end_byte <= node.end_byte
        conditional = node.type.startswith("preproc") and node.type in CONTAINERS
        if node.id == hole.id:
            pieces.append(("<the function>", None))
        elif holds or conditional:
            stack.extend(reversed(node.children))
        elif node.type != "comment" and (text := form(tree, node)):
            pieces.append((text, node))
    return pieces


def _addition_problem(tree: Tree, node: Node | None) -> str | None:
    if node is None:
        return "it moves the function"
    shown = short(form(tree, node))
    if node.parent is not None and node.parent.type == "field_declaration_list":
        return f"it adds a member to a class: {shown}"
    if node.type == "preproc_include":
        return _include_problem(tree, node)
    words = [t for _, t in tokens(tree, node)]
    if lasting := _lasting(tree, node):
        return f"it keeps state across calls: {short(tree.source(lasting[0]))}"
    if node.type == "template_declaration":
        inner = next((c for c in node.children if c.type == _DEFINITION), None)
        return None if inner is not None else f"it adds code outside the function: {shown}"
    head = words[: words.index("{")] if "{" in words else words
    if node.type == _DEFINITION:
        if "static" in head or "constexpr" in head:
            return None
        return f"it adds a function that is not static: {shown}"
    if node.type == "declaration":
        if any(q in head for q in _ADDED_QUALIFIERS) and ("static" in head or "constexpr" in head):
            return None
        return f"it adds something that is not a static constant: {shown}"
    if node.type in ("struct_specifier", "type_definition", "alias_declaration", ";"):
        return None
    return f"it adds code outside the function: {shown}"


def _include_problem(tree: Tree, node: Node) -> str | None:
    text = tree.source(node).strip()
    match = _SYSTEM_INCLUDE.fullmatch(text)
    if match is None:
        return f"it includes something that is not the standard library's: {short(text)}"
    name = match[1]
    if name in _HEADERS_REFUSED or ".." in name or name.startswith("/"):
        return f"it includes <{name}>"
    return None


def _inside_problem(old: Tree, was: Node, new: Tree, now: Node, qualname: str) -> str | None:
    """What may not come new into the body: directives, line splices, state that stays."""
    body = _definition(now).child_by_field_name("body")
    earlier = _definition(was).child_by_field_name("body")
    if body is None or earlier is None:
        return f"{qualname} has no body"
    known = Counter(form(old, n) for n in walk(earlier) if n.type.startswith("preproc_"))
    for node in walk(body):
        if node.type.startswith("preproc_") and not known[form(new, node)]:
            return f"it adds a preprocessor directive: {short(new.source(node))}"
    if _ODD.search(new.source(body)) and not _ODD.search(old.source(earlier)):
        return "it adds a line splice, digraph or trigraph"
    if qualname.startswith("main("):
        return None  # nothing outlives a program's run
    kept = Counter(form(old, n) for n in _lasting(old, earlier))
    for node in _lasting(new, body):
        if not kept[form(new, node)]:
            return f"it keeps state across calls: {short(new.source(node))}"
    return None


def _lasting(tree: Tree, body: Node) -> list[Node]:
    """Static variables below a node that are no constants."""
    found = []
    for node in walk(body):
        if node.type == "declaration" and node.id != body.id:
            words = {tree.source(c).strip() for c in node.children if c.is_named}
            if words & {"static", "thread_local"} and not words & set(_ADDED_QUALIFIERS):
                found.append(node)
    return found


def _new_words(old: Tree, new: Tree) -> str | None:
    """A name that reaches outside of the computation and that the file did not use before."""
    known = {text for _, text in tokens(old, old.root)}
    for node in walk(new.root):
        if node.child_count == 0 and node.type not in ("comment", "string_content"):
            text = new.source(node)
            if text in _FORBIDDEN and text not in known:
                return f"it uses {text}"
        if node.type in ("preproc_call", "preproc_def", "preproc_function_def"):
            directive = form(new, node)
            if directive not in _directives(old):
                return f"it adds a preprocessor directive: {short(new.source(node))}"
    return None


def _directives(tree: Tree) -> set[str]:
    kinds = ("preproc_call", "preproc_def", "preproc_function_def")
    return {form(tree, n) for n in walk(tree.root) if n.type in kinds}
