import random
import string


def inputs():
    rng = random.Random(8)

    def word():
        return "".join(rng.choice(string.ascii_lowercase[:9]) for _ in range(rng.randrange(4, 7)))

    for size in range(80, 120, 5):
        vocabulary = [word() for _ in range(500)]
        messages = [" ".join(rng.choice(vocabulary) for _ in range(12)) for _ in range(size)]
        yield (messages, rng.sample(vocabulary, 20)), {}
