"""Study a collaboration graph: centrality, communities, cores, matching (docs: tutorial)."""

import networkx as nx

g = nx.connected_watts_strogatz_graph(260, 6, 0.2, seed=4)
for i, (a, b) in enumerate(g.edges()):
    g[a][b]["weight"] = 1 + i % 7
out = []
bc = nx.betweenness_centrality(g)
out.append(round(sum(bc.values()), 9))
out.append(len(nx.community.greedy_modularity_communities(g)))
out.append(len(list(nx.community.label_propagation_communities(g))))
out.append(round(nx.average_clustering(g), 9))
out.append(max(nx.core_number(g).values()))
out.append(len(nx.max_weight_matching(g)))
out.append(round(nx.global_efficiency(g), 9))
out.append(len(nx.minimum_cycle_basis(nx.grid_2d_graph(7, 7))))
out.append(round(nx.minimum_spanning_tree(g).size("weight"), 3))
out.append(round(sum(nx.closeness_centrality(g).values()), 9))
out.append(nx.node_connectivity(g.subgraph(range(100))))
out.append(sum(1 for _ in nx.find_cliques(nx.gnp_random_graph(90, 0.3, seed=1))))
out.append(
    sorted(nx.triadic_census(nx.gnp_random_graph(90, 0.06, seed=1, directed=True)).items())[:4]
)
print(out)
