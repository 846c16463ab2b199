"""Prove the shipped corpus: every source, every step of it, through hasten's own runner.

    python -m tools.build_corpus [SLUG ...] [--equal | --words | --new | --since TIME]

Each step is run against the original (equal on nine inputs of three sizes) and timed against the
step before it; the last one is timed against the original, too. Writes
``index/corpus/<language>.jsonl``, one record a line with its receipts, after each source: a run
that was stopped goes on with ``--since`` its start, ``--new`` proves only what is new or changed.
What can't be proved does not ship and is printed with the reason. Receipts name no path or host of
the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.errors import HastenError
from benchmark_runner.bench import Bench
from benchmark_runner.benches import open_bench
from benchmark_runner.receipt import Receipt, to_json
from benchmark_runner.workload import FunctionWorkload, InputsFile, ProgramWorkload, Version
from index import jsonl
from index.corpus.load import CORPUS, shipped
from index.record import Record, Step, record_id
from tools.corpus_source import PER_SIZE, SOURCES, SUFFIXES, Source, all_sources

ROOT = SOURCES.parent.parent.parent
_ABSOLUTE = re.compile(r"(?<![\w.])/(?:[\w.+-]+/)+([\w.+-]*)")
_LEAST = 1.1
"""What a step must gain, by the lower bound of its interval, to be worth a record."""
_ALL_SIZES = """

_of_size = inputs


def inputs():
    for n in {sizes}:
        yield from _of_size(n)
"""


def refused(language: str) -> Path:
    """The file that says which sources of a language are left out, and why."""
    return SOURCES / language / "left_out.json"


class NotProved(Exception):
    """Why a source does not ship."""


@contextmanager
def bench_of(source: Source, python: Path) -> Iterator[tuple[Bench, Path]]:
    """A bench with the source's slow side as the original, and the path that its code goes by."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as name:
        folder = Path(name).resolve()
        path = folder / source.file_name
        path.write_text(source.slow, "utf-8")
        before = Version.of({path: source.slow})
        if source.language == "python":
            given = folder / "given.py"
            given.write_text(source.inputs + _ALL_SIZES.format(sizes=source.sizes), "utf-8")
            workload: FunctionWorkload | ProgramWorkload = FunctionWorkload(
                path=path, function=source.function, before=before, inputs=InputsFile(given)
            )
        else:
            cases = folder / "cases.jsonl"
            with cases.open("w", encoding="utf-8") as file:
                for text in source.made():
                    file.write(json.dumps({"input": text}) + "\n")
            workload = ProgramWorkload(path=path, before=before, cases=cases)
        # Nothing is made from the cases of a program: its inputs obey rules that no case shows.
        with open_bench(workload, python=python, only_cases=True) as bench:
            bench.prepare()
            yield bench, path


def prove(source: Source, python: Path) -> Record:
    """The record that ships. Raises NotProved and HastenError."""
    receipts: list[Receipt] = []
    with bench_of(source, python) as (bench, path):
        versions = [Version.of({path: text}) for text in source.texts()]
        for number, after in enumerate(versions[1:]):
            receipt = bench.prove(after, origin="rule", before=versions[number])
            _judge(receipt, f"step {number + 1}")
            receipts.append(receipt)
        if len(receipts) == 1:
            whole = receipts[0]
        else:
            whole = bench.prove(versions[-1], origin="rule")
            _judge(whole, "all steps together")
    sizes = by_size(source, whole)
    if sizes[-1][1] < _LEAST or sizes[1][1] < 1.0:
        raise NotProved(f"by size: {', '.join(f'{ratio:.2f}x at {n}' for n, ratio in sizes)}")
    return record_of(source, path, receipts, whole, sizes)


def check(source: Source, python: Path) -> str | None:
    """Why a step is not equal to the original, or None; nothing is timed. Raises HastenError."""
    with bench_of(source, python) as (bench, path):
        for number, text in enumerate(source.texts()[1:], 1):
            verdict = bench.check(Version.of({path: text}), "rule")
            if verdict.refused is not None:
                return f"step {number}: {verdict.refused}"
            if (found := verdict.counterexample) is not None:
                what = f"{found.what} differs on {found.call}: {found.before}, now {found.after}"
                return f"step {number}: {what}"
    return None


def _judge(receipt: Receipt, what: str) -> None:
    if receipt.decision != "faster" or receipt.equality != "exact":
        raise NotProved(f"{what}: {receipt.decision}: {receipt.reason}")
    if receipt.interval is None or receipt.interval[0] < _LEAST:
        raise NotProved(f"{what}: gains too little: {receipt.reason}")


def by_size(source: Source, receipt: Receipt) -> tuple[tuple[int, float], ...]:
    """(n, ratio) for each size, from the timed inputs of that size. Raises NotProved."""
    timed = receipt.measurement.inputs if receipt.measurement else ()
    found = []
    for place, n in enumerate(source.sizes):
        own = range(place * PER_SIZE, (place + 1) * PER_SIZE)
        logs = [one.log_ratio for one in timed if one.input in own]
        if not logs:
            raise NotProved(f"size {n} was not timed: its calls are too short beside the longest")
        found.append((n, round(math.exp(math.fsum(logs) / len(logs)), 3)))
    return tuple(found)


def record_of(
    source: Source,
    path: Path,
    receipts: list[Receipt],
    whole: Receipt,
    sizes: tuple[tuple[int, float], ...],
) -> Record:
    """The record of a proved source."""
    provenance = f"{CORPUS}:{source.slug}"
    steps = tuple(
        Step(
            step.title, step.edit, step.code, receipt.ratio,
            None if len(receipts) == 1 else neutral(source, path, receipt, before, step.code),
        )
        for step, receipt, before in zip(source.steps, receipts, source.texts(), strict=False)
    )  # fmt: skip
    return Record(
        id=record_id(
            source.language, source.slow, source.fast, source.bottleneck, source.edit, provenance
        ),
        language=source.language,
        slow=source.slow,
        fast=source.fast,
        title=source.steps[0].title if len(steps) == 1 else whole_title(source),
        bottleneck=source.bottleneck,
        edit=source.edit,
        ratio=whole.ratio,
        polarity="worked",
        provenance=provenance,
        receipt={**neutral(source, path, whole, source.slow, source.fast), "source": source.digest},
        created=whole.created,
        purpose=source.program,
        steps=steps,
        sizes=sizes,
        requires=source.requires,
        notice=source.notice and f"{source.licence}: {source.notice}",
    )


def whole_title(source: Source) -> str:
    """The titles of the steps as one."""
    first, *others = (step.title for step in source.steps)
    return "; ".join([first, *(title[:1].lower() + title[1:] for title in others)])


def neutral(
    source: Source, path: Path, receipt: Receipt, before: str, after: str
) -> dict[str, Any]:
    """The receipt without paths and host name of this machine.

    The digests of the two versions cover the file's path, so they are taken again over the name
    that ships, after a check that they are of these texts.
    """
    data: dict[str, Any] = to_json(receipt)
    shown = f"{source.language}/{source.file_name}"
    for key, text in (("before_sha256", before), ("after_sha256", after)):
        if data[key] != digest(str(path), text):
            raise ValueError(f"{source.slug}: {key} is not of the text that ships")
        data[key] = digest(shown, text)
    data = _neutral(data, str(path), shown)
    environment = receipt.environment
    name = {"cpython": "CPython"}.get(environment.implementation, environment.implementation)
    data["environment"]["python"] = f"{name} {environment.python_version}"
    for long in ("dependencies", "repeat", "stages"):  # of a folder that is gone
        data.pop(long, None)
    data["stages"] = []
    return data


def digest(path: str, text: str) -> str:
    """The digest of a version of one file, as benchmark_runner.proof takes it."""
    data = hashlib.sha256()
    for piece in (path.encode(), text.encode()):
        data.update(len(piece).to_bytes(8, "little") + piece)
    return data.hexdigest()


def _neutral(value: Any, path: str, shown: str) -> Any:
    if isinstance(value, str):
        host = os.uname().nodename
        text = value.replace(path, shown).replace(f"{ROOT}{os.sep}", "")
        text = text.replace(host, "host") if len(host) > 3 else text
        return _ABSOLUTE.sub(r"\1", text) if text != shown else text
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _neutral(item, path, shown) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_neutral(item, path, shown) for item in value]
    return value


def main(argv: list[str] | None = None) -> int:
    """Prove and write; 0 if every source asked for was proved."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("slugs", nargs="*", metavar="SLUG", help="prove these only")
    parser.add_argument("--equal", action="store_true", help="only whether steps are equal")
    parser.add_argument("--words", action="store_true", help="only write the words anew")
    parser.add_argument("--new", action="store_true", help="only what is new or changed")
    parser.add_argument("--since", default="", help="not what was proved after this time (ISO)")
    parser.add_argument("--language", choices=sorted(SUFFIXES))
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    options = parser.parse_args(argv)
    sources = {source.slug: source for source in all_sources()}
    if unknown := set(options.slugs) - set(sources):
        parser.error(f"no such source: {', '.join(sorted(unknown))}")
    records = {
        record.provenance.split(":", 1)[1]: record
        for language in SUFFIXES
        if shipped(language).exists()
        for record in jsonl.read(shipped(language))
    }
    # What was proved is the code: changed words go in, a record of other code goes.
    records = {
        slug: reworded(sources[slug], record)
        for slug, record in records.items()
        if slug in sources and (record.receipt or {}).get("source") == sources[slug].digest
    }
    left_out: dict[str, Any] = {}
    for language in SUFFIXES:
        if refused(language).exists():
            left_out |= json.loads(refused(language).read_text("utf-8"))
    left_out = {
        slug: row
        for slug, row in left_out.items()
        if slug in sources and row["source"] == sources[slug].digest
    }
    wanted = [
        source
        for source in sources.values()
        if (not options.slugs or source.slug in options.slugs)
        and options.language in (None, source.language)
        and not (options.new and _known(source, records, left_out))
        and not (
            options.since
            and source.slug in records
            and records[source.slug].created >= options.since
            and _known(source, records, left_out)
        )
    ]
    failed = 0
    if options.words:
        for language in SUFFIXES:
            write(language, sources, records, left_out)
        return 0
    if options.equal:
        for source in wanted:
            try:
                why = check(source, options.python)
            except HastenError as error:
                why = error.message
            if why is not None:
                failed += 1
                print(f"{source.language} {source.slug}: {why}", flush=True)
        return 1 if failed else 0
    for number, source in enumerate(wanted, 1):
        started = time.monotonic()
        records.pop(source.slug, None)
        left_out.pop(source.slug, None)
        try:
            records[source.slug] = record = prove(source, options.python)
            state = f"proved, {record.ratio:.2f}x" if record.ratio else "proved"
        except (NotProved, HastenError, ValueError) as error:
            failed += 1
            why = _neutral(str(error), "", "")
            left_out[source.slug] = {"source": source.digest, "why": why}
            state = f"LEFT OUT: {why}"
        seconds = time.monotonic() - started
        print(f"[{number}/{len(wanted)}] {source.slug}: {state} ({seconds:.0f} s)", flush=True)
        write(source.language, sources, records, left_out)
    # Only what was asked for: another run may be at work on another language.
    for language in sorted({source.language for source in wanted}):
        write(language, sources, records, left_out)
        count = sum(record.language == language for record in records.values())
        print(f"{language}: {count} records")
    return 1 if failed else 0


def _known(source: Source, records: dict[str, Record], left_out: dict[str, Any]) -> bool:
    record, refused = records.get(source.slug), left_out.get(source.slug)
    if record is not None:
        return (record.receipt or {}).get("source") == source.digest
    return refused is not None and refused["source"] == source.digest


def reworded(source: Source, record: Record) -> Record:
    """A proved record with the words that its source has now."""
    steps = tuple(
        replace(kept, title=step.title, edit=step.edit)
        for kept, step in zip(record.steps, source.steps, strict=True)
    )
    texts = (source.language, source.slow, source.fast, source.bottleneck, source.edit)
    return replace(
        record,
        id=record_id(*texts, record.provenance),
        title=source.steps[0].title if len(steps) == 1 else whole_title(source),
        bottleneck=source.bottleneck, edit=source.edit, purpose=source.program, steps=steps,
        requires=source.requires, notice=source.notice and f"{source.licence}: {source.notice}",
    )  # fmt: skip


def write(
    language: str, sources: dict[str, Source], records: dict[str, Record], left_out: dict[str, Any]
) -> None:
    """Keep what is proved so far of a language, and what is left out with the reason."""
    path = shipped(language)
    jsonl.write(path, [r for _, r in sorted(records.items()) if r.language == language])
    path.chmod(0o644)  # exported memories are private, this one is published
    own = {slug: row for slug, row in left_out.items() if sources[slug].language == language}
    part = refused(language).with_suffix(".part")
    part.write_text(json.dumps(own, indent=1, sort_keys=True) + "\n", "utf-8")
    part.replace(refused(language))


if __name__ == "__main__":
    sys.exit(main())
