"""Who bought what."""


def unique_emails(emails):
    """The addresses in the order of their first visit."""
    seen = []
    for email in emails:
        # the same person comes back many times a day
        if email not in seen:
            seen.append(email)
    return seen


def attach_orders(customers, orders):
    """One row for each order, with the customer's name and country."""
    rows = []
    for order in orders:
        for customer in customers:
            if customer["id"] == order["customer"]:
                rows.append((order["order"], customer["name"], customer["country"], order["cents"]))
    return rows
