"""Strings of C++: what is copied to be joined, cut out or compared."""

from __future__ import annotations

import re

from ast_grep_py import SgNode

from analysis.languages.native.rules.calls import (
    arguments,
    called,
    initial,
    is_integer,
    method,
    name_of,
    operands,
    outermost_loop,
    own,
    sight,
)
from analysis.languages.native.rules.scope import NativeScope
from analysis.rules.base import NoRewriteError, Proposal, Rewrite, rule
from analysis.text import TextChange

_CPP = ("c++",)
_ONE_CHAR = re.compile(r'"([^"\\]|\\[nrt0\\"])"')
_MAKERS = ("to_string", "string", "string_view")


def _is_string(scope: NativeScope, node: SgNode) -> bool:
    """Whether an expression is a std::string, as far as it tells."""
    if node.kind() == "identifier":
        return scope.type_of(node) == "string"
    found = method(node)
    return called(node) in _MAKERS or (found is not None and found[1] in ("substr", "str"))


def _as_char(literal: str) -> str:
    """A text of one character as a character: "x" gives 'x'. Raises NoRewriteError for others."""
    match = _ONE_CHAR.fullmatch(literal)
    if match is None:
        raise NoRewriteError("not one character")
    inner = match[1]
    return "'" + {"'": "\\'", '\\"': '"'}.get(inner, inner) + "'"


@rule(
    "append-in-place",
    title="append to the string in place",
    description="A string is copied with each piece that is joined to it. Appending in place copies"
    " only the piece.",
    patterns=[{"kind": "assignment_expression"}],
    gain=3,
    languages=_CPP,
    words=("string", "+", "for|while"),
)
def append_in_place(scope: NativeScope, node: SgNode) -> Proposal:
    """Append with `+=`.

    Why it is slow: `text = text + piece` makes a new string and copies all of the text into it:
    n pieces take time that grows with the square of the length.

    Example:
        text = text + word + ' ';              text += word;
                                               text += ' ';

    When not to: never for strings of the standard library.
    """
    left, right, sign = node.field("left"), node.field("right"), node.field("operator")
    if left is None or right is None or sign is None or sign.text() != "=":
        return None
    name = name_of(left)
    statement = node.parent()
    if scope.type_of(left) != "string" or not scope.loops(node) or statement is None:
        return None
    first, *pieces = operands(right, "+")
    if first.text() != name or not pieces or statement.kind() != "expression_statement":
        return None
    if len(pieces) > 1 and any(scope.uses(name, piece) for piece in pieces):
        return None
    if len(pieces) == 1:
        return Rewrite((scope.replace(node, f"{name} += {scope.text(pieces[0])}"),))
    return Rewrite((_each(scope, statement, name, pieces),))


def _each(scope: NativeScope, statement: SgNode, name: str, pieces: list[SgNode]) -> TextChange:
    """The statement as one that appends for each piece."""
    code = "\n".join(f"{name} += {scope.text(piece)};" for piece in pieces)
    up = statement.parent()
    if up is not None and up.kind() == "compound_statement":
        return scope.replace_statement(statement, code)
    return scope.replace(statement, "{ " + code.replace("\n", " ") + " }")


@rule(
    "append-parts",
    title="append the parts one after another",
    description="Strings are joined to a temporary one that is then appended. Appending each part"
    " by itself needs no temporary.",
    patterns=["$S += $A + $B"],
    gain=1,
    languages=_CPP,
    words=("string", "+=", "for|while"),
)
def append_parts(scope: NativeScope, node: SgNode) -> Proposal:
    """Append each part of a sum of strings.

    Why it is slow: `out += key + "="` allocates a string for `key + "="`, copies both into it and
    copies it once more.

    Example:
        out += key + "=" + value;              out += key;
                                               out += "=";
                                               out += value;

    When not to: the parts are so short that the temporary needs no allocation, and few.
    """
    left, right, statement = node.field("left"), node.field("right"), node.parent()
    if left is None or right is None or statement is None:
        return None
    name = name_of(left)
    pieces = operands(right, "+")
    if scope.type_of(left) != "string" or statement.kind() != "expression_statement":
        return None
    if not any(_is_string(scope, piece) for piece in pieces[:2]) or not scope.loops(node):
        return None
    if any(scope.uses(name, piece) for piece in pieces):
        return None
    return Rewrite((_each(scope, statement, name, pieces),))


@rule(
    "prepend-reverse",
    title="append characters and reverse once",
    description="Putting a character in front of a string copies all of the string. Appending and"
    " reversing once after the loop gives the same.",
    patterns=["$S = $C + $S"],
    gain=3,
    languages=_CPP,
    words=("string", "+", "for|while"),
)
def prepend_reverse(scope: NativeScope, node: SgNode) -> Proposal:
    """Build a string that grows at its front from behind.

    Why it is slow: `digits = c + digits` makes a new string each time: n characters take time that
    grows with the square of n.

    Example:
        std::string digits;                          std::string digits;
        while (n > 0) {                              while (n > 0) {
            digits = char('0' + n % 2) + digits;         digits += char('0' + n % 2);
            n /= 2;                                      n /= 2;
        }                                            }
                                                     std::reverse(digits.begin(), digits.end());

    When not to: the string is read inside of the loop, or is not empty before it (then it is left
    alone).
    """
    made = own(scope, node["S"], "string")
    loop, name = outermost_loop(scope, node, made), made.name.text()
    piece = node["C"]
    while piece.kind() == "parenthesized_expression":
        piece = piece.named_children()[0]
    if not _is_char(scope, piece) or loop.find(kind="return_statement") is not None:
        return None
    seen = [u for u in sight(scope, made) if u != made.name and scope.start(u) < scope.end(loop)]
    if initial(scope, made) not in ([], ['""']) or len(seen) != 2:
        return None
    return Rewrite(
        (
            scope.replace(node, f"{name} += {scope.text(piece)}"),
            scope.insert_after(loop, f"std::reverse({name}.begin(), {name}.end());"),
            *scope.add_include("algorithm"),
        )
    )


def _is_char(scope: NativeScope, node: SgNode) -> bool:
    """Whether an expression is one character, or a text of one digit."""
    kind = node.kind()
    if kind == "subscript_expression":
        target = node.field("argument")
        return target is not None and scope.type_of(target) in ("string", "char*", "char[]")
    if kind == "call_expression":
        text = scope.text(node)
        digit = re.search(r"%\s*(\d+)\s*\)$", text)
        if called(node) == "to_string":
            return digit is not None and int(digit[1]) <= 10
        return text.startswith(("char(", "static_cast<char>("))
    if kind == "cast_expression":
        return scope.text(node).startswith("(char)")
    return bool(kind == "char_literal" or scope.type_of(node) == "char")


@rule(
    "substr-char",
    title="compare the character itself",
    description="A string of one character is made to be compared with another one. The character"
    " can be compared where it stands.",
    patterns=["$S.substr($I, 1) == $T", "$S.substr($I, 1) != $T"],
    gain=2,
    languages=_CPP,
    words=("substr",),
)
def substr_char(scope: NativeScope, node: SgNode) -> Proposal:
    """Compare characters instead of strings of one character.

    Why it is slow: `substr` makes a new string, and comparing it is a call.

    Example:
        if (text.substr(i, 1) == "a")             if (text[i] == 'a')

    When not to: the place may lie behind the end of the string, where `substr` gives an empty one.
    """
    sign, other = node.field("operator"), node["T"]
    found = method(other)
    if other.kind() == "string_literal":
        right = _as_char(scope.text(other))
    elif found is not None and found[1] == "substr":
        place = [scope.text(a) for a in arguments(other)]
        if len(place) != 2 or place[1] != "1":
            return None
        right = f"{scope.text(found[0])}[{place[0]}]"
    else:
        return None
    assert sign is not None
    left = f"{scope.text(node['S'])}[{scope.text(node['I'])}]"
    return Rewrite((scope.replace(node, f"{left} {sign.text()} {right}"),))


@rule(
    "substr-compare",
    title="compare in place instead of cutting out",
    description="A piece of a string is copied out only to be compared. The comparison can be made"
    " where the piece stands.",
    patterns=["$S.substr($$$A) == $T", "$S.substr($$$A) != $T"],
    gain=2,
    languages=_CPP,
    words=("substr",),
)
def substr_compare(scope: NativeScope, node: SgNode) -> Proposal:
    """Compare with `compare`.

    Why it is slow: `substr` copies the piece into a new string, with an allocation where it is
    longer than some 15 characters.

    Example:
        if (text.substr(i, word.size()) == word)   if (text.compare(i, word.size(), word) == 0)

    When not to: hardly ever.
    """
    sign, left, other = node.field("operator"), node.field("left"), node["T"]
    if sign is None or left is None:
        return None
    place = [scope.text(a) for a in arguments(left)]
    if not place or place[1:] == ["1"]:
        return None
    if len(place) == 1:
        place.append("std::string::npos")
    found = method(other)
    if found is not None and found[1] == "substr":
        inner = [scope.text(a) for a in arguments(other)]
        if len(inner) == 1:
            inner.append("std::string::npos")
        against = ", ".join([scope.text(found[0]), *inner])
    else:
        against = scope.text(other)
    call = f"{scope.text(node['S'])}.compare({', '.join(place)}, {against})"
    return Rewrite((scope.replace(node, f"{call} {sign.text()} 0"),))


@rule(
    "text-to-char",
    title="pass one character as a character",
    description="A text of one character is measured and copied as a text. As a character it is"
    " just stored or compared.",
    patterns=["$S += $T", "$S.find($T)", "$S.append($T)", "$S.find($T, $I)", "$S.rfind($T)"],
    gain=1,
    languages=_CPP,
    words=("string", '"', "+=|find|append", "for|while"),
)
def text_to_char(scope: NativeScope, node: SgNode) -> Proposal:
    """Hand over a character instead of a text of one character.

    Why it is slow: a text is passed by address and length: searching for it compares the rest of it
    at each first character that fits, and appending it copies by a call.

    Example:
        line += ",";                           line += ',';
        text.find("x");                        text.find('x');

    When not to: never where the text has one character.
    """
    text = node["T"]
    if text.kind() != "string_literal" or scope.type_of(node["S"]) != "string":
        return None
    char = _as_char(scope.text(text))
    if not scope.loops(node):
        return None
    found = method(node)
    if found is not None and found[1] == "append":
        return Rewrite((scope.replace(node, f"{scope.text(node['S'])} += {char}"),))
    return Rewrite((scope.replace(text, char),))


@rule(
    "stream-to-string",
    title="write a number as text without a stream",
    description="A text stream is made only to write one whole number as text. The library has a"
    " function for that.",
    patterns=["$S.str()"],
    gain=2,
    languages=_CPP,
    words=("stringstream", "<<", "str"),
)
def stream_to_string(scope: NativeScope, node: SgNode) -> Proposal:
    """Use `std::to_string` for whole numbers.

    Why it is slow: making a stream sets up a locale and a buffer: about a microsecond before the
    first digit is written.

    Example:
        std::ostringstream out;                std::string text = std::to_string(n);
        out << n;
        std::string text = out.str();

    When not to: the number has decimals, or is written with a width or in another base.
    """
    made = own(scope, node["S"], "stringstream", "ostringstream")
    uses = [u for u in sight(scope, made) if u != made.name]
    if len(uses) != 2 or initial(scope, made):
        return None
    written = uses[0].parent()
    if written is None or written.kind() != "binary_expression":
        return None
    sign, value, statement = written.field("operator"), written.field("right"), written.parent()
    if sign is None or sign.text() != "<<" or value is None or statement is None:
        return None
    kind = scope.type_of(value)
    if not is_integer(kind) or kind in ("char", "unsigned char", "int8_t", "uint8_t"):
        return None
    return Rewrite(
        (
            scope.remove(made.node),
            scope.remove(statement),
            scope.replace(node, f"std::to_string({scope.text(value)})"),
            *scope.add_include("string"),
        )
    )


RULES = (
    append_in_place,
    append_parts,
    prepend_reverse,
    substr_char,
    substr_compare,
    text_to_char,
    stream_to_string,
)
