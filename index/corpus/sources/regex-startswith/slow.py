"""Log lines by their level."""

import re


def count_levels(lines):
    errors = warnings = 0
    for line in lines:
        if re.match(r"ERROR: ", line):
            errors += 1
        elif re.match(r"WARNING: ", line):
            warnings += 1
    return errors, warnings
