"""PIE (Learning Performance-Improving Code Edits, Shypula et al., ICLR 2024): pairs of programs.

Three shapes, all JSON lines:

- the first release (github.com/madaan/pie-perf): `input`, `target`, `problem_id`,
  `submission_id_v0`, `submission_id_v1`, `language`, `measured_runtime_v0`, `measured_runtime_v1`,
  `cpu_time_v0`, `cpu_time_v1`;
- the C++ release (github.com/LearningOpt/pie): `src_code`, `tgt_code`, `problem_id`, `src_id`,
  `tgt_id`, `src_agg_runtime`, `tgt_agg_runtime`, `tests` (numbers of test cases);
- pairs with descriptions and decompositions by models (github.com/sagnikanupam/pie): `slow`,
  `fast`, `human_fast`, `problem`, `description`, `explanation`, `atomic_edits` by model. There
  `fast` is a model's program, of which `reported_speedup` tells; the texts are about `human_fast`.

The pairs come without test cases. Those that the authors publish, or any others, are looked for in
a folder beside the file (see `cases.CaseFolder`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.importers.cases import CaseFolder
from index.importers.claim import Claim
from index.importers.languages import language_named, purpose_of
from index.importers.rows import Row, digest_of, rows_of, word_of

_PREFERRED = "gpt-4o"
_LICENCE = "Apache-2.0"
_CODENET = "CDLA-Permissive-2.0"
_NOTICE = "PIE (LearningOpt/pie), programs of IBM Project CodeNet"


def recognises(first: dict[str, Any]) -> bool:
    """Whether a file's first object is of one of the shapes."""
    return (
        {"src_code", "tgt_code"} <= first.keys()
        or {"input", "target", "problem_id"} <= first.keys()
        or {"slow", "fast", "problem", "atomic_edits"} <= first.keys()
    )


def read(path: Path) -> Iterator[Claim]:
    """The claims of a file, in order. Raises ClaimError."""
    cases = CaseFolder(path.parent)
    for row in rows_of(path):
        if "atomic_edits" in row.data:
            yield from _described(row, cases)
        else:
            yield _pair(row, cases)


def _pair(row: Row, cases: CaseFolder) -> Claim:
    slow, fast = row.code("src_code", "input"), row.code("tgt_code", "target")
    problem = row.text("problem_id", "")
    first = row.text("src_id", "") or row.text("submission_id_v0", "")
    second = row.text("tgt_id", "") or row.text("submission_id_v1", "")
    pair = f"{first}-{second}" if second else first
    told, source = cases.of(problem, _numbers(row))
    ratio = (
        row.ratio("measured_runtime_v0", "measured_runtime_v1")
        or row.ratio("src_agg_runtime", "tgt_agg_runtime")
        or row.number("speedup")
        or row.ratio("cpu_time_v0", "cpu_time_v1")
    )
    return Claim(
        language=language_named(row, "c++" if "src_code" in row.data else "python"),
        slow=slow,
        fast=fast,
        origin=_origin(problem, pair or digest_of(slow, fast, repr(told), source)),
        licence=_CODENET,
        notice=_NOTICE,
        reported_ratio=ratio,
        cases=told,
        inputs_source=source,
    )


def _described(row: Row, cases: CaseFolder) -> Iterator[Claim]:
    problem, slow = row.text("problem"), row.code("slow")
    name = row.text("id", "").removeprefix("pie/")
    told, source = cases.of(problem)
    language = language_named(row, "c++")
    purpose = purpose_of(row.words("description"))
    notice = f"{row.words('source', _NOTICE)}; programs of IBM Project CodeNet, {_CODENET}"
    licence = row.words("license", _LICENCE)
    edits = _edits(row)
    if row.data.get("human_fast") is not None:
        human = row.code("human_fast")
        pair = f"{name}-human" if name else digest_of(slow, human, repr(told), source)
        yield Claim(
            language=language, slow=slow, fast=human, origin=_origin(problem, pair),
            edit=" ".join(edits) or purpose_of(row.words("explanation")), edits=edits,
            purpose=purpose, licence=licence, notice=notice, cases=told, inputs_source=source,
        )  # fmt: skip
    fast = row.code("fast")
    pair = name or digest_of(slow, fast, repr(told), source)
    yield Claim(
        language=language, slow=slow, fast=fast,
        origin=_origin(problem, pair), purpose=purpose, licence=licence, notice=notice,
        reported_ratio=row.number("reported_speedup"), cases=told, inputs_source=source,
    )  # fmt: skip


def _edits(row: Row) -> tuple[str, ...]:
    """The atomic edits that one model told, in the order of their numbers."""
    models = row.data["atomic_edits"]
    if not isinstance(models, dict):
        raise row.error("atomic_edits is no object")
    found = {
        name: row.numbered(edits, f"atomic_edits of {name[:40]}") for name, edits in models.items()
    }
    if _PREFERRED in found:
        return found[_PREFERRED]
    return found[min(found)] if found else ()


def _numbers(row: Row) -> tuple[int, ...]:
    """The numbers of the test cases that a row names; without any, all count."""
    value = row.data.get("tests")
    return tuple(n for n in value if isinstance(n, int)) if isinstance(value, list) else ()


def _origin(problem: str, pair: str) -> str:
    return f"pie:{word_of(problem) or 'unknown'}#{word_of(pair)}"
