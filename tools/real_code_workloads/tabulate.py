"""Print a report of orders in several formats (README: table format, column alignment)."""

import hashlib
import random

from tabulate import tabulate

random.seed(3)
headers = ["order", "customer", "note", "quantity", "price", "paid", "date"]
rows = [
    [
        i,
        f"customer {random.randrange(500)}",
        "naïve café " * random.randrange(4),
        random.randrange(1, 90),
        random.random() * 1000,
        random.choice([True, False, None]),
        f"2024-{1 + i % 12:02}-{1 + i % 28:02}",
    ]
    for i in range(5000)
]
digest = hashlib.sha256()
for fmt in ("plain", "github", "grid", "pipe", "html", "simple_outline", "latex", "rst"):
    digest.update(tabulate(rows, headers, tablefmt=fmt, floatfmt=".2f").encode())
digest.update(
    tabulate(
        [dict(zip(headers, r, strict=True)) for r in rows],
        headers="keys",
        tablefmt="fancy_grid",
        maxcolwidths=[None, 10, 12, None, None, None, None],
    ).encode()
)
print(digest.hexdigest())
