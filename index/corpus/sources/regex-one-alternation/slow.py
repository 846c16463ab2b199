"""Messages that mention one of the given words."""

import re


def mentioning(messages, words):
    found = []
    for number, message in enumerate(messages):
        for word in words:
            if re.search(r"\b" + re.escape(word) + r"\b", message):
                found.append(number)
                break
    return found
