"""Draws what a command really printed as an SVG, for the README.

    python tools/terminal_picture.py docs/optimize.svg --last 40 --title "..." -- COMMAND

The command runs in a pseudo terminal of 104 columns, so it prints as it does for a person; what it
rewrites (progress) is left out.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 104
_REWRITTEN = re.compile(r"[^\n]*\r(?!\n)|\x1b\[\?25[lh]|\x1b\[[0-9]*[AKJG]")

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""rich names fonts on a foreign host; a picture loads nothing, any monospaced font will do."""


def recorded(command: list[str]) -> str:
    """Standard output of the command on a terminal; its progress goes to ours."""
    master, slave = pty.openpty()
    env = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "FORCE_COLOR": "1"}
    with subprocess.Popen(command, stdout=slave, env=env) as process:
        os.close(slave)
        chunks = []
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:  # the other end was closed
                break
            if not data:
                break
            chunks.append(data)
    if process.returncode not in (0, 1):
        sys.exit(f"{command}: exit code {process.returncode}")
    return b"".join(chunks).decode(errors="replace").replace("\r\n", "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--last", type=int, default=40, help="lines kept from the end")
    parser.add_argument("--title", default="hasten")
    parser.add_argument("--prompt", default="", help="the command line shown above the output")
    own, command = sys.argv[1:], []
    if "--" in own:
        at = own.index("--")
        own, command = own[:at], own[at + 1 :]
    args = parser.parse_args(own)
    lines = _REWRITTEN.sub("", recorded(command)).rstrip("\n").split("\n")
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    if args.prompt:
        console.print(Text.from_markup(f"[bold green]$[/] [bold]{args.prompt}[/]"))
    if len(lines) > args.last:
        console.print(Text("…", style="dim"))
    console.print(Text.from_ansi("\n".join(lines[-args.last :])))
    svg = _FONTS.sub("", console.export_svg(title=args.title))
    args.out.write_text(svg, encoding="utf-8")
    print(f"{args.out}: {min(len(lines), args.last)} of {len(lines)} lines")


if __name__ == "__main__":
    main()
