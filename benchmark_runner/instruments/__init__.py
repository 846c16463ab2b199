"""Counting instructions: callgrind, or the processor's own counters where there are any."""
