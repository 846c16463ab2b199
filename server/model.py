"""The model in force, with its key, as the engine is told of it."""

from __future__ import annotations

import os

from optimizer.engine.protocol import ModelSpec
from server.settings import Settings


def model_of(settings: Settings) -> ModelSpec | None:
    """The model that the settings name with its key from this process's environment, or None."""
    if not settings.model:
        return None
    provider = settings.model.split("/", 1)[0].upper().replace("-", "_")
    key = os.environ.get("HASTEN_API_KEY") or os.environ.get(f"{provider}_API_KEY")
    if key is None and settings.api_base:
        key = "none"  # local servers ask for no key, the client library wants some text
    return ModelSpec(
        settings.model, settings.api_base, key, settings.model_timeout, settings.model_tokens
    )
