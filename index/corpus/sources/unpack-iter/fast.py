"""Records of a binary log."""

import struct


def read_records(data):
    whole = memoryview(data)[: len(data) // 8 * 8]
    return [(kind, value) for kind, flags, value in struct.iter_unpack("<HHI", whole) if flags & 1]
