"""Run-length encoding."""


def encode(text):
    runs = []
    while text:
        char = text[0]
        length = 1
        while length < len(text) and text[length] == char:
            length += 1
        runs.append((char, length))
        text = text[length:]
    return runs
