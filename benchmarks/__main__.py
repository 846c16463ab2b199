"""`python -m benchmarks`: the short form of every benchmark, one after the other."""

import subprocess
import sys

RUNS = (
    ["benchmarks.lsp", "--rounds", "100"],
    ["benchmarks.rules_on_save", "--saves", "20", "--passes", "3"],
    ["benchmarks.prove", "--runs", "3"],
    ["benchmarks.aa"],
    ["benchmarks.hostile", "--level", "L1"],
    ["benchmarks.rules", "--python", sys.executable],
    ["benchmarks.profiles", "--scale", "0.1"],
    ["benchmarks.memory", "--records", "1000"],
    ["benchmarks.retrieval"],
)

for arguments in RUNS:
    print(f"\n== python -m {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", *arguments], check=True)
