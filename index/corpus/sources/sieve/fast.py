"""Primes up to a limit."""


def primes_up_to(limit):
    if limit < 2:
        return []
    is_prime = bytearray([1]) * (limit + 1)
    is_prime[0:2] = b"\0\0"
    for number in range(2, int(limit**0.5) + 1):
        if is_prime[number]:
            start = number * number
            is_prime[start::number] = bytes(len(range(start, limit + 1, number)))
    return [number for number, prime in enumerate(is_prime) if prime]
