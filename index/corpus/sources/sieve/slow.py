"""Primes up to a limit."""


def primes_up_to(limit):
    primes = []
    for number in range(2, limit + 1):
        for divisor in range(2, int(number**0.5) + 1):
            if number % divisor == 0:
                break
        else:
            primes.append(number)
    return primes
