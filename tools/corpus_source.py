"""Source files of the shipped corpus: one optimization each, from slow to fast in atomic edits.

A source lies in ``index/corpus/sources/<language>/<slug>.txt`` and is cut by lines of the form
``=== word ===``:

- `about`: TOML. `program` says what the code does, `bottleneck` what in it is slow, `edit` what is
  changed: whole sentences in general terms, without the program's own names. `function` is the
  qualified name of what is timed (Python only), `sizes` three values of n, small to large.
  Optional: `requires` (what the fast side needs: "numpy", "python>=3.10"), `licence` and `notice`
  (of code that was not written for this corpus).
- `slow`: a whole file.
- `step` (one or more): two lines, ``title: ...`` and ``edit: ...``, an empty line, and the whole
  file after that edit. Each step does the same as `slow` and is faster than the one before it; the
  last one is the fast side. One idea is one step.
- `inputs`: Python: a function `inputs(n)` that yields three ``(args, kwargs)`` of size n, different
  ones and the same in every process. C and C++: `inputs(n)` yields three texts for standard input.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SOURCES = Path(__file__).resolve().parent.parent / "index" / "corpus" / "sources"
SUFFIXES = {"python": ".py", "c": ".c", "c++": ".cpp"}
PER_SIZE = 3
"""Inputs of each size."""

_MARK = re.compile(r"^=== (\w+) ===\n", re.MULTILINE)
_ABOUT = {"program", "bottleneck", "edit", "function", "sizes", "requires", "licence", "notice"}
_ALWAYS = {"program", "bottleneck", "edit", "sizes"}
_SIZES = 3


@dataclass(frozen=True)
class Step:
    """One atomic edit: its title, what is changed, and the whole file after it."""

    title: str
    edit: str
    code: str


@dataclass(frozen=True)
class Source:
    """One source file; see the module. `function` is empty for whole programs."""

    path: Path
    language: str
    program: str
    bottleneck: str
    edit: str
    function: str
    sizes: tuple[int, int, int]
    requires: tuple[str, ...]
    licence: str
    notice: str
    slow: str
    steps: tuple[Step, ...]
    inputs: str

    @property
    def slug(self) -> str:
        """The name of the source, unique in the corpus."""
        return self.path.stem

    @property
    def file_name(self) -> str:
        """What its code goes by where a file's name tells the language."""
        return f"{self.slug.replace('-', '_')}{SUFFIXES[self.language]}"

    @property
    def fast(self) -> str:
        """The file after all steps."""
        return self.steps[-1].code

    @property
    def digest(self) -> str:
        """Of all that a proof depends on: code, inputs, sizes."""
        total = hashlib.sha256()
        for part in (self.slow, *(s.code for s in self.steps), self.inputs, repr(self.sizes)):
            total.update(len(part).to_bytes(8, "little") + part.encode())
        return total.hexdigest()[:16]

    def texts(self) -> tuple[str, ...]:
        """The file before and after each step."""
        return (self.slow, *(step.code for step in self.steps))

    def made(self) -> list[Any]:
        """Its inputs, size by size. Runs its `inputs`: only for sources of this repository."""
        space: dict[str, Any] = {"__name__": "inputs"}
        exec(compile(self.inputs, str(self.path), "exec", dont_inherit=True), space)
        found = []
        for n in self.sizes:
            own = list(space["inputs"](n))
            if len(own) != PER_SIZE:
                raise ValueError(f"{self.path}: inputs({n}) yields {len(own)}, not {PER_SIZE}")
            found += own
        return found


def read_source(path: Path) -> Source:
    """Read one. Raises ValueError that names the file and what is wrong with it."""
    parts = _MARK.split(path.read_text("utf-8"))
    sections: dict[str, list[str]] = {}
    for word, text in zip(parts[1::2], parts[2::2], strict=True):
        sections.setdefault(word, []).append(text.strip("\n") + "\n")
    try:
        unknown = set(sections) - {"about", "slow", "step", "inputs"}
        if parts[0].strip() or unknown:
            raise ValueError(f"unknown parts {sorted(unknown) or 'before the first mark'}")
        [about], [slow], [inputs] = (sections[word] for word in ("about", "slow", "inputs"))
        steps = tuple(_step(text) for text in sections["step"])
        said = tomllib.loads(about)
        if set(said) - _ABOUT or _ALWAYS - set(said):
            raise ValueError(f"`about` has {sorted(said)}")
        small, middle, large = said["sizes"]
        if not small < middle < large:
            raise ValueError("sizes do not grow")
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return Source(
        path=path,
        language=path.parent.name,
        program=said["program"],
        bottleneck=said["bottleneck"],
        edit=said["edit"],
        function=said.get("function", ""),
        sizes=(small, middle, large),
        requires=tuple(said.get("requires", ())),
        licence=said.get("licence", "MIT"),
        notice=said.get("notice", ""),
        slow=slow,
        steps=steps,
        inputs=inputs,
    )


def _step(text: str) -> Step:
    match = re.match(r"title: (.+)\nedit: (.+)\n\n", text)
    if match is None:
        raise ValueError("a step begins with `title: ...`, `edit: ...` and an empty line")
    return Step(match[1].strip(), match[2].strip(), text[match.end() :].strip("\n") + "\n")


def all_sources(root: Path = SOURCES) -> Iterator[Source]:
    """Every source, by language and slug. Raises ValueError for a malformed one."""
    for language in SUFFIXES:
        for path in sorted((root / language).glob("*.txt")):
            yield read_source(path)
