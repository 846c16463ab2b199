"""Reads the functions of one text in a process of its own; see server.lsp.elsewhere."""

from __future__ import annotations

import json
import sys

from analysis.functions import functions_in, parse_file
from server.lsp.outline import Outline
from server.lsp.placing import FileHeat


def main() -> int:
    """`{"text", "path", "wanted", "heat"}` on stdin, the outline as JSON on stdout."""
    given = json.load(sys.stdin)
    tree = parse_file(given["text"], given["path"])
    functions = functions_in(given["text"], given["path"], tree)
    heat = given["heat"] and FileHeat.from_json(given["heat"])
    outline = Outline.of(given["text"], tree.lines, functions, given["wanted"], heat)
    json.dump(outline.to_json(), sys.stdout)
    return 0
