"""The process beside candidate code: what runs in it, how it is asked, how its answers are read."""
