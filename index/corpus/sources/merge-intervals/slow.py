"""Booked times without overlaps."""


def merged(bookings):
    spans = [list(booking) for booking in bookings]
    changed = True
    while changed:
        changed = False
        for i in range(len(spans)):
            for j in range(i + 1, len(spans)):
                if spans[i][0] <= spans[j][1] and spans[j][0] <= spans[i][1]:
                    spans[i] = [min(spans[i][0], spans[j][0]), max(spans[i][1], spans[j][1])]
                    del spans[j]
                    changed = True
                    break
            if changed:
                break
    return sorted(tuple(span) for span in spans)
