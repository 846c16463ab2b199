"""Invoices with the names of their customers."""


def with_names(invoices, customers):
    names = {}
    for customer in customers:
        names.setdefault(customer["id"], customer["name"])
    joined = []
    for invoice in invoices:
        if invoice["customer_id"] in names:
            joined.append((invoice["number"], names[invoice["customer_id"]]))
    return joined
