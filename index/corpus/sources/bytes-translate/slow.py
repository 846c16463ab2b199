"""Simple masking of a payload."""


def mask(payload, key):
    masked = b""
    for byte in payload:
        masked += bytes([byte ^ key])
    return masked
