"""Rows with a currency added, the input left as it is."""

import copy


def with_currency(rows, currency):
    result = []
    for row in rows:
        fresh = copy.deepcopy(row)
        fresh["currency"] = currency
        result.append(fresh)
    return result
