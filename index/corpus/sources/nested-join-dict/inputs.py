import random


def inputs():
    rng = random.Random(14)
    for size in range(120, 200, 10):
        customers = [{"id": n * 3, "name": f"customer {n}"} for n in range(size)]
        rng.shuffle(customers)
        invoices = [{"number": n, "customer_id": rng.randrange(size * 3)} for n in range(size)]
        yield (invoices, customers), {}
