"""What the user did with an edit, for later searches: accepted, taken back, rejected.

Light enough for the editor's process: it reads and writes the memory and nothing else.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Literal

from analysis.decompose import edit_key
from analysis.errors import HastenError
from analysis.text import apply_replacements
from hasten.paths import state_dir
from index.record import ANY_INTERPRETER, Polarity, Refusal, workspace_provenance
from index.store import Memory, now
from optimizer.suggestion import Suggestion

logger = logging.getLogger(__name__)

Verdict = Literal["accepted", "undone", "rejected"]
_POLARITY: dict[Verdict, Polarity] = {
    "accepted": "accepted",
    "undone": "worked",
    "rejected": "rejected",
}


def learn(
    memory: Memory,
    workspace: Path,
    suggestion: Suggestion,
    verdict: Verdict,
    *,
    rung: int | None = None,
    text: str | None = None,
    reason: str = "",
) -> bool:
    """Remember what the user thinks of a suggestion, or of one of its rungs.

    Edits like an accepted one rank higher in this workspace (that of the search) from now on, like
    a rejected one lower. With `text`, the file as it was proved, a rejected edit is not tried again
    on this function, whatever runs it. What can't be remembered is logged: False then.
    """
    rungs = suggestion.edits if rung is None else suggestion.edits[rung : rung + 1]
    titles = {r.title for r in rungs}
    try:
        relative = os.path.relpath(suggestion.path, workspace)
        source = workspace_provenance(state_dir(workspace).name, relative, suggestion.function)
        memory.judge(source, titles, _POLARITY[verdict])
        if verdict == "rejected" and text is not None:
            for key in _keys(suggestion, text, rung):
                memory.record_outcome(
                    Refusal(
                        suggestion.fingerprint, ANY_INTERPRETER, key, "rejected",
                        reason or "rejected by the user", now(),
                    )
                )  # fmt: skip
    except HastenError as error:
        logger.warning("what you did with an edit could not be kept: %s", error.message)
        return False
    return True


def _keys(suggestion: Suggestion, text: str, rung: int | None) -> set[str]:
    """Of the whole edit, or of the rung where only one is meant; `text` is the one proved."""
    function, path = suggestion.function, suggestion.path
    if rung is None:
        after = apply_replacements(text, suggestion.replacements)
        return {edit_key(text, after, function, path)}
    before = text
    for edit in suggestion.edits[:rung]:
        before = apply_replacements(before, edit.replacements)
    after = apply_replacements(before, suggestion.edits[rung].replacements)
    return {edit_key(before, after, function, path)}
