"""Reading and writing through streams."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.native.rules.calls import arguments
from analysis.languages.native.rules.scope import NativeScope, std
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.text import TextChange

_CPP = ("c++",)
_BOTH = ("c", "c++")
_NUMBERS = re.compile(r'"\s*(%(d|i|lld|ld)\s*)+"')
_TEXTS = re.compile(r"\b(getchar\w*|gets|fgets|getline|fread|cin|getc|fgetc|ungetc)\b|%\*?\d*[c\[]")
_READER = """\
static long long NAME(void) {
    int digit = getchar_unlocked();
    while (digit != '-' && (digit < '0' || digit > '9') && digit != EOF) {
        digit = getchar_unlocked();
    }
    const int negative = digit == '-';
    if (negative) {
        digit = getchar_unlocked();
    }
    long long value = 0;
    for (; digit >= '0' && digit <= '9'; digit = getchar_unlocked()) {
        value = value * 10 + (digit - '0');
    }
    return negative ? -value : value;
}
"""
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


@rule(
    "flush-once",
    title="flush once after the loop",
    description="The output is flushed at each turn of a loop, which is a call of the system each"
    " time. Once after the loop writes the same.",
    patterns=["fflush(stdout);"],
    gain=2,
    languages=_BOTH,
    words=("fflush", "for|while"),
)
def flush_once(scope: NativeScope, node: SgNode) -> Proposal:
    """Move `fflush(stdout)` behind the loop.

    Why it is slow: each flush is a call of the system, however little there is to be written.

    Example:
        for (int i = 0; i < n; i++) {          for (int i = 0; i < n; i++) {
            printf("%d\\n", xs[i]);                 printf("%d\\n", xs[i]);
            fflush(stdout);                    }
        }                                      fflush(stdout);

    When not to: somebody must see each line at once, as in a dialogue.
    """
    loops = scope.loops(node)
    if not loops:
        return None
    return Rewrite((scope.remove(node), scope.insert_after(loops[-1], "fflush(stdout);")))


@rule(
    "scan-numbers",
    title="read whole numbers without a format",
    description="Whole numbers are read by a function that interprets its format at each call. A"
    " small reader that only knows whole numbers takes the characters from the buffer itself.",
    patterns=["scanf($$$A);", "std::scanf($$$A);"],
    gain=2,
    languages=_BOTH,
    words=("scanf", "for|while"),
)
def scan_numbers(scope: NativeScope, node: SgNode) -> Proposal:
    """Read whole numbers by a small function of one's own.

    Why it is slow: `scanf` reads its format, locks the stream, copies the digits into a buffer and
    converts them there: some 60 to 100 ns for a number of a few digits.

    Example:
        for (int i = 0; i < n; i++)            for (int i = 0; i < n; i++)
            scanf("%d", &xs[i]);                   xs[i] = next_number();

    When not to: the input may end early or hold something else than numbers: what `scanf` gives
    then, the reader does not tell. `getchar_unlocked` is a function of POSIX.
    """
    if scope.function.kind != "function" or _TEXTS.search(scope.source.text):
        return None
    if not any(scope.loops(n) for n in _scans(scope)):
        return None
    name = scope.fresh("next_number")
    changes = [
        scope.replace_statement(statement, code)
        if _in_block(statement)
        else _alone(scope, statement, code)
        for statement in _scans(scope)
        if (code := _reads(scope, statement, name))
    ]
    if not changes:
        return None
    at = _above(scope)
    helper = _READER.replace("NAME", name).replace("    ", scope.unit)
    helper = helper.replace("\n", scope.source.newline)
    return Rewrite((scope.replace_between(at, at, helper + scope.source.newline), *changes))


def _above(scope: NativeScope) -> int:
    """Where a function of the file can stand above this one and its comment."""
    node = scope.root
    up = node.parent()
    while up is not None and up.kind() == "template_declaration":
        node, up = up, up.parent()
    lines, at = scope.source.index, scope.source.line_start(scope.start(node))
    above = node.prev()
    while above is not None and above.kind() == "comment":
        if lines.line_of(max(scope.end(above) - 1, 0)) + 1 != lines.line_of(at):
            break
        at, above = scope.source.line_start(scope.start(above)), above.prev()
    return at


def _scans(scope: NativeScope) -> list[SgNode]:
    """The statements that read by `scanf` and do not ask how much was read."""
    found = scope.matches("scanf($$$A);")
    return found + (scope.matches("std::scanf($$$A);") if scope.grammar.name == "cpp" else [])


def _in_block(statement: SgNode) -> bool:
    up = statement.parent()
    return up is not None and up.kind() == "compound_statement"


def _alone(scope: NativeScope, statement: SgNode, code: str) -> TextChange:
    """A statement without braces around it, as one statement or as a block."""
    head = statement.prev()
    if "\n" not in code:
        return scope.replace(statement, code)
    if head is None or not scope.owns_line(statement):
        raise NoRewriteError("no place for a block")
    inner = scope.indent(statement)
    block = f" {{\n{scope.lines(code, inner)}{inner.removesuffix(scope.unit)}}}"
    return scope.replace_between(scope.end(head), scope.end(statement), block)


def _reads(scope: NativeScope, statement: SgNode, name: str) -> str:
    """The statements that read the same numbers; "" where something else is read."""
    call = statement.child(0)
    first, *places = arguments(call) if call is not None else [statement]
    if not _NUMBERS.fullmatch(scope.text(first)) or not places:
        return ""
    if scope.text(first).count("%") != len(places) or scope.has_comment(statement):
        return ""
    lines = []
    for place in places:
        text = scope.line_text(place)
        if place.kind() == "pointer_expression" and text.startswith("&"):
            lines.append(f"{text[1:].strip()} = {name}();")
        elif re.fullmatch(r"\w+( \+ \w+)?", text):
            lines.append(f"*({text}) = {name}();" if " " in text else f"*{text} = {name}();")
        else:
            return ""
    return "\n".join(lines)


RULES = (endl_newline, stream_sync, flush_once, scan_numbers)
