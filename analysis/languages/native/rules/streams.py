"""Reading and writing through streams."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.native.rules.scope import NativeScope, std
from analysis.rules.base import Proposal, Rewrite, rule

_CPP = ("c++",)
_STDIO = re.compile(
    r"\b(printf|scanf|puts|putchar|getchar\w*|gets|fgets|fread|fwrite|stdin|stdout)\b"
)


@rule(
    "endl-newline",
    title="end lines without flushing",
    description="Each line that is written is also flushed, which is a call of the system for each"
    " line. A newline character is buffered.",
    patterns=["endl"],
    gain=2,
    languages=_CPP,
    words=("endl", "for|while"),
)
def endl_newline(scope: NativeScope, node: SgNode) -> Proposal:
    """Write `'\\n'` instead of `std::endl` in loops.

    Why it is slow: `std::endl` writes a newline and empties the buffer: a call of the system for
    each line, where thousands of lines fit into the buffer.

    Example:
        for (int x : xs)                       for (int x : xs)
            std::cout << x << std::endl;           std::cout << x << '\\n';

    When not to: somebody must see each line at once, as in a dialogue.
    """
    changes = []
    for use in scope.uses("endl"):
        up = use.parent()
        place = up if up is not None and up.kind() == "qualified_identifier" else use
        outer = place.parent()
        if outer is not None and outer.kind() == "binary_expression" and scope.loops(place):
            changes.append(scope.replace(place, "'\\n'"))
    return Rewrite(tuple(changes)) if scope.loops(node) else None


@rule(
    "stream-sync",
    title="read and write without keeping step with C's streams",
    description="The standard streams ask C's streams for each character, and reading flushes what"
    " is written. A program that uses only one kind can switch both off.",
    patterns=std("cin >> $X", "cout << $X", "getline(cin, $X)", "getline(std::cin, $X)"),
    gain=2,
    languages=_CPP,
    words=("cin|cout", "main", "for|while"),
)
def stream_sync(scope: NativeScope, node: SgNode) -> Proposal:
    """Switch off what ties `std::cin` and `std::cout` to C's streams and to each other.

    Why it is slow: while they are tied, each character is a locked call of C's library, and each
    read first empties the buffer of what was written.

    Example:
        int main() {                           int main() {
            int n;                                 std::ios::sync_with_stdio(false);
            std::cin >> n;                         std::cin.tie(nullptr);
                                                   int n;
                                                   std::cin >> n;

    When not to: the program also uses `printf` or `scanf` (then it is left alone), or answers line
    by line in a dialogue.
    """
    text = scope.source.text
    if scope.function.name != "main" or not scope.loops(node):
        return None
    if "sync_with_stdio" in text or _STDIO.search(text):
        return None
    first = scope.body(scope.root)[0]
    lines = "std::ios::sync_with_stdio(false);\nstd::cin.tie(nullptr);"
    return Rewrite((scope.insert_before(first, lines), *scope.add_include("iostream")))


RULES = (endl_newline, stream_sync)
