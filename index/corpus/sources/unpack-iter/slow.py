"""Records of a binary log."""

import struct


def read_records(data):
    records = []
    while len(data) >= 8:
        kind, flags, value = struct.unpack("<HHI", data[:8])
        if flags & 1:
            records.append((kind, value))
        data = data[8:]
    return records
