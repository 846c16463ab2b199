"""Calls of Lark's functions that its tests do not make."""

from attempts import attempt
from lark import Lark
from lark.visitors import CollapseAmbiguities

SUMS = """
start: expr
expr: expr "+" expr | expr "*" expr | NUMBER
%import common.NUMBER
%ignore " "
"""
SENTENCES = """
start: noun verb noun -> simple
     | noun verb "like" noun -> comparative
noun: adj? NOUN
verb: VERB
adj: ADJ
NOUN: "flies" | "bananas" | "fruit"
VERB: "like" | "flies"
ADJ: "fruit"
%import common.WS
%ignore WS
"""


def main():
    for grammar, texts in (
        (
            SUMS,
            ("1 + 2 * 3", "1 + 2 + 3 * 4", "1 * 2 + 3 * 4 + 5", "1+2+3+4+5+6", "1+2+3+4*5+6*7+8"),
        ),
        (SENTENCES, ("fruit flies like bananas",)),
    ):
        parser = Lark(grammar, parser="earley", ambiguity="explicit")
        for text in texts:
            tree = attempt(parser.parse, text)
            attempt(CollapseAmbiguities().transform, tree)


if __name__ == "__main__":
    main()
