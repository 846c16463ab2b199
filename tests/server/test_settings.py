"""Settings of the project's file, of the editor, and what an untrusted workspace may say."""

from pathlib import Path

import pytest

from analysis.errors import InputError
from server.settings import load_settings, written


def project(folder: Path, table: str, name: str = "pyproject.toml") -> Path:
    head = "[tool.hasten]\n" if name == "pyproject.toml" else ""
    (folder / name).write_text(head + table)
    return folder


def test_defaults_without_a_file(tmp_path: Path):
    loaded = load_settings(tmp_path, trusted=False)
    assert (loaded.settings.strategy, loaded.settings.model, loaded.notes) == ("beam", None, ())


def test_the_projects_file_is_read(tmp_path: Path):
    project(tmp_path, 'budget = 5\nmin-share = 0.5\nignore = ["old/*"]\n')
    settings = load_settings(tmp_path, trusted=False).settings
    assert (settings.budget, settings.min_share, settings.ignore) == (5, 0.5, ("old/*",))


def test_hasten_toml_has_no_table_name(tmp_path: Path):
    project(tmp_path, "budget = 6\n", "hasten.toml")
    assert load_settings(tmp_path, trusted=False).settings.budget == 6


def test_the_editor_overrides_the_file(tmp_path: Path):
    project(tmp_path, "budget = 5\n")
    assert load_settings(tmp_path, {"budget": 9}, trusted=False).settings.budget == 9


def test_a_table_holds_the_settings_of_one_kind(tmp_path: Path):
    project(tmp_path, "[tool.hasten.program]\ncases = 'cases/{stem}'\n")
    assert load_settings(tmp_path, trusted=True).settings.program_cases == "cases/{stem}"
    untrusted = load_settings(tmp_path, trusted=False)
    assert untrusted.settings.program_cases is None
    assert "program.cases" in untrusted.notes[0]
    project(tmp_path, "[tool.hasten.program]\ncase = 'x'\n")
    with pytest.raises(InputError, match=r"program\.case'"):
        load_settings(tmp_path, trusted=True)


@pytest.mark.parametrize(
    "name", ["python", "workload", "model", "api_base", "cluster", "program_build"]
)
def test_what_could_run_or_send_is_inert_until_trusted(tmp_path: Path, name: str):
    project(tmp_path, f'{written(name)} = "evil"\n')
    untrusted, trusted = (load_settings(tmp_path, trusted=t) for t in (False, True))
    assert getattr(untrusted.settings, name) is None
    assert written(name) in untrusted.notes[0]
    assert getattr(trusted.settings, name) == "evil"


@pytest.mark.parametrize(
    "line",
    ['budget = "many"', "budget = 0", "budget = true", 'strategy = "magic"', "min_share = 2.0",
     "auto = 1", "ignore = [1]", "colour = 3"],
)  # fmt: skip
def test_a_wrong_value_names_the_file_and_the_setting(tmp_path: Path, line: str):
    project(tmp_path, line + "\n")
    with pytest.raises(InputError) as caught:
        load_settings(tmp_path, trusted=False)
    assert "pyproject.toml" in caught.value.message
    assert line.split(" ")[0] in caught.value.message
    assert caught.value.mend


def test_a_broken_hasten_toml_is_named(tmp_path: Path):
    project(tmp_path, "budget = = 3", "hasten.toml")
    with pytest.raises(InputError, match=r"hasten\.toml"):
        load_settings(tmp_path, trusted=True)


def test_commands_and_what_is_read_of_them_are_inert_until_trusted(tmp_path: Path):
    lines = ['test = "t"', 'benchmark = "b"', 'setup = "s"', 'keep = ["x"]', 'metric = "number"']
    lines += ["higher-is-better = true", "budget = 60"]
    project(tmp_path, "\n".join(["[command]", *lines]) + "\n", "hasten.toml")
    untrusted, trusted = (load_settings(tmp_path, trusted=t).settings for t in (False, True))
    assert (untrusted.command_test, untrusted.command_benchmark) == (None, None)
    assert (untrusted.command_setup, untrusted.command_keep) == (None, ())
    assert (untrusted.command_metric, untrusted.command_higher_is_better) == ("auto", False)
    assert (trusted.command_test, trusted.command_keep) == ("t", ("x",))
    assert trusted.command_higher_is_better and trusted.command_budget == 60
