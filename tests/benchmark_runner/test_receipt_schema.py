from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "receipt.schema.json").read_text())


def test_the_schema_is_of_these_dataclasses() -> None:
    tool = ROOT / "tools" / "receipt_schema.py"
    done = subprocess.run([sys.executable, tool, "--check"], check=False)
    assert done.returncode == 0, "run: python tools/receipt_schema.py"


def test_it_is_a_schema_and_refuses_what_is_no_receipt() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    old = Path(__file__).parent / "data" / "receipt_schema_1.json"
    receipt = json.loads(old.read_text())
    jsonschema.validate({**receipt, "schema": 2}, SCHEMA)
    for wrong in ({"schema": 1}, {"decision": "great"}, {"more": 1}, {"interval": [1.0]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**receipt, "schema": 2, **wrong}, SCHEMA)
