"""What a receipt depends on, and whether that has changed since.

A receipt is about one text of a function, of what it calls in the project and of the constants it
reads, under one interpreter with its libraries. Any change of these makes it stale. Both states
of the file are known: before the edit and after it was taken.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.dependencies import Need, needs_of
from analysis.errors import HastenError
from analysis.source import read_source
from benchmark_runner.receipt import Dependency
from benchmark_runner.sandbox.layout import layout_of
from benchmark_runner.workload import Version
from hasten.paths import workspace_of

ReadText = Callable[[Path], "str | None"]
_BEFORE, _AFTER, _TOGETHER = "before ", "after ", "together "
_MOST_NAME = 200
_TREE_FILE, _GONE = "tree file", "gone"
_FILES = ("file", "case", "include", "extension", "data")
_MOST_FILE_BYTES = 64 << 20
_MOST_TREE_BYTES = 512 << 20
_NORMAL = re.compile(r"[-_.]+")


def on_disk(path: Path) -> str | None:
    """A file's text, None where there is no plain file that can be read."""
    try:
        return read_source(path).text if path.is_file() else None
    except (HastenError, OSError, ValueError):
        return None


def import_roots(path: Path) -> tuple[Path, ...]:
    """Folders that absolute imports of a file's project start from."""
    folder = path.parent
    while (folder / "__init__.py").exists() and folder.parent != folder:
        folder = folder.parent
    workspace = workspace_of(path)
    return tuple(dict.fromkeys((folder, workspace, workspace / "src")))


@dataclass(frozen=True)
class Interpreter:
    """The interpreter of a claim, as the receipt names it, and where its libraries lie."""

    path: Path
    version: str
    libraries: Sequence[str]


def dependencies_of(
    path: Path, called: str, before: Version, after: Version, interpreter: Interpreter
) -> tuple[Dependency, ...]:
    """What a proof of `after` against `before` rests on.

    Kinds: "function" and "edited" (the function before and after), callee, constant, extension
    (a compiled module of the project), data (a file that the code names), library, interpreter;
    with "before " or "after " in front where the two versions differ.
    """
    old = _needs(path, called, lambda p: _text(before, p))
    new = _needs(path, called, lambda p: _text(after, p))
    found = [Dependency("function", n.path, n.name, n.digest) for n in old if n.kind == "function"]
    found += [Dependency("edited", n.path, n.name, n.digest) for n in new if n.kind == "function"]
    for state, needs, others in ((_BEFORE, old, set(new)), (_AFTER, new, set(old))):
        for need in needs:
            if need.kind in ("callee", "constant"):
                kind = need.kind if need in others else state + need.kind
                found.append(Dependency(kind, need.path, need.name, need.digest))
            elif need.kind in ("extension", "data"):
                found.append(file_dependency(need.kind, Path(need.path)))
    names = {need.name for need in (*old, *new) if need.kind == "library"}
    found += _libraries(names, interpreter.libraries)
    found.append(Dependency("interpreter", str(interpreter.path), "CPython", interpreter.version))
    return tuple(dict.fromkeys(found))


def _text(version: Version, path: Path) -> str | None:
    given = version.text_of(path)
    return on_disk(path) if given is None else given


def _needs(path: Path, called: str, read: ReadText) -> tuple[Need, ...]:
    return needs_of(path, called, read, import_roots(path))


def versions_of_libraries(names: Iterable[str], python: Path) -> tuple[tuple[str, str], ...]:
    """(module, version) of those that an interpreter has, by name. Raises InterpreterError."""
    found = _libraries(names, layout_of(python).libraries)
    return tuple((dependency.name, dependency.digest) for dependency in found)


def _libraries(names: Iterable[str], folders: Sequence[str]) -> Iterator[Dependency]:
    """Installed libraries with their versions; the standard library has the interpreter's."""
    for name in sorted(set(names) - sys.stdlib_module_names):
        for folder in folders:
            version = _installed_version(name, Path(folder))
            if version is not None:
                yield Dependency("library", folder, name, version)
                break


def _installed_version(name: str, folder: Path) -> str | None:
    """The version of the distribution that brings a top-level module into a folder.

    Read from the names of `*.dist-info` folders and, where the module is called otherwise than its
    distribution, from their RECORD. A module without any is known by the hash of its first file.
    """
    if not name.isidentifier() or len(name) > _MOST_NAME:
        return None  # from a hostile receipt: it would be a pattern, or a path
    module = next((p for p in (folder / name, folder / f"{name}.py") if p.exists()), None)
    compiled = next(iter(folder.glob(f"{name}.*.so")), None) if module is None else None
    module = module or compiled
    if module is None:
        return None
    infos = sorted(folder.glob("*.dist-info"))
    for info in infos:
        project, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        if _NORMAL.sub("-", project).lower() == _NORMAL.sub("-", name).lower():
            return version
    for info in infos:
        if _brings(info, module.name):
            return info.name.removesuffix(".dist-info").rpartition("-")[2]
    return _file_digest(module / "__init__.py" if module.is_dir() else module) or "a folder"


def _brings(info: Path, name: str) -> bool:
    try:
        with (info / "RECORD").open(encoding="utf-8", errors="replace") as record:
            return any(line.startswith((f"{name}/", f"{name},")) for line in record)
    except OSError:
        return False


def changes_since(
    known: Sequence[Dependency],
    read: ReadText = on_disk,
    version_of: Callable[[Path], str] | None = None,
) -> tuple[str, ...]:
    """What changed of a receipt's dependencies, one sentence each; () when nothing did.

    Nothing is run unless `version_of` is given, which asks an interpreter for its version. `read`
    gives the text of a file, for example an editor's.
    """
    found = [f"{d.name} lies nowhere" for d in known if not is_path(d.path)]
    known = [d for d in known if is_path(d.path)]
    own = next((d for d in known if d.kind == "function"), None)
    if own is not None:
        found += _changed_code(known, own, read)
    for dependency in known:
        if dependency.kind == "library" and not dependency.path:
            continue  # a benchmark's tool told its version; where it lies is not known
        if dependency.kind == "library":
            now = _installed_version(dependency.name, Path(dependency.path))
            if now != dependency.digest:
                found.append(f"{dependency.name} was {dependency.digest}, is {now or 'gone'}")
        elif dependency.kind == "interpreter":
            found += _changed_interpreter(dependency, version_of)
        elif dependency.kind in _FILES:
            found += _changed_file(known, dependency)
    return (*found, *_changed_tree([d for d in known if d.kind.endswith(_TREE_FILE)]))


def _changed_code(known: Sequence[Dependency], own: Dependency, read: ReadText) -> list[str]:
    path = Path(own.path)
    needs = _needs(path, own.name, read)
    now = next((n.digest for n in needs if n.kind == "function"), None)
    edited = [d.digest for d in known if d.kind == "edited"]
    if now is None:
        return [f"{own.name} is no longer in {own.path}"]
    if now != own.digest and now not in edited:
        return [f"{own.name} was changed"]
    state = _BEFORE if now == own.digest else _AFTER
    allowed: dict[tuple[str, str, str], set[str]] = {}
    for d in known:
        for prefix in ("", state, _TOGETHER):
            kind = d.kind.removeprefix(prefix)
            if kind in ("callee", "constant"):
                allowed.setdefault((kind, d.path, d.name), set()).add(d.digest)
    found: dict[tuple[str, str, str], str] = {
        (n.kind, n.path, n.name): n.digest for n in needs if n.kind in ("callee", "constant")
    }
    changed = []
    for key in sorted(allowed.keys() | found.keys()):
        if found.get(key) not in allowed.get(key, ()):
            kind, where, name = key
            both = key in allowed and key in found
            word = "changed" if both else "gone" if key in allowed else "new"
            changed.append(f"{kind} {name} of {Path(where).name} is {word}")
    return changed


def together(
    own: Sequence[Dependency], others: Iterable[Sequence[Dependency]]
) -> tuple[Dependency, ...]:
    """The dependencies of a claim that was proved again together with others.

    A callee may then also be as another of the edits leaves it.
    """
    callees = {(d.path, d.name) for d in own if d.kind.endswith("callee")}
    more = [
        Dependency(f"{_TOGETHER}callee", d.path, d.name, d.digest)
        for known in others
        for d in known
        if d.kind == "edited" and (d.path, d.name) in callees
    ]
    return tuple(dict.fromkeys((*own, *more)))


def _changed_interpreter(
    dependency: Dependency, version_of: Callable[[Path], str] | None
) -> list[str]:
    path = Path(dependency.path)
    if not path.exists():
        return [f"the interpreter {path} is gone"]
    if version_of is None:
        return []
    now = version_of(path)
    return [] if now == dependency.digest else [f"CPython was {dependency.digest}, is {now}"]


def file_dependency(kind: str, path: Path, name: str = "") -> Dependency:
    """A dependency on the bytes of a file (of a kind in `_FILES`)."""
    return Dependency(kind, str(path), name or path.name, _file_digest(path) or "missing")


def source_dependencies(path: Path, before: Version, after: Version) -> tuple[Dependency, ...]:
    """A program or a library of C functions rests on its whole file.

    Kinds: "file" (before the edit) and "edited file".
    """
    found = []
    for kind, version in (("file", before), ("edited file", after)):
        text = version.text_of(path)
        data = text.encode("utf-8", "surrogatepass") if text is not None else None
        mark = _file_digest(path) if data is None else hashlib.sha256(data).hexdigest()[:32]
        found.append(Dependency(kind, str(path), path.name, mark or "missing"))
    return tuple(dict.fromkeys(found))


def _changed_file(known: Sequence[Dependency], dependency: Dependency) -> list[str]:
    """A file that is neither as it was nor, where an edit was proved, as that leaves it."""
    now = _file_digest(Path(dependency.path))
    allowed = {d.digest for d in known if d.path == dependency.path}
    if now in allowed:
        return []
    return [f"{dependency.name} was changed" if now else f"{dependency.name} is gone"]


def tree_dependencies(
    tree: Path, digests: tuple[Mapping[str, str], Mapping[str, str]], names: Iterable[str]
) -> tuple[Dependency, ...]:
    """A change of several files rests on each of them: all as before it, or all as after it.

    `digests` are those of `entry_digest` for either version, by names within the tree. Kinds:
    "before tree file" and "after tree file".
    """
    return tuple(
        Dependency(state + _TREE_FILE, str(tree / name), name, known.get(name, _GONE))
        for name in names
        for state, known in zip((_BEFORE, _AFTER), digests, strict=True)
    )


def _changed_tree(known: Sequence[Dependency]) -> list[str]:
    """Files of a change that are neither all as before it nor all as after it."""
    states = [
        {d.path: d for d in known if d.kind == state + _TREE_FILE} for state in (_BEFORE, _AFTER)
    ]
    names = {path: d.name for state in states for path, d in state.items()}
    if any(state.keys() != names.keys() for state in states):
        return ["the receipt does not tell all its files before and after the change"]
    now = {path: entry_digest(Path(path), _MOST_TREE_BYTES) or _GONE for path in names}
    if any(all(now[path] == d.digest for path, d in state.items()) for state in states):
        return []
    lost = [
        name
        for path, name in names.items()
        if now[path] not in {state[path].digest for state in states}
    ]
    if lost:
        return [f"{name} was changed" for name in lost]
    return ["some files of the change are as before it, others as after it"]


def entry_digest(path: Path, most: int | None = None) -> str | None:
    """A hash of a tree's entry: a file's bytes and whether it is a program, or where a link leads.

    None for what is neither, and for a file of more than `most` bytes.
    """
    try:
        if path.is_symlink():
            return hashlib.sha256(b"link:" + os.fsencode(path.readlink())).hexdigest()
        if not path.is_file():
            return None
        data, left = hashlib.sha256(), most
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                data.update(chunk)
                left = None if left is None else left - len(chunk)
                if left is not None and left < 0:
                    return None
        data.update(b"x" if os.access(path, os.X_OK) else b"-")
        return data.hexdigest()
    except (OSError, ValueError):
        return None


def is_path(text: str) -> bool:
    """Whether a system call takes it: a receipt from a file may say anything."""
    try:
        os.lstat(text)
    except ValueError:
        return False
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    return True


def _file_digest(path: Path) -> str | None:
    """A hash of a file's bytes, of its size and time where it is large.

    None for what is no plain file, which may never end.
    """
    try:
        if not path.is_file():
            return None
        stat = path.stat()
        if stat.st_size > _MOST_FILE_BYTES:
            return f"{stat.st_size} bytes at {stat.st_mtime_ns}"
        with path.open("rb") as file:  # its size is no bound: files of /proc have none
            data = file.read(_MOST_FILE_BYTES + 1)
        return hashlib.sha256(data).hexdigest()[:32] if len(data) <= _MOST_FILE_BYTES else None
    except (OSError, ValueError):
        return None
