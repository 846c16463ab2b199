"""Search strategies, each a few lines over the same driver."""
