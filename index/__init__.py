"""Remembers: records, embeddings, the Chroma store and the shipped corpus. Never runs code."""
