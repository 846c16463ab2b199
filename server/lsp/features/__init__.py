"""The features: one module each."""
