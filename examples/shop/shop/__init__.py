"""A small web shop's nightly report."""
