"""Invoices with the names of their customers."""


def with_names(invoices, customers):
    joined = []
    for invoice in invoices:
        for customer in customers:
            if customer["id"] == invoice["customer_id"]:
                joined.append((invoice["number"], customer["name"]))
                break
    return joined
