"""Syntax trees by tree-sitter, addressed by string offsets; Python unless told otherwise.

tree-sitter counts UTF-8 bytes and knows no lone ``\\r`` as a line end; Python and LSP do. So the
bytes that are parsed have lone ``\\r`` turned into ``\\n`` (no offset moves by that), and a
tree-sitter row is then the same as a line of `LineIndex`. Lone surrogates, which an editor can
send and UTF-8 can't hold, become U+FFFD (again the same length).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import accumulate

import tree_sitter
import tree_sitter_python
from tree_sitter import Node, Point

from analysis.text import LineIndex, Position, Range

LANGUAGE = tree_sitter.Language(tree_sitter_python.language())

MOST_READ = 20_000_000
"""Characters that may be read of one function's pieces: a hundred times the longest in a memory."""

_PIECE = 256
_ANY_END = re.compile(r"\r\n?")
_LONE_CR = re.compile(rb"\r(?!\n)")
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


def _parsed_bytes(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = _SURROGATE.sub("\ufffd".encode(), text.encode("utf-8", "surrogatepass"))
    return _LONE_CR.sub(b"\n", data) if b"\r" in data else data


class Tree:
    """A syntax tree with the text it was made of."""

    def __init__(self, text: str, data: bytes, tree: tree_sitter.Tree) -> None:
        self.text = text
        self.data = data
        self.tree = tree
        self._ascii = len(data) == len(text)

    @property
    def root(self) -> Node:
        """The module's node."""
        return self.tree.root_node

    @cached_property
    def lines(self) -> LineIndex:
        """The text's lines; line n is tree-sitter's row n."""
        return LineIndex(self.text)

    @cached_property
    def _piece_bytes(self) -> list[int]:
        """Where each `_PIECE` characters begin in the bytes; lines may be of any length."""
        whole = range(0, len(self.text) - _PIECE + 1, _PIECE)
        pieces = (self.text[start : start + _PIECE] for start in whole)
        return [0, *accumulate(len(piece.encode("utf-8", "surrogatepass")) for piece in pieces)]

    def offset(self, byte: int) -> int:
        """The string offset of a tree-sitter byte offset."""
        if self._ascii:
            return byte
        piece = bisect_right(self._piece_bytes, byte) - 1
        head = self.data[self._piece_bytes[piece] : byte]
        return piece * _PIECE + len(head.decode("utf-8", "replace"))

    def byte(self, offset: int) -> int:
        """The tree-sitter byte offset of a string offset."""
        if self._ascii:
            return offset
        piece = offset // _PIECE
        head = self.text[piece * _PIECE : offset]
        return self._piece_bytes[piece] + len(head.encode("utf-8", "surrogatepass"))

    def span(self, node: Node) -> tuple[int, int]:
        """The string offsets of a node."""
        return self.offset(node.start_byte), self.offset(node.end_byte)

    def range(self, node: Node) -> Range:
        """The editor's range of a node, in UTF-16."""
        if self._ascii:
            start, end = node.start_point, node.end_point
            return Range(Position(start.row, start.column), Position(end.row, end.column))
        return self.lines.range(*self.span(node))

    def source(self, node: Node) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def node_at(self, start: int, end: int) -> Node | None:
        """The smallest node that holds the string offsets `start` to `end`."""
        return self.root.descendant_for_byte_range(self.byte(start), self.byte(end))


class SparingTree(Tree):
    """A tree that gives out `most` characters of its text in all, and then no more.

    Pieces that lie in each other cost the square of the code's length where each one's text is
    read. Code of people stays far below; of what is made to take long, facts may be missing.
    """

    def __init__(self, tree: Tree, most: int = MOST_READ) -> None:
        super().__init__(tree.text, tree.data, tree.tree)
        self._left = most
        self._offsets = tree

    def offset(self, byte: int) -> int:
        """As `Tree.offset`."""
        return self._offsets.offset(byte)

    def source(self, node: Node) -> str:
        """The text of a node, or "" where enough was read."""
        if self._left <= 0:
            return ""
        text = super().source(node)
        self._left -= len(text)
        return text


def comment_lines(tree: Tree, silence: re.Pattern[str]) -> frozenset[int]:
    """The lines with a comment that `silence` finds; the words inside a string do not count."""
    if "hasten" not in tree.text:
        return frozenset()  # every such comment names us, and a search is dear in each text
    lines = set()
    for match in silence.finditer(tree.text):
        node = tree.node_at(match.start(), match.start() + 1)
        if node is not None and node.type == "comment":
            lines.add(tree.lines.line_of(match.start()))
    return frozenset(lines)


def parse(text: str, old: Tree | None = None, language: tree_sitter.Language = LANGUAGE) -> Tree:
    """Parse source, Python by default; syntax errors become ERROR nodes, the rest stays usable.

    With `old`, the tree of an earlier text, only what differs is parsed again. The difference is
    found here, from the bytes, so that no list of changes can disagree with the text.
    """
    data = _parsed_bytes(text)
    parser = tree_sitter.Parser(language)
    if old is None:
        return Tree(text, data, parser.parse(data))
    if data == old.data:
        return Tree(text, data, old.tree)
    edited = old.tree.copy()
    _note_difference(edited, old.data, data)
    return Tree(text, data, parser.parse(data, edited))


def _note_difference(tree: tree_sitter.Tree, old: bytes, new: bytes) -> None:
    shortest = min(len(old), len(new))
    head = _common(shortest, lambda n: old.startswith(new[:n]))
    tail = _common(shortest - head, lambda n: n == 0 or old.endswith(new[-n:]))
    # A change inside a character must not leave half of it outside the edit.
    while head and new[head : head + 1] and new[head] & 0xC0 == 0x80:
        head -= 1
    while tail and new[len(new) - tail] & 0xC0 == 0x80:
        tail -= 1
    old_end, new_end = len(old) - tail, len(new) - tail
    tree.edit(
        start_byte=head,
        old_end_byte=old_end,
        new_end_byte=new_end,
        start_point=_point(new, head),
        old_end_point=_point(old, old_end),
        new_end_point=_point(new, new_end),
    )


def _common(limit: int, same: Callable[[int], bool]) -> int:
    """The largest n <= limit with same(n), for a predicate that holds up to some n."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if same(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _point(data: bytes, byte: int) -> Point:
    point: Point = Point(data.count(b"\n", 0, byte), byte - (data.rfind(b"\n", 0, byte) + 1))
    return point


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in document order; iterative, so that depth can't hurt."""
    stack = [node]
    while stack:
        at = stack.pop()
        yield at
        stack.extend(reversed(at.children))


def walk_with_parents(node: Node) -> Iterator[tuple[Node, Node | None]]:
    """As `walk`, with each node's parent: `Node.parent` searches from the root each time."""
    stack: list[tuple[Node, Node | None]] = [(node, node.parent)]
    while stack:
        at, parent = stack.pop()
        yield at, parent
        stack.extend((child, at) for child in reversed(at.children))


def depth(node: Node) -> int:
    """How many levels of named nodes there are, the node itself included."""
    deepest = 0
    stack = [(node, 1)]
    while stack:
        at, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((child, level + 1) for child in at.named_children)
    return deepest


def is_docstring(statement: Node) -> bool:
    """Whether a statement is nothing but a string, as a docstring is."""
    if statement.type != "expression_statement" or statement.named_child_count != 1:
        return False
    value = statement.named_child(0)
    return value is not None and value.type in ("string", "concatenated_string")


def statements(block: Node) -> list[Node]:
    """The statements of a block or module, without comments."""
    return [child for child in block.named_children if child.type != "comment"]


def normal_form(tree: Tree, node: Node, rename: Mapping[int, str] | None = None) -> str:
    """The node's syntax without comments, docstrings, line ends and what a formatter changes.

    Nodes with several children are written in brackets, so that redundant parentheses can be left
    out; quotes and the commas before a closing bracket are left out as well. `rename` gives other
    texts for nodes, by their id.
    """
    out: list[str] = []
    stack: list[Node | str] = [node]
    while stack:
        at = stack.pop()
        if isinstance(at, str):
            out.append(at)
        elif rename and at.id in rename:
            out.append(rename[at.id])
        elif at.type == "string":
            out.append(_string_form(tree, at, stack))
        elif at.child_count == 0:
            source = tree.source(at)
            out.append(source.lower() if at.type in ("integer", "float") else source)
        else:
            parts = _form_children(at)
            if len(parts) > 1 and at.type != "parenthesized_expression":
                out.append(f"({'tuple' if at.type in _TUPLES else at.type}")
                stack.append(")")
            stack.extend(reversed(parts))
    return "\x1f".join(out)


_DROPPED = ("comment", "line_continuation", ";")
_TUPLES = ("tuple", "expression_list", "tuple_pattern", "pattern_list")
_BRACKETED = ("argument_list", "parameters", "lambda_parameters", "list", "set", "dictionary")


def _form_children(node: Node) -> list[Node]:
    children = [c for c in node.children if c.type not in _DROPPED]
    if node.type == "parenthesized_expression":
        return [c for c in children if c.is_named]
    if node.type == "block" and children and is_docstring(children[0]):
        return children[1:]
    if node.type in _TUPLES or node.type == "import_from_statement":
        children = [c for c in children if c.type not in "()"]
        if len(children) > 2 and children[-1].type == ",":
            del children[-1]
    if node.type in _BRACKETED and len(children) > 2 and children[-2].type == ",":
        del children[-2]
    return children


def _string_form(tree: Tree, node: Node, stack: list[Node | str]) -> str:
    start = node.children[0] if node.children else node
    prefix = tree.source(start).rstrip("'\"").lower()
    if any(child.type == "interpolation" for child in node.children):
        stack.append(")")
        stack.extend(reversed(node.children[1:-1]))
        return f"({prefix}string"
    content = "".join(tree.source(child) for child in node.children[1:-1])
    return prefix + repr(_ANY_END.sub("\n", content))
