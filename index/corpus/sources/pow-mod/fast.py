"""A toy key exchange."""


def shared_keys(base, exponents, modulus):
    return [pow(base, exponent, modulus) if exponent > 0 else 1 for exponent in exponents]
