"""What this room has to say in `hasten doctor`; imports and opens nothing heavy."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from hasten.paths import data_dir
from index.embedding import (
    WORDS,
    Described,
    EndpointSpec,
    FactsEmbedder,
    choice_of,
    describe,
)
from index.manifest import read_manifest
from index.store import Memory

CHROMADB = "1.5.9"
"""The version whose behaviour was measured; the package's metadata pins the same one."""


def embedding(memory: Memory | None = None) -> Described:
    """Which embedder is in use, and what would be better. `memory` holds the user's choice."""
    choice = choice_of(memory) if memory is not None else ""
    if choice == WORDS:
        return Described(f"{FactsEmbedder.name} (chosen)", True, "")
    return describe(choice if isinstance(choice, EndpointSpec) else None)


def chroma(folder: Path | None = None) -> Described:
    """The version of Chroma, and what its folder (default: the user's) says it holds."""
    try:
        version = metadata.version("chromadb")
    except metadata.PackageNotFoundError:
        mend = f"pip install chromadb=={CHROMADB}; until then searches are exact and slower"
        return Described("chromadb is missing", False, mend)
    manifest = read_manifest(folder or data_dir() / "chroma")
    holds = "not built yet" if manifest is None else f"{sum(manifest.counts.values())} vectors"
    if version != CHROMADB:
        mend = f"pip install chromadb=={CHROMADB}: other versions were not tested"
        return Described(f"chromadb {version}, {holds}", False, mend)
    return Described(f"chromadb {version}, {holds}", True, "")
