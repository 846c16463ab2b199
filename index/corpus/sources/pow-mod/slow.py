"""A toy key exchange."""


def shared_keys(base, exponents, modulus):
    keys = []
    for exponent in exponents:
        value = 1
        for _ in range(exponent):
            value = value * base % modulus
        keys.append(value)
    return keys
