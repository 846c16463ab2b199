"""Where proofs run: on this machine, or on the hosts of a cluster."""
