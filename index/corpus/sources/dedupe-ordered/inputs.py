import random


def inputs():
    rng = random.Random(2)
    for size in range(60, 120, 6):
        vocabulary = [f"tag{n}" for n in range(size * 4)]
        posts = [{"tags": [rng.choice(vocabulary) + " " for _ in range(6)]} for _ in range(size)]
        yield (posts,), {}
