"""`python -m benchmarks`: the short form of every benchmark, one after the other."""

import subprocess
import sys

RUNS = (
    ["benchmarks.lsp", "--rounds", "100"],
    ["benchmarks.prove", "--runs", "3"],
    ["benchmarks.aa"],
    ["benchmarks.hostile", "--level", "L1"],
    ["benchmarks.profiles", "--scale", "0.1"],
)

for arguments in RUNS:
    print(f"\n== python -m {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", *arguments], check=True)
