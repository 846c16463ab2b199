"""Rewrite rules for JavaScript and TypeScript."""
