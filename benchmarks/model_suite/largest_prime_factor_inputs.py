"""Composite numbers of several sizes; 1 and primes, for which the answer is odd, once each."""


def inputs():
    for n in (1, 2, 4, 6, 9, 97, 2048, 2310, 7919, 13195, 59 * 509, 97 * 101, 3**8, 149 * 151):
        yield (n,), {}
    for n in (20001, 24000, 27889, 30030):
        yield (n,), {}
