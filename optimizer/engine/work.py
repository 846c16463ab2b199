"""What the engine does for its clients; everything heavy is imported at its first use."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.progress import CancelToken, Progress
from optimizer.engine.protocol import OptimizeSpec
from optimizer.results import Results
from optimizer.suggestion import Outcome

if TYPE_CHECKING:
    from optimizer.services import Services

logger = logging.getLogger(__name__)


class Works:
    """The engine's services, shared by all jobs."""

    def __init__(self, workspace: Path, state: Path, results: Results) -> None:
        self._workspace, self._state, self._results = workspace, state, results
        self._services: Services | None = None
        self._lock = threading.Lock()

    def optimize(self, spec: OptimizeSpec, progress: Progress, cancel: CancelToken) -> Outcome:
        """One job. Raises HastenError and Cancelled."""
        from optimizer.search import optimize

        return optimize(spec, self._shared(), progress, cancel)

    def search(self, text: str, k: int) -> list[dict[str, Any]]:
        """Records of the index that are nearest to a text."""
        import cattrs

        from index.query import Query

        return [cattrs.unstructure(hit) for hit in self._shared().retrieve(Query(hint=text), k)]

    def _shared(self) -> Services:
        with self._lock:
            if self._services is None:
                from optimizer.services import Services

                self._services = Services(self._workspace, self._state, self._results)
            return self._services
