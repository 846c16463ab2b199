"""Offsets between a text and its bytes, and texts of pieces that lie in each other."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.syntax import SparingTree, Tree, parse, walk


class Counted(bytes):
    """Bytes that tell how many of them were taken at most at once."""

    most = 0

    def __getitem__(self, at: Any) -> Any:
        taken = super().__getitem__(at)
        if isinstance(taken, bytes):
            Counted.most = max(Counted.most, len(taken))
        return taken


@pytest.mark.parametrize(
    "text",
    ["", "é", "x = 'é'\n" * 200, "x = [" + "'é', " * 500 + "]", "a\r\nb\rc 'é'\n" * 99,
     "x = '\ud800é'\n" * 99, "é" * 256, "é" * 255, "\U0001f600é" * 300],
)  # fmt: skip
def test_offsets_of_bytes_and_back(text: str) -> None:
    tree = parse(text)
    at = 0
    for offset in range(len(text) + 1):
        assert (tree.offset(at), tree.byte(offset)) == (offset, at)
        at += len(text[offset : offset + 1].encode("utf-8", "surrogatepass"))


def test_an_offset_costs_no_more_in_a_long_line() -> None:
    text = "x = [" + "'é', " * 5000 + "]"
    plain = parse(text)
    tree = Tree(text, Counted(plain.data), plain.tree)
    Counted.most = 0
    assert [tree.offset(node.start_byte) for node in walk(tree.root)][-1] == len(text) - 1
    assert Counted.most < 2000


def test_a_sparing_tree_gives_out_so_much() -> None:
    tree = SparingTree(parse("f(é(g(1)))\n"), 15)
    texts = [tree.source(node) for node in walk(tree.root) if node.type == "call"]
    assert texts == ["f(é(g(1)))", "é(g(1))", ""]
