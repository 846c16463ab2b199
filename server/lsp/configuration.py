"""Settings of the client, and whether the user trusts the workspace."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.errors import HastenError
from server.settings import LoadedSettings, Settings, flattened, load_settings
from server.trust import is_trusted

logger = logging.getLogger(__name__)

SECTION = "hasten"


class Configuration:
    """The client's settings over each workspace's own."""

    def __init__(self) -> None:
        self.trusted_by_editor: bool | None = None
        self._client: dict[str, Any] = {}
        self._loaded: dict[Path, LoadedSettings] = {}

    def initialize(self, options: Any) -> None:
        """`initializationOptions`: `{"trusted": bool, "settings": {...}}`, both optional.

        Only here can an editor say that it trusts the workspace: settings may come from a file of
        the workspace itself.
        """
        if not isinstance(options, Mapping):
            return
        trusted = options.get("trusted")
        self.trusted_by_editor = trusted if isinstance(trusted, bool) else None
        self.update(options.get("settings", options))

    def update(self, value: Any) -> bool:
        """The client's settings, bare or below "hasten"; True when they changed.

        Names that hasten does not know are the editor's own (`hasten.path`).
        """
        if isinstance(value, Mapping) and isinstance(value.get(SECTION), Mapping):
            value = value[SECTION]
        if not isinstance(value, Mapping):
            return False
        known = {k: v for k, v in flattened(value).items() if k in Settings.names()}
        changed = known != self._client
        self._client = known
        self._loaded.clear()
        return changed

    def reload(self) -> None:
        """Read the workspaces' own files again when next asked."""
        self._loaded.clear()

    def trusts(self, root: Path) -> bool:
        """Whether what the workspace names may be run: the editor's word, else `hasten trust`."""
        if self.trusted_by_editor is not None:
            return self.trusted_by_editor
        return is_trusted(root)

    def load(self, root: Path) -> Settings:
        """The settings in force for a workspace. Raises InputError for one that is wrong."""
        if root not in self._loaded:
            loaded = load_settings(root, self._client, trusted=self.trusts(root))
            for note in loaded.notes:
                logger.warning("%s", note)
            self._loaded[root] = loaded
        return self._loaded[root].settings

    def of(self, root: Path) -> Settings:
        """The settings in force, or the defaults where one of them is wrong (it is logged)."""
        try:
            return self.load(root)
        except HastenError as error:
            logger.error("%s. %s", error.message, error.mend)
            self._loaded[root] = LoadedSettings(Settings())
            return self._loaded[root].settings
