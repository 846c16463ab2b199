"""The shipped corpus: pairs of slow and fast code, each proved when the corpus was built."""
