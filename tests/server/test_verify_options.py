from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.errors import InputError
from server.cli.verify import _judge, refuse_unused
from server.cli.verify_function import Options
from server.cli.verify_program import ProgramOptions


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("--instructions", replace(Options(), instructions=True)),
        ("--thorough", replace(Options(), thorough=True)),
        ("--tests", replace(Options(), tests=True)),
        ("--cluster", replace(Options(), cluster="tcp://127.0.0.1:8786")),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(name: str, options: Options) -> None:
    with pytest.raises(InputError) as error:
        refuse_unused(options, "--cases")
    assert error.value.message == f"{name} does nothing with --cases"
    refuse_unused(Options(tests=False, rounding=0.1), "--cases")


def test_a_language_that_only_commands_prove_is_refused() -> None:
    with pytest.raises(InputError, match="JavaScript is proved by the project's own commands"):
        _judge("a.js", "b.js", "f", None, ProgramOptions(), Options())
