"""Bookings of rooms that overlap."""


def conflicts(bookings):
    """For each booking (start, end), with how many others it overlaps; touching is no overlap."""
    result = []
    for i, first in enumerate(bookings):
        count = 0
        for j, second in enumerate(bookings):
            if i == j:
                continue
            latest_start = max([first[0], second[0]])
            earliest_end = min([first[1], second[1]])
            if latest_start < earliest_end:
                count = count + 1
        result.append(count)
    return result
