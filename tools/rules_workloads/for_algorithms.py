"""Calls of the algorithms package's functions that its tests do not make."""

import io
import random
from collections import Counter

from algorithms.compression.huffman_coding import HuffmanCoding, HuffmanWriter
from algorithms.graph.traversal import bfs_traverse
from algorithms.tree.path_sum import has_path_sum3
from algorithms.tree.path_sum2 import path_sum3
from algorithms.tree.tree import TreeNode
from attempts import attempt

TEXT = "It was the best of times, it was the worst of times, it was the age of wisdom."


def grown(rng, depth, chance):
    """A tree of small numbers; each node has each of its children with this chance."""
    node = TreeNode(rng.randint(-3, 9))
    if depth > 1:
        if rng.random() < chance:
            node.left = grown(rng, depth - 1, chance)
        if rng.random() < chance:
            node.right = grown(rng, depth - 1, chance)
    return node


def leaf_sum(rng, node):
    """The sum of the values on the way to some leaf."""
    total = node.val
    while node.left or node.right:
        node = rng.choice([child for child in (node.left, node.right) if child])
        total += node.val
    return total


def main():
    rng = random.Random(7)
    texts = [b"abracadabra", TEXT.encode(), bytes(range(256)), rng.randbytes(4000)]
    for text in [*texts, bytes(rng.randint(32, 90) for _ in range(2000))]:
        frequency = [(sign, count) for sign, count in sorted(Counter(text).items())]
        tree = attempt(HuffmanCoding._create_tree, dict(frequency))
        attempt(HuffmanWriter(io.BytesIO()).save_tree, tree)
    for nodes, edges in ((6, 2), (40, 3), (200, 4), (600, 5), (1000, 2), (300, 20)):
        graph = {node: [rng.randrange(nodes) for _ in range(edges)] for node in range(nodes)}
        attempt(bfs_traverse, graph, 0)
    grid = {
        (x, y): [(x + 1, y), (x, y + 1)] if x < 20 and y < 20 else []
        for x in range(21)
        for y in range(21)
    }
    attempt(bfs_traverse, grid, (0, 0))
    for depth, chance in ((3, 1.0), (5, 1.0), (8, 0.9), (9, 1.0), (10, 0.95), (30, 0.6)):
        tree = grown(rng, depth, chance)
        attempt(has_path_sum3, tree, leaf_sum(rng, tree))
        attempt(has_path_sum3, tree, 1000)
        attempt(path_sum3, tree, leaf_sum(rng, tree))
        attempt(path_sum3, tree, 12)


if __name__ == "__main__":
    main()
