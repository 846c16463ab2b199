"""Functions of C and C++ that can be called from outside: which, and the code that calls them.

Supported arguments: integers, floats and bool; pointers to these; `const char *` as text; in C++
also `std::vector` of these and `std::string`, by value or reference. Results: none, a number, and
in C++ a vector, a string or a pair of numbers. Everything else is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from analysis.languages.native.functions import find, functions_in
from benchmark_runner.errors import WorkloadError
from benchmark_runner.workload import Language

Shape = Literal["scalar", "pointer", "text", "vector", "string"]

SCALARS: dict[str, str] = {
    "bool": "?", "_Bool": "?", "char": "b", "signed char": "b", "unsigned char": "B",
    "short": "h", "unsigned short": "H", "int": "i", "unsigned int": "I", "unsigned": "I",
    "long": "q", "unsigned long": "Q", "long long": "q", "unsigned long long": "Q",
    "int8_t": "b", "uint8_t": "B", "int16_t": "h", "uint16_t": "H", "int32_t": "i",
    "uint32_t": "I", "int64_t": "q", "uint64_t": "Q", "size_t": "Q", "ssize_t": "q",
    "ptrdiff_t": "q", "intptr_t": "q", "uintptr_t": "Q", "float": "f", "double": "d",
}  # fmt: skip
"""Type names and the letters that `struct` has for them (64-bit Linux)."""
_SYNONYMS = {
    "signed": "int", "signed int": "int", "short int": "short", "long int": "long",
    "long long int": "long long", "unsigned short int": "unsigned short",
    "unsigned long int": "unsigned long", "unsigned long long int": "unsigned long long",
    "long unsigned int": "unsigned long", "long unsigned": "unsigned long",
}  # fmt: skip
_ALIAS = re.compile(
    r"^\s*(?:typedef\s+([\w\s]+?)\s+(\w+)\s*;|using\s+(\w+)\s*=\s*([\w\s:]+?)\s*;"
    r"|#\s*define\s+(\w+)\s+([a-z][\w ]*?)\s*$)",
    re.MULTILINE,
)
_VECTOR = re.compile(r"(?:std::)?vector<(.+)>")


@dataclass(frozen=True)
class Parameter:
    """One argument: its type as written, its shape, the letter of its items, whether it may be
    changed by the call."""

    text: str
    shape: Shape
    code: str
    changes: bool


@dataclass(frozen=True)
class Signature:
    """A function and its arguments. `called` is its name with the scope, without types."""

    function: str
    called: str
    parameters: tuple[Parameter, ...]
    returns: str
    language: Language

    @property
    def changes(self) -> bool:
        """Whether a call may change its arguments."""
        return any(parameter.changes for parameter in self.parameters)

    def lengths(self) -> dict[int, tuple[int, ...]]:
        """Integers that tell how long arrays are: place, and places of the arrays.

        The first integer behind one or several pointers; where none is behind, the one before.
        """
        found: dict[int, tuple[int, ...]] = {}
        waiting: list[int] = []
        for place, parameter in enumerate(self.parameters):
            if parameter.shape == "pointer":
                waiting.append(place)
            elif parameter.shape == "scalar" and parameter.code in "hHiIqQ" and waiting:
                found[place] = tuple(waiting)
                waiting = []
        if waiting:
            before = [
                place
                for place, parameter in enumerate(self.parameters[: waiting[0]])
                if parameter.shape == "scalar" and parameter.code in "hHiIqQ"
            ]
            if before and before[-1] not in found:
                found[before[-1]] = tuple(waiting)
            elif found:
                last = max(found)
                found[last] = (*found[last], *waiting)
        return found


def signature_of(text: str, path: Path, function: str, language: Language) -> Signature:
    """The signature of a function of a file. Raises WorkloadError: function-missing, or
    signature-unsupported with the type that is."""
    known = functions_in(text, str(path))
    found = find(known, function)
    if found is None:
        names = ", ".join(sorted(f.qualname for f in known)[:12]) or "none"
        raise WorkloadError(
            f"{path.name} has no function {function}; it has: {names}",
            code="function-missing",
            mend='name it with its argument types: --function "sum_of(const double *, size_t)"',
        )
    head = text[found.def_start : found.end]
    if found.kind == "method" or text[found.start : found.def_start].lstrip().startswith(
        "template"
    ):
        raise _unsupported(found.qualname, "a method or a template")
    called, _, rest = found.qualname.partition("(")
    aliases = _aliases(text)
    types = [t for t in _split(rest.rpartition(")")[0]) if t and t != "void"]
    parameters = tuple(_parameter(t, aliases, found.qualname, language) for t in types)
    name = re.escape(found.name)
    shown = re.search(rf"^(.*?)\b(?:\w+::)*{name}\s*\(", head, re.DOTALL)
    returns = _resolved(_plain(shown.group(1)) if shown else "", aliases)
    _check_result(returns, found.qualname, language)
    return Signature(found.qualname, called, parameters, returns, language)


def _unsupported(function: str, what: str) -> WorkloadError:
    return WorkloadError(
        f"{function} can't be called from outside: {what}",
        code="signature-unsupported",
        mend="numbers, pointers to numbers with a length, text, std::vector of numbers and "
        "std::string can; else prove a whole program: --cases",
    )


def _split(text: str) -> list[str]:
    """Types between commas; those inside of < > belong together."""
    parts, depth, last = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "<(") - (letter in ">)")
        if letter == "," and depth == 0:
            parts.append(text[last:at].strip())
            last = at + 1
    return [*parts, text[last:].strip()]


def _aliases(text: str) -> dict[str, str]:
    """Simple names for types that the file gives."""
    found = {}
    for old, new, using, meant, macro, value in _ALIAS.findall(text):
        name, type_ = (new, old) if new else (using, meant) if using else (macro, value)
        found[name] = " ".join(type_.split())
    return found


_SPECIFIERS = re.compile(
    r"\b(static|inline|extern|constexpr|register|noexcept|__inline__|__inline|__restrict__"
    r"|__restrict|restrict|volatile)\b|\[\[.*?\]\]|__attribute__\s*\(\(.*?\)\)"
)


def _plain(text: str) -> str:
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    return " ".join(_SPECIFIERS.sub(" ", text).split())


def _resolved(text: str, aliases: dict[str, str]) -> str:
    """A type's name without scopes and const, as far as the file's own names tell."""
    words = re.sub(r"\bconst\b|\bstd::", " ", text).split()
    for _ in range(4):
        replaced = " ".join(aliases.get(word, word) for word in words).split()
        if replaced == words:
            break
        words = replaced
    name = " ".join(words)
    return _SYNONYMS.get(name, name)


def _parameter(text: str, aliases: dict[str, str], function: str, language: Language) -> Parameter:
    plain = _plain(text).replace("[]", "*")
    constant = re.search(r"\bconst\b", plain) is not None
    bare = _resolved(plain.rstrip("&* "), aliases)
    marks = re.findall(r"[*&]", re.sub(r"<.*>", "", plain))
    vector = _VECTOR.fullmatch(bare.replace(" <", "<").replace("< ", "<").replace(" >", ">"))
    if language == "c++" and vector is not None and "*" not in marks and len(marks) < 2:
        code = SCALARS.get(_resolved(vector.group(1), aliases))
        if code and code != "?":
            return Parameter(text, "vector", code, marks == ["&"] and not constant)
    if language == "c++" and bare == "string" and "*" not in marks and len(marks) < 2:
        return Parameter(text, "string", "b", marks == ["&"] and not constant)
    scalar = SCALARS.get(bare)
    if scalar is None or len(marks) > 1:
        raise _unsupported(function, f"an argument of type {text}")
    if not marks:
        return Parameter(text, "scalar", scalar, False)
    if marks == ["&"]:
        if language == "c" or not constant:
            raise _unsupported(function, f"an argument of type {text}")
        return Parameter(text, "scalar", scalar, False)
    if bare == "char" and constant:
        return Parameter(text, "text", "b", False)
    return Parameter(text, "pointer", scalar, not constant)


def _check_result(returns: str, function: str, language: Language) -> None:
    if returns == "void" or returns in SCALARS:
        return
    inner = re.fullmatch(r"(?:vector|pair)<(.+)>", returns)
    if language == "c++" and (returns == "string" or inner):
        return
    if language == "c++" and returns == "auto":
        return
    raise _unsupported(function, f"a result of type {returns or 'that is not seen'}")


# -- the code that calls it


def shim(name: str) -> str:
    """One of our files in C."""
    return (files("benchmark_runner.native") / "shim" / name).read_text("utf-8")


def bridge(signature: Signature) -> str:
    """What is appended to the file under test: the function's arguments from plain bytes."""
    own = _bridge_c(signature) if signature.language == "c" else _bridge_cpp(signature)
    header = shim("bridge.h" if signature.language == "c" else "bridge.hpp")
    return f"\n#undef main\n{header}\n{own}\n"


def _bridge_c(signature: Signature) -> str:
    fields, make, show, passed = [], [], [], []
    for place, one in enumerate(signature.parameters):
        item = one.text.replace("[]", "*").rstrip().rstrip("*").strip()
        item = re.sub(r"\bconst\b|\brestrict\b", "", item).strip()
        if one.shape == "scalar":
            fields.append(f"{item} a{place};")
            make.append(f"HASTEN_TAKE({item}, made->a{place});")
            passed.append(f"made->a{place}")
            continue
        fields.append(f"{item} *a{place}; size_t n{place};")
        make.append(
            f"data = hasten_array(data, sizeof({item}), (void **)&made->a{place}, &made->n{place});"
        )
        passed.append(f"made->a{place}")
        show.append(f'hasten_label("argument", {place});')
        each = f"for (size_t at = 0; at < made->n{place}; at++) HASTEN_SHOW(made->a{place}[at]);"
        text = f"hasten_bytes((const char *)made->a{place}, made->n{place});"
        show.append(text if one.shape == "text" else each)
    call = f"{signature.called}({', '.join(passed)})"
    result = signature.returns != "void"
    dummies = ", ".join(f"({one.text.replace('[]', '*')})0" for one in signature.parameters)
    if result:
        fields.append(f"__typeof__({signature.called}({dummies})) result;")
        show.insert(0, 'hasten_label("result", -1); HASTEN_SHOW(made->result);')
    return (
        f"struct hasten_arguments {{ {' '.join(fields) or 'char none;'} }};\n"
        "void *hasten_make(const unsigned char *data) {\n"
        "  struct hasten_arguments *made = calloc(1, sizeof *made);\n"
        f"  {' '.join(make)}\n  (void)data; return made;\n}}\n"
        "void hasten_call(void *arguments) {\n"
        "  struct hasten_arguments *made = arguments; (void)made;\n"
        f"  {'made->result = ' if result else ''}{call};\n}}\n"
        "void hasten_show(void *arguments) {\n"
        "  struct hasten_arguments *made = arguments; (void)made;\n"
        f"  {' '.join(show)}\n}}\n"
    )


def _bridge_cpp(signature: Signature) -> str:
    types = [one.text.replace("[]", "*") for one in signature.parameters]
    fields = [f"hasten_bridge::Slot<{type_}> a{place};" for place, type_ in enumerate(types)]
    make = [f"made->a{place}.make(data);" for place in range(len(types))]
    passed = ", ".join(f"made->a{place}.pass()" for place in range(len(types)))
    declared = ", ".join(f"std::declval<{_declared(type_)}>()" for type_ in types)
    show = [
        f'hasten_label("argument", {place}); made->a{place}.tell();'
        for place, one in enumerate(signature.parameters)
        if one.shape != "scalar"
    ]
    result = signature.returns != "void"
    if result:
        kind = f"decltype(::{signature.called}({declared}))"
        fields.append(f"typename std::decay<{kind}>::type result;")
        show.insert(0, 'hasten_label("result", -1); hasten_bridge::show(made->result);')
    fields_text = " ".join(fields).replace("typename std::decay", "std::decay")
    return (
        f"struct hasten_arguments {{ {fields_text} }};\n"
        'extern "C" void *hasten_make(const unsigned char *data) {\n'
        "  hasten_arguments *made = new hasten_arguments();\n"
        f"  {' '.join(make)}\n  (void)data; return made;\n}}\n"
        'extern "C" void hasten_call(void *arguments) {\n'
        "  hasten_arguments *made = static_cast<hasten_arguments *>(arguments); (void)made;\n"
        f"  {'made->result = ' if result else ''}::{signature.called}({passed});\n}}\n"
        'extern "C" void hasten_show(void *arguments) {\n'
        "  hasten_arguments *made = static_cast<hasten_arguments *>(arguments); (void)made;\n"
        f"  {' '.join(show)}\n}}\n"
    )


def _declared(type_: str) -> str:
    """A type as the slot passes it: vectors and strings as lvalues."""
    plain = type_.replace("const ", "").strip()
    by_value = "&" not in type_ and ("vector" in plain or "string" in plain)
    return f"{type_} &" if by_value else type_
