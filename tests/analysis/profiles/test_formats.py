"""What is special in a format, told by small files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import AnalysisError
from analysis.profiles import tally as tally_module
from analysis.profiles.load import load_profile
from analysis.profiles.model import Profile

SOURCE = """\
def main():
    work(1)
    work(2)

def work(n):
    return sorted(range(n))
"""
Read = Callable[[Any], Profile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    workspace = tmp_path / "ws"
    workspace.mkdir()
    (workspace / "app.py").write_text(SOURCE)
    (workspace / "app.js").write_text("function work() {\n  return 1;\n}\n")
    (workspace / "app.c").write_text("int work(int n) {\n  return n;\n}\n")

    def read(data: Any) -> Profile:
        path = tmp_path / "profile"
        if isinstance(data, bytes):
            path.write_bytes(data)
        else:
            path.write_text(data if isinstance(data, str) else json.dumps(data))
        return load_profile(path, workspace)

    return read


def costs(profile: Profile) -> dict[str, tuple[float, float, float]]:
    return {
        cost.name: (cost.self_cost, cost.total_cost, cost.direct_cost)
        for cost in profile.functions
        if "/ws/" in cost.path
    }


def code_of(read: Read, data: Any) -> str | None:
    with pytest.raises(AnalysisError) as caught:
        read(data)
    return caught.value.code


# -- collapsed stacks ------------------------------------------------------------------------------


def test_collapsed_stacks_of_several_writers(read: Read) -> None:
    profile = read(
        "thread (0x7F);main (app.py:2);work (app.py:6) 3\n"
        "main (app.py:3);work (app.py:6);do_work_[k] 2\n\n"
        " 7\n"
        "app.py:main;app.py:work 1.5\n"
    )
    found = costs(profile)
    assert profile.total == 6.5
    assert found["main"] == (0, 6.5, 0)
    assert found["work"] == (4.5, 6.5, 6.5)
    assert {line.line: line.self_cost for line in profile.lines} == {2: 0, 3: 0, 6: 3}


def test_a_last_line_without_count_and_end_was_cut_off(read: Read) -> None:
    whole = "main (app.py:2);work (app.py:6) 3\nmain (app.py:3);work (app.py:6) 12\n"
    for cut in range(3, 30):
        assert code_of(read, whole[:-cut]) == "profile-truncated"
    assert read(whole[:-1]).total == 15
    assert read(whole * 3 + "a comment of the tool\n").total == 45
    assert code_of(read, whole.replace("\n", "\r\n")[:-6]) == "profile-truncated"


def test_symbols_alone_are_functions_in_c(read: Read) -> None:
    profile = read("_start;main;work;memcpy 3\n_start;main;work 2\n")
    assert costs(profile) == {"work": (2, 5, 5)}
    assert next(c.path for c in profile.functions if c.name == "work").endswith("app.c")


def test_text_that_is_no_stacks_is_refused(read: Read) -> None:
    head = "main (app.py:2) 3\n"
    assert code_of(read, "chapter one\nchapter two\n") == "profile-unknown"
    assert code_of(read, head * 5_000 + "no stack\n" * 9_000) == "profile-damaged"
    assert code_of(read, head + "x" * 2_000_000) == "profile-damaged"
    assert code_of(read, head * 5_000 + "main (app.py:2") == "profile-truncated"


# -- Chrome's trace events -------------------------------------------------------------------------


def call(name: str, ts: float, dur: float, **more: Any) -> dict[str, Any]:
    return {"ph": "X", "name": name, "ts": ts, "dur": dur, "pid": 1, "tid": 1, **more}


MAIN, WORK = "main (/b/ws/app.py:1)", "work (/b/ws/app.py:5)"


def test_calls_are_nested_by_their_times_and_counted(read: Read) -> None:
    events = [
        call(WORK, 10, 20), call(WORK, 40, 10), call("builtins.sorted", 41, 5, cat="fee"),
        call(MAIN, 0, 100), call(WORK, 0, 50, tid=2),
        {"ph": "i", "name": MAIN, "ts": 5, "pid": 1, "tid": 1, "s": "g"},
        {"ph": "b", "name": WORK, "ts": 0, "id": 1, "pid": 1, "tid": 1},
        {"ph": "e", "name": WORK, "ts": 99, "id": 1, "pid": 1, "tid": 1},
        {"ph": "M", "name": "thread_name", "pid": 1, "tid": 1}, {},
    ]  # fmt: skip
    for data in (events, {"traceEvents": events, "displayTimeUnit": "ns"}):
        profile = read(data)
        found = costs(profile)
        assert profile.total == pytest.approx(150e-6)
        assert found["main"] == pytest.approx((70e-6, 100e-6, 70e-6))
        assert found["work"] == pytest.approx((75e-6, 80e-6, 80e-6))
        calls = {cost.name: cost.calls for cost in profile.functions}
        assert calls == {"main": 1, "work": 3, "sorted": 1, "builtins.sorted": 1} or calls == {
            "main": 1, "work": 3, "builtins.sorted": 1,
        }  # fmt: skip
        assert [edge.calls for edge in profile.calls] == [2]


def test_begin_and_end(read: Read) -> None:
    def event(ph: str, name: str, ts: float, tid: int = 1) -> dict[str, Any]:
        return {"ph": ph, "name": name, "ts": ts, "pid": 1, "tid": tid}

    profile = read(
        [
            event("E", WORK, 1), event("B", MAIN, 10), event("B", MAIN, 10, tid=2),
            event("B", WORK, 20), event("E", WORK, 50), event("E", MAIN, 60),
            event("B", WORK, 70, tid=2), event("E", WORK, 80, tid=2),  # main is never closed
        ]
    )  # fmt: skip
    found = costs(profile)
    assert found["main"] == pytest.approx((80e-6, 120e-6, 80e-6))
    assert found["work"] == pytest.approx((40e-6, 40e-6, 40e-6))


def test_recursion_and_a_full_tree_keep_the_costs(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [call(WORK, n, 100 - 2 * n) for n in range(40)] + [call(MAIN, 100, 5)]
    whole = read(events)
    assert costs(whole)["work"] == pytest.approx((100e-6, 100e-6, 100e-6))
    monkeypatch.setattr(tally_module, "MAX_NODES", 5)
    again = read(events)
    assert costs(again)["work"] == pytest.approx(costs(whole)["work"])
    assert [cost.calls for cost in again.functions] == [cost.calls for cost in whole.functions]


def test_samples_of_v8_in_a_trace_count_alone(read: Read) -> None:
    frame = {"functionName": "work", "url": "file:///b/ws/app.js", "lineNumber": 0}
    root = {"functionName": "(root)", "url": "", "lineNumber": -1}
    chunk = {
        "ph": "P", "name": "ProfileChunk", "id": "0x1", "pid": 1, "tid": 1, "ts": 1,
        "args": {"data": {
            "cpuProfile": {
                "nodes": [{"id": 1, "callFrame": root}, {"id": 2, "callFrame": frame, "parent": 1}],
                "samples": [2, 2, 1],
            },
            "timeDeltas": [0, 30, 20],
        }},
    }  # fmt: skip
    later = {**chunk, "args": {"data": {"cpuProfile": {"samples": [2]}, "timeDeltas": [10]}}}
    profile = read({"traceEvents": [call(MAIN, 0, 100), chunk, later]})
    assert costs(profile) == {"work": pytest.approx((50e-6, 50e-6, 50e-6))}


# -- V8's profiles ---------------------------------------------------------------------------------


def v8(**more: Any) -> dict[str, Any]:
    def node(number: int, name: str, line: int = -1, url: str = "", **more: Any) -> dict[str, Any]:
        frame = {"functionName": name, "url": url, "lineNumber": line, "scriptId": "1"}
        return {"id": number, "callFrame": frame, "hitCount": 1, **more}

    nodes = [
        node(1, "(root)", children=[2, 3, 4, 5]),
        node(2, "(idle)"),
        node(3, "(garbage collector)"),
        node(4, "(program)"),
        node(5, "work", 0, "file:///b/ws/app.js", positionTicks=[{"line": 2, "ticks": 3}]),
    ]
    times = {"samples": [5, 3, 2, 5, 4], "timeDeltas": [5, 10, 20, 40, 80], "endTime": 165}
    return {"nodes": nodes, "startTime": 0, **times, **more}


def test_a_sample_of_v8_lasts_until_the_next(read: Read) -> None:
    profile = read(v8())
    assert profile.total == pytest.approx(120e-6)  # without 40 idle
    assert costs(profile)["work"] == pytest.approx((90e-6, 110e-6, 110e-6))
    assert [(line.line, line.self_cost) for line in profile.lines] == [(2, pytest.approx(90e-6))]


def test_hits_are_counted_where_no_times_are(read: Read) -> None:
    told = v8()
    del told["timeDeltas"], told["samples"]
    profile = read(told)
    assert (profile.unit, profile.total) == ("samples", 4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeDeltas": [1]},
        {"samples": [9, 9, 9, 9, 9]},
        {"timeDeltas": [1, 2, 3, 4, "x"]},
        {"nodes": [{"id": 1, "callFrame": {"functionName": "a"}, "children": [1]}]},
        {"nodes": [{"id": n, "callFrame": {"functionName": "a"}, "parent": 3 - n} for n in (1, 2)]},
        {"nodes": [{"id": 1, "callFrame": {"functionName": "a"}}] * 2},
        {"nodes": [{"id": 1, "callFrame": {"functionName": "a"}, "parent": 7}]},
        {"nodes": 7},
    ],
)
def test_trees_of_v8_that_are_none(read: Read, wrong: dict[str, Any]) -> None:
    assert code_of(read, {**v8(), "callFrame": "functionName", **wrong}) == "profile-damaged"


# -- the Firefox Profiler --------------------------------------------------------------------------


def firefox(**more: Any) -> dict[str, Any]:
    thread = {
        "samples": {"stack": [1, None, 2], "weight": [3, 9, 1], "weightType": "samples"},
        "stackTable": {"prefix": [None, 0, 0], "frame": [0, 1, 2], "length": 3},
        "frameTable": {"func": [0, 1, 2], "line": [2, 6, None]},
        "funcTable": {
            "name": [0, 1, 2], "fileName": [3, 3, None], "lineNumber": [1, 5, None],
            "resource": [-1, -1, 0],
        },
        "resourceTable": {"name": [4]},
        "stringArray": ["main", "work", "memcpy", "/b/ws/app.py", "libc.so.6"],
    }  # fmt: skip
    meta = {"interval": 2, "processType": 0, "product": "tool"}
    return {"meta": meta, "threads": [{**thread, **more}]}


def test_stacks_of_the_firefox_profiler(read: Read) -> None:
    profile = read(firefox())
    assert (profile.tool, profile.unit) == ("tool", "seconds")
    assert costs(profile)["main"] == pytest.approx((0, 8e-3, 2e-3))
    assert costs(profile)["work"] == pytest.approx((6e-3, 6e-3, 6e-3))
    assert {line.line: line.total_cost for line in profile.lines} == pytest.approx(
        {2: 8e-3, 6: 6e-3}
    )


def test_tables_that_threads_share(read: Read) -> None:
    told = firefox()
    thread = told["threads"][0]
    shared = {key: thread.pop(key) for key in list(thread) if key != "samples"}
    funcs = shared["funcTable"]
    funcs["source"] = [0, 0, None]
    del funcs["fileName"]
    shared["sources"] = {"filename": [3]}
    profile = read({"meta": told["meta"], "threads": [thread, thread], "shared": shared})
    assert costs(profile)["work"] == pytest.approx((12e-3, 12e-3, 12e-3))


@pytest.mark.parametrize(
    "wrong",
    [
        {"stackTable": {"prefix": [1, 0, 0], "frame": [0, 1, 2]}},
        {"stackTable": {"prefix": [None, 0, 99], "frame": [0, 1, 2]}},
        {"stackTable": {"prefix": [None, 0], "frame": [0, 1, 2]}},
        {"samples": {"stack": [5]}},
        {"samples": {"stack": [1, 2], "weight": [1]}},
        {"samples": {"stack": [1], "weight": [float("nan")]}},
        {"samples": {"stack": [1], "weightType": "apples"}},
        {"frameTable": {"func": [0, 1, 99], "line": [2, 6, None]}},
        {"stringArray": []},
    ],
)
def test_tables_that_do_not_fit(read: Read, wrong: dict[str, Any]) -> None:
    assert code_of(read, firefox(**wrong)) == "profile-damaged"


def test_allocations_and_milliseconds(read: Read) -> None:
    for kind, unit, total in [("bytes", "bytes", 4), ("tracing-ms", "seconds", 4e-3)]:
        samples = {"stack": [1, 2], "weight": [3, 1], "weightType": kind}
        profile = read(firefox(samples=samples))
        assert (profile.unit, profile.total) == (unit, pytest.approx(total))


# -- austin, pyinstrument, perf --------------------------------------------------------------------


def test_modes_of_austin(read: Read) -> None:
    stack = "P1;T0:1;/b/ws/app.py:main:2;/b/ws/app.py:work:6"
    assert read(f"# austin: 3.7.0\n# mode: memory\n\n{stack} 512\n").unit == "bytes"
    full = read(
        f"# mode: full\n{stack} 500,0,-9\n{stack} 300,1,7\n{stack} 12".replace(
            "# m", "# austin: 3\n# m"
        )
    )
    assert (full.unit, full.total) == ("seconds", pytest.approx(512e-6))
    assert read(f"{stack} 500\nP1;T0:1 900\n").total == pytest.approx(500e-6)
    assert costs(read(f"P1;T2;main (app.py);L2;:GC: 4\n{stack} 1\n"))["main"][1] == pytest.approx(
        5e-6
    )


def test_a_line_of_pyinstrument_is_the_callers(read: Read) -> None:
    frames = ["main\0/b/ws/app.py\x001\x01l2", "work\0/b/ws/app.py\x005\x01l6"]
    builtin = "sorted\0<built-in>\x000"
    records = [[frames, 2.0], [[*frames, builtin], 1.0], [[], 0.5]]
    profile = read({"sample_count": 3, "target_description": "x", "frame_records": records})
    assert costs(profile)["work"] == (2, 3, 3)
    assert {line.line: line.total_cost for line in profile.lines} == {2: 3, 6: 1}


def test_self_frames_of_pyinstrument_are_the_functions_own_time(read: Read) -> None:
    def frame(name: str, time: float, *children: dict[str, Any]) -> dict[str, Any]:
        path = "" if name == "[self]" else "/b/ws/app.py"
        line = {"main": 1, "work": 5}.get(name, 0)
        return {
            "function": name, "file_path": path, "line_no": line, "time": time,
            "children": list(children),
        }  # fmt: skip

    tree = frame("main", 4.0, frame("work", 3.0, frame("[self]", 3.0)), frame("[self]", 1.0))
    profile = read({"sample_count": 4, "root_frame": tree})
    assert costs(profile) == {"main": (1, 4, 1), "work": (3, 3, 3)}
    assert len(profile.functions) == 2

    events = [
        {"type": kind, "frame": number, "at": at}
        for kind, number, at in [
            ("O", 0, 0.0), ("O", 1, 0.0), ("O", 2, 0.0), ("C", 2, 3.0), ("C", 1, 3.0),
            ("O", 2, 3.0), ("C", 2, 4.0), ("C", 0, 4.0),
        ]
    ]  # fmt: skip
    names = [("main", "/b/ws/app.py", 1), ("work", "/b/ws/app.py", 5), ("[self]", None, None)]
    scope = {"type": "evented", "unit": "seconds", "startValue": 0, "endValue": 4, "events": events}
    profile = read(
        {
            "$schema": "https://www.speedscope.app/file-format-schema.json",
            "exporter": "pyinstrument",
            "shared": {"frames": [{"name": n, "file": f, "line": at} for n, f, at in names]},
            "profiles": [scope],
        }
    )
    assert costs(profile) == {"main": (1, 4, 1), "work": (3, 3, 3)}
    assert len(profile.functions) == 2


HEAD = "python3 12/12 [001] 5.25: {} {}:\n"
FRAMES = """\
\t    7f25 memcpy+0x9d (/usr/lib/libc.so.6)
\t    7f26 py::work:/b/ws/app.py+0x4 (/tmp/perf-12.map)
\t    7f27 [unknown] ([unknown])
\t    7f28 py::main:/b/ws/app.py+0x4 (/tmp/perf-12.map)

"""


def test_frames_of_python_in_perf(read: Read) -> None:
    profile = read("# ========\n" + (HEAD + FRAMES).format("5000000", "cpu-clock:ppp") * 2)
    assert (profile.unit, profile.total) == ("seconds", pytest.approx(0.01))
    assert costs(profile)["work"] == pytest.approx((0, 0.01, 0.01))
    counted = read((HEAD + FRAMES).format("250", "instructions:u"))
    assert (counted.unit, counted.total) == ("instructions", 250)
    cycles = read((HEAD + FRAMES).format("250", "cycles") * 3)
    assert (cycles.unit, cycles.total) == ("samples", 3)


def test_lines_of_c_in_perf(read: Read) -> None:
    frames = "\t 40 work+0x3 (/b/ws/app)\n  app.c:2\n\t 41 main+0x1 (/b/ws/app)\n  main.c:9\n\n"
    profile = read((HEAD + frames).format("", "cycles"))
    assert costs(profile) == {"work": (1, 1, 1)}
    assert [(line.line, line.self_cost) for line in profile.lines] == [(2, 1)]
    # Without lines the symbol tells; one of the system's libraries is not of the workspace.
    bare = "\t 40 work+0x3 (/b/ws/app)\n\t 41 work (/usr/lib/libx.so)\n\n"
    assert costs(read((HEAD + bare).format("", "cycles"))) == {"work": (1, 1, 1)}
