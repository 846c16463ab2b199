"""Does the memory find what helps? Retrieval against labels, and what its hits are worth."""
