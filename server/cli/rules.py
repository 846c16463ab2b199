"""`hasten rules`: what the rewrite rules are, what they find, and what they gain.

The rules and what measures them are imported by the command that needs them: together they would
add a tenth of a second to every other command.
"""

from __future__ import annotations

import typer

app = typer.Typer(
    help="What the rewrite rules are, find and gain.", no_args_is_help=True, rich_markup_mode=None
)

_JSON = typer.Option(False, "--json", help="Print one JSON value.")
_RULES = typer.Option([], "--rule", help="Only this rule; may be given again.")
_PYTHONS = typer.Option([], "--python", help="Measure under this interpreter; may be given again.")


@app.command("list")
def list_(
    language: str | None = typer.Option(
        None, "--language", help="Only rules of this language (python, c, c++, ...)."
    ),
    as_json: bool = _JSON,
) -> int:
    """List the rewrite rules, and what each gains on what runs this workspace's code."""
    from server.cli.rules_show import list_rules

    return list_rules(language, as_json=as_json)


@app.command()
def explain(
    rule_id: str = typer.Argument(metavar="ID", help="The id of a rule, as `list` prints it."),
    as_json: bool = _JSON,
) -> int:
    """Say what a rule does, why, when not to, and what was measured of it."""
    from server.cli.rules_show import explain as shown

    return shown(rule_id, as_json=as_json)


@app.command()
def find(
    path: str = typer.Argument(help="A file, or a folder with all below it."),
    rule: list[str] = _RULES,
    everything: bool = typer.Option(
        False, "--all", help="All findings, not only those that would be hinted here."
    ),
    profile_file: str | None = typer.Option(
        None, "--profile", help="The profile that says what is hot; default: the newest one."
    ),
    as_json: bool = _JSON,
) -> int:
    """Show what the rules would change, as the editor would hint it; nothing is proved yet."""
    from server.cli.rules_find import find_in

    return find_in(path, rule, profile_file, everything=everything, as_json=as_json)


@app.command()
def measure(
    rule: list[str] = _RULES,
    python: list[str] = _PYTHONS,
    targets: str | None = typer.Option(
        None,
        "--targets",
        help='"all": every CPython 3.9 to 3.13, compiler and node that is found here; or names, '
        "as in cpython-3.12,g++-12.",
    ),
    out: str | None = typer.Option(
        None, "--out", help="The table to add to; default: the one of this machine."
    ),
    again: bool = typer.Option(False, "--again", help="Measure what the table has already, too."),
    at_once: int | None = typer.Option(
        None, "--jobs", min=1, max=16, help="Cases to work on side by side; default: the cores."
    ),
    as_json: bool = _JSON,
) -> int:
    """Run the rules' cases at three sizes, and keep what each gains here.

    Without --python and --targets under this workspace's interpreter. What was measured counts for
    hints before the table that ships. A run that was stopped goes on where it was.
    """
    from server.cli.rules_measure import Asked
    from server.cli.rules_measure import measure as measured

    return measured(Asked(rule, python, targets, out, again, at_once), as_json=as_json)
