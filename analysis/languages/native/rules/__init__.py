"""Rewrite rules for C and C++."""
