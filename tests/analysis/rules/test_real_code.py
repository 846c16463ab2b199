"""All rules over modules of the standard library: nothing fails, all results compile."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from pathlib import Path

import pytest

from analysis.functions import functions_in
from analysis.rules.catalogue import find
from analysis.source import read_source

NAMES = """
    argparse ast calendar csv difflib fractions heapq inspect json.decoder json.encoder pprint
    statistics string textwrap tokenize
"""


@pytest.mark.parametrize("name", NAMES.split())
def test_module(name: str, caplog: pytest.LogCaptureFixture) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    text = read_source(Path(spec.origin)).text
    with caplog.at_level(logging.ERROR):
        findings = find(text, name, functions_in(text, name))
    assert caplog.records == []
    functions = {f.qualname for f in functions_in(text, name)}
    for finding in findings:
        assert finding.function in functions
        after = finding.edit.apply(text)
        assert after != text
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(after, name, "exec")
