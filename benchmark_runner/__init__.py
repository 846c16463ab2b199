"""Proves: workloads, sandbox, equivalence, measurement and receipts.

Never talks to a model and never asks where a candidate came from.
"""
