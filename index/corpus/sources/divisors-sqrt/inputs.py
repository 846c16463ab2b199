def inputs():
    for number in (27720, 30030, 32761, 36036, 40320, 45045, 46656, 50400):
        yield (number,), {}
