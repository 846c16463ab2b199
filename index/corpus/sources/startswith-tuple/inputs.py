import random


def inputs():
    rng = random.Random(40)
    prefixes = ["/static/", "/media/", "/fonts/", "/img/", "/js/", "/css/"]
    for size in range(600, 1000, 50):
        yield ([f"/{rng.choice(['api', 'css', 'img', 'u'])}/{n}" for n in range(size)], prefixes), {}
