"""Nightly report of a small web shop: for each branch, read its access log, match its orders,
plan its parcels."""

import argparse

from shop import customers, data, dispatch, inventory, logs, pricing, report, search, stats

BRANCHES = (
    "Berlin Bremen Dresden Erfurt Kassel Leipzig Lyon Metz Nantes Nice Reims Toulouse "
    "Gdynia Lublin Poznan Torun Falun Kalmar Malmo Visby"
).split()


def nightly(branch, seed, scale):
    lines = data.access_log(seed, scale * (120 + 6 * seed))
    people = data.customer_rows(seed, scale * 10)
    orders = data.order_rows(seed, scale * (60 + 4 * seed), len(people))
    catalogue = data.catalogue(seed, scale * 9)

    hits = logs.parse(lines)
    visits = logs.hits_per_hour(hits)

    known = customers.unique_emails([h["email"] for h in hits if h["email"]])
    joined = customers.attach_orders(people, orders)

    revenue = stats.hourly_revenue(orders, 24 * 120)
    trend = stats.moving_sum(revenue, 24 * 30)
    best = stats.best_sellers(orders, 5)

    parcels = dispatch.plan(orders, 40)
    quotes = pricing.quote_all(joined, pricing.BASE_RATES)
    suggestions = search.suggest(["lampshade", "armchiar", "bokshelf"], catalogue)

    shelves = inventory.shelf_index(catalogue)
    places = [inventory.locate(shelves, item["sku"]) for item in catalogue]

    print(report.table(branch + ": best sellers", best))
    print(report.table(branch + ": suggestions", suggestions))
    print(report.labels(joined)[:48])
    print("visits", sum(visits.values()), "known", len(known), "parcels", len(parcels))
    print("trend", max(trend), "quotes", sum(quotes), "places", sum(places))
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=20, help="size of the data set (default 20)")
    args = parser.parse_args()
    for seed, branch in enumerate(BRANCHES):
        nightly(branch, seed, args.scale)


if __name__ == "__main__":
    main()
