"""Rewrite rules, one module each."""
