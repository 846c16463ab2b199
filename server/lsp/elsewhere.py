"""Work in a process of its own: reading profiles, and the functions of large files.

Both would stop the hovers for as long as they take, in a thread too: they hold the interpreter's
lock. And a profile is a file that anybody may have written.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hasten.launcher import child_command, child_environment
from server.lsp.outline import Outline
from server.lsp.placing import FileHeat

logger = logging.getLogger(__name__)

LIMIT_S = 60.0


async def run_elsewhere(*arguments: str, given: Any = None) -> dict[str, Any] | None:
    """What `hasten lsp ARGUMENTS` prints when it gets `given` as JSON; None where it fails."""
    process = await asyncio.create_subprocess_exec(
        *child_command("lsp", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=child_environment(),
        cwd="/",
    )
    try:
        sent = json.dumps(given).encode()
        out, err = await asyncio.wait_for(process.communicate(sent), LIMIT_S)
        data = json.loads(out)
    except (asyncio.TimeoutError, ValueError) as error:
        logger.error("%s: no answer: %r", " ".join(arguments), error)
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if err:
        logger.warning("%s", err.decode(errors="replace").strip())
    if not isinstance(data, dict) or "error" in data:
        logger.warning("%s: %s", " ".join(arguments), data)
        return None
    return data


async def read_elsewhere(
    text: str, path: Path, wanted: Collection[str], heat: FileHeat | None
) -> Outline | None:
    """The outline of a text; None where it can't be read."""
    given = {
        "text": text,
        "path": str(path),
        "wanted": list(wanted),
        "heat": heat and heat.to_json(),
    }
    data = await run_elsewhere("--read-functions", given=given)
    return None if data is None else Outline.from_json(text, data, wanted, heat)
