"""Messages that mention one of the given words."""

import re


def mentioning(messages, words):
    if not words:
        return []
    search = re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + r")\b").search
    return [number for number, message in enumerate(messages) if search(message)]
