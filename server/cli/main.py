"""The command line: parses, runs one command, and turns errors into exit codes.

Exit codes: 0 the good case of the command, 1 not, 2 bad input, 3 internal error, 130 cancelled.
"""

from __future__ import annotations

import io
import logging
import sys
import traceback

import typer
from typer.exceptions import TyperException

import hasten
from analysis.errors import Cancelled, HastenError
from server.cli import (
    apply,
    doctor,
    hot,
    index,
    index_forget,
    index_import,
    index_notes,
    optimize,
    profile,
    rules,
    trust,
    verify,
)
from server.cli.output import BAD_INPUT, CANCELLED, INTERNAL, Unclaimed, emit_error, log

app = typer.Typer(
    name="hasten",
    help="Makes slow code faster and proves it before it says so.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"hasten {hasten.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Makes slow code faster and proves it before it says so."""


app.add_typer(profile.app, name="profile")
app.command("hot")(hot.hot)
app.command("optimize")(optimize.optimize)
app.command("verify")(verify.verify)
app.command("apply")(apply.apply)
app.command("undo")(apply.undo)
app.command("reject")(apply.reject)
index.app.command("add-notes")(index_notes.add_notes)
index.app.command("add")(index_import.add)
index.app.command("mine")(index_import.mine)
index.app.command("forget")(index_forget.forget)
app.add_typer(index.app, name="index")
app.add_typer(rules.app, name="rules")
app.command("doctor")(doctor.doctor)
app.command("trust")(trust.trust)


# Both are started by the launcher before this module is imported; they stand here for --help.
@app.command("lsp", help="Run the language server on stdin and stdout.")
def _lsp() -> int:
    from server.lsp.main import main as lsp_main

    return lsp_main([])


@app.command("engine", help="Run the engine of a workspace (editors and commands start it).")
def _engine() -> int:
    from optimizer.engine.main import main as engine_main

    return engine_main([])


def _help_for(words: list[str]) -> str:
    if (
        words[:1] == ["profile"]
        and words[1:]
        and not words[1].startswith("-")
        and words[1] != "diff"
    ):
        return "put the program behind two dashes: hasten profile -- python main.py"
    known = {c.name for c in app.registered_commands} | {g.name for g in app.registered_groups}
    return f"hasten {words[0]} --help" if words and words[0] in known else "hasten --help"


def main(argv: list[str]) -> int:
    """Run one command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without the sign for "times"
    logging.lastResort = Unclaimed()
    own, command = argv, None
    if argv[:1] in (["profile"], ["optimize"]) and "--" in argv:
        at = argv.index("--")
        own, command = argv[:at], argv[at + 1 :]
    as_json = "--json" in own
    try:
        code = typer.main.get_command(app).main(
            own, prog_name="hasten", standalone_mode=False, obj=command
        )
        if code == CANCELLED:  # typer takes Ctrl-C itself and returns this
            raise Cancelled
        return code if isinstance(code, int) else 0
    except HastenError as error:
        emit_error(error.code, error.message, error.mend, as_json=as_json)
        return error.exit_code
    except TyperException as error:
        message = getattr(error, "format_message", error.__str__)()
        emit_error("usage", message, _help_for(own), as_json=as_json)
        return BAD_INPUT
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        emit_error("cancelled", "cancelled", "", as_json=as_json)
        return CANCELLED
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away; nothing more can be said
        return INTERNAL
    except OSError as error:  # a full disk, a folder that went away
        emit_error(
            "io", str(error), "see that the file or its folder can be used, then try again",
            as_json=as_json,
        )  # fmt: skip
        return INTERNAL
    except Exception as error:
        if not as_json:
            log().print(traceback.format_exc(), end="", soft_wrap=True)
        emit_error(
            "internal",
            f"{type(error).__name__}: {error}",
            "this is a bug of hasten: please report it with the command line that you used",
            as_json=as_json,
        )
        return INTERNAL
