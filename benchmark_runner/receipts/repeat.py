"""What it takes to run a proof again, packed into its receipt and taken out of one.

A receipt from a file is as hostile as a candidate: its texts and pickles are only ever given to
sandboxed workers, its paths are only read where the workload itself reads them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark_runner.errors import WorkloadError
from benchmark_runner.project.git import root_of
from benchmark_runner.receipt import Receipt, Repeat, from_json, to_json
from benchmark_runner.workload import (
    CapturedInputs,
    CommandWorkload,
    FunctionWorkload,
    GeneratedInputs,
    Inputs,
    InputsFile,
    InputsOfTests,
    ModelCall,
    ModelInputs,
    NativeWorkload,
    Origin,
    ProgramWorkload,
    Version,
    Workload,
)

MOST_INPUT_BYTES = 8 << 20
"""Captured calls and cases larger than this together stay where they are, and only there."""
MOST_RECEIPT_BYTES = 64 << 20
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Again:
    """A proof to run once more."""

    workload: Workload
    after: Version
    origin: Origin
    rounding: float | None
    only_cases: bool = False
    thorough: bool = False


def pack(
    workload: Workload,
    after: Version,
    origin: Origin,
    rounding: float | None,
    *,
    only_cases: bool = False,
    thorough: bool = False,
) -> Repeat:
    """All that another run of this proof needs; `only_cases` and `thorough` as of the benches."""
    told: dict[str, Any] = {"before_commit": workload.before.commit, "after_commit": after.commit}
    files: dict[str, bytes] = {}
    if isinstance(workload, FunctionWorkload):
        told |= {"kind": "function", "path": str(workload.path), "function": workload.function}
        told["tests"] = list(workload.tests)
        told["inputs"], files = _pack_inputs(workload.inputs, workload.before)
    elif isinstance(workload, NativeWorkload):
        told |= {"kind": "native", "path": str(workload.path), "function": workload.function}
        told["build"] = workload.build
        told["inputs"], files = _pack_inputs(workload.inputs, workload.before)
    elif isinstance(workload, ProgramWorkload):
        told |= {"kind": "program", "path": str(workload.path), "function": workload.function}
        told |= {"build": workload.build, "cases": str(workload.cases)}
        files = _files_of(workload.cases)
    else:
        told |= {"kind": "command", "tree": str(workload.tree), "function": workload.function}
        told |= {"test": workload.test, "benchmark": workload.benchmark, "metric": workload.metric}
        told |= {
            "path": None if workload.path is None else str(workload.path),
            "higher_is_better": workload.higher_is_better,
            "timeout_s": workload.timeout_s,
            "setup": workload.setup,
            "keep": list(workload.keep),
            "own_tests": workload.own_tests,
            "budget_s": workload.budget_s,
        }
    return Repeat(
        workload=told,
        before=workload.before.files,
        after=after.files,
        origin=origin,
        inputs=tuple(
            f"{name}:{base64.b64encode(data).decode()}" for name, data in sorted(files.items())
        ),
        options={"rounding": rounding, "only_cases": only_cases, "thorough": thorough},
    )


def _pack_inputs(inputs: Inputs, before: Version) -> tuple[dict[str, Any], dict[str, bytes]]:
    if isinstance(inputs, InputsFile):
        told = {"kind": "file", "path": str(inputs.path)}
        text = before.text_of(inputs.path)  # a receipt's own, when it is proved again
        data = inputs.path.read_bytes() if text is None else text.encode("utf-8")
        return told, {inputs.path.name: data}
    if isinstance(inputs, GeneratedInputs):
        return {"kind": "generated", "seed": inputs.seed}, {}
    if isinstance(inputs, ModelInputs):
        return pack_written(inputs), {}
    if isinstance(inputs, InputsOfTests):
        told, files = _pack_inputs(inputs.calls, before)
        return {**told, "kind": "tests", "tests": list(inputs.tests)}, files
    return {"kind": "captured", "path": str(inputs.folder)}, _files_of(inputs.folder)


def pack_written(inputs: ModelInputs) -> dict[str, Any]:
    """Calls that a model wrote as plain JSON values."""
    calls = [
        [base64.b64encode(part).decode() for part in (call.call, call.expected)]
        for call in inputs.calls
    ]
    return {"kind": "model", "calls": calls}


def unpack_written(told: dict[str, Any]) -> ModelInputs:
    """The calls again. Raises ValueError or TypeError for anything else."""
    pairs = [[base64.b64decode(part, validate=True) for part in pair] for pair in told["calls"]]
    return ModelInputs(tuple(ModelCall(call, expected) for call, expected in pairs))


def _files_of(place: Path) -> dict[str, bytes]:
    """The files of a folder, or one file; none where they are too large to be carried along."""
    paths = sorted(p for p in (place.iterdir() if place.is_dir() else [place]) if p.is_file())
    if sum(p.stat().st_size for p in paths) > MOST_INPUT_BYTES:
        return {}
    return {p.name: p.read_bytes() for p in paths}


def with_repeat(
    receipt: Receipt,
    workload: Workload,
    after: Version,
    origin: Origin,
    rounding: float | None,
    *,
    only_cases: bool = False,
    thorough: bool = False,
) -> Receipt:
    """The receipt with all that it takes to repeat it; see `pack`."""
    repeat = pack(workload, after, origin, rounding, only_cases=only_cases, thorough=thorough)
    return replace(receipt, repeat=repeat)


def unpack(receipt: Receipt, folder: Path, path: Path | None = None) -> Again:
    """The proof of a receipt. What it carries of inputs is written into `folder`.

    `path` says where the file lies on this machine, where the receipt's own path does not exist.
    Raises WorkloadError: receipt-not-repeatable, receipt-elsewhere.
    """
    repeat = receipt.repeat
    if repeat is None:
        raise _broken("it does not carry what a repetition needs")
    told = repeat.workload
    try:
        again = _workload(told, repeat, folder, path)
        after = _moved(_version(repeat.after, told.get("after_commit")), told, path)
        if isinstance(again, FunctionWorkload) and isinstance(again.inputs, InputsFile):
            given = again.inputs
            again = replace(again, before=_with_inputs_file(again.before, given, repeat))
            after = _with_inputs_file(after, given, repeat)
        return Again(
            workload=again,
            after=after,
            origin="user",  # whoever made it: it comes from a file now
            rounding=_rounding(repeat.options.get("rounding")),
            only_cases=bool(repeat.options.get("only_cases", False)),
            thorough=bool(repeat.options.get("thorough", False)),
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise _broken(f"it is damaged: {type(error).__name__}: {error}") from error


def _rounding(told: Any) -> float | None:
    """The relative difference that passed as equal. Raises ValueError for one that passes all."""
    if told is None:
        return None
    if not 0.0 <= (value := float(told)) <= 1.0:
        raise ValueError(f"rounding {value}")
    return value


def _broken(why: str) -> WorkloadError:
    return WorkloadError(
        f"the receipt can't be repeated: {why}",
        code="receipt-not-repeatable",
        mend="write one with `hasten verify ... --save FILE`",
    )


def _version(files: tuple[tuple[str, str], ...], commit: Any) -> Version:
    """A version as it was told. Raises ValueError for a commit that git might take otherwise."""
    if commit is not None and not _COMMIT.fullmatch(commit):
        raise ValueError(f"{commit[:80]!r} is no commit")
    return Version(files, commit)


def _moved(version: Version, told: dict[str, Any], path: Path | None) -> Version:
    """The version with the file, or the files of the tree, where they lie on this machine."""
    if path is None:
        return version
    if told["kind"] == "command":
        tree, here = Path(told["tree"]), _tree_of(path)
        files = ((_below(Path(p), tree, here), text) for p, text in version.files)
    else:
        own = str(told["path"])
        files = ((str(path) if p == own else p, text) for p, text in version.files)
    return replace(version, files=tuple(files))


def _below(path: Path, tree: Path, here: Path) -> str:
    return str(here / path.relative_to(tree) if path.is_relative_to(tree) else path)


def _tree_of(path: Path) -> Path:
    """The tree that a person names by its folder or by a file in it. Raises WorkloadError."""
    return path if path.is_dir() else root_of(path.parent)


def _workload(
    told: dict[str, Any], repeat: Repeat, folder: Path, moved_to: Path | None
) -> Workload:
    before = _moved(_version(repeat.before, told.get("before_commit")), told, moved_to)
    kind = told["kind"]
    if kind == "command":
        return _command(told, before, moved_to)
    path = moved_to or Path(told["path"])
    if not path.is_absolute() or (path.exists() and not path.is_file()):
        raise ValueError(f"{path} is no absolute path of a file")  # a device would have no end
    if not path.parent.is_dir():
        raise _elsewhere(path.parent, "a file in it")
    if kind == "function":
        inputs = _inputs(told["inputs"], repeat, folder)
        tests = tuple(map(str, told.get("tests", ())))
        return FunctionWorkload(path, str(told["function"]), before, inputs, tests)
    if kind == "native":
        inputs = _inputs(told["inputs"], repeat, folder)
        if isinstance(inputs, InputsFile):
            inputs = InputsFile(_written(repeat, folder)[0])
        if not isinstance(inputs, InputsFile | GeneratedInputs):
            raise ValueError("inputs of a C function are given by a file or generated")
        return NativeWorkload(path, str(told["function"]), before, inputs, _line(told["build"]))
    if kind == "program":
        cases = Path(told["cases"])
        if repeat.inputs:
            written = _written(repeat, folder)
            cases = folder if len(written) > 1 else written[0]
        return ProgramWorkload(path, before, cases, _line(told["build"]), str(told["function"]))
    raise ValueError(f"kind {kind!r}")


def _line(told: Any) -> str | None:
    """A command line. Raises TypeError for anything else."""
    if told is not None and not isinstance(told, str):
        raise TypeError(f"a {type(told).__name__} is no command")
    return told


def _elsewhere(folder: Path, what: str) -> WorkloadError:
    return WorkloadError(
        f"{folder}: no such folder: the receipt is about {what}",
        code="receipt-elsewhere",
        mend="say where it lies here: hasten verify BEFORE --receipt FILE",
    )


def _command(told: dict[str, Any], before: Version, moved_to: Path | None) -> CommandWorkload:
    then = Path(told["tree"])
    tree = then if moved_to is None else _tree_of(moved_to)
    if not tree.is_dir():
        raise _elsewhere(tree, "the tree there")
    return CommandWorkload(
        tree=tree,
        before=before,
        benchmark=tuple(map(str, told["benchmark"])),
        test=None if told["test"] is None else tuple(map(str, told["test"])),
        metric=str(told["metric"]),
        higher_is_better=bool(told["higher_is_better"]),
        timeout_s=float(told["timeout_s"]),
        path=None if told["path"] is None else Path(_below(Path(told["path"]), then, tree)),
        function=str(told["function"]),
        setup=tuple(map(str, told["setup"])) if told.get("setup") else None,
        keep=tuple(map(str, told.get("keep", ()))),
        own_tests=bool(told.get("own_tests", False)),
        budget_s=float(told.get("budget_s", 600.0)),
    )


def _inputs(told: dict[str, Any], repeat: Repeat, folder: Path) -> Inputs:
    kind = told["kind"]
    if kind == "generated":
        return GeneratedInputs(int(told["seed"]))
    if kind == "file":
        return InputsFile(Path(told["path"]))
    if kind == "model":
        return unpack_written(told)
    if kind not in ("captured", "tests"):
        raise ValueError(f"inputs of kind {kind!r}")
    calls = CapturedInputs(Path(told["path"]))
    if repeat.inputs:
        _written(repeat, folder)
        calls = CapturedInputs(folder)
    if kind == "tests":
        return InputsOfTests(calls, tuple(map(str, told["tests"])))
    return calls


def _with_inputs_file(version: Version, inputs: InputsFile, repeat: Repeat) -> Version:
    """The inputs as they were: the file's text stands in for what lies at its path now."""
    [(_, data)] = _carried(repeat)
    others = tuple(pair for pair in version.files if pair[0] != str(inputs.path))
    return replace(version, files=(*others, (str(inputs.path), data.decode("utf-8"))))


def _carried(repeat: Repeat) -> list[tuple[str, bytes]]:
    found = []
    for item in repeat.inputs:
        name, _, data = item.partition(":")
        if not name or name in (".", "..") or "/" in name or "\0" in name:
            raise ValueError(f"{name!r} is no file name")
        try:
            found.append((name, base64.b64decode(data, validate=True)))
        except binascii.Error as error:
            raise ValueError(f"{name}: {error}") from error
    return found


def _written(repeat: Repeat, folder: Path) -> list[Path]:
    """What the receipt carries, as files."""
    paths = []
    for name, data in _carried(repeat):
        (folder / name).write_bytes(data)
        paths.append(folder / name)
    return paths


def save(receipt: Receipt, path: Path) -> None:
    """Write a receipt whole or not at all. Raises OSError."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(to_json(receipt), indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def read(path: Path) -> Receipt:
    """A receipt from a file: one as `save` writes it, or the output of `verify --json`.

    Raises WorkloadError (code "receipt-unreadable").
    """
    try:
        if path.stat().st_size > MOST_RECEIPT_BYTES:
            raise ValueError(f"it is larger than {MOST_RECEIPT_BYTES >> 20} MB")
        data = json.loads(path.read_text("utf-8"))
        if isinstance(data, dict) and "schema" not in data and "receipt" in data:
            data = data["receipt"]
        if not isinstance(data, dict):
            raise ValueError("it is no JSON object")  # noqa: TRY004 - one kind of damage
        return from_json(data)
    except (OSError, ValueError, RecursionError) as error:
        raise WorkloadError(
            f"{path}: not a receipt that can be read: {error}",
            code="receipt-unreadable",
            mend="give a file that `hasten verify ... --save FILE` wrote",
        ) from error
