"""A job with all its files as bytes, for a host that has none of them.

JSON with the files in base64; nothing of ours is pickled. Captured calls stay what they are: opaque
bytes that only a sandboxed worker reads. On the other host everything lies in one scratch folder;
paths are told relative to named places and put back in the answer.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from benchmark_runner.errors import WorkloadError
from benchmark_runner.executors.job import Answer, Job, answer_from_json, answer_to_json
from benchmark_runner.receipts.repeat import pack_written, unpack_written
from benchmark_runner.sandbox.policy import project_paths
from benchmark_runner.workload import (
    CapturedInputs,
    FunctionWorkload,
    GeneratedInputs,
    Inputs,
    InputsFile,
    InputsOfTests,
    ModelInputs,
    Version,
)
from hasten.paths import workspace_of

PROTOCOL = 1
MOST_BYTES = 64 << 20
"""Files of one job, as they lie on the disk."""
_MOST_FILES = 5_000
_MOST_PAYLOAD = 256 << 20
_LEFT_OUT = frozenset({
    ".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache",
    ".ruff_cache", ".hypothesis", ".tox", ".nox", ".cache",
})  # fmt: skip


class _Places:
    """Named folders of this machine, and the files of them that go along."""

    def __init__(self, project: Path) -> None:
        self.roots: dict[str, Path] = {"project": project}
        self.files: dict[str, bytes] = {}
        self._size = 0

    def name(self, path: Path) -> str:
        """A path as "place/rest". Paths of no known place get one of their own."""
        for place, root in self.roots.items():
            if path.is_relative_to(root):
                return f"{place}/{path.relative_to(root).as_posix()}"
        place = f"place{len(self.roots)}"
        self.roots[place] = path if path.is_dir() else path.parent
        return self.name(path)

    def take(self, path: Path) -> None:
        """Take a file along."""
        if path.is_symlink() or not path.is_file():
            return
        data = path.read_bytes()
        self._size += len(data)
        self.files[self.name(path)] = data
        if self._size > MOST_BYTES or len(self.files) > _MOST_FILES:
            raise WorkloadError(
                f"{self.roots['project']}: more than {MOST_BYTES >> 20} MB or {_MOST_FILES} files "
                "would have to be sent",
                code="job-large",
                mend="run it without --cluster, or from a smaller project",
            )


def _below(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for place, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if name not in _LEFT_OUT and not (Path(place) / name / "pyvenv.cfg").is_file()
        ]
        for name in files:
            yield Path(place) / name


def pack(job: Job, expects: dict[str, str]) -> bytes:
    """The job with its files. `expects` are versions that the other side must have.

    Raises WorkloadError where there is too much to send.
    """
    work = job.workload
    project = workspace_of(work.path)
    places = _Places(project)
    for shown in project_paths(project, work.path):
        for path in _below(shown):
            places.take(path)
    inputs = _pack_inputs(work.inputs, places)
    versions = {
        name: _pack_version(version, places)
        for name, version in (("own", work.before), ("after", job.after), ("before", job.before))
    }
    told = {
        "protocol": PROTOCOL,
        "expects": expects,
        "id": job.id,
        "action": job.action,
        "origin": job.origin,
        "python": str(job.python),
        "rounding": job.rounding,
        "allow_unsandboxed": job.allow_unsandboxed,
        "timeout_s": job.timeout_s,
        "path": places.name(work.path),
        "function": work.function,
        "tests": list(work.tests),
        "inputs": inputs,
        "versions": versions,
        "roots": {name: str(root) for name, root in places.roots.items()},
        "files": {n: base64.b64encode(data).decode() for n, data in places.files.items()},
    }
    return zlib.compress(json.dumps(told).encode("utf-8", "surrogatepass"), 1)


def _pack_version(version: Version | None, places: _Places) -> list[list[str]] | None:
    if version is None:
        return None
    return [[places.name(Path(path)), text] for path, text in version.files]


def _pack_inputs(inputs: Inputs, places: _Places) -> dict[str, Any]:
    if isinstance(inputs, GeneratedInputs):
        return {"kind": "generated", "seed": inputs.seed}
    if isinstance(inputs, ModelInputs):
        return pack_written(inputs)
    if isinstance(inputs, InputsFile):
        places.take(inputs.path)
        return {"kind": "file", "path": places.name(inputs.path)}
    if isinstance(inputs, InputsOfTests):
        return {**_pack_inputs(inputs.calls, places), "kind": "tests", "tests": list(inputs.tests)}
    for path in _below(inputs.folder):
        places.take(path)
    return {"kind": "captured", "path": places.name(inputs.folder)}


class Unpacked:
    """A job that came from elsewhere, with its files in a scratch folder of this machine."""

    def __init__(self, payload: bytes, folder: Path) -> None:
        """Raises ValueError for what is no job, and for names that lead out of the folder."""
        self._folder = folder
        unpacker = zlib.decompressobj()
        try:
            data = unpacker.decompress(payload, _MOST_PAYLOAD)
        except zlib.error as error:
            raise ValueError(f"not a job: {error}") from error
        if unpacker.unconsumed_tail:
            raise ValueError("the job is too large")
        told = json.loads(data)
        if not isinstance(told, dict) or told.get("protocol") != PROTOCOL:
            raise ValueError("not a job of this protocol")
        self.expects: dict[str, str] = {str(k): str(v) for k, v in told["expects"].items()}
        self._roots = {str(n): str(root) for n, root in told["roots"].items()}
        for name in self._roots:
            self._place(name).mkdir(parents=True, exist_ok=True)
        for name, text in told["files"].items():
            path = self._place(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(text))
        self.job = self._job(told)

    def _place(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        if not parts or parts[0] not in self._roots or ".." in parts or "\0" in name:
            raise ValueError(f"{name!r} is no file of the job")
        return self._folder.joinpath(*parts)

    def _version(self, told: list[list[str]] | None) -> Version | None:
        if told is None:
            return None
        return Version.of({self._place(name): text for name, text in told})

    def _inputs(self, told: dict[str, Any]) -> Inputs:
        if told["kind"] == "generated":
            return GeneratedInputs(int(told["seed"]))
        if told["kind"] == "model":
            return unpack_written(told)
        path = self._place(told["path"])
        if told["kind"] == "file":
            return InputsFile(path)
        self._lead_here(path / "manifest.json")
        calls = CapturedInputs(path)
        if told["kind"] == "tests":
            return InputsOfTests(calls, tuple(map(str, told["tests"])))
        return calls

    def _lead_here(self, manifest: Path) -> None:
        """Captured calls name folders of the project: those of this machine from now on."""
        if manifest.is_file():
            text = manifest.read_text("utf-8")
            manifest.write_text(self._swapped(text, home=False), "utf-8")

    def _job(self, told: dict[str, Any]) -> Job:
        versions = {name: self._version(files) for name, files in told["versions"].items()}
        own, after = versions["own"], versions["after"]
        if own is None or after is None:
            raise ValueError("a version is missing")
        work = FunctionWorkload(
            self._place(told["path"]),
            str(told["function"]),
            own,
            self._inputs(told["inputs"]),
            tuple(map(str, told["tests"])),
        )
        rounding = told["rounding"]
        return Job(
            workload=work,
            action=told["action"],
            after=after,
            origin=told["origin"],
            python=Path(told["python"]),
            before=versions["before"],
            rounding=None if rounding is None else float(rounding),
            allow_unsandboxed=bool(told["allow_unsandboxed"]),
            timeout_s=float(told["timeout_s"]),
            id=str(told["id"]),
        )

    def _swapped(self, text: str, *, home: bool) -> str:
        """A JSON text with this machine's folders for the sender's, or back."""
        for name, root in sorted(self._roots.items(), key=lambda one: -len(one[1])):
            pair = [json.dumps(root)[1:-1], json.dumps(str(self._folder / name))[1:-1]]
            old, new = pair[::-1] if home else pair
            text = text.replace(old, new)
        return text

    def answer(self, answer: Answer) -> bytes:
        """The answer as the sender reads it, with the sender's own paths."""
        text = json.dumps(answer_to_json(answer), allow_nan=True)
        return self._swapped(text, home=True).encode("utf-8", "surrogatepass")


def read_answer(data: bytes, executor: str) -> Answer:
    """An answer from another host. Raises ValueError for any other text."""
    if len(data) > _MOST_PAYLOAD:
        raise ValueError("the answer is too large")
    answer = answer_from_json(json.loads(data))
    if answer.receipt is None:
        return answer
    environment = replace(answer.receipt.environment, host=answer.host, executor=executor)
    return replace(answer, receipt=replace(answer.receipt, environment=environment))
