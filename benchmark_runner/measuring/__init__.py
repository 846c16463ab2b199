"""Whether it is faster: windows, pairs of processes, statistics, memory, growth, decisions."""
