"""Calls of Pygments's functions that its tests do not make."""

import random

from pygments.filters import VisibleWhitespaceFilter
from pygments.lexers import get_lexer_by_name

CODE = {
    "python": "def area(width, height):\n\tif width < 0:\n\t\treturn None  # no area\n"
    "\treturn width * height\n\n\nprint('area:', area(3,  4))\n",
    "c": "#include <stdio.h>\n\nint main(void) {\n\tint i;\n\tfor (i = 0; i < 10; i++)\n"
    '\t\tprintf("%d\\t%d\\n", i, i * i);\n\treturn 0;\n}\n',
    "make": "all: build  test\n\nbuild:\n\tcc -o main main.c\n\ntest: build\n\t./main  --check\n",
    "html": '<ul>\n\t<li class="first">one two</li>\n\t<li>three\tfour</li>\n</ul>\n',
}


def attempt(function, *arguments):
    try:
        return list(function(*arguments))
    except Exception as error:
        print(f"{function.__qualname__}: {type(error).__name__}: {error}")
        return None


def main():
    rng = random.Random(2)
    for options in (
        {"spaces": True, "tabs": True, "newlines": True},
        {"spaces": True, "tabs": True, "tabsize": 4, "wstokentype": False},
        {"spaces": "_", "newlines": True},
    ):
        filtering = VisibleWhitespaceFilter(**options)
        for language, text in CODE.items():
            lexer = get_lexer_by_name(language)
            stream = list(lexer.get_tokens(text * rng.choice((1, 5, 20, 40))))
            attempt(filtering.filter, lexer, stream)


if __name__ == "__main__":
    main()
