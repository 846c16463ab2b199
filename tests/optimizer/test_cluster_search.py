"""A search on two workers, one of which is killed in the middle: the same result as here."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from analysis.progress import CancelToken, silent
from analysis.text import apply_replacements
from benchmark_runner.executors.cluster import ClusterError
from hasten.paths import state_dir
from optimizer.engine.protocol import OptimizeSpec
from optimizer.results import Results
from optimizer.search import optimize
from optimizer.services import Services
from optimizer.suggestion import Outcome
from tests.benchmark_runner.executors.hosts import Hosts, wait_until

pytest.importorskip("distributed")

SLOW = """\
def report(items, wanted):
    found = []
    for x in items:
        if x in wanted:
            found.append(x)
    seen = []
    for x in found:
        if x % 50 not in seen:
            seen.append(x % 50)
    return found, seen
"""
"""One edit gains twentyfold; no other gains so much that noise could hide or make it."""
INPUTS = """
def inputs():
    for n in (600, 800, 1000, 1200):
        yield (list(range(0, n, 2)), list(range(n // 2))), {}
"""


def search(
    workspace: Path, name: str, monkeypatch: pytest.MonkeyPatch, cluster: str | None
) -> Outcome:
    """One job with memories of its own: what one search refused would be left out of the next."""
    monkeypatch.setenv("XDG_STATE_HOME", str(workspace.parent / f"state-{name}"))
    monkeypatch.setenv("XDG_DATA_HOME", str(workspace.parent / f"data-{name}"))
    spec = OptimizeSpec(
        workspace=str(workspace), path=str(workspace / "mod.py"), function="report",
        python=sys.executable, inputs_file=str(workspace / "given.py"), cwd=str(workspace),
        budget=2, width=2, cluster=cluster,
    )  # fmt: skip
    state = state_dir(workspace)
    services = Services(workspace, state, Results(state))
    try:
        return optimize(spec, services, silent, CancelToken())
    finally:
        services.close()


@pytest.mark.slow
def test_the_result_is_as_here_though_a_worker_is_killed(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "mod.py").write_text(SLOW)
    (workspace / "given.py").write_text(INPUTS)
    here = search(workspace, "here", monkeypatch, None)
    folder = tmp_path / "hosts"
    folder.mkdir()
    with Hosts(folder) as hosts:
        hosts.add("one")
        hosts.add("two")
        wait_until(lambda: (folder / "two").exists() and hosts.address, "the cluster")

        def kill() -> None:
            wait_until(lambda: hosts.runs("one") and hosts.runs("two"), "two jobs at once", 600)
            hosts.kill("one")

        killer = threading.Thread(target=kill)
        killer.start()
        there = search(workspace, "there", monkeypatch, hosts.address)
        killer.join()
        assert hosts.workers["one"].wait(60) != 0
        assert hosts.overlaps("one") == hosts.overlaps("two") == 0
        assert len(hosts.runs("two")) > 1
    assert not [note for note in there.notes if "done on this machine" in note]
    [own], [theirs] = here.suggestions, there.suggestions
    assert apply_replacements(SLOW, theirs.replacements) == apply_replacements(
        SLOW, own.replacements
    )
    assert [rung.title for rung in theirs.edits] == [rung.title for rung in own.edits]
    assert theirs.equality == own.equality
    low, high = own.interval
    assert theirs.interval[0] <= high * 1.25 and theirs.interval[1] >= low / 1.25
    assert theirs.receipt.environment.executor == "dask"
    assert own.receipt.environment.executor == "local"


def test_a_cluster_that_is_not_there_ends_the_job(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "mod.py").write_text(SLOW)
    (workspace / "given.py").write_text(INPUTS)
    with pytest.raises(ClusterError) as caught:
        search(workspace, "there", monkeypatch, "tcp://127.0.0.1:9")
    assert caught.value.code == "cluster-unreachable"
