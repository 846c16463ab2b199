"""Properties that were learned from the original and must hold for a candidate on large inputs."""
