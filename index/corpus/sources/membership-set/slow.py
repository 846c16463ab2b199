"""Orders of customers that are on the watch list."""


def flagged_orders(orders, watched):
    flagged = []
    for order_id, customer, amount in orders:
        if amount > 0 and customer in watched:
            flagged.append((order_id, amount))
    return flagged
