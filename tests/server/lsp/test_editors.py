"""The editors' files say what the code says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import attrs

from analysis.languages import LANGUAGES
from server.settings import INERT_UNTIL_TRUSTED, Settings, written

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = json.loads((ROOT / "editors" / "vscode" / "package.json").read_text())


def test_the_schema_of_the_settings_is_current():
    tool = ROOT / "tools" / "settings_schema.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], check=False)
    assert done.returncode == 0, "run: python tools/settings_schema.py"


def test_every_setting_is_in_the_schema_without_a_default_of_its_own():
    properties = PACKAGE["contributes"]["configuration"]["properties"]
    for field in attrs.fields(Settings):
        assert properties[f"hasten.{written(field.name)}"]["default"] is None


def test_what_could_run_code_is_not_taken_from_an_untrusted_workspace():
    trust = PACKAGE["capabilities"]["untrustedWorkspaces"]
    assert trust["supported"] == "limited"
    inert = {f"hasten.{written(name)}" for name in INERT_UNTIL_TRUSTED}
    assert inert | {"hasten.path"} == set(trust["restrictedConfigurations"])


def test_versions_are_exact_and_no_lock_file_names_a_host():
    folder = ROOT / "editors" / "vscode"
    assert all(v[0].isdigit() for v in PACKAGE["devDependencies"].values())
    assert "package-lock=false" in (folder / ".npmrc").read_text()
    assert not list(folder.glob("*lock*"))


def test_the_editors_ask_for_the_same_languages():
    asked = {e.removeprefix("onLanguage:") for e in PACKAGE["activationEvents"]}
    extension = (ROOT / "editors" / "vscode" / "src" / "extension.ts").read_text()
    selector = extension.split("const LANGUAGES = [")[1].split("]")[0]
    assert set(re.findall(r'"(\w+)"', selector)) == asked
    config = (ROOT / "editors" / "nvim" / "lsp" / "hasten.lua").read_text()
    filetypes = config.split("filetypes = {")[1].split("}")[0]
    assert set(re.findall(r'"(\w+)"', filetypes)) == asked
    named = {language.name.replace("c++", "cpp") for language in LANGUAGES}
    assert named <= asked
