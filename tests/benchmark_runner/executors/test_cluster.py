"""Jobs on two workers of this machine: same answers as here, kills, cancel, versions."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner.executors.cluster import Cluster, ClusterError
from benchmark_runner.executors.job import Job, Local
from benchmark_runner.workload import FunctionWorkload, InputsFile, Version
from tests.benchmark_runner.executors.hosts import Hosts, wait_until

pytest.importorskip("distributed")

SLOW = """
from helper import same

def unique(xs):
    seen = []
    for x in xs:
        if x not in seen:
            seen.append(same(x))
    return seen
"""
FAST = "def unique(xs):\n    return list(dict.fromkeys(xs))\n"
WRONG = "def unique(xs):\n    return sorted(set(xs))\n"
HANGS = "import time\ndef unique(xs):\n    time.sleep(3600)\n"
INPUTS = """
def inputs():
    for n in (60, 200):
        yield ([(i * 7) % n for i in range(2 * n)],), {}
"""


@pytest.fixture
def work(tmp_path: Path) -> FunctionWorkload:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\nname = 'p'\n")
    (folder / "helper.py").write_text("def same(x):\n    return x\n")
    (folder / "m.py").write_text(SLOW)
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "inputs_file.py").write_text(INPUTS)
    own = Version.of({folder / "m.py": SLOW})
    inputs = InputsFile(tmp_path / "given" / "inputs_file.py")
    return FunctionWorkload(folder / "m.py", "unique", own, inputs)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    folder = tmp_path / "hosts"
    folder.mkdir()
    with Hosts(folder) as found:
        yield found


def job(work: FunctionWorkload, text: str, action: str = "evaluate", timeout_s: float = 600) -> Job:
    after = Version.of({work.path: text})
    return Job(work, action, after, "user", Path(sys.executable), timeout_s=timeout_s)  # type: ignore[arg-type]


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_answers_are_as_here_though_a_worker_is_killed(
    work: FunctionWorkload, hosts: Hosts, tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    hosts.add("one", TMPDIR=str(tmp_path / "one"))
    hosts.add("two")
    texts = [FAST, WRONG, FAST + "\n# again\n", SLOW + "\nMORE = 1\n"]
    jobs = [job(work, text) for text in texts]

    def kill() -> None:
        wait_until(lambda: hosts.events("one"), "a job on the first host")
        hosts.kill("one")

    killer = threading.Thread(target=kill)
    with Cluster(hosts.address) as cluster:
        wait_until(lambda: cluster.slots == 2, "both workers")
        killer.start()
        answers = cluster.run(jobs)
        killer.join()
    here = Local().run(jobs[:2])
    assert [a.error for a in answers] == [None] * 4
    for answer, expected in zip(answers, here, strict=False):
        assert answer.verdict == expected.verdict
    fast, local = answers[0].measurement, here[0].measurement
    assert fast is not None and local is not None
    assert fast.accepted and local.accepted
    assert all(a.host for a in answers)
    assert hosts.overlaps("one") == hosts.overlaps("two") == 0
    killed = [pid for _, end, pid in hosts.runs("one") if end == float("inf")]
    assert len(killed) == 1
    wait_until(lambda: gone(killed[0]), "the end of the killed host's job")
    assert len(list((tmp_path / "one").glob("hasten-own-*/hasten-job-*"))) == 1
    with Cluster(hosts.address) as cluster:
        hosts.add("three", TMPDIR=str(tmp_path / "one"))
        hosts.kill("two")
        wait_until(lambda: hosts.workers["two"].poll() is not None, "its end")
        wait_until(lambda: cluster.slots == 1, "the third worker alone")
        cluster.run(jobs[:1])
    assert not list((tmp_path / "one").glob("hasten-own-*/hasten-job-*"))


def test_a_proof_names_its_host_and_the_senders_paths(work: FunctionWorkload, hosts: Hosts):
    hosts.add("one")
    with Cluster(hosts.address) as cluster:
        [answer] = cluster.run([job(work, FAST, "prove")])
    receipt = answer.receipt
    assert receipt is not None, answer.error
    assert receipt.decision == "faster", receipt.reason
    assert (receipt.environment.executor, receipt.path) == ("dask", str(work.path))
    assert receipt.environment.host == answer.host
    assert "hasten-own-" not in repr(receipt)


def test_a_cancel_ends_the_process_on_the_host(work: FunctionWorkload, hosts: Hosts):
    hosts.add("one")
    token = CancelToken()

    def cancel() -> None:
        wait_until(lambda: hosts.events("one"), "the job")
        token.cancel()

    thread = threading.Thread(target=cancel)
    with Cluster(hosts.address) as cluster:
        thread.start()
        with pytest.raises(Cancelled):
            cluster.run([job(work, HANGS), job(work, FAST)], cancel=token)
        thread.join()
        [(_, _, pid)] = hosts.runs("one")
        wait_until(lambda: gone(pid), "the end of the job")
        assert cluster.run([job(work, WRONG, "check")])[0].error is None


def test_a_job_that_does_not_end_is_given_up(work: FunctionWorkload, hosts: Hosts):
    hosts.add("one")
    with Cluster(hosts.address) as cluster:
        [answer] = cluster.run([job(work, FAST, timeout_s=0.2)])
    assert answer.error is not None
    assert answer.error.code == "cluster-job-lost"
    assert "in time" in answer.error.message


@pytest.mark.slow
def test_a_job_that_takes_its_workers_with_it_is_given_up(work: FunctionWorkload, hosts: Hosts):
    """As if the job were poison: whoever takes it dies."""
    names = [f"host{n}" for n in range(4)]
    stop = threading.Event()

    def kill() -> None:
        for name in names:
            hosts.add(name)
            while not hosts.events(name):
                if stop.wait(0.02):
                    return
            hosts.kill(name)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        with Cluster(hosts.address) as cluster:
            [answer] = cluster.run([job(work, FAST)])
    finally:
        stop.set()
        thread.join()
    assert answer.error is not None
    assert "worker died" in answer.error.message
    assert sum(bool(hosts.events(name)) for name in names) == 3


@pytest.mark.slow
def test_without_a_slot_nothing_waits_for_ever(work: FunctionWorkload, hosts: Hosts):
    hosts.add("one", slot=False)
    with pytest.raises(ClusterError) as caught:
        Cluster(hosts.address, no_worker_s=1.0)
    assert caught.value.code == "cluster-workers"
    hosts.add("two")
    with Cluster(hosts.address, no_worker_s=15.0) as cluster:
        hosts.kill("two")
        with pytest.raises(ClusterError) as caught:
            cluster.run([job(work, FAST)])
    assert caught.value.code == "cluster-workers"


def test_a_host_that_differs_is_not_used(
    work: FunctionWorkload, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.add("one", HASTEN_PYTHON=os.fspath(work.path))
    with Cluster(hosts.address) as cluster:
        [answer] = cluster.run([job(work, FAST)])
    assert answer.error is not None
    monkeypatch.setattr("hasten.remote_job.__version__", "0.0.0")
    with pytest.raises(ClusterError) as caught:
        Cluster(hosts.address)
    assert caught.value.code == "cluster-differs"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere", "tcp://127.0.0.1:x", ":9"])
def test_an_address_without_a_scheduler_is_told(address: str) -> None:
    with pytest.raises(ClusterError) as caught:
        Cluster(address)
    assert caught.value.code == "cluster-unreachable"
    assert address in caught.value.message
