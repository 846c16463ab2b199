"""Nothing heavy before the first search, and no network without an endpoint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from index import jsonl
from tests.index.conftest import make_record

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, folder: Path) -> str:
    prelude = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfolder = {str(folder)!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", prelude + script],
        capture_output=True,
        text=True,
        timeout=60,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_heavy_libraries_wait_for_the_first_search(tmp_path: Path) -> None:
    out = run(
        "import index.retrieval\n"
        "from pathlib import Path\n"
        "m = index.store.Memory(Path(folder) / 'memory.db')\n"
        "i = index.retrieval.Index(m)\n"
        "heavy = {'chromadb', 'numpy', 'bm25s', 'litellm', 'onnxruntime', 'tokenizers'}\n"
        "print(sorted(heavy & set(sys.modules)))\n",
        tmp_path,
    )
    assert out == "[]"


def test_records_and_store_need_the_standard_library_only(tmp_path: Path) -> None:
    out = run(
        "before = set(sys.modules)\n"
        "import index.record, index.store\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "ours = {'index', 'analysis', 'hasten', 'platformdirs'}\n"
        "print(sorted(new - ours - set(sys.stdlib_module_names)))\n",
        tmp_path,
    )
    assert out == "[]"


def test_no_internet_socket_from_import_to_search(tmp_path: Path) -> None:
    jsonl.write(tmp_path / "corpus.jsonl", [make_record(i) for i in range(30)])
    out = run(
        "import socket\n"
        "seen = []\n"
        "def audit(event, args):\n"
        "    if event == 'socket.getaddrinfo': seen.append(args)\n"
        "    if event == 'socket.__new__' and args[1] != socket.AF_UNIX: seen.append(args)\n"
        "    if event == 'socket.connect' and args[0].family != socket.AF_UNIX: seen.append(args)\n"
        "    if seen: raise OSError(f'network: {seen}')\n"
        "sys.addaudithook(audit)\n"
        "from pathlib import Path\n"
        "from index.embedding import choose_embedder, describe\n"
        "from index.query import Query\n"
        "from index.retrieval import Index\n"
        "from index.store import Memory\n"
        "m = Memory(Path(folder) / 'memory.db')\n"
        "describe()\n"
        "i = Index(m, embedder=choose_embedder(), corpus=[Path(folder) / 'corpus.jsonl'])\n"
        "found = i.search(Query(hint='edit number 3'), 5)\n"
        "print(len(found), i.stats().chroma, i.verify().ok, seen)\n"
        "i.close()\n"
        "assert not [n for n in Path(folder).iterdir() if n.name == '.cache'], 'a model folder'\n",
        tmp_path,
    )
    assert out == "5 30 vectors True []"


def test_the_guard_of_that_test_sees_a_socket(tmp_path: Path) -> None:
    out = run(
        "import socket\n"
        "seen = []\n"
        "def audit(event, args):\n"
        "    if event == 'socket.__new__' and args[1] != socket.AF_UNIX: seen.append(args)\n"
        "sys.addaudithook(audit)\n"
        "socket.socket(socket.AF_INET).close()\n"
        "print(len(seen))\n",
        tmp_path,
    )
    assert out == "1"
