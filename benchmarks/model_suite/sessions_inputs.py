"""Logs of several lengths with users who log in twice, never, or not out."""

import random


def inputs():
    fixed = random.Random(7)
    yield ([],), {}
    yield (["1 ann LOGIN", "2 ann PAGE /a", "3 ann LOGIN", "4 ann PAGE /b", "5 ann LOGOUT",
            "6 ann PAGE /c", "7 ann LOGOUT", "8 ann LOGOUT", "junk", "9 bob PAGE /x"],), {}
    for size, names in ((150, 30), (300, 60), (500, 120), (700, 200)):
        lines = []
        for second in range(size):
            user = f"u{fixed.randrange(names)}"
            kind = fixed.choices(["LOGIN", "PAGE", "LOGOUT", "ERROR", "?"], [4, 9, 2, 1, 1])[0]
            lines.append(f"{second} {user} {kind} /shelf/{fixed.randrange(40)}")
        yield (lines,), {}
