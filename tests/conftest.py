"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# No test asserts times: a busy machine may take as long as it does for one example.
settings.register_profile("suite", parent=settings(), deadline=None)
settings.load_profile("suite")
