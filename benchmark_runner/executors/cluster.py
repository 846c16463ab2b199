"""Jobs on the hosts of a dask.distributed cluster (the extra `[cluster]`).

One worker process per host with one thread and `--resources bench=1`, so that a host has one slot.
A job is a thin function that starts a process of its own there (hasten/remote_job.py), with its own
timeout and kill. dask itself retries nothing; a worker that dies costs one of our retries, not the
search, and a job that kills its workers is given up. A scheduler executes whatever it is sent: it
must be reachable by nobody else (docs/cluster.md).
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.errors import Cancelled, HastenError
from analysis.progress import CancelToken, Progress, silent
from benchmark_runner.executors.job import Answer, Job, JobError
from benchmark_runner.executors.shipping import pack, read_answer
from benchmark_runner.interpreters import interpreter_at
from hasten import remote_job

RESOURCE = "bench"
RETRIES = 2
"""How often a job is sent again after its worker died or its answer was lost."""
_CONNECT_S = 20.0
_NO_WORKER_S = 60.0
_POLL_S = 0.1
_LOOK_S = 2.0
_GRACE_S = 30.0
"""What a host may take beyond a job's own timeout to end it and say so."""


class ClusterError(HastenError):
    """The cluster can't be used: not reachable, no worker with a slot, other versions."""


@dataclass(frozen=True)
class Tls:
    """Files of a TLS connection, as dask has them (`tls://` addresses)."""

    ca: Path
    cert: Path
    key: Path


@dataclass
class _Sent:
    """A job that was sent, and how often it was lost."""

    job: Job
    payload: bytes
    lost: int = 0
    why: str = ""
    future: Any = None
    ids: list[str] = field(default_factory=list)


class Cluster:
    """An executor over a scheduler. A context manager; for one thread.

    Raises ClusterError (cluster-extra, cluster-unreachable, cluster-workers, cluster-differs).
    """

    def __init__(
        self, address: str, *, tls: Tls | None = None, no_worker_s: float = _NO_WORKER_S
    ) -> None:
        self._address, self._no_worker_s = address, no_worker_s
        self._client = _connect(address, tls)
        try:
            self._workers_with_slots()
            self._same_versions()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """What receipts call it."""
        return "dask"

    @property
    def slots(self) -> int:
        """Workers that offer a slot now."""
        return len(self._slots())

    def close(self) -> None:
        """Leave the cluster; it goes on."""
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)

    def _slots(self) -> dict[str, Any]:
        workers = self._client.scheduler_info(n_workers=-1).get("workers", {})
        return {a: w for a, w in workers.items() if w.get("resources", {}).get(RESOURCE, 0) >= 1}

    def _workers_with_slots(self) -> None:
        """Wait a moment for a worker with a slot: a task that asks for none waits for ever."""
        until = time.monotonic() + min(self._no_worker_s, _CONNECT_S)
        while not self._slots():
            if time.monotonic() > until:
                raise _no_workers(self._address)
            time.sleep(_POLL_S)

    def _same_versions(self) -> None:
        own = remote_job.versions()
        told = self._client.run(remote_job.versions, workers=list(self._slots()), on_error="return")
        for address, theirs in told.items():
            if theirs != own:
                shown = theirs if isinstance(theirs, dict) else f"{type(theirs).__name__}: {theirs}"
                raise ClusterError(
                    f"worker {address} has {shown}, here it is {own}",
                    code="cluster-differs",
                    mend="install the same Python and the same hasten[cluster] on every host",
                )

    def run(
        self, jobs: Sequence[Job], progress: Progress = silent, cancel: CancelToken | None = None
    ) -> list[Answer]:
        """The answers in the order of the jobs, as many at once as there are slots.

        Raises Cancelled, after the processes of all jobs were told to end, and ClusterError where
        for a minute there is no worker with a slot.
        """
        token = cancel or CancelToken()
        sent = [_Sent(job, self._packed(job)) for job in jobs]
        answers: list[Answer | None] = [None] * len(jobs)
        try:
            for one in sent:
                self._send(one)
            self._wait(sent, answers, progress, token)
        except BaseException:
            self._stop([one for one, answer in zip(sent, answers, strict=True) if answer is None])
            raise
        return [answer for answer in answers if answer is not None]

    def _packed(self, job: Job) -> bytes:
        version = ".".join(map(str, interpreter_at(job.python).version))
        return pack(job, {**remote_job.versions(), "interpreter": version})

    def _send(self, one: _Sent) -> None:
        # A new name each time: dask would give back the lost result of the old one.
        id = f"{one.job.id}-{len(one.ids)}"
        one.ids.append(id)
        one.future = self._client.submit(
            remote_job.run, id, one.payload, one.job.timeout_s, key=f"hasten-{id}", pure=False,
            retries=0, resources={RESOURCE: 1},
        )  # fmt: skip

    def _wait(
        self,
        sent: Sequence[_Sent],
        answers: list[Answer | None],
        progress: Progress,
        token: CancelToken,
    ) -> None:
        looked = seen = time.monotonic()
        while None in answers:
            token.check()
            for place, one in enumerate(sent):
                if answers[place] is None and one.future.done():
                    answers[place] = self._ended(one)
            now = time.monotonic()
            if now - looked >= _LOOK_S:
                looked = now
                slots = len(self._slots())
                seen = now if slots else seen
                done = sum(answer is not None for answer in answers)
                progress(f"{done} of {len(sent)} answered, {slots} hosts", done / len(sent))
                if now - seen > self._no_worker_s:
                    raise _no_workers(self._address)
            if None in answers:
                token.wait(_POLL_S)

    def _ended(self, one: _Sent) -> Answer | None:
        """The answer of a job that ended; None where it is sent once more."""
        try:
            if one.future.status == "finished":
                data = one.future.result(timeout=_GRACE_S)
                if data:
                    return read_answer(data, self.name)
                one.why = "it gave no answer in time, or its process died"
                one.lost += RETRIES  # the worker lives: the job itself is at fault
            else:
                error = one.future.exception(timeout=_GRACE_S)
                one.why = f"its worker died ({type(error).__name__})"
                # A scheduler may have tried again by itself before it said so.
                one.lost += max(0, int(getattr(error, "allowed_failures", 0) or 0))
        except (ValueError, OSError, TimeoutError) as error:
            one.why = f"its answer was lost: {error}"
        except Exception as error:  # dask's own: the result was on a host that is gone
            one.why = f"its answer was lost: {type(error).__name__}"
        one.lost += 1
        if one.lost <= RETRIES:
            self._send(one)
            return None
        text = f"the job was given up: {one.why}"
        mend = "try it without --cluster; the worker's log may say more"
        return Answer(error=JobError("cluster-job-lost", text, mend))

    def _stop(self, sent: Sequence[_Sent]) -> None:
        """End the jobs' processes wherever they run, and take back those that wait."""
        futures = [one.future for one in sent if one.future is not None]
        ids = [id for one in sent for id in one.ids]
        if not ids:
            return
        with contextlib.suppress(Exception):
            self._client.cancel(futures, force=True)
        with contextlib.suppress(Exception):
            self._client.run(remote_job.cancel, ids, on_error="ignore")


def _connect(address: str, tls: Tls | None) -> Any:
    try:
        from distributed import Client
        from distributed.security import Security
    except ImportError as error:
        raise ClusterError(
            "--cluster needs dask.distributed",
            code="cluster-extra",
            mend='pip install "hasten[cluster]"',
        ) from error
    _reachable(address)
    security = None
    if tls is not None:
        security = Security(
            require_encryption=True,
            tls_ca_file=str(tls.ca),
            tls_client_cert=str(tls.cert),
            tls_client_key=str(tls.key),
        )
    try:
        # Through the scheduler only: behind a tunnel the workers can't be reached.
        return Client(
            address, timeout=_CONNECT_S, security=security, set_as_default=False,
            direct_to_workers=False,
        )  # fmt: skip
    except Cancelled:
        raise
    except Exception as error:
        raise _unreachable(address, f"{type(error).__name__}: {error}") from error


def _reachable(address: str) -> None:
    """Try the address by ourselves first: a client of dask that fails takes a minute to go away."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit():
        raise _unreachable(address, "it is not of the form tcp://HOST:PORT or tls://HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, why: str) -> ClusterError:
    return ClusterError(
        f"no scheduler answers at {address}: {why}",
        code="cluster-unreachable",
        mend="check the address, the tunnel, and for tls:// dask's TLS settings (docs/cluster.md)",
    )


def _no_workers(address: str) -> ClusterError:
    return ClusterError(
        f"the scheduler at {address} has no worker with a slot",
        code="cluster-workers",
        mend="start workers with: dask worker ADDRESS --nthreads 1 --resources bench=1",
    )
