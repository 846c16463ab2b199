"""Sessions from the log of a shop."""

import re


def sessions(lines):
    """(users in order of appearance, seconds and pages of each ended session, errors as text)."""
    users = []
    opened = []
    ended = []
    errors = ""
    number = 0
    for line in lines:
        number = number + 1
        match = re.match(r"^\s*(\d+)\s+(\w+)\s+(LOGIN|LOGOUT|PAGE|ERROR)\s*(.*?)\s*$", line)
        if match is None:
            errors = errors + "line " + str(number) + " is not understood\n"
            continue
        at = int(match.group(1))
        user = match.group(2)
        if user not in users:
            users.append(user)
        # The newest session of a user counts.
        current = None
        for session in opened:
            if session["user"] == user:
                current = session
        if match.group(3) == "LOGIN":
            opened.append({"user": user, "start": at, "pages": []})
        elif match.group(3) == "PAGE":
            if current is not None and match.group(4) not in current["pages"]:
                current["pages"].append(match.group(4))
        elif match.group(3) == "LOGOUT":
            if current is not None:
                remaining = []
                for session in opened:
                    if session is not current:
                        remaining.append(session)
                opened = remaining
                ended.append((user, at - current["start"], current["pages"]))
        else:
            errors = errors + user + ": " + match.group(4) + "\n"
    return users, ended, errors
