"""Plain text for the morning mail."""


def table(title, rows):
    """A two-column table. At most a few dozen rows ever come here."""
    text = title + "\n" + "-" * len(title) + "\n"
    for left, right in rows:
        text += "%-14s %s\n" % (left, right)
    return text


def labels(rows):
    """One address label for each order. Looks quadratic; CPython appends in place."""
    text = ""
    for number, name, country, _ in rows:
        text += "#%05d %s (%s)\n" % (number, name, country)
    return text
