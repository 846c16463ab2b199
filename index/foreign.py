"""chromadb and litellm, imported so that the folder hasten runs in can't configure them.

Both read a file `.env`: chromadb the one in the working directory (and the environment) whenever a
`Settings` is made, which it does while it is imported; litellm the first one above its own folder,
which is the project's where hasten is installed in a project's environment. Such a file comes with
a cloned repository. It could name the host that vectors are sent to, a module to import, or the
address that prompts are sent to.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_LOCK = threading.Lock()
_CONFIG = "chromadb.config"


def chromadb() -> Any:
    """The module, whose settings are what they are given and its defaults, and nothing else."""
    with _LOCK:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
        try:
            module = importlib.import_module("chromadb")
            _close(importlib.import_module(_CONFIG))
        finally:
            sys.meta_path.remove(finder)
        return module


def litellm() -> Any:
    """The module, with the shipped table of prices: it fetches one over the network otherwise."""
    with _LOCK:
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        os.environ.setdefault("LITELLM_LOG", "ERROR")
        with _environment("LITELLM_MODE", "PRODUCTION"):  # "DEV", the default, reads .env
            return importlib.import_module("litellm")


class _Finder(MetaPathFinder):
    """Closes the settings of chromadb as soon as there are any: the package makes some at once."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == _CONFIG else None
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_close(module: ModuleType) -> None:
            run(module)
            _close(module)

        spec.loader.exec_module = run_and_close  # type: ignore[method-assign]
        return spec


def _close(config: ModuleType) -> None:
    """Let settings come from their arguments only (pydantic-settings' own switch)."""

    def sources(_: type[Any], /, __: type, init_settings: Any, **___: Any) -> tuple[Any, ...]:
        return (init_settings,)

    config.Settings.settings_customise_sources = classmethod(sources)
    config.Settings.model_config["env_file"] = None  # it is read also where it does not count


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """A variable with another value; programs that are started later see the former one."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
