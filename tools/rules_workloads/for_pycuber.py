"""Calls of PyCuber's functions that its tests do not make."""

import random

from attempts import attempt
from pycuber import Cube, Formula
from pycuber.solver.cfop.f2l import F2LPairSolver
from pycuber.solver.cfop.pll import PLLSolver
from pycuber.solver.cfop.util import a_star_search, shortest_path_search

PAIRS = [
    ("FR", "R U R'"),
    ("FR", "F' U' F U"),
    ("FR", "R U' R' U R U2 R'"),
    ("RB", "B U B' U'"),
    ("LF", "L' U L U2"),
    ("FR", "R U R' U' F' U F"),
    ("FR", "R U2 R' U F' U2 F U R U R'"),
    ("LF", "F U2 F' U' L' U2 L F U F'"),
    ("FR", "F' U F U2 R U' R' U' F' U2 F U"),
]
LAST_LAYERS = [
    "R U R' U' R' F R2 U' R' U' R U R' F'",
    "R U' R U R U R U' R' U' R2",
    "x R' U R' D2 R U' R' D2 R2 x'",
    "R' U2 R U2 R' F R U R' U' R' F' R2 U'",
    "M2 U M2 U2 M2 U M2",
    "U2",
    "",
]


def pairs():
    for pair, moves in PAIRS:
        solver = F2LPairSolver(Cube()(Formula(moves)), pair)
        attempt(solver.combining_search)
        cube = solver.cube
        start = (solver.get_pair(), tuple(cube[face] for face in "LUFDRB"))
        following, goal = F2LPairSolver.combining_successors, F2LPairSolver.combining_goal
        attempt(a_star_search, start, following, len, goal)
        attempt(shortest_path_search, start, following, goal)


def last_layers(rng):
    for moves in LAST_LAYERS:
        solver = PLLSolver(Cube()(Formula(moves)))
        attempt(solver.recognise)
        attempt(solver.is_solved)
    for turns in (1, 2, 5, 20):
        moves = " ".join(rng.choice("LUFDRB") + rng.choice(["", "'", "2"]) for _ in range(turns))
        solver = PLLSolver(Cube()(Formula(moves)))
        attempt(solver.recognise)
        attempt(solver.is_solved)


def main():
    rng = random.Random(3)
    pairs()
    last_layers(rng)


if __name__ == "__main__":
    main()
