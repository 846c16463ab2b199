"""What a program reads from standard input: the same in every run, and never waited for."""

from __future__ import annotations

import os
import pty
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import Cancelled
from analysis.profiles.load import load_profile
from analysis.progress import CancelToken
from benchmark_runner.errors import WorkloadError
from benchmark_runner.recording import processes, profiling, sampling, standard_input
from benchmark_runner.recording.profiling import record_time
from benchmark_runner.recording.record import RecordedRun, capture_inputs
from benchmark_runner.recording.standard_input import StandardInput
from benchmark_runner.recording.whole_run import WholeRun, measure_run
from benchmark_runner.workload import Version
from tests.benchmark_runner.programs import calls_in, write

OWN = Path(sys.executable)
READER = """
    import sys

    def total(numbers):
        return sum(number * number for number in numbers)

    print(total([int(line) for line in sys.stdin]), file=open("said", "a"))
"""


def record(folder: Path, stdin: StandardInput, **more: Any) -> RecordedRun:
    words = ("python", "main.py")
    return record_time(
        words, folder, folder / "out", python=OWN, workspace=folder, stdin=stdin, **more
    )


def calls_of(folder: Path, stdin: StandardInput) -> list[Any]:
    """What `total` was called with in a run that captures."""
    target = (folder / "main.py", "total")
    words = ("python", "main.py")
    kept = capture_inputs(words, folder, [target], folder / "calls", python=OWN, stdin=stdin)
    return [args for args, _ in calls_in(kept[target].folder)]


@contextmanager
def pipe_of(writes: Callable[[int], None]) -> Iterator[str]:
    """The path of a pipe, which a thread writes to and closes; unread bytes are thrown away."""
    reader, writer = os.pipe()

    def write_all() -> None:
        with suppress(BrokenPipeError):
            writes(writer)
        os.close(writer)

    thread = threading.Thread(target=write_all)
    thread.start()
    try:
        yield f"/proc/self/fd/{reader}"
    finally:
        os.close(reader)
        thread.join()


@contextmanager
def silent_pipe() -> Iterator[str]:
    """The path of a pipe that stays open, and that nobody writes to."""
    reader, writer = os.pipe()
    try:
        yield f"/proc/self/fd/{reader}"
    finally:
        os.close(writer)
        os.close(reader)


def numbers(count: int) -> bytes:
    return b"".join(b"%d\n" % i for i in range(count))


def write_numbers(writer: int) -> None:
    os.write(writer, numbers(1000))


def write_slowly(writer: int) -> None:
    for line in (b"2\n", b"3\n"):
        time.sleep(0.1)
        os.write(writer, line)


def test_a_file_is_read_again_from_where_it_stood(tmp_path: Path) -> None:
    write(tmp_path, main=READER)
    (tmp_path / "nums").write_text("9\n2\n3\n")
    with StandardInput(str(tmp_path / "nums"), 2) as stdin:
        run = record(tmp_path, stdin)
        assert calls_of(tmp_path, stdin) == [([2, 3],)]
    assert set((tmp_path / "said").read_text().split()) == {"13"}
    assert load_profile(run.profile, tmp_path).functions


def test_a_pipe_is_given_again(tmp_path: Path) -> None:
    write(tmp_path, main=READER)
    with pipe_of(write_slowly) as path, StandardInput(path) as stdin:
        record(tmp_path, stdin)
        assert calls_of(tmp_path, stdin) == [([2, 3],)]
    assert set((tmp_path / "said").read_text().split()) == {"13"}


def test_a_pipe_whose_writer_has_gone(tmp_path: Path) -> None:
    write(tmp_path, main=READER)
    reader, writer = os.pipe()
    os.write(writer, b"4\n")
    os.close(writer)
    with StandardInput(f"/proc/self/fd/{reader}") as stdin:
        assert calls_of(tmp_path, stdin) == [([4],)]
        assert calls_of(tmp_path, stdin) == [([4],)]
    os.close(reader)


def test_a_run_may_read_further_than_the_one_before(tmp_path: Path) -> None:
    """One that ended early, or whose sampler failed, leaves the rest in the pipe."""
    write(tmp_path, main=READER, first="print(open(0).readline(), file=open('said', 'a'))")
    lines = numbers(200_000)

    def write_all(writer: int) -> None:
        rest = lines
        while rest:
            rest = rest[os.write(writer, rest) :]

    with pipe_of(write_all) as path, StandardInput(path) as stdin:
        ended = processes.run([str(OWN), "first.py"], tmp_path, label="", timeout_s=60, stdin=stdin)
        assert (ended.code, (tmp_path / "said").read_text().split()) == (0, ["0"])
        assert calls_of(tmp_path, stdin) == [(list(range(200_000)),)]


def test_a_program_that_reads_nothing_waits_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, main="def f():\n    return 3\n\nf()\n")
    with silent_pipe() as path, StandardInput(path) as stdin:
        run = record(tmp_path, stdin, timeout_s=30.0)
        assert stdin.why_not_again() is None
    assert run.seconds < 20


def test_a_program_that_waits_for_input_can_be_cancelled_or_times_out(tmp_path: Path) -> None:
    write(tmp_path, main="open('here', 'w').close()\ninput()\n")
    cancel = CancelToken()

    def once_started() -> None:
        while not (tmp_path / "here").exists():
            cancel.wait(0.01)
        cancel.cancel()

    thread = threading.Thread(target=once_started)
    thread.start()
    with silent_pipe() as path, StandardInput(path) as stdin:
        with pytest.raises(Cancelled):
            record(tmp_path, stdin, cancel=cancel)
        thread.join()
        with pytest.raises(WorkloadError) as caught:
            record(tmp_path, stdin, timeout_s=1.0)
    assert caught.value.code == "workload-timeout"


def test_more_than_is_kept_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard_input, "MOST_BYTES", 1 << 10)
    monkeypatch.setattr(profiling, "why_not", lambda: "it is forbidden here")
    write(tmp_path, main=READER)
    with pipe_of(write_numbers) as path, StandardInput(path) as stdin:
        record(tmp_path, stdin)
        assert "from a pipe" in str(stdin.why_not_again())
        with pytest.raises(WorkloadError, match="was not run again for capturing") as caught:
            calls_of(tmp_path, stdin)
        same = measure_run(
            ("python", "main.py"), tmp_path, tmp_path, Version(), Version(), python=OWN,
            stdin=stdin,
        )  # fmt: skip
    assert caught.value.code == "workload-input-gone"
    assert isinstance(same, str)
    assert "from a pipe" in same
    assert (tmp_path / "said").read_text() == f"{sum(i * i for i in range(1000))}\n"


def test_no_room_for_what_is_read_stops_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiling, "why_not", lambda: "it is forbidden here")
    write(tmp_path, main=READER)
    full = os.open("/dev/full", os.O_WRONLY)
    with pipe_of(write_slowly) as path, StandardInput(path) as stdin:
        monkeypatch.setattr(stdin, "_kept", (os.open(os.devnull, os.O_RDONLY), full))
        record(tmp_path, stdin)
        assert "No space left" in str(stdin.why_not_again())
    assert (tmp_path / "said").read_text() == "13\n"


def test_few_samples_are_kept_where_no_second_run_reads_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sampling.why_not() is not None:
        pytest.skip(f"no sampling here: {sampling.why_not()}")
    monkeypatch.setattr(standard_input, "MOST_BYTES", 1 << 10)
    monkeypatch.setattr(profiling, "ENOUGH", 1_000_000)
    busy = "def f():\n        while time.process_time() < 0.4: pass\n"
    write(tmp_path, main=READER + f"\n    import time\n    {busy}\n    f()\n")
    with pipe_of(write_numbers) as path, StandardInput(path) as stdin:
        run = record(tmp_path, stdin)
    assert load_profile(run.profile, tmp_path).tool == "py-spy"
    assert "was not run again under cProfile" in run.notes[0]
    assert len((tmp_path / "said").read_text().split()) == 1


@pytest.mark.parametrize("reads", [True, False])
def test_a_terminal_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    monkeypatch.setattr(profiling, "why_not", lambda: "it is forbidden here")
    write(tmp_path, main="def f():\n    return 3\n\nf()\n" + ("input()\n" if reads else ""))
    master, slave = pty.openpty()
    os.write(master, b"typed\n")
    with StandardInput(os.ttyname(slave)) as stdin:
        record(tmp_path, stdin)
        why = stdin.why_not_again()
    os.close(master)
    os.close(slave)
    assert (why is not None and "from the terminal" in why) if reads else why is None


def test_the_whole_run_reads_the_same(tmp_path: Path) -> None:
    project = tmp_path / "project"
    text = (
        "import sys\n\ndef total(x):\n    return sum(x)\n\nassert total(map(int, sys.stdin)) == 5\n"
    )
    write(project, main=text)
    with pipe_of(write_slowly) as path, StandardInput(path) as stdin:
        target = (project / "main.py", "total")
        words = ("python", "main.py")
        capture_inputs(words, project, [target], tmp_path / "calls", python=OWN, stdin=stdin)
        found = measure_run(words, project, project, Version(), Version(), python=OWN, stdin=stdin)
    assert isinstance(found, WholeRun), found
