"""Sandbox levels L0 to L2: what this machine offers, and the policy of a worker."""
