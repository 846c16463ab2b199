"""The shop's own tests: python -m unittest discover -s tests -t ."""

import unittest

from shop import customers, data, dispatch, inventory, logs, pricing, report, search, stats


class ShopTest(unittest.TestCase):
    def setUp(self):
        self.people = data.customer_rows(1, 20)
        self.orders = data.order_rows(1, 60, 20)

    def test_log_lines_are_parsed(self):
        hits = logs.parse([*data.access_log(1, 50), "nonsense"])
        self.assertEqual(len(hits), 50)
        self.assertEqual(sum(logs.hits_per_hour(hits).values()), 50)

    def test_first_visit_comes_first(self):
        self.assertEqual(customers.unique_emails(["b", "a", "b", "c", "a"]), ["b", "a", "c"])

    def test_every_order_is_attached_once(self):
        rows = customers.attach_orders(self.people, self.orders)
        self.assertEqual([row[0] for row in rows], [order["order"] for order in self.orders])

    def test_moving_sum(self):
        self.assertEqual(stats.moving_sum([1, 2, 3, 4], 2), [3, 5, 7])
        self.assertEqual(stats.moving_sum([1], 2), [])

    def test_best_sellers_are_sorted(self):
        rows = stats.best_sellers(self.orders, 5)
        self.assertEqual(rows, sorted(rows, key=lambda r: (-r[1], -int(r[0]))))

    def test_no_parcel_is_too_heavy(self):
        parcels = dispatch.plan(self.orders, 40)
        self.assertTrue(all(0 < load <= 40000 for load in parcels))
        self.assertEqual(sum(parcels), sum(order["grams"] * order["pieces"] for order in self.orders))

    def test_quotes_leave_the_rates_alone(self):
        rates = dict(pricing.BASE_RATES)
        pricing.quote_all([(1, "a", "DE", 60000), (2, "b", "FR", 100)], rates)
        self.assertEqual(rates, pricing.BASE_RATES)

    def test_edit_distance(self):
        self.assertEqual(search.distance("kitten", "sittin"), 2)
        self.assertEqual(search.distance("", "abc"), 3)

    def test_suggestion(self):
        names = [{"name": "bookshelf"}, {"name": "armchair"}]
        self.assertEqual(search.suggest(["armchiar"], names), [("armchiar", "armchair")])

    def test_shelves(self):
        index = inventory.shelf_index(data.catalogue(1, 30))
        self.assertEqual(inventory.locate(index, 7), 0)
        self.assertEqual(inventory.locate(index, 8), -1)

    def test_report(self):
        self.assertEqual(report.table("T", [("a", 1)]), "T\n-\na              1\n")
        self.assertEqual(report.labels([(1, "n", "DE", 5)]), "#00001 n (DE)\n")


if __name__ == "__main__":
    unittest.main()
