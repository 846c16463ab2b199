"""Calls of networkx's functions that its tests do not make."""

from __future__ import annotations

import random

import networkx as nx
from attempts import attempt

RANDOM = random.Random(5)


def weighted(graph, low=1, high=10):
    """The graph with random weights of its edges."""
    for edge in graph.edges:
        graph.edges[edge]["weight"] = RANDOM.randint(low, high)
    return graph


def bipartite_graphs():
    """Graphs out of degree sequences."""
    build = nx.bipartite.alternating_havel_hakimi_graph
    for left, right, edges in ((3, 4, 6), (8, 8, 20), (20, 30, 90), (60, 40, 300), (150, 100, 600)):
        degrees = [0] * left, [0] * right
        for _ in range(edges):
            degrees[0][RANDOM.randrange(left)] += 1
            degrees[1][RANDOM.randrange(right)] += 1
        attempt(build, *degrees)
        attempt(build, *degrees, create_using=nx.Graph)


def cycles():
    """Shortest cycles, and cycles of negative weight."""
    graphs = [
        nx.petersen_graph(),
        nx.grid_2d_graph(5, 5),
        nx.cycle_graph(40),
        nx.karate_club_graph(),
    ]
    graphs += [nx.gnm_random_graph(n, m, seed=3) for n, m in ((15, 25), (30, 45), (50, 60))]
    for graph in graphs:
        attempt(nx.minimum_cycle_basis, graph)
        attempt(nx.minimum_cycle_basis, weighted(graph.copy()), weight="weight")
    for nodes, chords in ((6, 3), (15, 20), (40, 100), (100, 400), (250, 1000)):
        graph = nx.cycle_graph(nodes, create_using=nx.DiGraph)
        graph.add_edges_from(RANDOM.sample(range(nodes), 2) for _ in range(chords))
        attempt(nx.find_negative_cycle, weighted(graph, 3, 20), 0)
        graph.edges[nodes - 2, nodes - 1]["weight"] = -20 * nodes
        attempt(nx.find_negative_cycle, graph, 0)
        attempt(nx.find_negative_cycle, weighted(graph, -4, 20), nodes // 2)


def descriptions():
    """What graphs are like."""
    for graph in (
        nx.path_graph(5),
        nx.balanced_tree(3, 4),
        nx.gnm_random_graph(100, 250, seed=1),
        nx.gnp_random_graph(60, 0.05, seed=2, directed=True),
        nx.complete_bipartite_graph(12, 20),
        nx.MultiGraph(nx.les_miserables_graph()),
    ):
        attempt(nx.describe, graph)
        attempt(nx.describe, graph, describe_hook=nx.node_link_data)


bipartite_graphs()
cycles()
descriptions()
