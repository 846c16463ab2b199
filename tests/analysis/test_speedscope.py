from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.profiles.load import load_profile

SOURCE = """\
import json

def main():
    load()
    for x in range(9):
        work(x)

def load():
    json.loads("[]")

class A:
    def work(self, n):
        return [
            n * i
            for i in range(n)
        ]

class B:
    def work(self, n):
        return self.work(n - 1)
"""


def frame(name, line=None, file="/build/proj/app.py"):
    return {"name": name, "file": file, "line": line}


# As py-spy writes it: the line is the one that was running, threads are profiles.
FRAMES = [
    frame("<module>", 1),
    frame("main", 4),
    frame("main", 6),
    frame("load", 9),
    frame("loads", 340, "/usr/lib/python3.11/json/__init__.py"),
    frame("work", 13),
    frame("<listcomp>", 14),
    frame("work", 20),
    {"name": "thread 1"},
]


def document(*profiles, frames=FRAMES, **more):
    schema = "https://www.speedscope.app/file-format-schema.json"
    data = {"$schema": schema, "shared": {"frames": frames}, "profiles": list(profiles)}
    return {**data, "exporter": "py-spy@0.4.0", **more}


def sampled(samples, weights, unit="seconds"):
    return {"type": "sampled", "unit": unit, "samples": samples, "weights": weights}


def evented(*events, unit="milliseconds", end=0):
    opened = [{"type": t, "frame": f, "at": at} for t, f, at in events]
    return {"type": "evented", "unit": unit, "startValue": 0, "endValue": end, "events": opened}


@pytest.fixture
def read(tmp_path):
    project = tmp_path / "proj"
    project.mkdir()
    (project / "app.py").write_text(SOURCE)

    def read(data):
        path = tmp_path / "p.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return load_profile(path, project)

    return read


def costs(profile):
    return {(c.name, c.line): (c.self_cost, c.total_cost, c.direct_cost) for c in profile.functions}


def test_samples(read):
    profile = read(
        document(
            sampled([[8, 0, 1, 3, 4], [8, 0, 2, 5, 6], [8, 0, 2]], [3.0, 2.0, 1.0]),
            sampled([[8, 0, 2, 5]], [4.0]),
        )
    )
    assert (profile.tool, profile.unit, profile.total) == ("py-spy", "seconds", 10.0)
    found = costs(profile)
    assert found["main", 3] == (1.0, 10.0, 1.0)
    assert found["load", 8] == (0.0, 3.0, 3.0)
    assert found["work", 12] == (6.0, 6.0, 6.0)
    assert found["loads", 340][1] == 3.0


def test_recursion_counts_a_sample_once(read):
    found = costs(read(document(sampled([[0, 7, 7, 7]], [2.0]))))
    assert found["work", 19] == (2.0, 2.0, 2.0)


def test_events(read):
    events = [("O", 0, 0), ("O", 1, 10), ("O", 3, 20), ("O", 4, 30), ("C", 4, 50), ("C", 3, 60)]
    profile = read(document(evented(*events, ("C", 1, 70), ("C", 0, 80), end=80)))
    assert profile.total == pytest.approx(0.08)
    found = costs(profile)
    assert found["main", 3] == pytest.approx((0.02, 0.06, 0.02))
    assert found["load", 8] == pytest.approx((0.02, 0.04, 0.04))


def test_frames_that_are_never_closed_end_with_the_profile(read):
    found = costs(read(document(evented(("O", 0, 0), ("O", 7, 10), ("O", 7, 20), end=50))))
    assert found["work", 19] == pytest.approx((0.04, 0.04, 0.04))


def test_units_are_not_mixed(read):
    profile = read(
        document(sampled([[0, 1]], [7], "none"), sampled([[0, 1]], [2000], "milliseconds"))
    )
    assert (profile.unit, profile.total) == ("seconds", 2.0)
    assert read(document(sampled([[0, 1]], [7], "none"))).unit == "samples"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (document(), "profile-empty"),
        (document(sampled([], [])), "profile-empty"),
        (document(sampled([[0]], [0])), "profile-empty"),
        (document(sampled([[0, 99]], [1])), "profile-damaged"),
        (document(sampled([[-1]], [1])), "profile-damaged"),
        (document(sampled([[True]], [1])), "profile-damaged"),
        (document(sampled([[0]], ["x"])), "profile-damaged"),
        (document(sampled([[0]], [1, 2])), "profile-damaged"),
        (document(sampled([[0]], [1], "parsecs")), "profile-damaged"),
        (document({"type": "other", "unit": "seconds"}), "profile-damaged"),
        (document(evented(("C", 0, 1))), "profile-damaged"),
        (document(evented(("O", 0, 1), ("C", 1, 2))), "profile-damaged"),
        (document(sampled([[0]], [1]), frames="no"), "profile-damaged"),
        (document(sampled([[4]], [1])), "profile-foreign"),
        ('{"shared": {"frames": []}, "profiles": [' + "[" * 100_000, "profile-damaged"),
        ('{"shared": 1e999}', "profile-damaged"),
        ('{"shared": ' + "9" * 5000 + "}", "profile-damaged"),
        ('{"shared": {"frames": []}, "profiles": [], }', "profile-damaged"),
        ('{"other": 1}', "profile-unknown"),
    ],
)
def test_what_is_wrong_is_named(read, data, code):
    with pytest.raises(AnalysisError) as caught:
        read(data)
    assert caught.value.code == code


def test_a_file_that_was_cut_off_is_named(read):
    whole = json.dumps(document(sampled([[0, 1]], [1.0])))
    for size in range(120, len(whole) - 1, 5):
        with pytest.raises(AnalysisError) as caught:
            read(whole[:size])
        assert caught.value.code in ("profile-truncated", "profile-damaged")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 9) | st.floats() | st.sampled_from(["O", "C", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "unit", "at", "frame"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.data())
def test_any_shape_is_read_or_named(tmp_path_factory, data):
    stacks = sampled([[0, 1], [0, 2, 5]], [1.0, 2.0])
    events = evented(("O", 0, 0), ("C", 0, 9), end=9)
    whole = json.loads(json.dumps(document(stacks, events)))
    place = whole
    while True:
        key = data.draw(
            st.sampled_from(list(place) if isinstance(place, dict) else range(len(place)))
        )
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = data.draw(json_values)
            break
        place = place[key]
    folder = tmp_path_factory.getbasetemp()
    (folder / "app.py").write_text(SOURCE)
    (folder / "fuzz.json").write_text(json.dumps(whole))
    try:
        profile = load_profile(folder / "fuzz.json", folder)
    except AnalysisError as error:
        assert error.code.startswith("profile-")
    else:
        assert all(cost.total_cost >= 0 for cost in profile.functions)
