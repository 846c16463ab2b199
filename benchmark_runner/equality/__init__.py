"""Whether a version behaves as the original does: inputs, sequences, tests, counterexamples."""
