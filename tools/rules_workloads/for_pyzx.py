"""Calls of pyzx's functions that its tests do not make."""

from __future__ import annotations

import random

import numpy as np
from attempts import attempt
from pyzx.altextract import alt_extract_circuit
from pyzx.circuit import Circuit
from pyzx.extract import extract_clifford_normal_form, lookahead_fast, remove_extra_cnots
from pyzx.generate import build_random_parity_map, cliffords, cliffordT, phase_poly
from pyzx.linalg import Mat2
from pyzx.local_search.congruences import is_pivot_edge, pivot_cong
from pyzx.local_search.genetic import GeneticOptimizer
from pyzx.routing.architecture import create_architecture
from pyzx.routing.cnot_mapper import ElimMode, StepFunction
from pyzx.routing.machine_learning import ParticleSwarmOptimization
from pyzx.routing.phase_poly import PhasePoly
from pyzx.simplify import (
    drop_orphan_reset_discards,
    full_reduce,
    to_clifford_normal_form_graph,
    to_graph_like,
)

SIZES = ((3, 20), (4, 40), (5, 50), (6, 60), (7, 80), (8, 100))


def seed(number):
    """Both generators that pyzx draws from."""
    random.seed(number)
    np.random.seed(number)


def extraction():
    """Circuits out of diagrams."""
    for number, (qubits, depth) in enumerate(SIZES):
        graph = cliffordT(qubits, depth, p_t=0.15, seed=number)
        full_reduce(graph)
        graph.normalize()
        attempt(alt_extract_circuit, graph.copy(), quiet=True)
        attempt(lookahead_fast, graph.copy())
        attempt(extract_clifford_normal_form, cliffords(qubits, depth, seed=number))
        attempt(to_clifford_normal_form_graph, cliffords(qubits, depth, seed=number + 50))
    for number, size in enumerate((4, 6, 9, 12, 16)):
        seed(number)
        matrix = Mat2(build_random_parity_map(size, size * 3))
        cnots = matrix.copy().to_cnots(use_log_blocksize=True)
        attempt(remove_extra_cnots, cnots, matrix)


def diagrams():
    """Rewriting of diagrams."""
    for number, (qubits, depth) in enumerate(SIZES):
        seed(number)
        attempt(to_graph_like, cliffordT(qubits, depth, seed=number))
        graph = cliffordT(qubits, depth, p_t=0.2, seed=number)
        to_graph_like(graph)
        pivots = sorted(e for e in graph.edges() if is_pivot_edge(graph, e))
        for edge in random.sample(pivots, 2):
            attempt(pivot_cong, graph.clone(), *graph.edge_st(edge))
    for number, (qubits, depth) in enumerate(SIZES[:4]):
        seed(number)
        graph = cliffordT(qubits, depth // 3, p_t=0.2, seed=number)
        attempt(GeneticOptimizer().evolve, graph, 3, 1, quiet=True)


def resets():
    """Programs that reset their qubits before use."""
    for qubits in (1, 2, 4, 8, 16, 30):
        lines = [f"OPENQASM 3;\nqubit[{qubits}] q;\nbit[{qubits}] c;"]
        lines += [f"reset q[{i}];\nh q[{i}];" for i in range(qubits)]
        lines += [f"cx q[{i}], q[{i + 1}];\nt q[{i}];" for i in range(qubits - 1)]
        lines += [f"reset q[{i}];" for i in range(0, qubits, 3)]
        graph = Circuit.from_qasm("\n".join(lines)).to_graph(elide_initial_resets=False)
        attempt(drop_orphan_reset_discards, graph.copy())
        full_reduce(graph)
        attempt(drop_orphan_reset_discards, graph)


def routing():
    """Circuits mapped onto devices."""
    for number, (qubits, layers) in enumerate(((3, 2), (4, 3), (5, 3), (5, 4), (6, 4), (6, 5))):
        seed(number)
        polynomial = PhasePoly.fromCircuit(phase_poly(qubits, layers, 5).to_basic_gates())
        attempt(polynomial.partition)
        attempt(polynomial.partition, skip_output_parities=False)
    for number, name in enumerate(("ibm_qx4", "ibm_qx2")):
        seed(number)
        device = create_architecture(name)
        matrices = [Mat2(build_random_parity_map(device.n_qubits, 10)) for _ in range(2)]
        step = StepFunction(
            matrices,
            ElimMode.GENETIC_STEINER_MODE,
            device,
            None,
            population_size=4,
            n_iterations=1,
            full_reduce=True,
        )
        swarm = ParticleSwarmOptimization(4, step, 0.4, 0.3, 0.5, n_threads=1)
        attempt(swarm.find_optimum, device.n_qubits, 6)


extraction()
diagrams()
resets()
routing()
