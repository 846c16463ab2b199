"""Real files of tables, lines and binary formats: what they say of one workload."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.hotspots import hot_spots
from analysis.profiles.file import ProfileFile
from analysis.profiles.formats import formats_of, jfr
from analysis.profiles.load import load_profile
from analysis.profiles.model import Profile
from analysis.profiles.places import Places
from tests.profile_samples import measured

DATA = Path(__file__).resolve().parents[2] / "data" / "profiles"
WORKLOAD = DATA / "workload"


@dataclass(frozen=True)
class Sample:
    """A sample file: its reader, the unit, and what it has beside functions."""

    file: str
    format: str
    tool: str
    unit: str
    hottest: str = "count_pairs"
    has: frozenset[str] = frozenset()
    cut: str = "named"
    """What a file that was cut off is: always "named", or of some lines "whole"."""

    @property
    def path(self) -> Path:
        return DATA / self.file


def sample(file: str, form: str, tool: str, unit: str, *has: str, **more: str) -> Sample:
    return Sample(file, form, tool, unit, has=frozenset(has), **more)


PYTHON = [
    sample("yappi/workload.prof", "pstats", "cProfile", "seconds", "calls", "edges", "native"),
    sample(
        "yappi/workload.callgrind", "callgrind", "yappi", "seconds", "calls", "edges", cut="whole"
    ),
    sample("pprof/workload.pb.gz", "pprof", "pprof", "seconds", "lines", "edges", "stacks"),
    sample("scalene/workload.json.gz", "scalene", "scalene", "seconds", "lines", "native"),
    sample(
        "line_profiler/workload.lprof", "line_profiler", "line_profiler", "seconds",
        "lines", "edges", "calls", "hits",
    ),
]  # fmt: skip
COMPILED = [
    sample(
        "callgrind/workload.out", "callgrind", "callgrind", "instructions",
        "lines", "edges", "calls",
    ),
    sample("cachegrind/workload.out.gz", "callgrind", "cachegrind", "instructions", "lines"),
    sample("gprof/workload.txt", "gprof", "gprof", "seconds", "edges", "calls", cut="whole"),
    sample("gprof/brief.txt", "gprof", "gprof", "seconds", "edges", "calls"),
    sample("gprof/flat.txt", "gprof", "gprof", "seconds", "calls", cut="whole"),
    sample("gprof/lines.txt", "gprof", "gprof", "seconds", "lines", "calls", cut="whole"),
    sample("gperftools/workload.raw", "gperftools", "gperftools", "samples", "edges", "stacks",
           cut="whole"),
    sample("gperftools/workload.txt", "gperftools", "gperftools", "samples", cut="whole"),
    sample("gperftools/workload.callgrind", "callgrind", "gperftools", "samples", "lines", "edges",
           cut="whole"),
]  # fmt: skip
OTHER = [
    sample("memray/stats.json", "memray_stats", "memray", "bytes", "lines", "memory",
           hottest="Grid.fill"),
    sample("coverage/lines.sqlite", "coverage", "coverage", "samples", "lines", "hits",
           hottest="Grid.__init__"),
    sample("coverage/branches.sqlite", "coverage", "coverage", "samples", "lines", "hits",
           hottest="Grid.__init__"),
    sample("pytest_benchmark/workload.json", "pytest_benchmark", "pytest-benchmark", "seconds",
           "calls", hottest="test_speed_of_pairs"),
]  # fmt: skip
ALL = [*PYTHON, *COMPILED, *OTHER]


def ids(samples: list[Sample]) -> list[str]:
    return [known.file for known in samples]


def shares(profile: Profile) -> dict[str, float]:
    """Share of the run that each function of the workload spends itself."""
    return {
        f.name: f.self_cost / profile.total
        for f in profile.functions
        if Path(f.path).parent == WORKLOAD
    }


@pytest.mark.parametrize("known", ALL, ids=ids(ALL))
def test_the_hottest_function_is_the_same(known):
    profile = load_profile(known.path, WORKLOAD)
    assert (profile.tool, profile.unit) == (known.tool, known.unit)
    spot = hot_spots(profile, WORKLOAD)[0]
    assert spot.function.split("(")[0] == known.hottest
    assert not spot.stale
    assert all(0 <= f.self_cost <= f.total_cost <= 1.01 * profile.total for f in profile.functions)


@pytest.mark.parametrize(
    ("group", "clock"), [(PYTHON, "shares"), (COMPILED, "compiled")], ids=["python", "compiled"]
)
def test_shares_are_within_ten_points(group, clock):
    for known in group:
        told = shares(load_profile(known.path, WORKLOAD))
        for name, share in measured(clock).items():
            assert told[name] == pytest.approx(share, abs=0.1), (known.file, name)


@pytest.mark.parametrize("known", ALL, ids=ids(ALL))
def test_a_format_has_what_its_tool_tells(known):
    profile = load_profile(known.path, WORKLOAD)
    hottest = next(
        f for f in profile.functions
        if f.name == known.hottest.rsplit(".", 1)[-1] and Path(f.path).parent == WORKLOAD
    )  # fmt: skip
    assert known.has == {
        name
        for name, there in [
            ("calls", hottest.calls is not None),
            ("native", hottest.native_cost is not None),
            ("lines", bool(profile.lines)),
            ("hits", any(line.hits for line in profile.lines)),
            ("edges", bool(profile.calls)),
            ("stacks", bool(profile.stacks)),
            ("memory", bool(profile.memory)),
        ]
        if there
    } - (set() if "memory" in known.has else {"memory"})


def test_calls_are_counted():
    for file, times in [
        ("callgrind/workload.out", 5), ("gprof/workload.txt", 40000), ("yappi/workload.prof", 20),
        ("yappi/workload.callgrind", 20), ("line_profiler/workload.lprof", None),
    ]:  # fmt: skip
        profile = load_profile(DATA / file, WORKLOAD)
        edges = {
            (profile.functions[c.caller].name, profile.functions[c.callee].name): c.calls
            for c in profile.calls
        }
        assert edges["report", "count_pairs"] == times, file


def test_lines_hold_what_they_call():
    profile = load_profile(DATA / "callgrind" / "workload.out", WORKLOAD)
    text = (WORKLOAD / "workload.c").read_text().splitlines()
    costs = {text[line.line - 1].strip(): line for line in profile.lines}
    calling = costs["*pairs += count_pairs(words);"]
    assert calling.self_cost < 100 < 1_000_000 < calling.total_cost
    hottest = max(profile.lines, key=lambda line: line.self_cost)
    assert text[hottest.line - 1].strip() == "pairs++;"


def test_memory_is_told_by_line():
    profile = load_profile(DATA / "memray" / "stats.json", WORKLOAD)
    most = max(profile.memory, key=lambda line: line.allocated_bytes)
    text = Path(most.path).read_text().splitlines()[most.line - 1]
    assert text.strip() == "row += [(x * y + seed) % 11]"


def test_times_of_calls_are_taken_out_of_the_lines_that_call():
    profile = load_profile(DATA / "line_profiler" / "workload.lprof", WORKLOAD)
    assert shares(profile)["report"] < 0.1
    report = next(f for f in profile.functions if f.name == "report")
    assert report.total_cost > 0.95 * profile.total


def test_a_profile_of_java_is_read_and_refused_by_name(tmp_path):
    path = DATA / "jfr" / "workload.json.gz"
    with pytest.raises(AnalysisError) as caught:
        load_profile(path, WORKLOAD)
    assert caught.value.code == "profile-language"
    assert "Java" in caught.value.message
    profile = jfr.read(ProfileFile(path), Places(WORKLOAD))
    totals = {f.name: f.total_cost / profile.total for f in profile.functions}
    assert profile.unit == "samples"
    assert totals["countPairs"] > 0.5 > totals["smooth"] > 0
    pairs = next(f for f in profile.functions if f.name == "countPairs")
    assert pairs.path == str(WORKLOAD / "Workload.java")
    assert pairs.self_cost < pairs.direct_cost == pairs.total_cost  # with Java's own String.charAt


def unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@pytest.mark.parametrize("known", ALL, ids=ids(ALL))
def test_the_content_tells_the_format(known, tmp_path):
    other = tmp_path / "notes.txt"
    other.write_bytes(unpacked(known.path))
    assert next(formats_of(ProfileFile(other).head)).module == known.format
    assert load_profile(other, WORKLOAD) == load_profile(known.path, WORKLOAD)
    if known.format == "coverage":  # SQLite reads the file itself
        return
    packed = tmp_path / "notes.gz"
    packed.write_bytes(gzip.compress(unpacked(known.path)))
    assert load_profile(packed, WORKLOAD) == load_profile(known.path, WORKLOAD)


@pytest.mark.parametrize("known", ALL, ids=ids(ALL))
def test_a_file_that_was_cut_off_is_named(known, tmp_path):
    data = unpacked(known.path)
    path = tmp_path / "cut"
    whole = load_profile(known.path, WORKLOAD)
    for share in (0.05, 0.3, 0.5, 0.7, 0.9):
        path.write_bytes(data[: int(len(data) * share)])
        try:
            profile = load_profile(path, WORKLOAD)
        except AnalysisError as error:
            expected = {"profile-truncated"}
            if share < 0.5 or known.cut == "whole":
                expected |= {"profile-damaged", "profile-empty", "profile-unknown"}
                expected |= {"profile-foreign"}
            assert error.code in expected, (share, error.message)
        else:
            assert known.cut == "whole", share
            assert profile.total <= whole.total


@pytest.mark.parametrize("known", ALL, ids=ids(ALL))
def test_an_empty_file_is_named(known, tmp_path):
    path = tmp_path / known.path.name.removesuffix(".gz")
    path.write_bytes(b"")
    with pytest.raises(AnalysisError) as caught:
        load_profile(path, WORKLOAD)
    assert caught.value.code == "profile-empty"
