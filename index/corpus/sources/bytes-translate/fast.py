"""Simple masking of a payload."""


def mask(payload, key):
    return payload.translate(bytes(byte ^ key for byte in range(256)))
