"""The web server's access log."""

import re


def parse(lines):
    """Turn log lines into dicts; lines of another shape are skipped."""
    hits = []
    for line in lines:
        match = re.match(r'(\S+) - (\S+) \[([^:]+):(\d\d):\d\d:\d\d [^]]+\] "(\w+) (\S+)', line)
        if not match:
            continue
        email = match.group(2)
        hits.append(
            {
                "ip": match.group(1),
                "email": None if email == "-" else email,
                "hour": int(match.group(4)),
                "path": match.group(6),
            }
        )
    return hits


def hits_per_hour(hits):
    """Count hits by hour of the day."""
    hours = {}
    for hit in hits:
        hours[hit["hour"]] = hours.get(hit["hour"], 0) + 1
    return hours
