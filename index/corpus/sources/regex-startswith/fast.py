"""Log lines by their level."""


def count_levels(lines):
    errors = warnings = 0
    for line in lines:
        if line.startswith("ERROR: "):
            errors += 1
        elif line.startswith("WARNING: "):
            warnings += 1
    return errors, warnings
