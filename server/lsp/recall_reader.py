"""Looks into the memory for one editor, in a process that lives as long as the front.

By words alone: neither Chroma nor a model is imported. What a function says of itself is read from
its text; nothing of a workspace is run.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import re
import resource
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from analysis.errors import HastenError
from analysis.facts import static_facts
from analysis.functions import Function, functions_in
from analysis.languages import language_of
from analysis.shape import shape_of
from hasten.paths import state_dir
from index.corpus.load import CORPUS, SHIPPED
from index.importers.claim import PROVED
from index.query import Query
from index.record import IMPORTED, Passage, Record, workspace_provenance
from index.retrieval import Index
from index.store import Memory
from index.words import words
from optimizer.here import here_of
from server.lsp.recollection import (
    MOST_CITED,
    MOST_EXCERPT,
    MOST_QUOTES,
    MOST_SIMILAR,
    MOST_TITLE,
    Quote,
    Recollection,
    Similar,
    believable,
    one_line,
)

logger = logging.getLogger(__name__)

MOST_MEMORY = 4 << 30
_SPARE = 16
"""Records that are asked for beyond those needed, since some may not be shown."""
_MOST_ANSWERS = 500
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")


def main() -> int:
    """A JSON request on each line of stdin, a JSON answer on each line of stdout.

    Request: `{"id", "path", "text", "root", "functions": [...]}`. Answer: `{"id", "functions"}`
    with the rows of recollections (server.lsp.recollection) by the functions' names, without those
    of which nothing could be found out; or `{"id", "error"}`.
    """
    with contextlib.suppress(ValueError, OSError):  # a lower limit of the user's holds
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads' buffers would count, on many cores
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    recaller = Recaller()
    while True:
        request = json.loads(requests.get())
        try:
            answer: dict[str, Any] = {"functions": recaller.answer(request)}
        except Exception as error:
            logger.exception("%s: the memory failed", request.get("path"))
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"id": request["id"], **answer}), flush=True)


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    """Hand lines on; with the front this process ends at once, whatever it is at."""
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


class Recaller:
    """The memory, open from the first question on, and opened again after an error.

    `path` defaults to the user's memory, `corpus` are the shipped files to load into it.
    """

    def __init__(self, path: Path | None = None, corpus: Sequence[Path] | None = SHIPPED) -> None:
        self._path, self._corpus = path, corpus
        self._memory: Memory | None = None
        self._index: Index | None = None
        self._answers: dict[Query, Recollection] = {}
        self._generation = -1
        self._said = ""

    def answer(self, request: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The rows of what is found, by name; none where the memory can't be used."""
        root = Path(request["root"])
        queries = queries_of(request["path"], request["text"], root, request["functions"])
        if not queries:
            return {}
        try:
            return {name: self._found(query, root).to_row() for name, query in queries.items()}
        except Exception as error:  # damaged, of a newer version, held by another, gone
            self.close()
            self._say(error)
            return {}

    def close(self) -> None:
        """Close the memory; the next question opens it again."""
        memory, self._memory, self._index = self._memory, None, None
        self._answers.clear()
        if memory is not None:
            memory.close()

    def _found(self, query: Query, root: Path) -> Recollection:
        """The answer to a query of a workspace; it holds until the memory changes."""
        if self._memory is None or self._index is None:
            self._memory = Memory(self._path)
            self._index = Index(self._memory, corpus=self._corpus, vectors=False)
        if (generation := self._memory.generation()) != self._generation:
            self._answers.clear()
            self._generation = generation
        if query not in self._answers:
            found = Recollection(_similar(self._index, query), _quotes(self._index, query, root))
            if len(self._answers) >= _MOST_ANSWERS:
                self._answers.clear()
            self._answers[query] = found
        return self._answers[query]

    def _say(self, error: Exception) -> None:
        """To the log, once: it would come with every save."""
        if str(error) != self._said:
            self._said = str(error)
            mend = error.mend if isinstance(error, HastenError) else ""
            logger.warning(
                "hovers show nothing of the memory: %s (%s)", error, mend, exc_info=not mend
            )


def queries_of(path: str, text: str, root: Path, names: Collection[str]) -> dict[str, Query]:
    """What is asked for functions of a text, by name; those that can't be read are left out."""
    found = {}
    try:
        # Of several definitions of one name the last counts, as in Python.
        functions = {f.qualname: f for f in functions_in(text, path)}
        for name in names:
            if name in functions:
                found[name] = _query(path, text, root, functions[name])
    except Exception:  # a text may be anything
        logger.exception("%s: can't be asked about", path)
    return found


def _query(path: str, text: str, root: Path, function: Function) -> Query:
    key = state_dir(root).name
    return Query(
        facts=static_facts(text, function).text,
        shape=shape_of(text, path, function.qualname),
        code=text[function.start : function.end],
        language=language_of(path).name,
        program=workspace_provenance(key, os.path.relpath(path, root), function.qualname),
        workspace=key,
        here=here_of(text, path, None, None),
    )


def _similar(index: Index, query: Query) -> tuple[Similar, ...]:
    """What worked on code like this; no title twice."""
    found: dict[str, Similar] = {}
    for hit in index.search(query, MOST_SIMILAR + _SPARE):
        record = hit.record
        title = one_line(record.title, MOST_TITLE)
        if title and _may_be_shown(record, query.workspace):
            ratio = record.ratio if believable(record.ratio) else None
            found.setdefault(title.casefold(), Similar(title, ratio, standing_of(record)))
    return tuple(found.values())[:MOST_SIMILAR]


def _may_be_shown(record: Record, workspace: str) -> bool:
    """Whether it worked, and does not come from another workspace: that one may be private."""
    source = record.provenance
    if source.startswith("workspace:") and not source.startswith(f"workspace:{workspace}:"):
        return False
    gained = record.ratio is None or record.ratio > 1.0
    return gained and record.polarity in ("worked", "accepted")


def standing_of(record: Record) -> str:
    """What a record rests on, a key of STANDINGS. Nobody here has seen an imported proof."""
    origin = record.provenance.split(":", 1)[0]
    if origin == IMPORTED:
        return "imported"
    if not record.proved:
        return "told"
    if origin == CORPUS:
        return "shipped"
    if origin == PROVED:
        return "checked"
    return "accepted" if record.polarity == "accepted" else "proved"


def _quotes(index: Index, query: Query, root: Path) -> tuple[Quote, ...]:
    asked = frozenset(words(query.facts))
    found = (_quote(passage, asked, root) for passage in index.passages(query, MOST_QUOTES))
    return tuple(quote for quote in found if quote.text and quote.cited)


def _quote(passage: Passage, asked: frozenset[str], root: Path) -> Quote:
    """A piece of a passage; a note below the workspace is cited as it is named there."""
    with contextlib.suppress(ValueError):  # it lies elsewhere
        passage = replace(passage, source=PurePath(passage.source).relative_to(root).as_posix())
    return Quote(excerpt_of(passage.text, asked), one_line(passage.cited, MOST_CITED))


def excerpt_of(text: str, asked: frozenset[str]) -> str:
    """A passage in one line; of a long one from the sentence on that has most of `asked`."""
    whole = one_line(text, len(text))
    if len(whole) <= MOST_EXCERPT:
        return whole
    starts = [0, *(found.end() for found in _SENTENCE.finditer(text))]
    ends = [*starts[1:], len(text)]
    best = max(
        zip(starts, ends, strict=True),
        key=lambda part: len(asked.intersection(words(text[part[0] : part[1]]))),
    )
    before = "… " if best[0] > 0 else ""
    return one_line(before + text[best[0] :], MOST_EXCERPT)
