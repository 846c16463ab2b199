"""Reads a model's answer strictly: one block with the whole function, or it is a bad answer.

The reply is text from outside. It is parsed, never run here, and nothing of it but the function,
its imports and private constants reaches a file; its words are reduced to plain short text.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from analysis.edits import AtomicEdit
from analysis.functions import function_named
from optimizer.proposers.splice import SpliceError, splice

MAX_ANSWER_CHARS = 60_000
MAX_CODE_CHARS = 20_000
_FENCE = re.compile(r"^(```|~~~)([^\n`]*)$", re.MULTILINE)
_LABEL = re.compile(r"^\**(CHANGE|WHY)\**\s*:\**[ \t]*(\S.*)$", re.MULTILINE)
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_NOTHING = re.compile(r"\**NOTHING\**\s*:\**[ \t]*([^\n]*)")
_CONSTANT = re.compile(r"_[A-Za-z][A-Za-z0-9_]*")
_TITLE_CHARS = 72
_WHY_CHARS = 300


class BadAnswer(ValueError):
    """The answer can't be used; the message says what is wrong with it."""


class Declined(Exception):
    """The model says that there is nothing to gain; the message is its reason in plain words."""


@dataclass(frozen=True)
class Answer:
    """A usable answer: the function at column 0, what it needs above it, and plain words.

    `imports` and `constants` are one whole statement each.
    """

    function: str
    imports: tuple[str, ...]
    constants: tuple[str, ...]
    title: str
    why: str


def parse_answer(reply: str, name: str) -> Answer:
    """The answer in a reply. Raises BadAnswer, and Declined for an answer without a rewrite."""
    words, code = code_block(reply, {"python", "py", "python3"}, "python")
    function, imports, constants = _parts(code, name)
    return Answer(function, imports, constants, *words_of(words))


def code_block(reply: str, marks: set[str], title: str) -> tuple[str, str]:
    """The words outside and the code inside of the one fenced block that carries one of `marks`.

    Raises BadAnswer, and Declined for an answer without a rewrite.
    """
    if len(reply) > MAX_ANSWER_CHARS:
        raise BadAnswer(f"the answer is longer than {MAX_ANSWER_CHARS} characters")
    reply = _THOUGHTS.sub("", reply)  # local servers leave them in front of the answer
    declined = _NOTHING.fullmatch(reply.strip())
    if declined:
        raise Declined(plain(declined[1], _WHY_CHARS) or "it gives no reason")
    text = reply.replace("\r\n", "\n")
    fences = list(_FENCE.finditer(text))
    if len(fences) != 2:
        raise BadAnswer(f"expected one ```{title} block, found {len(fences)} fence lines")
    opened, closed = fences
    if opened[2].strip().lower() not in marks or closed[2].strip():
        raise BadAnswer(f"the block is not marked as {title}")
    code = text[opened.end() + 1 : closed.start()]
    if len(code) > MAX_CODE_CHARS:
        raise BadAnswer(f"the code is longer than {MAX_CODE_CHARS} characters")
    if "\x00" in code:
        raise BadAnswer("the code holds a null character")
    return text[: opened.start()] + text[closed.end() :], code


def words_of(words: str) -> tuple[str, str]:
    """Title and reason from the lines CHANGE and WHY, as plain words."""
    labels: dict[str, str] = {}
    for label, value in _LABEL.findall(words):
        labels.setdefault(label, value)
    title = plain(labels.get("CHANGE", ""), _TITLE_CHARS) or "rewrite the function"
    return title[0].lower() + title[1:], plain(labels.get("WHY", ""), _WHY_CHARS)


def _parts(code: str, name: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The function's source, the imports and the constants above it."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadAnswer(f"the code does not parse: {error}") from error
    lines = code.split("\n")
    function: str | None = None
    imports: list[str] = []
    constants: list[str] = []
    end = 0
    for statement in tree.body:
        first = min(
            [statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))]
        )
        while first - 1 > end and lines[first - 2].startswith("#"):
            first -= 1  # what a constant means
        end = statement.end_lineno or first
        source = "\n".join(lines[first - 1 : statement.end_lineno])
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            if function is not None or statement.name != name:
                raise BadAnswer(f"it defines {statement.name!r}; only {name!r} was asked for")
            function = source
        elif _is_import(statement) and function is None:
            imports.append(source)
        elif _is_constant(statement) and function is None:
            constants.append(source)
        else:
            raise BadAnswer("the block holds more than imports, private constants and the function")
    if function is None:
        raise BadAnswer(f"the block does not define {name!r}")
    return function, tuple(imports), tuple(constants)


def _is_import(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return statement.level == 0 and statement.names[0].name != "*"
    return isinstance(statement, ast.Import)


def _is_constant(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return False
    return isinstance(target, ast.Name) and _CONSTANT.fullmatch(target.id) is not None


def plain(words: str, limit: int) -> str:
    """Words as they may be shown: one line of letters and plain signs, no markup, no addresses."""
    words = re.sub(r"\s+", " ", words)
    words = re.sub(r"\S*(://|www\.)\S*", "", words)
    words = re.sub(r"[^\w .,;:()'=+\-/%]", "", words).strip(" .;:")
    words = re.sub(r" +", " ", words)
    if len(words) > limit:
        words = words[:limit].rsplit(" ", 1)[0] + " ..."
    return words


def to_edit(text: str, path: str, qualname: str, answer: Answer, model: str) -> AtomicEdit:
    """The answer as an edit of `text`. Raises BadAnswer."""
    function = function_named(text, path, qualname)
    if function is None:
        raise BadAnswer("the function is no longer in the file")
    imports, constants = _missing(text, answer.imports), _missing(text, answer.constants)
    try:
        changes = splice(text, function, answer.function, imports, constants)
    except SpliceError as error:
        raise BadAnswer(str(error)) from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise BadAnswer(f"the code can't be put in place: {type(error).__name__}") from error
    description = answer.why or answer.title
    return AtomicEdit(answer.title, description, changes, "model", model)


def _missing(text: str, statements: tuple[str, ...]) -> tuple[str, ...]:
    """The statements that the file does not have at its top level already."""
    try:
        there = {ast.dump(s) for s in ast.parse(text).body}
    except (SyntaxError, ValueError, RecursionError):
        there = set()
    return tuple(s for s in statements if ast.dump(ast.parse(s).body[0]) not in there)
