"""Numbers in a line of input."""


def parse_numbers(text):
    return [int(word) for word in text.replace("\n", " ").split(" ") if word]
