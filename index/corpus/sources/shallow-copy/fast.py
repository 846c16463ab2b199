"""Rows with a currency added, the input left as it is."""


def with_currency(rows, currency):
    return [{**row, "currency": currency} for row in rows]
