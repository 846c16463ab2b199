"""Values of key=value fields."""

import re


def field_values(lines, names):
    values = []
    for line in lines:
        for name in names:
            match = re.search(f"(?:^|;){name}=([^;]*)", line)
            values.append(match.group(1) if match else None)
    return values
