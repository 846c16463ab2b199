"""Run-length encoding."""


def encode(text):
    runs = []
    start = 0
    size = len(text)
    while start < size:
        char = text[start]
        end = start + 1
        while end < size and text[end] == char:
            end += 1
        runs.append((char, end - start))
        start = end
    return runs
