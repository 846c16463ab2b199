"""The memory at 1,000, 10,000 and 78,000 records: open, query, build, memory and disk.

    python -m benchmarks.memory [--records 1000 10000 78000] [--keep FOLDER]

Records are made up: functions of a few dozen lines put together from common ones, words drawn by
their rank. Peers of the same run: exact search with numpy over the same vectors, and tantivy over
the same texts (skipped where it is not installed). A query is what `optimize` asks: static facts,
shape and code, by words and by vectors, fused. What the query's embedding takes is shown beside.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from index import foreign
from index.chroma import Chroma
from index.corpus.load import SHIPPED
from index.embedding import FactsEmbedder
from index.jsonl import read
from index.query import Query
from index.record import Record, record_id
from index.retrieval import Index
from index.store import Memory
from index.vectors import Vectors

_QUERIES = 200
_OPENINGS = 5
_K = 8


def made(count: int, seed: int = 1) -> Iterator[Record]:
    """Records whose code and words are cut from the shipped ones and mixed."""
    rng = random.Random(seed)
    shipped = [record for path in SHIPPED for record in read(path) if record.language == "python"]
    bodies = [
        line
        for record in shipped
        for line in record.slow.splitlines()
        if line.startswith("    ") and not line.lstrip().startswith(('"', "#"))
    ]
    words = [word for r in shipped for word in f"{r.bottleneck} {r.edit}".split()]
    for number in range(count):
        lines = rng.sample(bodies, rng.randrange(6, 18))
        # Lines of other functions rarely parse together: tree-sitter reads on after errors.
        slow = f"def made_{number}(items, table):\n" + "\n".join(lines) + "\n"
        bottleneck = " ".join(rng.choices(words, k=18))
        edit = " ".join(rng.choices(words, k=14))
        source = f"made:{number}"
        yield Record(
            id=record_id("python", slow, "", bottleneck, edit, source), language="python",
            slow=slow, fast="", title=" ".join(rng.choices(words, k=5)), bottleneck=bottleneck,
            edit=edit, ratio=2.0, polarity="worked", provenance=source, receipt={"by": "nobody"},
            created="2026-01-01T00:00:00+00:00",
        )  # fmt: skip


def queries(memory: Memory, count: int) -> list[Query]:
    """Queries that are like some of the records: their facts, shape and code."""
    rows = memory.read(
        "SELECT facts, shape, slow FROM records WHERE facts != '' ORDER BY id LIMIT ?", count
    )
    return [Query(facts=row[0], shape=row[1], code=row[2]) for row in rows]


class Timed(FactsEmbedder):
    """The embedder, with what it took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def embed(self, texts: Sequence[str]) -> Any:
        since = time.perf_counter()
        try:
            return super().embed(texts)
        finally:
            self.seconds += time.perf_counter() - since


def opened(folder: Path) -> dict[str, float]:
    """Opening and querying in this process, which is a new one; prints progress nowhere."""
    found: dict[str, float] = {}
    since = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal since
        now = time.perf_counter()
        found[name], since = (now - since) * 1e3, now

    import bm25s

    foreign.chromadb()
    import chromadb.api.rust  # which a client imports otherwise

    del bm25s, chromadb
    lap("import")
    memory = Memory(folder / "memory.db")
    embedder = Timed()
    index = Index(memory, embedder=embedder, corpus=None)
    lap("open: memory")
    asked = queries(memory, _QUERIES + 20)
    since = time.perf_counter()
    with timed_canaries(found):
        index.search(asked[0], _K)
        lap("open: first query")
    for query in asked[1:20]:
        index.search(query, _K)
    took, embedding = [], []
    for query in asked[20:]:
        before, since = embedder.seconds, time.perf_counter()
        index.search(query, _K)
        embedding.append((embedder.seconds - before) * 1e3)
        took.append((time.perf_counter() - since) * 1e3 - embedding[-1])
    found["query p50"], found["query p95"] = np.percentile(took, [50, 95])
    found["embedding p50"] = float(np.median(embedding))
    # Not getrusage, whose maximum a process has from its parent.
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text("ascii"))
    found["RSS MB"] = int(peak[1]) / 1024 if peak else 0.0
    if index.notes:
        print(index.notes, file=sys.stderr)
    index.close()
    return found


@contextlib.contextmanager
def timed_canaries(found: dict[str, float]) -> Iterator[None]:
    """Note the milliseconds that looking for the known vectors takes; part of the first query."""
    look, found["canaries"] = Chroma._lost_canary, 0.0

    def timed_look(*given: Any) -> str | None:
        since = time.perf_counter()
        try:
            return look(*given)
        finally:
            found["canaries"] += (time.perf_counter() - since) * 1e3

    Chroma._lost_canary = timed_look  # type: ignore[method-assign]
    try:
        yield
    finally:
        Chroma._lost_canary = look  # type: ignore[method-assign]


def exact(memory: Memory, asked: Sequence[Query]) -> dict[str, float]:
    """numpy over the facts' vectors, one thread, all in memory."""
    embedder = FactsEmbedder()
    vectors = Vectors(memory, embedder.identity)
    rows = vectors.some("facts", "python", vectors.digests("facts", "python"))
    matrix = np.stack([np.frombuffer(blob, dtype="<f4") for _, blob in rows])
    took = []
    for query in asked:
        (vector,) = embedder.embed([query.facts])
        since = time.perf_counter()
        scores = matrix @ vector
        best = np.argpartition(-scores, min(_K, len(scores) - 1))[:_K]
        best[np.argsort(-scores[best])]
        took.append((time.perf_counter() - since) * 1e3)
    p50, p95 = np.percentile(took, [50, 95])
    return {"query p50": p50, "query p95": p95, "RSS MB": matrix.nbytes / 2**20}


def tantivy(folder: Path, memory: Memory, asked: Sequence[Query]) -> dict[str, float] | None:
    """tantivy over facts, shape and code as one text; None where it is not installed."""
    try:
        import tantivy as engine
    except ImportError:
        return None
    builder = engine.SchemaBuilder()
    builder.add_text_field("text", stored=False)
    builder.add_text_field("id", stored=True)
    place = folder / "tantivy"
    place.mkdir()
    since = time.perf_counter()
    index = engine.Index(builder.build(), str(place))
    writer = index.writer(50_000_000, 1)
    for row in memory.read("SELECT id, facts, shape, slow FROM records"):
        writer.add_document(engine.Document(id=row[0], text=f"{row[1]} {row[2]} {row[3]}"))
    writer.commit()
    built = time.perf_counter() - since
    index.reload()
    searcher = index.searcher()
    took = []
    for query in asked:
        words = " ".join(
            word for word in f"{query.facts} {query.shape} {query.code}".split() if word.isalpha()
        )
        parsed = index.parse_query(
            words.lower().replace(" or ", " ").replace(" and ", " "), ["text"]
        )
        since = time.perf_counter()
        searcher.search(parsed, _K)
        took.append((time.perf_counter() - since) * 1e3)
    p50, p95 = np.percentile(took, [50, 95])
    return {"query p50": p50, "query p95": p95, "build s": built, "disk MB": size_of(place)}


def size_of(path: Path) -> float:
    """Megabytes on the disk."""
    whole = path.rglob("*") if path.is_dir() else [path]
    return sum(p.stat().st_size for p in whole if p.is_file()) / 2**20


def timed(action: Callable[[], object]) -> float:
    """Seconds that something takes."""
    since = time.perf_counter()
    action()
    return time.perf_counter() - since


def run(count: int, folder: Path) -> None:
    """Build, then open and query in new processes, then the peers."""
    print(f"\n{count} records", flush=True)
    steps: list[str] = []

    def progress(text: str, share: float | None) -> None:
        if text.split(",")[0].split(":")[0] not in steps[-1:]:
            steps.append(text.split(",")[0].split(":")[0])

    with Memory(folder / "memory.db") as memory:
        records = list(made(count))

        def add() -> None:
            for start in range(0, count, 2000):
                memory.add_all(records[start : start + 2000])

        print(f"  add {timed(add):.1f} s", flush=True)
        with Index(memory, embedder=FactsEmbedder(), corpus=None, progress=progress) as index:
            query = Query(facts="a loop", shape="abc", code="x")
            print(f"  build {timed(lambda: index.search(query, _K)):.1f} s: {', '.join(steps)}")
        disk = {name: size_of(folder / name) for name in ("memory.db", "memory.journal")}
        disk |= {name: size_of(folder / name) for name in ("chroma", "words")}
        print("  disk MB: " + ", ".join(f"{name} {mb:.0f}" for name, mb in disk.items()))
    for turn in ("cold", *["warm"] * _OPENINGS):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", "--open", str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
        show(f"hasten ({turn})", json.loads(done.stdout))
    with Memory(folder / "memory.db") as memory:
        asked = queries(memory, _QUERIES)
        show("numpy, exact, one key", exact(memory, asked))
        if (found := tantivy(folder, memory, asked)) is not None:
            show("tantivy, words alone", found)


def show(name: str, found: dict[str, float]) -> None:
    """One line: milliseconds but where it says otherwise."""
    print(f"  {name:22} " + ", ".join(f"{key} {value:.1f}" for key, value in found.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--records", type=int, nargs="+", default=[1000, 10_000, 78_000])
    parser.add_argument("--keep", type=Path, help="where the folders stay")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.open:
        print(json.dumps(opened(args.open)))
        return
    for count in args.records:
        folder = Path(tempfile.mkdtemp(prefix="hasten-memory-"))
        if args.keep:
            folder = args.keep / str(count)
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
        try:
            run(count, folder)
        finally:
            if not args.keep:
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
