"""A number in another base, with separators."""


def to_base(number, base, digits):
    if base == 2 and number > 0:
        plain = bin(number)[2:]
        if digits[:2] != "01":
            plain = plain.translate({48: digits[0], 49: digits[1]})
        head = len(plain) % 4
        groups = [plain[:head]] if head else []
        groups += [plain[i : i + 4] for i in range(head, len(plain), 4)]
        return "_".join(groups)
    pieces = []
    place = 0
    while number:
        number, digit = divmod(number, base)
        if place and place % 4 == 0:
            pieces.append("_")
        pieces.append(digits[digit])
        place += 1
    pieces.reverse()
    return "".join(pieces) or digits[0]
