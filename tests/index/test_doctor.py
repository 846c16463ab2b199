"""What `hasten doctor` hears from the index."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from index import doctor
from index.embedding import WORDS, EndpointSpec, FactsEmbedder, choose
from index.retrieval import Index
from index.store import Memory
from tests.index.conftest import ask, make_record


def test_chroma_tells_version_and_vectors(memory: Memory, tmp_path: Path) -> None:
    folder = tmp_path / "chroma"
    assert doctor.chroma(folder).name == f"chromadb {doctor.CHROMADB}, not built yet"
    memory.add(make_record(1))
    with Index(memory, folder, FactsEmbedder(), corpus=None) as index:
        ask(index, "edit", 1)
    described = doctor.chroma(folder)
    assert described.ok
    assert described.mend == ""
    assert described.name.endswith("1 vectors")


@pytest.mark.parametrize("installed", [None, "2.0.0"])
def test_other_or_missing_chroma_has_a_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: str | None
) -> None:
    def version(name: str) -> str:
        if installed is None:
            raise metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(doctor.metadata, "version", version)
    described = doctor.chroma(tmp_path)
    assert not described.ok
    assert f"chromadb=={doctor.CHROMADB}" in described.mend


def test_pin_is_that_of_the_package() -> None:
    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text()
    assert f'"chromadb=={doctor.CHROMADB}"' in text


def test_the_choice_is_named_without_asking_an_endpoint(memory: Memory) -> None:
    choose(memory, EndpointSpec("openai/m", "http://127.0.0.1:9"))
    described = doctor.embedding(memory)
    assert described.ok
    assert described.name == "endpoint openai/m"
    choose(memory, WORDS)
    assert doctor.embedding(memory).name == "hashed words (chosen)"
