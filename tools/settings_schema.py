"""Writes the settings of server/settings.py into editors/vscode/package.json.

Run it after a change there: `python tools/settings_schema.py`. With `--check` it only says (exit
code 1) that the file is not current.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "editors" / "vscode" / "package.json"
sys.path.insert(0, str(ROOT))

from server.settings import INERT_UNTIL_TRUSTED, Settings, written  # noqa: E402

EDITOR_ONLY: dict[str, Any] = {
    "hasten.path": {
        "type": "string",
        "default": "hasten",
        "scope": "machine-overridable",
        "description": "The program to start: a name on the PATH, or a whole path.",
    },
    "hasten.trace.server": {
        "type": "string",
        "enum": ["off", "messages", "verbose"],
        "default": "off",
        "scope": "window",
        "description": "Trace the communication with the language server.",
    },
}


def properties() -> dict[str, Any]:
    """The `contributes.configuration.properties` of the extension."""
    found = dict(EDITOR_ONLY)
    for field in attrs.fields(Settings):
        meta = dict(field.metadata)
        # VS Code sends defaults like values that the user set, and these would then win over the
        # project's own settings. So every default is null, and the real one stands in the text.
        entry: dict[str, Any] = {
            "type": [meta.pop("type"), "null"],
            "default": None,
            "scope": "resource",
            "description": _described(meta.pop("description"), field.default),
        }
        if "array" in entry["type"]:
            entry["items"] = {"type": "string"}
        if "enum" in meta:
            meta["enum"] = [*meta["enum"], None]
        found[f"hasten.{written(field.name)}"] = {**entry, **meta}
    return found


def _described(description: str, default: Any) -> str:
    if default is None or default == ():
        return description
    return f"{description} Default: {json.dumps(default)}."


def current() -> str:
    """The text that package.json should have."""
    package = json.loads(PACKAGE.read_text(encoding="utf-8"))
    package["contributes"]["configuration"]["properties"] = properties()
    trust = package["capabilities"]["untrustedWorkspaces"]
    trust["restrictedConfigurations"] = sorted(
        f"hasten.{written(name)}" for name in (*INERT_UNTIL_TRUSTED, "path")
    )
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file, or only compare it."""
    text = current()
    if "--check" in arguments:
        return int(PACKAGE.read_text(encoding="utf-8") != text)
    PACKAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
