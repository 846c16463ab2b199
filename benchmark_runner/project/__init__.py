"""Command workloads: a project's own test and benchmark commands, on scratch copies of its tree."""
