"""Benchmarks: ratios against named peers in one run. Nothing is asserted here."""
