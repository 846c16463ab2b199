"""What is asked of the memory: by which texts, and what applies where the answer is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from index.record import Head

_REQUIREMENT = re.compile(r"([A-Za-z0-9_.+-]+?)\s*(?:>=\s*(\d+(?:\.\d+)*))?")
_LANGUAGES = ("python", "c", "c++", "javascript", "typescript")


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
            match = _REQUIREMENT.fullmatch(requirement.strip())
            if match is None:
                continue  # of another version of hasten, or of a stranger: its proof will tell
            name, least = match[1], match[2]
            if name in _LANGUAGES:
                wanted = tuple(map(int, (least or "0").split(".")))
                if self.version and self.version < wanted:
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
