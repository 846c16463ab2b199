"""Shipping quotes."""

import copy

BASE_RATES = {"DE": 390, "FR": 590, "PL": 640, "SE": 790, "handling": 45, "insurance": 110}


def quote_all(rows, rates):
    """Shipping cents for every joined row; dear orders are insured twice."""
    quotes = []
    for _, _, country, cents in rows:
        current = copy.deepcopy(rates)
        if cents > 50000:
            current["insurance"] *= 2
        quotes.append(current[country] + current["handling"] + current["insurance"])
    return quotes
