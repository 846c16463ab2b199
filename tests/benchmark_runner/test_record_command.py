"""Command lines that run Python."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from benchmark_runner.errors import WorkloadError
from benchmark_runner.recording.command import PythonCommand, parse_command

OWN = Path(sys.executable)


def parse(words: str, cwd: Path) -> PythonCommand:
    return parse_command(shlex.split(words), cwd, OWN)


@pytest.mark.parametrize(
    ("words", "kind", "target", "arguments", "flags"),
    [
        ("python main.py a -b", "script", "main.py", ("a", "-b"), ()),
        ("python3 -m pkg.mod -x 1", "module", "pkg.mod", ("-x", "1"), ()),
        ("python -c 'print(1)' z", "code", "print(1)", ("z",), ()),
        ("python -mpkg z", "module", "pkg", ("z",), ()),
        ("python -Obc 'pass'", "code", "pass", (), ("-O", "-b")),
        ("python -W error -Xdev -u main.py", "script", "main.py", (),
         ("-W", "error", "-X", "dev", "-u")),
    ],
)  # fmt: skip
def test_python_commands(
    tmp_path: Path, words: str, kind: str, target: str, arguments: object, flags: object
) -> None:
    command = parse(words, tmp_path)
    assert (command.kind, command.target) == (kind, target)
    assert (command.arguments, command.flags) == (arguments, flags)
    assert command.python == OWN


def test_argv_is_the_same_command(tmp_path: Path) -> None:
    command = parse("python -O -m pkg a 'b c'", tmp_path)
    assert command.argv() == [str(OWN), "-O", "-m", "pkg", "a", "b c"]


def test_a_path_names_exactly_that_interpreter(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "python").symlink_to(OWN)
    command = parse("env/python main.py", tmp_path)
    assert command.python == tmp_path / "env" / "python"


def script(path: Path, first: str) -> Path:
    path.write_text(f"{first}\nprint()\n")
    path.chmod(0o755)
    return path


def test_console_script_by_its_shebang(tmp_path: Path) -> None:
    tool = script(tmp_path / "tool", f"#!{OWN} -I")
    command = parse("./tool --fast", tmp_path)
    assert (command.python, command.kind) == (OWN, "script")
    assert Path(command.target) == tool
    assert (command.flags, command.arguments) == (("-I",), ("--fast",))


def test_console_script_by_env(tmp_path: Path) -> None:
    script(tmp_path / "tool", "#!/usr/bin/env python3")
    assert parse("./tool", tmp_path).python == OWN


def test_console_script_with_a_long_interpreter_path(tmp_path: Path) -> None:
    """As pip writes it where the path is too long for a shebang."""
    script(tmp_path / "tool", f"""#!/bin/sh\n'''exec' "{OWN}" "$0" "$@"\n' '''""")
    assert parse("./tool", tmp_path).python == OWN


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("make all", "make"),
        ("./run.sh", "run.sh"),
        ("./missing", "missing"),
        ("no-such-command-anywhere x", "no-such-command-anywhere"),
        ("python", "no program"),
        ("python -", "standard input"),
        ("python -i main.py", "-i"),
        ("python --version", "--version"),
        ("python -m", "-m"),
        ("", "empty"),
    ],
)
def test_anything_else_is_named(tmp_path: Path, words: str, said: str) -> None:
    script(tmp_path / "run.sh", "#!/bin/sh")
    with pytest.raises(WorkloadError) as caught:
        parse(words, tmp_path)
    assert caught.value.code == "workload-unsupported"
    assert said in caught.value.message
    assert "python main.py" in caught.value.mend
    assert "--" not in caught.value.mend, "whoever is asked may have no such option"
