"""What the code under test can find of the harness in its own process: nothing to take hold of."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmark_runner.errors import CandidateFailed, WorkerDied
from benchmark_runner.sandbox.policy import Sandbox
from benchmark_runner.worker import harness
from benchmark_runner.worker.supervisor import Worker
from tests.benchmark_runner.workers import LEVELS, Project, parts

pytestmark = pytest.mark.skipif("L1" not in LEVELS, reason="needs Landlock and seccomp")

SEEN = """
import sys
def spaces(kind):
    for name in dir(kind):
        space = getattr(getattr(kind, name, None), "__globals__", None)
        if type(space) is dict and "core_digest" in space: yield f"{kind}.{name}"
def f():
    todo, found, seen = [object], [], set()
    while todo:
        kind = todo.pop()
        if id(kind) in seen: continue
        seen.add(id(kind))
        found += spaces(kind)
        try: todo += type.__subclasses__(kind)
        except TypeError: pass
    for thing in (*sys.meta_path, *sys.path_hooks, __loader__, __spec__.loader, sys.gettrace,
                  *(getattr(m, "__loader__", None) for m in list(sys.modules.values()))):
        found += spaces(thing)
        found += spaces(type(thing))
    return sorted(set(found))
"""


@pytest.mark.parametrize("level", [level for level in LEVELS if level != "L0"])
def test_no_class_or_loader_leads_to_the_harness(tmp_path: Path, level: str) -> None:
    project = Project(tmp_path, level="L2" if level == "L2" else "L1")
    project.write("mod.py", "def f(): pass\n")
    with project.worker(stand_in=SEEN) as worker:
        assert parts(worker, mode="light")["outcome"] == ("return", [])


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("import sys\ndef f(): return sys._getframe().f_back is None", "_getframe"),
        ("def f():\n    try: 1 / 0\n    except ZeroDivisionError as e: e.__traceback__.tb_frame",
         "tb_frame"),
        ("def g(): yield\ndef f(): return g().gi_frame is None", "gi_frame"),
        ("import gc\ndef f(): return len(gc.get_objects())", "get_objects"),
        ("import sys\ndef f(): sys.settrace(None)", "settrace"),
        ("import ctypes\ndef f(): pass", "ctypes"),
        ("def f(): __import__('ctypes')", "ctypes"),
        ("import random, sys\nrandom.seed = lambda n: sys._getframe()\ndef f(): random.random()",
         "_getframe"),
        ("import gc, sys\ngc.callbacks.append(lambda *a: sys._getframe())\ndef f(): pass",
         "_getframe"),
        ("import sys, threading, time\n"
         "def late():\n    time.sleep(0.05)\n    sys._current_frames()\n"
         "threading.Thread(target=late, daemon=True).start()\ndef f(): pass", "_current_frames"),
        ("import os\ndef f(): os.listdir('/root')", "listdir"),
    ],
)  # fmt: skip
def test_looking_for_it_ends_the_worker(tmp_path: Path, code: str, word: str) -> None:
    project = Project(tmp_path)
    project.write("mod.py", code + "\n")
    spec = dataclasses.replace(project.spec(), sandbox=Sandbox(project.level, allowed=()))
    with Worker.start(spec) as worker, pytest.raises((WorkerDied, CandidateFailed)) as raised:
        worker.load()
        worker.make_inputs()
        for _ in range(50):
            worker.stage(0, 1)
            worker.run()
            worker.check([0])
            worker.idle(0.01)
    told = str(raised.value)
    assert "which the original does not" in told
    assert word in told or "/root" in told


def test_what_the_original_does_is_no_reason(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("mod.py", "import sys\ndef f(): return sys._getframe() is None\n")
    allowed = (("introspection", "sys._getframe"),)
    spec = dataclasses.replace(project.spec(), sandbox=Sandbox(project.level, allowed=allowed))
    with Worker.start(spec) as worker:
        worker.load()
        worker.make_inputs()
        assert parts(worker, mode="light")["outcome"] == ("return", False)


def test_every_class_of_the_harness_can_be_hidden() -> None:
    for name, kind in vars(harness).items():
        if not isinstance(kind, type) or kind.__module__ != harness.__name__:
            continue
        functions = [v for v in vars(kind).values() if hasattr(v, "__globals__")]
        apart = all(v.__globals__ is not vars(harness) for v in functions)
        assert apart or issubclass(kind, harness._Root), f"{name} must be a _Root"
