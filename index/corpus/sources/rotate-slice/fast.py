"""A rota that starts at another person."""


def rotated(names, steps):
    rota = list(names)
    if not rota or steps <= 0:
        return rota
    shift = steps % len(rota)
    return rota[shift:] + rota[:shift]
