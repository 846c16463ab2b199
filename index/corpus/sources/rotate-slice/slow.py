"""A rota that starts at another person."""


def rotated(names, steps):
    rota = list(names)
    for _ in range(steps):
        rota.append(rota.pop(0))
    return rota
