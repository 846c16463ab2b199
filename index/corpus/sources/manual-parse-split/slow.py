"""Numbers in a line of input."""


def parse_numbers(text):
    numbers = []
    current = ""
    for char in text:
        if char == " " or char == "\n":
            if current != "":
                numbers.append(int(current))
            current = ""
        else:
            current += char
    if current != "":
        numbers.append(int(current))
    return numbers
