"""`hasten lsp`: the process that the editor starts.

Only the standard library is imported before the arguments are read: the children that read
profiles and large files begin here too, and need no language server.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Serve one editor on stdin and stdout; returns the exit code (1: ended without `shutdown`)."""
    if argv and argv[0].startswith(("--read-", "--find-", "--recall")):
        os.nice(5)  # the editor's answers come before news
    if argv and argv[0] == "--read-heat":
        from server.lsp.heat_reader import main as read_heat

        return read_heat(argv[1:])
    if argv and argv[0] == "--read-functions":
        from server.lsp.functions_reader import main as read_functions

        return read_functions()
    if argv and argv[0] == "--check-receipts":
        from server.lsp.receipts_reader import main as check_receipts

        return check_receipts()
    if argv and argv[0] == "--find-rules":
        from server.lsp.rules_reader import main as find_rules

        return find_rules()
    if argv and argv[0] == "--recall":
        from server.lsp.recall_reader import main as recall

        return recall()
    parser = argparse.ArgumentParser(
        prog="hasten lsp", description="Run the language server on stdin and stdout."
    )
    parser.add_argument("--stdio", action="store_true", help="the only way to talk; may be given")
    parser.add_argument(
        "--log-level", default="warning", choices=["debug", "info", "warning", "error"]
    )
    options = parser.parse_args(list(argv))
    logging.basicConfig(
        level=options.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # pygls logs every message that it sends, with the user's code in it.
    logging.getLogger("pygls").setLevel(logging.WARNING)
    stdin, stdout = _take_standard_streams()
    # Everything that is imported stays: collecting among it is a tenth of the time to start.
    gc.disable()
    from server.lsp.serve import serve

    return serve(stdin, stdout)


def _take_standard_streams() -> tuple[int, int]:
    """Descriptors of the client's pipes, which nothing else in this process can reach.

    What is printed by mistake goes to stderr instead of into the protocol, and a child inherits
    neither pipe.
    """
    stdin, stdout = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return stdin, stdout
