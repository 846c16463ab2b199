import random


def inputs():
    rng = random.Random(28)
    for size in range(1200, 2000, 100):
        pages = [f"HTTP://www.Example{n % 7}.org./a//b/./page{n}" for n in range(40)]
        yield ([rng.choice(pages) for _ in range(size)],), {}
