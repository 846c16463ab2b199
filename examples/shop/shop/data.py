"""Made-up data, the same in every run."""

import random

WORDS = (
    "lamp shade chair arm book shelf table desk mirror frame basket candle carpet cushion "
    "drawer hook ladder vase clock stool bench rack tray bowl plate"
).split()


def access_log(seed, count):
    rng = random.Random(seed)
    lines = []
    for i in range(count):
        hour, minute = rng.randrange(24), rng.randrange(60)
        email = "user%d@example.org" % rng.randrange(count // 3) if rng.random() < 0.6 else "-"
        path = "/item/%d" % rng.randrange(500)
        status = rng.choice((200, 200, 200, 304, 404))
        lines.append(
            '10.0.%d.%d - %s [12/Mar/2026:%02d:%02d:07 +0000] "GET %s HTTP/1.1" %d %d'
            % (i % 200, i % 250, email, hour, minute, path, status, rng.randrange(90000))
        )
    return lines


def customer_rows(seed, count):
    rng = random.Random(seed + 100)
    return [
        {"id": 1000 + i, "name": "Customer %d" % i, "country": rng.choice(["DE", "FR", "PL", "SE"])}
        for i in range(count)
    ]


def order_rows(seed, count, customers):
    rng = random.Random(seed + 200)
    return [
        {
            "order": i,
            "customer": 1000 + rng.randrange(customers),
            "hour": rng.randrange(24 * 120),
            "sku": rng.randrange(400),
            "cents": rng.randrange(500, 90000),
            "grams": rng.randrange(50, 9000),
            "pieces": rng.randrange(1, 20),
        }
        for i in range(count)
    ]


def catalogue(seed, count):
    rng = random.Random(seed + 300)
    return [
        {"sku": i * 7, "name": rng.choice(WORDS) + rng.choice(WORDS), "shelf": i // 12}
        for i in range(count)
    ]
