"""A number in another base, with separators."""


def to_base(number, base, digits):
    text = ""
    place = 0
    while number:
        number, digit = divmod(number, base)
        if place and place % 4 == 0:
            text = "_" + text
        text = digits[digit] + text
        place += 1
    return text or digits[0]
