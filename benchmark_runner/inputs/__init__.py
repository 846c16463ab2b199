"""Inputs for functions that nobody gave any for: from hints, defaults, uses and literals."""
