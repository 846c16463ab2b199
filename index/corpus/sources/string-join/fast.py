"""A table of readings as text."""


def render_table(rows):
    pieces = []
    lines = 0
    for name, values in rows:
        pieces.append(name.ljust(12))
        for value in values:
            pieces.append("|" + str(value).rjust(6))
        pieces.append("\n")
        lines += 1
    return {"text": "".join(pieces), "lines": lines}
