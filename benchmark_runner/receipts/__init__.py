"""Receipts over time: what they rest on, how they are repeated and guarded."""
