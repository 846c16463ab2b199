"""A cloned repository's `.env`, or the environment, does not configure chromadb or litellm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = {
    "CHROMA_API_IMPL": "chromadb.api.fastapi.FastAPI",
    "CHROMA_SERVER_HOST": "127.0.0.1",
    "CHROMA_SERVER_HTTP_PORT": "9",
    "CHROMA_PRODUCT_TELEMETRY_IMPL": "this.Zen",
    "CHROMA_OTEL_COLLECTION_ENDPOINT": "http://127.0.0.1:9",
    "CHROMA_OTEL_GRANULARITY": "all",
    "CHROMA_OTEL_COLLECTION_HEADERS": '{"a": "b"}',
    "CHROMA_SYSDB_IMPL": "this.Zen",
    "CHROMA_SEGMENT_MANAGER_IMPL": "this.Zen",
    "CHROMA_CLIENT_AUTH_PROVIDER": "this.Zen",
    "ANONYMIZED_TELEMETRY": "true",
    "ALLOW_RESET": "true",
    "MIGRATIONS": "none",
    "PERSIST_DIRECTORY": "elsewhere",
}
MALFORMED = {"CHROMA_SERVER_NOFILE": "many", "CHROMA_SERVER_CORS_ALLOW_ORIGINS": "["}
SEARCH = """
import socket, sys
def audit(event, args):
    if event == "socket.connect" and args[0].family != socket.AF_UNIX:
        print("asked the network")
    if event == "open" and str(args[0]).endswith(".env"):
        print("read .env")
sys.addaudithook(audit)
from pathlib import Path
from index.embedding import FactsEmbedder
from index.query import Query
from index.retrieval import Index
from index.store import Memory
from tests.index.conftest import make_record
with Memory(Path(sys.argv[1]) / "memory.db") as memory:
    memory.add_all(make_record(n) for n in range(5))
    with Index(memory, embedder=FactsEmbedder(), corpus=None) as index:
        found = index.search(Query(hint="bottleneck number 3"), 3)
        print(len(found), index.stats().chroma, index.notes, "this" in sys.modules)
        settings = index._opened().owned(lambda *_: None)._client._system.settings
        import chromadb
        for made in (settings, chromadb.get_settings(), chromadb.Settings()):
            print({n: v for n, v in made if v != type(made).model_fields[n].get_default()})
"""


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("values", [HOSTILE, MALFORMED], ids=["hostile", "malformed"])
@pytest.mark.parametrize("where", ["file", "environment"])
def test_chroma_is_not_configured_from_outside(
    tmp_path: Path, values: dict[str, str], where: str
) -> None:
    if where == "file":
        (tmp_path / ".env").write_text("".join(f"{k}={v}\n" for k, v in values.items()))
    found = run(SEARCH, tmp_path, values if where == "environment" else {}).splitlines()
    assert found[0] == "3 5 vectors () False"
    own = eval(found[1])
    assert Path(own.pop("persist_directory")).parent == tmp_path / "chroma"
    assert own == {"anonymized_telemetry": False, "is_persistent": True}
    assert found[2:] == ["{}", "{}"], "those that the package makes of itself"
    assert not (tmp_path / "elsewhere").exists()


def test_litellm_does_not_read_a_file_of_the_project(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_BASE=http://127.0.0.1:9\nPLANTED=1\n")
    script = (
        "import os\n"
        "from index import foreign\n"
        "module = foreign.litellm()\n"
        "print({n for n in ('OPENAI_API_BASE', 'PLANTED', 'LITELLM_MODE') if n in os.environ})\n"
        "print(module.litellm_mode)\n"
    )
    assert run(script, tmp_path, {}).split() == ["set()", "PRODUCTION"]
    kept = run(script + "print(os.environ['LITELLM_MODE'])\n", tmp_path, {"LITELLM_MODE": "DEV"})
    assert kept.split() == ["{'LITELLM_MODE'}", "PRODUCTION", "DEV"]
