"""Hostile files of tables, lines and binary formats: a named error, in bounded time and memory."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
import sqlite3
import struct
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.profiles.damage import Damaged, Truncated
from analysis.profiles.formats import callgrind, line_profiler, pprof
from analysis.profiles.load import load_profile
from analysis.profiles.protobuf import fields, numbers, signed, varint

DATA = Path(__file__).resolve().parents[2] / "data" / "profiles"
WORKLOAD = DATA / "workload"


@pytest.fixture
def code(tmp_path):
    """The code of the error that some bytes get, or None where they are read."""

    def code(data: bytes | str) -> str | None:
        path = tmp_path / "profile"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        try:
            load_profile(path, WORKLOAD)
        except AnalysisError as error:
            assert str(path) in error.message
            assert error.mend
            return error.code
        return None

    return code


# -- pickles: nothing is called, and nothing grows -------------------------------------------------


class LineStats:
    """Pickled as line_profiler's class of that name."""

    def __init__(self, timings, unit=1e-9):
        self.timings, self.unit = timings, unit


LineStats.__module__ = "line_profiler.line_profiler"


def lprof(timings, unit=1e-9, protocol=4) -> bytes:
    """A pickle as line_profiler writes it: the class is named, not imported."""
    state = pickle.dumps({"timings": timings, "unit": unit}, protocol)
    head = b"\x80" + bytes([protocol])
    made = b"cline_profiler.line_profiler\nLineStats\n)\x81"
    body = state[2:] if protocol < 4 else state[2 + 9 :] if state[2:3] == b"\x95" else state[2:]
    return head + made + body[:-1] + b"b."


KEY = (str(WORKLOAD / "letters.py"), 9, "count_pairs")
ROWS = [(10, 1, 5), (11, 9, 90)]


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickles_of_every_protocol_are_read(code, protocol):
    assert code(lprof({KEY: ROWS}, protocol=protocol)) is None


def test_a_pickle_calls_nothing(code, tmp_path):
    marker = tmp_path / "called"

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    for timings in ({KEY: Evil()}, {KEY: [Evil()]}, {Evil(): ROWS}, Evil()):
        assert code(lprof(timings)) == "profile-damaged"
    # as the object itself: a state of something that a function made
    body = f"cposix\nsystem\n(S'touch {marker}'\ntR".encode()
    for data in (
        b"\x80\x02cline_profiler\nLineStats\n0" + body + b".",
        b"\x80\x02cline_profiler\nLineStats\n)\x81}X\x01\x00\x00\x00a" + body + b"sb.",
    ):
        assert code(data) == "profile-damaged"
    assert not marker.exists()


@pytest.mark.parametrize(
    "timings",
    [
        {}, [], None, {KEY: 1}, {KEY: [(1, 2)]}, {KEY: [(1, 2, "x")]}, {KEY: [(-1, 2, 3)]},
        {KEY: [(1, -2, 3)]}, {KEY: [(1, 2, float("nan"))]}, {KEY: [(1, 2, 10**400)]},
        {KEY: [(1, 10**400, 3)]}, {("a", 1): ROWS}, {("a", "b", "c"): ROWS}, {1: ROWS},
    ],
)  # fmt: skip
def test_a_pickle_of_other_shapes_is_named(code, timings):
    assert code(lprof(timings)) in ("profile-damaged", "profile-empty")


@pytest.mark.parametrize("unit", [None, 0, -1, 2, 10**400, float("inf"), float("nan"), "x"])
def test_a_pickle_with_no_unit_is_named(code, unit):
    assert code(lprof({KEY: ROWS}, unit)) == "profile-damaged"


def test_pickle_bombs_are_named(code, monkeypatch):
    monkeypatch.setattr(line_profiler, "_MAX_LINES", 20_000)
    begin = b"\x80\x02cline_profiler\nLineStats\n)\x81"
    # A tuple of itself twice, again and again: hashing or comparing it takes forever.
    doubled = b")" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(200))
    # One list of 1000 lines as that of many functions.
    rows = b"](" + b"K\x01K\x01K\x01\x87" * 1000 + b"eq\x01"
    function = b"(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00bt"
    shared = b"}(X\x07\x00\x00\x00timings}(" + function + rows + (function + b"h\x01") * 3_000
    for data in (
        begin + b"}" + doubled + b"K\x01sb.",
        begin + shared + b"uX\x04\x00\x00\x00unitG\x3e\x11\x2e\x0b\xe8\x26\xd6\x95ub.",
        begin + b"]" + b"2a" * 1000 + b"b.",
        begin + b"(" * 100_000 + b"b.",
        begin + b"\x8d\xff\xff\xff\xff\xff\xff\xff\x00x.",
        begin + b"I" + b"9" * 1_000_000 + b"\nb.",
        begin + b"\x8b\xff\xff\xff\x7fx.",
        begin + b"h\x09b.",
        begin + b"b.",
        begin + b"0.",
        begin + b"0b.",
    ):
        assert code(data) in ("profile-damaged", "profile-truncated"), data[:60]


# -- protocol buffers ------------------------------------------------------------------------------


def number(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def message(key: int, data: bytes) -> bytes:
    return number(key << 3 | 2) + number(len(data)) + data


def plain(**numbers: int) -> bytes:
    return b"".join(number(int(k[1:]) << 3) + number(v) for k, v in numbers.items())


STRINGS = ["", "cpu", "nanoseconds", "count_pairs", str(WORKLOAD / "letters.py")]


def proto(*parts: bytes, strings: list[str] = STRINGS) -> bytes:
    names = b"".join(message(6, text.encode()) for text in strings)
    return message(1, plain(_1=1, _2=2)) + b"".join(parts) + names


FUNCTION = message(5, plain(_1=1, _2=3, _4=4, _5=9))
LOCATION = message(4, plain(_1=7) + message(4, plain(_1=1, _2=13)))
SAMPLE = message(2, plain(_1=7, _2=500))


def test_the_small_profile_is_read(code, tmp_path):
    assert code(proto(SAMPLE, LOCATION, FUNCTION)) is None
    profile = load_profile(tmp_path / "profile", WORKLOAD)
    assert profile.total == pytest.approx(5e-7)
    (line,) = profile.lines
    assert (line.line, line.self_cost) == (13, profile.total)
    packed = message(2, message(1, number(7) * 2) + message(2, number(500)))
    assert code(proto(packed, LOCATION, FUNCTION)) is None


def test_the_unit_is_chosen(code, tmp_path):
    def unit(*kinds: tuple[str, str], period: tuple[str, str, int] | None = None) -> tuple:
        names = [*STRINGS, *(text for kind in kinds for text in kind), *(period or ())[:2]]
        places = {text: n for n, text in enumerate(names)}
        data = b"".join(message(1, plain(_1=places[a], _2=places[b])) for a, b in kinds)
        if period:
            data += message(11, plain(_1=places[period[0]], _2=places[period[1]]))
            data += plain(_12=period[2])
        values = b"".join(plain(_2=100 * (n + 1)) for n in range(len(kinds)))
        data += message(2, plain(_1=7) + values) + LOCATION + FUNCTION
        data += b"".join(message(6, text.encode()) for text in names)
        assert code(data) is None
        profile = load_profile(tmp_path / "profile", WORKLOAD)
        return profile.unit, pytest.approx(profile.total)

    count, time = ("samples", "count"), ("cpu", "nanoseconds")
    assert unit(count, time) == ("seconds", 2e-7)
    assert unit(("wall", "microseconds"), time) == ("seconds", 2e-7)
    assert unit(count, period=("cpu", "nanoseconds", 10_000_000)) == ("seconds", 1.0)
    assert unit(count) == ("samples", 100)
    assert unit(("alloc_objects", "count"), ("alloc_space", "bytes")) == ("bytes", 200)
    assert unit(("alloc_objects", "count")) == ("allocations", 100)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (proto(SAMPLE, LOCATION), "profile-damaged"),
        (proto(SAMPLE, FUNCTION, LOCATION.replace(b"\x08\x07", b"\x08\x06")), "profile-damaged"),
        (proto(message(2, plain(_1=7)), LOCATION, FUNCTION), "profile-damaged"),
        (proto(SAMPLE, LOCATION, FUNCTION, strings=[""]), "profile-truncated"),
        (proto(SAMPLE, LOCATION, FUNCTION) + b"\x32\xff\xff\xff\xff\x0f", "profile-truncated"),
        (proto(SAMPLE, LOCATION, FUNCTION) + b"\x68" + b"\xff" * 20, "profile-damaged"),
        (proto(SAMPLE, LOCATION, FUNCTION) + b"\x0b", "profile-damaged"),
        (proto(SAMPLE, LOCATION, FUNCTION, message(3, bytes(70_000))) + b"\x0b", "profile-damaged"),
        (proto(SAMPLE, message(4, plain(_1=7, _3=64)), FUNCTION), "profile-needs-tool"),
        (proto(message(2, plain(_1=7, _2=(1 << 64) - 5)), LOCATION, FUNCTION), "profile-empty"),
        (proto(message(2, message(1, b"\x07" * 9000) + plain(_2=1)), LOCATION, FUNCTION),
         "profile-damaged"),
        (message(1, plain(_1=1, _2=2)) * 200 + SAMPLE, "profile-damaged"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_proto_is_named(code, data, expected):
    assert code(data) == expected


def test_a_gzip_bomb_is_named(code, monkeypatch):
    monkeypatch.setattr(pprof, "MAX_BYTES", 1_000_000)
    assert code(gzip.compress(proto(SAMPLE, message(6, bytes(5_000_000))))) == "profile-too-large"


def test_the_wire_format():
    assert varint(b"\xac\x02", 0, 2) == (300, 2)
    assert signed(varint(b"\xff" * 9 + b"\x01", 0, 10)[0]) == -1
    data = plain(_1=5) + message(2, b"ab") + b"\x1d\0\0\0\0" + b"\x21" + bytes(8)
    assert [field[:2] for field in fields(data, 0, len(data))] == [(1, 0), (2, 2), (3, 5), (4, 1)]
    assert list(numbers(b"\x01\x02", (1, 2, 0, 2))) == [1, 2]
    for broken, error in [
        (b"\x80", Truncated), (b"\x0a\x05a", Truncated), (b"\x0d\0", Truncated),
        (b"\x08", Truncated),
        (b"\x0c", Damaged), (b"\x80" * 11, Damaged),
    ]:  # fmt: skip
        with pytest.raises(error):
            list(fields(broken, 0, len(broken)))


# -- text ------------------------------------------------------------------------------------------

BEGIN = "# callgrind format\nevents: Ir\nfl=(1) workload.c\nfn=(1) count_pairs\n"


def test_callgrind_lines(code, tmp_path):
    assert code(BEGIN + "27 5\ntotals: 5\n") is None
    body = "+2 7\ncfn=(2) fill\ncalls=3 -5\n* 11\n* 1\nfn=(2)\n0x22 11\ntotals: 24\n"
    assert code(BEGIN + "27 5\n" + body) is None
    profile = load_profile(tmp_path / "profile", WORKLOAD)
    lines = {line.line: (line.self_cost, line.total_cost) for line in profile.lines}
    assert lines == {27: (5, 5), 29: (8, 19), 34: (11, 11)}
    assert {line.line: line.direct_cost for line in profile.lines} == {27: 5, 29: 8, 34: 11}
    library = "cfi=/usr/lib/libz.c\ncfn=(2) deflate\ncalls=1 1\n* 11\n"
    assert (
        code(BEGIN + "27 5\n" + library + "fl=/usr/lib/libz.c\nfn=(2)\n1 11\ntotals: 16\n") is None
    )
    (line,) = load_profile(tmp_path / "profile", WORKLOAD).lines
    assert (line.self_cost, line.total_cost, line.direct_cost) == (5, 16, 16)
    (call,) = profile.calls
    assert (call.calls, call.cost) == (3, 11)
    parts = BEGIN + "27 5\ntotals: 5\n\npart: 2\nevents: Ir\nfn=(1)\n+1 4\ntotals: 4\n"
    assert code(parts) is None
    assert load_profile(tmp_path / "profile", WORKLOAD).total == 9


def test_yappi_leaves_out_what_builtins_took_and_the_whole_holds_it(code, tmp_path):
    head = "version: 1\ncreator: yappi\nevents: Ticks\nfl=(1) workload.c\n"
    names = "fn=(1) smooth workload.c:42\nfn=(2) fill workload.c:34\n"
    outer = "fl=(1)\nfn=(1)\n42 1000000\ncfl=(1)\ncfn=(2)\ncalls=1 34\n42 9000000\n"
    fill = "fl=(1)\nfn=(2)\n34 3000000\n"
    assert code(head + names + outer + fill) is None
    profile = load_profile(tmp_path / "profile", WORKLOAD)
    assert profile.total == pytest.approx(10)
    assert {c.name: c.total_cost for c in profile.functions} == pytest.approx(
        {"smooth": 10, "fill": 3}
    )


def test_a_table_of_yappi_that_was_cut_off_is_named(code):
    head = "version: 1\ncreator: yappi\nevents: Ticks\n\nfl=(1) workload.c\n"
    names = "\nfn=(1) smooth workload.c:42\nfn=(2) fill workload.c:34\n"
    outer = "\nfl=(1)\nfn=(1)\n42 10\ncfl=(1)\ncfn=(2)\ncalls=1 0\n0 90\n"
    fill = "\nfl=(1)\nfn=(2)\n34 30\n"
    for text in (head, head + names, head + names + outer, head + names + outer + fill[:-6]):
        assert code(text) == "profile-truncated"
    assert code(head + names + outer + fill) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# callgrind format\nevents: Hits\nfn=fill\n", "profile-truncated"),
        (BEGIN, "profile-truncated"),
        (BEGIN + "27 5\n", "profile-truncated"),
        ("events: Ir\nsummary: 9\nfl=workload.c\nfn=fill\n34 5\nsummary: 4\n", "profile-truncated"),
        (BEGIN + "27 x\n28 1\n", "profile-damaged"),
        (BEGIN + "what is this\n28 1\n", "profile-damaged"),
        (BEGIN + "calls=many 3\n28 1\n", "profile-damaged"),
        (BEGIN + "zz=1\n28 1\n", "profile-damaged"),
        (BEGIN + "--1 5\nx\nx", "profile-damaged"),
        ("events: Ir\n27 5\nfn=x\n", "profile-damaged"),
        (BEGIN + "27 5\nevents: Dr\ntotals: 5\n", "profile-damaged"),
        (BEGIN + "27 " + "9" * 400 + "\ntotals: 5\n", "profile-damaged"),
        (BEGIN.replace("workload.c", "other.c") + "27 5\ntotals: 5\n", "profile-foreign"),
        (BEGIN + "27 0\ntotals: 0\n", "profile-empty"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(code, text, expected):
    assert code(text) == expected


def test_endless_names_and_lines_are_named(code, monkeypatch):
    monkeypatch.setattr(callgrind, "MAX_NAMES", 100)
    monkeypatch.setattr(callgrind, "MAX_ENTRIES", 100)
    names = "".join(f"fn=({n}) f{n}\n1 1\n" for n in range(200))
    again = "".join(f"fn=({n}) f\n1 1\n" for n in range(200))
    plain = "".join(f"fn=f{n}\n1 1\n" for n in range(200))
    lines = "".join(f"{n} 1\n" for n in range(1, 200))
    calls = "".join(f"cfi=f{n}\ncfn=(1)\ncalls=1 1\n1 1\n" for n in range(200))
    for text in (names, again, plain, lines, calls):
        assert code(BEGIN + text + "totals: 9\n") == "profile-damaged"


FLAT = """Flat profile:

Each sample counts as 0.01 seconds.
  %   cumulative   self              self     total
 time   seconds   seconds    calls  us/call  us/call  name
"""


def test_gprof_rows(code, tmp_path):
    assert code(FLAT + " 95.00      1.00     1.00      100 10000.00 20000.00  fill\n") is None
    profile = load_profile(tmp_path / "profile", WORKLOAD)
    fill = next(f for f in profile.functions if f.name == "fill")
    assert (fill.self_cost, fill.calls) == (1.0, 100)
    assert code(FLAT + " 50.00      1.00     1.00  fill\n") == "profile-truncated"
    assert code(FLAT) == "profile-truncated"
    assert code("Flat profile:\n\n no time accumulated\n") == "profile-empty"
    huge = " 99.00      1.00     1.00 " + "9" * 5000 + " 1.00 1.00 fill\n"
    assert code(FLAT + huge) in (None, "profile-truncated")


def words(*numbers: int, letter: str = "Q", order: str = "<") -> bytes:
    return struct.pack(f"{order}{len(numbers)}{letter}", *numbers)


RAW = b"--- symbol\nbinary=workload\n0x10 fill\n0x21 report--smooth\n---\n--- profile\n"


@pytest.mark.parametrize(("letter", "order"), [("Q", "<"), ("Q", ">"), ("I", "<"), ("I", ">")])
def test_words_of_every_machine_are_read(code, tmp_path, letter, order):
    body = words(0, 3, 0, 1, 0, 3, 1, 0x10, 2, 2, 0x21, 0x30, letter=letter, order=order)
    for data in (RAW + body, RAW + body + words(0, 1, 0, letter=letter, order=order)):
        assert code(data) is None
        profile = load_profile(tmp_path / "profile", WORKLOAD)
        assert profile.total == 5
        assert {f.name: f.self_cost for f in profile.functions if f.path} == {
            "fill": 3, "smooth": 2, "report": 0
        }  # fmt: skip
    assert code(RAW + body[:-1]) == "profile-truncated"
    assert code(body) == "profile-needs-tool"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (RAW, "profile-truncated"),
        (RAW[:30], "profile-truncated"),
        (RAW + b"something else entirely", "profile-damaged"),
        (RAW + words(0, 3, 0, 1, 0, 3, 1 << 60, 1), "profile-damaged"),
        (RAW + words(0, 3, 0, 1, 0, 3, 0, 1), "profile-damaged"),
        (RAW + words(0, 3, 0, 1, 0, 1 << 63, 1, 0x10), "profile-damaged"),
        (RAW + words(0, 3, 0, 1, 0, 3, 9, 0x10), "profile-truncated"),
        (RAW + words(0, 3, 0, 1, 0), "profile-empty"),
    ],
)
def test_what_is_wrong_with_words_is_named(code, data, expected):
    assert code(data) == expected


# -- JSON ------------------------------------------------------------------------------------------

LINE = {"lineno": 13, "line": "x", "n_cpu_percent_python": 50.0, "n_cpu_percent_c": 25.0}


def scalene(lines=(LINE,), stacks=(), seconds=2.0, **more) -> str:
    files = {str(WORKLOAD / "letters.py"): {"functions": [], "lines": list(lines)}}
    data = {"alloc_samples": 0, "args": [], "elapsed_time_sec": seconds, "files": files}
    return json.dumps({**data, "growth_rate": 0.0, "stacks": list(stacks), **more})


def test_scalene_tells_native_time_and_memory(code, tmp_path):
    memory = {"n_peak_mb": 2.0, "n_malloc_mb": 3.0, "n_copy_mb_s": 4.0}
    frames = [f"{WORKLOAD / 'main.py'} report:13;", f"{WORKLOAD / 'letters.py'} count_pairs:13;"]
    stack = [frames, {"c_time": 0.5, "count": 9, "cpu_samples": 1.5, "python_time": 1.0}]
    assert code(scalene([{**LINE, **memory, "n_sys_percent": 5.0}], [stack])) is None
    profile = load_profile(tmp_path / "profile", WORKLOAD)
    costs = {f.name: f for f in profile.functions}
    assert profile.total == pytest.approx(1.6)
    assert costs["count_pairs"].self_cost == pytest.approx(1.6)
    assert costs["count_pairs"].native_cost == pytest.approx(0.6)
    assert costs["report"].total_cost == pytest.approx(1.6)
    (told,) = profile.memory
    megabyte = 1 << 20
    assert (told.peak_bytes, told.allocated_bytes) == (2 * megabyte, 3 * megabyte)
    assert told.copied_bytes_per_s == 4 * megabyte
    assert code(scalene([{"lineno": 13, **memory}])) is None
    assert load_profile(tmp_path / "profile", WORKLOAD).unit == "bytes"


@pytest.mark.parametrize(
    "text",
    [
        scalene(seconds="x"), scalene(seconds=-1), scalene(seconds=1e300), scalene([1]),
        scalene([{}]), scalene([{**LINE, "lineno": "x"}]), scalene([{**LINE, "lineno": True}]),
        scalene([{**LINE, "n_cpu_percent_c": "x"}]), scalene([{**LINE, "n_peak_mb": []}]),
        scalene(stacks=[1]), scalene(stacks=[[]]), scalene(stacks=[[["x"], {}]]),
        scalene(stacks=[[[1], 1.0]]), scalene(stacks=[[[], "x"]]), scalene(stacks=[[[], 1e300]]),
        scalene(files=[]), scalene(files={"a": []}), scalene(files={"a": {"lines": {}}}),
        scalene()[:-1] + ', "x": ' + "[" * 100_000,
        '{"total_num_allocations": 1, "total_bytes_allocated": "x"}',
        '{"total_num_allocations": 1, "top_allocations_by_size": [{"location": 1, "size": 1}]}',
        '{"total_num_allocations": 1, "top_allocations_by_size": [{"location": "a:b:1"}]}',
        '{"total_num_allocations": 1, "top_allocations_by_size": {}}',
        '{"recording": []}', '{"recording": {"events": {}}}', '{"recording": {"events": [1]}}',
        '{"recording": {"events": [{"type": "jdk.ExecutionSample", "values": {"stackTrace":'
        ' {"frames": [{}]}}}]}}',
        '{"recording": {"events": [{"values": {"stackTrace": {"frames": [{"method": {"name": 1,'
        ' "type": {"name": "A"}}}]}}}]}}',
        '{"machine_info": {}, "benchmarks": {}}', '{"machine_info": {}, "benchmarks": [{}]}',
        '{"machine_info": {}, "benchmarks": [{"fullname": 1}]}',
        '{"machine_info": {}, "benchmarks": [{"fullname": "a", "stats": []}]}',
        '{"machine_info": {}, "benchmarks": [{"fullname": "a", "stats": {"mean": "x"}}]}',
        '{"machine_info": {}, "benchmarks": [{"fullname": "a", "stats": {"mean": 1e300,'
        ' "rounds": 9}}]}',
    ],
)  # fmt: skip
def test_json_of_wrong_types_is_named(code, text):
    assert code(text) == "profile-damaged"


def test_benchmarks_with_parameters_are_added_up(code, tmp_path):
    def one(name: str, **stats: float) -> dict:
        return {"fullname": f"checks.py::{name}", "stats": stats}

    rows = [
        one("test_speed_of_pairs[1]", mean=0.5, rounds=4, iterations=1),
        one("test_speed_of_pairs[a-b]", mean=1.0, rounds=2, iterations=3),
        one("test_speed_of_grids", mean=1.0, rounds=1),
        {"fullname": "checks.py::Case::test_it", "stats": {"mean": 2.0, "rounds": 1}},
    ]
    assert code(json.dumps({"machine_info": {}, "benchmarks": rows})) is None
    profile = load_profile(tmp_path / "profile", WORKLOAD)
    costs = {f.name: (f.self_cost, f.calls) for f in profile.functions}
    assert costs == {
        "test_speed_of_pairs": (8.0, 10), "test_speed_of_grids": (1.0, 1), "Case.test_it": (2.0, 1),
    }  # fmt: skip


# -- SQLite ----------------------------------------------------------------------------------------


def test_coverage_with_an_evil_schema_is_named(code, tmp_path):
    whole = (DATA / "coverage" / "lines.sqlite").read_bytes()
    evil = [
        "DROP TABLE line_bits; CREATE VIEW line_bits AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
        " SELECT i + 1 FROM n) SELECT i AS file_id, 1 AS context_id, x'ff' AS numbits FROM n",
        "DROP TABLE arc; CREATE TABLE arc (file_id integer, context_id integer, fromno integer,"
        " tono integer AS (abs(file_id)))",
        "UPDATE coverage_schema SET version = 99",
        "DELETE FROM context WHERE context <> ''",
    ]
    expected = ["profile-damaged"] * 3 + ["profile-empty"]
    for statement, told in zip(evil, expected, strict=True):
        path = tmp_path / "evil.sqlite"
        path.write_bytes(whole)
        with sqlite3.connect(path) as connection:
            connection.executescript(statement)
        connection.close()
        assert code(path.read_bytes()) == told, statement
    assert code(gzip.compress(whole)) == "profile-damaged"
    assert code(whole[:50]) == "profile-truncated"


def test_a_trigger_of_coverage_data_never_runs(code, tmp_path):
    path = tmp_path / "trigger.sqlite"
    path.write_bytes((DATA / "coverage" / "lines.sqlite").read_bytes())
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON file BEGIN DELETE FROM file; END")
    connection.close()
    before = path.read_bytes()
    assert code(before) is None
    assert (tmp_path / "profile").read_bytes() == before


# -- formats that need their tool ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "tool"),
    [
        (b"PERFILE2" + bytes(100), "perf"),
        (b"FLR\0\0\2\0\1" + bytes(100), "jfr"),
        (b"memray\0\x0b" + bytes(100), "memray"),
        (b"\x04\x22\x4d\x18\x40\x40\xc0\xb5\x3e\0\0\xf9\x05memray\0" + bytes(50), "memray"),
        (b"gmon\1\0\0\0" + bytes(12), "gprof"),
        (words(0, 3, 0, 10000, 0, 0, 1, 0), "google-pprof"),
    ],
)
def test_private_formats_name_their_tool(tmp_path, data, tool):
    path = tmp_path / "profile"
    path.write_bytes(data)
    with pytest.raises(AnalysisError) as caught:
        load_profile(path, WORKLOAD)
    assert caught.value.code == "profile-needs-tool"
    assert tool in caught.value.message
    assert str(path) in caught.value.mend


# -- fuzz: whatever is changed in a real file, it is read or refused by name -----------------------

FUZZED = [
    "line_profiler/workload.lprof", "coverage/lines.sqlite", "coverage/branches.sqlite",
    "callgrind/workload.out", "yappi/workload.callgrind", "gprof/workload.txt", "gprof/lines.txt",
    "gperftools/workload.raw", "gperftools/workload.txt", "pprof/workload.pb.gz",
    "scalene/workload.json.gz", "memray/stats.json", "jfr/workload.json.gz",
    "pytest_benchmark/workload.json", "memray/workload.bin", "gperftools/workload.prof",
]  # fmt: skip
_TOKENS = [
    b"0", b"-1", b"9" * 30, b"1e400", b"null", b"[]", b"{}", b'""', b"true", b"(1)", b"fn=", b"\n",
    b"\0", b"\xff\xff\xff\xff", b"\x80" * 8, b"calls=", b"q\0h\0", b"R", b"+", b"*", b"NaN",
]  # fmt: skip
_SMALL = 20_000


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The data with a few bytes changed, put in, taken out or doubled."""
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(data))
        end = min(len(data), at + chance.choice([1, 1, 2, 4, 40]))
        new = chance.choice(
            [
                bytes([chance.randrange(256)]), chance.choice(_TOKENS), b"", data[at:end] * 2,
                data[chance.randrange(len(data)) :][: end - at],
            ]
        )  # fmt: skip
        data = data[:at] + new + data[end:] or b"x"
    return data


@pytest.mark.parametrize("file", FUZZED)
def test_any_change_is_read_or_named(tmp_path, file):
    path = DATA / file
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    chance = random.Random(file)
    target = tmp_path / "profile"
    for _ in range(40 if len(data) < _SMALL else 12):
        target.write_bytes(mutated(data, chance))
        try:
            profile = load_profile(target, WORKLOAD)
        except AnalysisError as error:
            assert error.code.startswith("profile-")
        else:
            assert all(f.self_cost >= 0 and f.total_cost >= 0 for f in profile.functions)
