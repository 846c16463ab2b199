"""`hasten verify`: judge two versions of a function, a program or a whole tree."""

from __future__ import annotations

from pathlib import Path

import typer

from analysis.errors import InputError
from analysis.languages import language_of
from benchmark_runner.receipt import Receipt
from benchmark_runner.receipts.repeat import save as save_receipt
from server.cli.output import GOOD, NOT_GOOD, emit_json, note, shown
from server.cli.verify_aa import aa_json, print_aa, verify_aa
from server.cli.verify_command import CommandOptions, verify_command
from server.cli.verify_function import (
    Judged,
    Options,
    print_receipt,
    verify_function,
    verify_json,
)
from server.cli.verify_program import ProgramOptions, is_native, verify_native, verify_program
from server.cli.verify_receipt import Repetition, verify_receipt, write_guard


def verify(
    before: str | None = typer.Argument(None, help="The file as it is."),
    after: str | None = typer.Argument(None, help="The changed file; it may lie anywhere."),
    function: str | None = typer.Option(
        None,
        "--function",
        help='Its __qualname__; in C and C++ "name(argument types)".',
    ),
    inputs: str | None = typer.Option(
        None, "--inputs", help="FILE.py that defines inputs() yielding (args, kwargs)."
    ),
    command: bool = typer.Option(
        False,
        "--command",
        help="Judge the work tree against --base by the project's own tests and benchmark.",
    ),
    base: str = typer.Option("HEAD", "--base", help="With --command: the commit to compare with."),
    test: str | None = typer.Option(None, "--test", help="With --command: the test command."),
    benchmark: str | None = typer.Option(
        None, "--benchmark", help="With --command: the benchmark command."
    ),
    metric: str | None = typer.Option(
        None,
        "--metric",
        help="With --command: auto, pytest-benchmark, pyperf, hyperfine, google-benchmark, number, "
        "or a file that the benchmark writes.",
    ),
    higher_is_better: bool | None = typer.Option(
        None, "--higher-is-better/--lower-is-better", help="With --command: what a gain is."
    ),
    timeout: float | None = typer.Option(
        None, "--timeout", help="With --command: seconds for one run of a command."
    ),
    budget: float | None = typer.Option(
        None, "--budget", help="With --command: seconds for all timing."
    ),
    own_tests: bool = typer.Option(
        False, "--own-tests", help="With --command: each side's own tests and benchmarks."
    ),
    cases: str | None = typer.Option(
        None,
        "--cases",
        help="Judge programs instead: a folder of NAME.in and NAME.out, or a .jsonl file.",
    ),
    build: str | None = typer.Option(
        None, "--build", help='How C and C++ is built: "g++ -O2 {source} -o {out}".'
    ),
    only_cases: bool = typer.Option(
        False, "--only-cases", help="Make no further cases from the given ones."
    ),
    receipt: str | None = typer.Option(
        None, "--receipt", help="Prove again what a receipt claims; BEFORE says where its file is."
    ),
    now: bool = typer.Option(
        False, "--now", help="With --receipt: judge the file as it is now, not as it was proved."
    ),
    save: str | None = typer.Option(None, "--save", help="Write the receipt to this file."),
    guard: str | None = typer.Option(
        None, "--guard", help="With --receipt: write a pytest file that fails if the gain is lost."
    ),
    python: str | None = typer.Option(None, "--python", help="The interpreter to run under."),
    tests: bool | None = typer.Option(
        None,
        "--tests/--no-tests",
        help="Run the project's own tests that reach the function, and use their calls; without "
        "either: in a trusted workspace where no inputs are given.",
    ),
    thorough: bool = typer.Option(
        False,
        "--thorough",
        help="Make more inputs, by CrossHair too where it is installed; takes seconds more.",
    ),
    rounding: float | None = typer.Option(
        None,
        "--rounding",
        min=0.0,
        max=1.0,
        help="Largest relative difference of floats that counts as equal.",
    ),
    aa: bool = typer.Option(
        False,
        "--aa",
        help="Prove identical copies: the noise of this machine, of a built-in function or of "
        "--function in BEFORE.",
    ),
    proofs: int = typer.Option(6, "--proofs", min=1, max=1000, help="With --aa: how many copies."),
    instructions: bool = typer.Option(
        False, "--instructions", help="Count instructions too (callgrind or hardware counters)."
    ),
    cluster: str | None = typer.Option(
        None, "--cluster", help="Prove a Python function on a worker of this dask scheduler."
    ),
    allow_unsandboxed: bool = typer.Option(
        False, "--allow-unsandboxed", help="Run even where no sandbox is to be had."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON value."),
) -> int:
    """Judge two versions of a function, or of a whole tree: same behaviour, and truly faster."""
    options = Options(python, rounding, allow_unsandboxed, instructions, thorough, tests, cluster)
    if aa:
        return _aa(before, after, function, inputs, proofs, options, as_json)
    repetition: Repetition | None = None
    if receipt is not None:
        if command or any(given is not None for given in (after, function, inputs, cases)):
            raise _usage("--receipt says itself what is proved", "give it BEFORE at most")
        repetition = verify_receipt(receipt, before, now, options)
        judged = repetition.judged
    elif command:
        if before is not None or function is not None or inputs is not None:
            raise _usage("--command judges the work tree", "give it no file and no --function")
        refuse_unused(options, "--command")
        given = CommandOptions(
            base, test, benchmark, metric, higher_is_better, timeout, budget, own_tests
        )
        judged = verify_command(Path.cwd(), given, options)
    else:
        told = ProgramOptions(cases, build, only_cases)
        judged = _judge(before, after, function, inputs, told, options)
    whole = judged.repeatable(rounding)
    if save is not None:
        _save(whole, save)
    if guard is not None:
        if repetition is None or receipt is None:
            raise _usage("--guard needs --receipt FILE", "write one first with --save FILE")
        write_guard(repetition, guard, receipt)
    if as_json:
        more = {} if repetition is None else {"repeats": repetition.as_json()}
        emit_json({**verify_json(whole), **more})
    else:
        print_receipt(judged.receipt, Path(after or judged.receipt.path))
    if repetition is not None and not now:
        return _again(repetition, as_json)
    return GOOD if judged.receipt.decision == "faster" else NOT_GOOD


def _aa(
    before: str | None,
    after: str | None,
    function: str | None,
    inputs: str | None,
    proofs: int,
    options: Options,
    as_json: bool,
) -> int:
    if after is not None or (before is None) != (function is None):
        raise _usage("--aa takes no AFTER", "give it nothing, or BEFORE and --function QUALNAME")
    floor = verify_aa(before, function, inputs, proofs, options)
    if as_json:
        emit_json(aa_json(floor))
    else:
        print_aa(floor)
    return NOT_GOOD if floor.faster else GOOD


def _usage(message: str, mend: str) -> InputError:
    return InputError(message, code="usage", mend=mend)


def refuse_unused(options: Options, kind: str) -> None:
    """Raise InputError for an option that only Python functions have: none is ignored silently."""
    given = {
        "--instructions": options.instructions,
        "--thorough": options.thorough,
        "--tests": options.tests,
        "--cluster": options.cluster,
    }
    for name, value in given.items():
        if value:
            raise _usage(f"{name} does nothing with {kind}", "it is for Python functions")


def _judge(
    before: str | None,
    after: str | None,
    function: str | None,
    inputs: str | None,
    program: ProgramOptions,
    options: Options,
) -> Judged:
    """Which kind of workload the arguments name, and its judgement."""
    if before is None or after is None:
        raise _usage("BEFORE and AFTER are missing", "name the file as it is and the changed one")
    language = language_of(before)
    if language.by_commands:
        raise _usage(
            f"{before}: {language.title} is proved by the project's own commands only",
            "hasten verify --command, with the change in the work tree",
        )
    if program.cases is not None:
        if function is not None or inputs is not None:
            raise _usage(
                "--cases is about whole programs", "leave --function and --inputs out, or --cases"
            )
        refuse_unused(options, "--cases")
        return verify_program(before, after, program, options)
    if function is not None and is_native(before):
        refuse_unused(options, "a C or C++ function")
        return verify_native(before, after, function, inputs, program.build, options)
    if function is None:
        raise _usage("no function is named", "--function QUALNAME, or --cases for a program")
    return verify_function(before, after, function, inputs, options)


def _save(whole: Receipt, file: str) -> None:
    try:
        save_receipt(whole, Path(file))
    except OSError as error:
        raise InputError(
            f"{file}: can't be written: {error.strerror or error}",
            code="file-unwritable",
            mend="check the folder",
        ) from error
    note(f"`hasten verify --receipt {shown(file)}` proves it again")


def _again(repetition: Repetition, as_json: bool) -> int:
    if as_json:
        return GOOD if repetition.holds else NOT_GOOD
    return repetition.print()
