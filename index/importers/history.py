"""Claims in the history of a git repository: commits whose message says that something got faster.

Nothing of the repository is run: see `git_reader`. What a message says is a claim like any other,
and most of what is found can't be proved alone (a file that imports its package, arguments that
nobody can make up); those that can were worth a commit to somebody.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.functions import Function, functions_in, is_listable, parse_file
from analysis.languages import language_of
from analysis.progress import CancelToken, Progress, silent
from index.importers.claim import Claim
from index.importers.git_reader import Commit, GitReader
from index.importers.messages import claims_speed, first_line, ratio_told, without_names
from index.importers.splice import with_function

MOST_FILES = 5
"""Files that a commit may change; what changes more is about more than one gain."""
MOST_LINES = 200
"""Lines of a file that may be gone or new."""
MOST_FUNCTIONS = 5
MOST_BYTES = 200_000
"""Of a file that is read."""
_LEAST_LINES = 2
_MOST_IN_FILE = 20_000
"""Lines of a file."""

_SUFFIXES = (".py", ".c", ".cc", ".cpp", ".cxx")
_TEST_FILE = re.compile(
    r"(?:^|/)(?:(?:tests?|testing|benchmarks?|docs?|examples?|vendor)/|test_[^/]*$|[^/]*_test\.\w+$)"
)


def mine(
    repo: Path,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
    *,
    most_commits: int = 100_000,
    home: str = "",
) -> Iterator[Claim]:
    """One claim for each function that such a commit changed, the newest commit first.

    `home` is the key of the workspace whose models alone may be shown the code, "" for a public
    repository (see index.record.home_of). Looks at the last `most_commits` commits of the
    checked-out branch, merges left out. Raises ClaimError where git fails, and Cancelled.
    """
    token = cancel or CancelToken()
    token.check()
    reader = GitReader(repo, token.check)
    name = reader.name
    for number, commit in enumerate(reader.commits(most_commits)):
        token.check()
        if number % 200 == 0:
            progress(f"{name}: looking at commit {number + 1}", None)
        if claims_speed(commit.message):
            for file in _worth_reading(reader, commit, token):
                token.check()
                yield from _of_file(file, commit, f"{name}@{home}" if home else name)


@dataclass(frozen=True)
class _Changed:
    """A file before and after a commit."""

    path: str
    before: str
    after: str


def _worth_reading(reader: GitReader, commit: Commit, token: CancelToken) -> list[_Changed]:
    """Source files that the commit changed, if these are few and their differences small.

    Raises Cancelled.
    """
    changes = [
        change
        for change in commit.changes
        if change.path.lower().endswith(_SUFFIXES)
        and not _TEST_FILE.search(change.path)
        and change.path.isprintable()
    ]
    if not changes or len(commit.changes) > 4 * MOST_FILES or len(changes) > MOST_FILES:
        return []
    found = []
    for change in changes:
        token.check()
        before = reader.text(change.before, MOST_BYTES)
        after = reader.text(change.after, MOST_BYTES) if before is not None else None
        if before is None or after is None:
            continue
        if not _LEAST_LINES <= _lines_changed(before, after) <= MOST_LINES:
            continue
        if is_listable(before, change.path) and is_listable(after, change.path):
            found.append(_Changed(change.path, before, after))
    return found


def _lines_changed(before: str, after: str) -> int:
    """How many lines are gone or new, at least; MOST_LINES + 1 where they are more."""
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) > _MOST_IN_FILE:
        return MOST_LINES + 1
    were, are = Counter(old), Counter(new)
    if sum((were - are).values()) + sum((are - were).values()) > MOST_LINES:
        return MOST_LINES + 1
    return edit_distance(old, new, MOST_LINES)


def edit_distance(old: Sequence[str], new: Sequence[str], most: int) -> int:
    """The fewest lines to take out and to put in; `most` + 1 where `most` are not enough.

    By how far each number of edits gets (Myers 1986): at most 2 * `most` + 1 passes over the lines.
    """
    furthest = {1: 0}
    """By diagonal (the place in `old` less that in `new`), the place in `old` that was reached."""
    for edits in range(most + 1):
        for diagonal in range(-edits, edits + 1, 2):
            put_in, taken = furthest.get(diagonal + 1, -1), furthest.get(diagonal - 1, -1) + 1
            at = max(put_in, taken)
            while at < len(old) and at - diagonal < len(new) and old[at] == new[at - diagonal]:
                at += 1
            furthest[diagonal] = at
            if at >= len(old) and at - diagonal >= len(new):
                return edits
    return most + 1


def _of_file(file: _Changed, commit: Commit, repository: str) -> Iterator[Claim]:
    try:
        pairs = changed_functions(file.before, file.after, file.path)
    except (RecursionError, ValueError):
        return  # nobody's parser is made for everything that was ever committed
    if len(pairs) > MOST_FUNCTIONS:
        return
    for old, new in pairs:
        fast = file.after
        if len(pairs) > 1:
            spliced = with_function(file.before, file.after, old, new)
            if spliced is None:
                continue
            fast = spliced
        name = repository.partition("@")[0]
        title = without_names(commit.message, (old.name, *old.qualname.split(".")))
        yield Claim(
            language=language_of(file.path).name,
            slow=file.before,
            fast=fast,
            origin=f"git:{repository}:{commit.sha[:12]}:{file.path}::{old.qualname}",
            function=old.qualname,
            title=title,
            edit=title,
            licence="the repository's own",
            notice=f"{name}, commit {commit.sha[:12]}: {first_line(commit.message)}",
            reported_ratio=ratio_told(commit.message),
            created=commit.date,
        )


def changed_functions(before: str, after: str, path: str) -> list[tuple[Function, Function]]:
    """The functions of both texts whose code differs, by their names, before and after.

    Those nested in another one are a part of it, and what is defined twice is left out. A file of
    another Python than ours has none; in C, macros look like syntax errors and mean little.
    """
    broken = any(parse_file(text, path).root.has_error for text in (before, after))
    if broken and language_of(path).folder is None:
        return []
    old, new = _once(functions_in(before, path)), _once(functions_in(after, path))
    return [
        (old[name], new[name])
        for name in old
        if name in new
        and old[name].kind != "nested"
        and old[name].fingerprint != new[name].fingerprint
    ]


def _once(functions: tuple[Function, ...]) -> dict[str, Function]:
    counts = Counter(function.qualname for function in functions)
    return {f.qualname: f for f in functions if counts[f.qualname] == 1}
