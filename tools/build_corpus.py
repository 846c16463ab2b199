"""Prove the corpus: every pair below index/corpus/sources through hasten's own runner.

    python tools/build_corpus.py [--only SLUG ...] [--python EXE]

Writes index/corpus/python.jsonl, one record a line with its receipt. A pair that can't be proved
does not ship and is printed with the reason. Receipts name no path or host of the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from analysis.errors import HastenError  # noqa: E402
from benchmark_runner.receipt import Receipt, to_json  # noqa: E402
from benchmark_runner.verify import FunctionBench  # noqa: E402
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version  # noqa: E402
from index import jsonl  # noqa: E402
from index.corpus.load import CORPUS, SHIPPED  # noqa: E402
from index.record import Record, record_id  # noqa: E402

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SOURCES = SHIPPED.parent / "sources"
_ABSOLUTE = re.compile(r"(?<![\w.])/(?:[\w.+-]+/)+([\w.+-]*)")


@dataclass(frozen=True)
class Source:
    """One pair: the folder, and what meta.toml says."""

    slug: str
    folder: Path
    title: str
    bottleneck: str
    edit: str
    function: str


def read_source(folder: Path) -> Source:
    """The pair in a folder. Raises KeyError or ValueError for a wrong meta.toml."""
    meta = tomllib.loads((folder / "meta.toml").read_text(encoding="utf-8"))
    return Source(folder.name, folder, **{k: str(v) for k, v in meta.items()})


def prove(source: Source, python: Path) -> Receipt:
    """The receipt of fast.py against slow.py. Raises HastenError."""
    path = source.folder / "slow.py"
    slow, fast = (_text(source, name) for name in ("slow.py", "fast.py"))
    workload = FunctionWorkload(
        path=path,
        function=source.function,
        before=Version.of({path: slow}),
        inputs=InputsFile(source.folder / "inputs.py"),
    )
    with FunctionBench(workload, python=python) as bench:
        bench.prepare()
        return bench.prove(Version.of({path: fast}), origin="rule")


def record_of(source: Source, receipt: Receipt) -> Record:
    """The record that ships."""
    slow, fast = (_text(source, name) for name in ("slow.py", "fast.py"))
    provenance = f"{CORPUS}:{source.slug}"
    return Record(
        id=record_id("python", slow, fast, source.bottleneck, source.edit, provenance),
        language="python",
        slow=slow,
        fast=fast,
        title=source.title,
        bottleneck=source.bottleneck,
        edit=source.edit,
        ratio=receipt.ratio,
        polarity="worked",
        provenance=provenance,
        receipt=neutral(source, receipt),
        created=receipt.created,
    )


def neutral(source: Source, receipt: Receipt) -> dict[str, Any]:
    """The receipt without paths and host name of this machine.

    The digests of the two versions cover the file's path, so they are taken again over the path
    relative to the repository, after a check that they are of these texts.
    """
    data: dict[str, Any] = _neutral(to_json(receipt))
    for key, name in (("before_sha256", "slow.py"), ("after_sha256", "fast.py")):
        text = _text(source, name)
        if data[key] != digest(receipt.path, text):
            raise ValueError(f"{source.slug}: {key} is not of {name}")
        data[key] = digest(data["path"], text)
    environment = receipt.environment
    name = {"cpython": "CPython"}.get(environment.implementation, environment.implementation)
    data["environment"]["python"] = f"{name} {environment.python_version}"
    return data


def digest(path: str, text: str) -> str:
    """The digest of a version of one file, as benchmark_runner.proof takes it."""
    data = hashlib.sha256()
    for piece in (path.encode(), text.encode()):
        data.update(len(piece).to_bytes(8, "little") + piece)
    return data.hexdigest()


def _neutral(value: Any) -> Any:
    if isinstance(value, str):
        host = os.uname().nodename
        text = value.replace(f"{ROOT}{os.sep}", "")
        text = text.replace(host, "host") if len(host) > 3 else text
        return _ABSOLUTE.sub(r"\1", text)
    if isinstance(value, dict):
        return {key: _neutral(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_neutral(item) for item in value]
    return value


def _text(source: Source, name: str) -> str:
    return (source.folder / name).read_text(encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Prove and write; 0 if every pair asked for was proved."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", action="append", metavar="SLUG", help="prove these pairs only")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    options = parser.parse_args(argv)
    folders = sorted(path for path in SOURCES.iterdir() if (path / "meta.toml").is_file())
    known = {folder.name for folder in folders}
    wanted = set(options.only or known)
    if unknown := wanted - known:
        parser.error(f"no such pair below {SOURCES}: {', '.join(sorted(unknown))}")
    records = {r.provenance: r for r in (jsonl.read(SHIPPED) if SHIPPED.exists() else ())}
    records = {name: r for name, r in records.items() if name.split(":", 1)[1] in known}
    failed = 0
    for number, folder in enumerate((f for f in folders if f.name in wanted), 1):
        source, started = read_source(folder), time.monotonic()
        provenance = f"{CORPUS}:{source.slug}"
        records.pop(provenance, None)
        try:
            receipt = prove(source, options.python)
            ratio = "" if receipt.ratio is None else f" {receipt.ratio:.2f}x"
            outcome = f"{receipt.decision}{ratio}: {receipt.reason}"
            proved = receipt.decision == "faster" and receipt.equality == "exact"
            if proved:
                records[provenance] = record_of(source, receipt)
        except HastenError as error:
            proved, outcome = False, f"{error.message} ({error.mend})"
        failed += not proved
        seconds = time.monotonic() - started
        state = "proved" if proved else "LEFT OUT"
        print(f"[{number}/{len(wanted)}] {source.slug}: {state} in {seconds:.1f} s: {outcome}")
        jsonl.write(SHIPPED, [records[name] for name in sorted(records)])
        SHIPPED.chmod(0o644)  # exported memories are private, this one is published
    print(f"{len(records)} records in {SHIPPED.relative_to(ROOT)}, {failed} left out")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
