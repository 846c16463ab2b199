"""What is asked of the memory: by which texts, and what applies where the answer is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from index.record import Head

# Bounded: more digits than Python makes a number of are no version.
_REQUIREMENT = re.compile(
    r"([A-Za-z0-9_.+-]{1,100}?)[ \t]{0,9}(?:>=[ \t]{0,9}([0-9]{1,4}(?:\.[0-9]{1,4}){0,4}))?"
)
LANGUAGES_REQUIRED = ("python", "c", "c++", "javascript", "typescript")
"""Names of requirements that are languages; the others are modules."""


def parsed_requirement(text: str) -> tuple[str, tuple[int, ...]] | None:
    """Name and least version of "numpy" or "python>=3.10"; None for what can't be read."""
    match = _REQUIREMENT.fullmatch(text.strip())
    if match is None:
        return None
    return match[1], tuple(map(int, (match[2] or "0").split(".")))


@dataclass(frozen=True)
class Here:
    """Where an edit would be used. What is not known excludes nothing.

    `version` is the language's ("3.11.7"), `libraries` the top-level modules at hand, None where
    nobody looked, `losing` the rewrite rules that were never faster on this interpreter.
    """

    version: tuple[int, ...] = ()
    libraries: frozenset[str] | None = None
    losing: frozenset[str] = frozenset()

    def lacks(self, head: Head) -> str | None:
        """Why a record does not apply here, or None."""
        if head.rule and head.rule in self.losing:
            return f"the rule {head.rule} was not faster here"
        for requirement in head.requires:
            told = parsed_requirement(requirement)
            if told is None:
                continue  # of another version of hasten, or of a stranger: its proof will tell
            name, least = told
            if name in LANGUAGES_REQUIRED:
                if self.version and self.version < least:
                    return f"it needs {requirement}"
            elif self.libraries is not None and name not in self.libraries:
                return f"{name} is not at hand"
        return None


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is known of a slow function. Empty texts ask nothing.

    `facts` are its static facts, or any words of a person; `shape` its syntax and `code` its text,
    both only compared with those of records; `hint` a sentence on its bottleneck, `purpose` one on
    what the program does. Records of `program` (a provenance) are left out: they
    are the same code, not evidence. `workspace` is the key of the one whose user is asking.
    """

    facts: str = ""
    hint: str = ""
    purpose: str = ""
    shape: str = ""
    code: str = ""
    language: str = "python"
    program: str = ""
    workspace: str = ""
    here: Here = field(default_factory=Here)

    @property
    def asked(self) -> Mapping[str, str]:
        """The texts that are not empty, by name."""
        names = ("facts", "shape", "code", "hint", "purpose")
        texts = {name: str(getattr(self, name)) for name in names}
        return {name: text for name, text in texts.items() if text.strip()}
