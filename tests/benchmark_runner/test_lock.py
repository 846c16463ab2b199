"""Two timings never overlap, whoever asks, and waiting can be cancelled."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from benchmark_runner import lock
from benchmark_runner.errors import SandboxError


def test_a_second_holder_waits_and_says_so(tmp_path: Path) -> None:
    said = threading.Event()
    order: list[str] = []

    def second() -> None:
        def note(message: str, share: float | None) -> None:
            assert "waiting" in message
            said.set()

        with lock.timing_lock(note, folder=tmp_path):
            order.append("second")

    with lock.timing_lock(folder=tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        assert said.wait(20)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_waiting_can_be_cancelled(tmp_path: Path) -> None:
    token = CancelToken()
    with (
        lock.timing_lock(folder=tmp_path),
        pytest.raises(Cancelled),
        lock.timing_lock(lambda message, share: token.cancel(), token, folder=tmp_path),
    ):
        pytest.fail("held twice")


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from benchmark_runner.lock import timing_lock\n"
        "with timing_lock(folder=Path(sys.argv[1])):\n"
        "    print('held', flush=True); time.sleep(600)\n"
    )
    root = Path(lock.__file__).parents[1]
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=root, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        with lock.timing_lock(folder=tmp_path):
            assert holder.wait(20) != 0
    finally:
        holder.kill()
        holder.wait()
        assert holder.stdout is not None
        holder.stdout.close()


def test_a_planted_runtime_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder = lock.runtime_dir()
    assert folder.stat().st_mode & 0o077 == 0
    folder.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)
    with pytest.raises(SandboxError, match="someone else"):
        lock.runtime_dir()


def test_who_comes_first_is_served_first(tmp_path: Path) -> None:
    order: list[int] = []
    threads = []

    def one(number: int, waits: threading.Event) -> None:
        with lock.timing_lock(lambda *_: waits.set(), folder=tmp_path):
            order.append(number)

    with lock.timing_lock(folder=tmp_path):
        for number in range(5):
            waits = threading.Event()
            threads.append(threading.Thread(target=one, args=(number, waits)))
            threads[-1].start()
            assert waits.wait(20)
    for thread in threads:
        thread.join(20)
    assert order == [0, 1, 2, 3, 4]


def test_two_slots_hold_two_and_no_third(tmp_path: Path) -> None:
    third = threading.Event()

    def late() -> None:
        with lock.timing_lock(lambda *_: third.set(), folder=tmp_path, slots=2):
            held.append("third")

    held: list[str] = []
    with lock.timing_lock(folder=tmp_path, slots=2), lock.timing_lock(folder=tmp_path, slots=2):
        thread = threading.Thread(target=late)
        thread.start()
        assert third.wait(20)
        assert held == []
    thread.join(20)
    assert held == ["third"]


def test_one_who_gives_up_stands_in_nobodys_way(tmp_path: Path) -> None:
    token = CancelToken()
    with (
        lock.timing_lock(folder=tmp_path),
        pytest.raises(Cancelled),
        lock.timing_lock(lambda *_: token.cancel(), token, folder=tmp_path),
    ):
        pytest.fail("held twice")
    with lock.timing_lock(folder=tmp_path):
        assert len([p for p in (tmp_path / "timing").iterdir() if p.name.isdigit()]) == 1
    assert not [p for p in (tmp_path / "timing").iterdir() if p.name.isdigit()]
