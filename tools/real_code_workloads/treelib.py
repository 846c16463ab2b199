"""A file system as a tree: build, look up, move, cut out, print (docs: examples)."""

import hashlib
import random

from treelib import Tree

random.seed(2)
tree = Tree()
tree.create_node("root", 0)
for i in range(1, 6000):
    tree.create_node(f"dir{i}", i, parent=random.randrange(max(0, i - 60), i))
digest = hashlib.sha256()
for i in range(0, 6000, 9):
    digest.update(f"{tree.depth(i)} {tree.level(i)} {len(tree.is_branch(i))}".encode())
    digest.update(" ".join(n.tag for n in tree.siblings(i)).encode() if i else b"")
for leaf in tree.leaves()[:200]:
    digest.update(" ".join(map(str, tree.rsearch(leaf.identifier))).encode())
digest.update(str(tree.paths_to_leaves()[:50]).encode())
for i in range(100, 1400, 60):
    digest.update(tree.subtree(i).show(stdout=False).encode())
digest.update(tree.show(stdout=False, sorting=True).encode())
digest.update(tree.to_json().encode())
for i in range(1490, 1400, -10):
    if tree.contains(i):
        tree.remove_node(i)
digest.update(str(tree.size()).encode() + str(tree.depth()).encode())
print(digest.hexdigest())
