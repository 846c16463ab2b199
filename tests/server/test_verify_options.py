from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.errors import InputError
from server.cli.verify import refuse_unused
from server.cli.verify_function import Options


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
