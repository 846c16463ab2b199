"""A table of readings as text."""


def render_table(rows):
    table = {"text": "", "lines": 0}
    for name, values in rows:
        table["text"] += name.ljust(12)
        for value in values:
            table["text"] += "|" + str(value).rjust(6)
        table["text"] += "\n"
        table["lines"] += 1
    return table
