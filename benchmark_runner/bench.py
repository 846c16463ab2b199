"""What every kind of bench can do: one original, any number of candidates."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, runtime_checkable

from benchmark_runner.receipt import InputsUsed, Measurement, Receipt, Verdict
from benchmark_runner.workload import Origin, Version


class Bench(Protocol):
    """Proves candidates of one workload against its original.

    A context manager; no process outlives a call. Methods raise WorkloadError when the original
    can't be judged, InterpreterError, SandboxError and Cancelled; what is wrong with a candidate
    is an answer, never an exception (but for `measure`, which raises CandidateFailed).
    """

    def __enter__(self) -> Bench: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    @property
    def before(self) -> Version:
        """The version that candidates are judged against."""

    def prepare(self) -> InputsUsed:
        """Run the original against itself, once per bench."""

    def shapes(self) -> tuple[str, ...]:
        """What the inputs are made of, the largest first, for a proposer; no value of them."""

    def check(self, after: Version, origin: Origin) -> Verdict:
        """Whether a version behaves as the original does, on all inputs."""

    def measure(self, before: Version, after: Version) -> Measurement:
        """Search fidelity: promising or not. Both versions must have passed `check`."""

    def prove(self, after: Version, *, origin: Origin, before: Version | None = None) -> Receipt:
        """All stages, confirmation included. `before` (default: the original) is the timing base
        and must have passed `check`; equality is always against the original.
        """


@runtime_checkable
class Believer(Protocol):
    """A bench that may have tests which only a model wrote (see b4.py)."""

    def belief(self, after: Version) -> float:
        """How far the tests speak for a version that was checked; equal for all without tests."""


@runtime_checkable
class Sampler(Protocol):
    """A bench that can also say how many candidates compare, at any fidelity (see halving.py)."""

    def sample(
        self, before: Version, after: Version, *, first: int, count: int, share: float
    ) -> list[float]:
        """Log-ratios (above 0 is faster) of `count` fresh replicates, numbered from `first` on, on
        the cheapest `share` (0 to 1) of the inputs. Both must have passed `check`. Raises
        CandidateFailed.
        """
