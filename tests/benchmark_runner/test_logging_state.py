"""What of logging is state: how loggers are set, and what is hidden in them; not that they log."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark_runner.worker.harness import decode_plain
from tests.benchmark_runner.workers import Project, parts


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text("")
    return Project(tmp_path)


def test_to_log_keeps_nothing(project: Project) -> None:
    text = """
        import logging
        log = logging.getLogger(__name__)
        def f(): log.debug("a call"); log.info("another")
        """
    project.write("mod.py", text)
    with project.worker() as worker:
        before = decode_plain(worker.state())
        told = parts(worker)
        after = decode_plain(worker.state())
    assert (told["globals"], told["process"]) == ({}, {})
    assert after == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("log.setLevel(10)", b"mod:log"),
        ("log.addHandler(logging.NullHandler())", b"mod:log"),
        ("log.parent.setLevel(10)", b"mod:log"),
        ("logging.getLogger('far.away').setLevel(10)", b"far.away"),
        ("logging.disable(10)", b"loggers"),
        ("log._cache['kept'] = 5", b"mod:log"),
        ("log._cache[5000] = True", b"mod:log"),
        ("log.manager.kept = 5", b"mod:log"),
        ("log.manager.loggerDict['kept'] = 5", b"kept"),
        ("logging.getLogger('far.away').kept = 5", b"far.away"),
        ("logging.getLogger('far.away')._cache['kept'] = 5", b"far.away"),
        ("logging.getLogger('held').kept['more'] = 5", b"held"),
        ("logging.getLogger('held')._cache['kept'] = 5", b"held"),
    ],
)
def test_to_set_up_logging_does(project: Project, change: str, told: bytes) -> None:
    text = f"""
        import logging
        log = logging.getLogger("shop")
        logging.getLogger("held").kept = {{}}
        def f(): {change}
        """
    project.write("mod.py", text)
    with project.worker() as worker:
        assert told in worker.observe(0).payload
