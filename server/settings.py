"""Settings: one attrs class, read from the project's file and overridden by the editor or flags.

`[tool.hasten]` in pyproject.toml, or hasten.toml at the root of the workspace. What could run code
or send text away (INERT_UNTIL_TRUSTED) is inert when it comes from a workspace that the user has
not trusted: a cloned repository must not choose what is executed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import cattrs

from analysis.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

INERT_UNTIL_TRUSTED = frozenset(
    {
        "python",
        "workload",
        "model",
        "api_base",
        "cluster",
        "program_cases",
        "program_build",
        "command_test",
        "command_benchmark",
        "command_setup",
        "command_metric",
        "command_keep",
        "command_higher_is_better",
    }
)

TABLES = ("program", "command")
"""Tables below `[tool.hasten]`: `cases` of `program` is the setting `program_cases`."""


def _setting(default: Any, kind: str, description: str, **limits: Any) -> Any:
    """A setting; `kind` and `limits` are in the words of JSON schema."""
    return attrs.field(
        default=default, metadata={"type": kind, "description": description, **limits}
    )


@attrs.frozen(kw_only=True)
class Settings:
    """Every setting, with its default and the description that editors show."""

    python: str | None = _setting(
        None, "string", "Python interpreter that your code runs under (CPython 3.9 or later)."
    )
    workload: str | None = _setting(
        None, "string", "Command that exercises this project, for example: python main.py --small."
    )
    command_test: str | None = _setting(
        None, "string", "Test command of the project; it must pass for both versions."
    )
    command_benchmark: str | None = _setting(
        None, "string", "Benchmark command of the project, for example: pytest benchmarks."
    )
    command_setup: str | None = _setting(
        None, "string", "Command that is run once in each copy before its tests (a build)."
    )
    command_metric: str = _setting(
        "auto",
        "string",
        "What is read: auto, pytest-benchmark, pyperf, hyperfine, google-benchmark, number, or "
        "the path of a file that the benchmark writes.",
    )
    command_higher_is_better: bool = _setting(
        False, "boolean", "The benchmark's metric is a rate: more of it is better."
    )
    command_timeout: float = _setting(
        600.0, "number", "Seconds for one run of a command.", minimum=1.0, maximum=86400.0
    )
    command_budget: float = _setting(
        600.0,
        "number",
        "Seconds for all timing of one proof by commands.",
        minimum=1.0,
        maximum=604800.0,
    )
    command_keep: tuple[str, ...] = _setting(
        (), "array", "Globs of files that git ignores and that both copies need."
    )
    cluster: str | None = _setting(
        None,
        "string",
        "Address of a dask scheduler whose workers evaluate candidates, for example "
        "tcp://127.0.0.1:8786.",
    )
    model: str | None = _setting(
        None,
        "string",
        "Model that proposes edits beside the rules, in litellm's form (openai/NAME, "
        "anthropic/NAME ...). Empty: only rules, and no code is sent to a model.",
    )
    api_base: str | None = _setting(None, "string", "Base URL of an OpenAI-compatible server.")
    model_timeout: float = _setting(
        120.0,
        "number",
        "Seconds to wait for one answer of the model.",
        minimum=1.0,
        maximum=86400.0,
    )
    model_tokens: int = _setting(
        8192,
        "integer",
        "Most tokens of one answer of the model, its thinking included.",
        minimum=256,
        maximum=1000000,
    )
    strategy: str = _setting("beam", "string", "Search strategy.", enum=["beam", "best-of-n"])
    budget: int = _setting(
        32,
        "integer",
        "Candidates that may be evaluated for one function.",
        minimum=1,
        maximum=10000,
    )
    min_share: float = _setting(
        0.02,
        "number",
        "Functions with a smaller share of the run (0..1) are not marked.",
        minimum=0.0,
        maximum=1.0,
    )
    auto: bool = _setting(
        False, "boolean", "Prove edits for hot functions in the background after a save."
    )
    code_lens: bool = _setting(True, "boolean", "Show a code lens on hot functions.")
    hints: bool = _setting(True, "boolean", "Show a hint on hot functions.")
    rules: str = _setting(
        "hot",
        "string",
        "Where rules show what could be faster: in hot functions, in all, or nowhere (off).",
        enum=["hot", "all", "off"],
    )
    ignore: tuple[str, ...] = _setting(
        (), "array", "Globs of files, relative to the workspace, that hasten leaves alone."
    )
    program_cases: str | None = _setting(
        None,
        "string",
        "Cases of a C or C++ program: a folder of NAME.in and NAME.out, or a .jsonl file; {stem} "
        "stands for the source file's name without its suffix.",
    )
    program_only_cases: bool = _setting(
        False,
        "boolean",
        "Judge a program by the given cases alone; else further ones are made from them.",
    )
    program_build: str | None = _setting(
        None,
        "string",
        "Command that builds a C or C++ file, for example: g++ -O2 {source} -o {out}.",
    )
    rounding: float | None = _setting(
        None,
        "number",
        "Largest relative difference of floating-point results that still counts as equal. "
        "Empty: results must be exactly equal.",
        minimum=0.0,
    )

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all settings."""
        return frozenset(a.name for a in attrs.fields(cls))


@attrs.frozen
class LoadedSettings:
    """Settings in force, and what was left out and why (one sentence each)."""

    settings: Settings
    notes: tuple[str, ...] = ()


_converter = cattrs.Converter(forbid_extra_keys=True)


def _error(source: str, message: str, mend: str) -> InputError:
    return InputError(f"{source}: {message}", code="settings", mend=mend)


def _project_table(workspace: Path) -> tuple[dict[str, Any], str]:
    """The table of the workspace's own file, and the file's name for messages."""
    for name, keys in (("hasten.toml", ()), ("pyproject.toml", ("tool", "hasten"))):
        file = workspace / name
        try:
            table: Any = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            if name == "pyproject.toml" and not isinstance(error, OSError):
                continue  # a broken pyproject.toml is other tools' to report
            raise _error(str(file), str(error), "mend the file") from error
        for key in keys:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        if isinstance(table, dict) and (table or not keys):
            return flattened(table), str(file)
    return {}, ""


def flattened(table: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their names: those of `[tool.hasten.program]` begin with "program_"."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name in TABLES and isinstance(value, Mapping):
            found |= {f"{name}_{k.replace('-', '_')}": v for k, v in value.items()}
        else:
            found[name] = value
    return found


def written(name: str) -> str:
    """A setting as one writes it: "program.cases" for `program_cases`."""
    table, _, rest = name.partition("_")
    return f"{table}.{rest}" if table in TABLES else name


def _fits(value: Any, meta: Mapping[str, Any]) -> bool:
    """Whether a value has the type and lies in the limits of a setting."""
    kind = meta["type"]
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "array":
        return isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
    number = isinstance(value, int if kind == "integer" else int | float)
    return (
        number
        and not isinstance(value, bool)
        and bool(meta.get("minimum", value) <= value <= meta.get("maximum", value))
    )


def _allowed(meta: Mapping[str, Any]) -> str:
    """What a setting may be, in words."""
    if "enum" in meta:
        return " or ".join(meta["enum"])
    low, high = meta.get("minimum"), meta.get("maximum")
    if low is None:
        return str(meta["type"])
    return f"{meta['type']}, {low} or more" + ("" if high is None else f", at most {high}")


def _checked(values: Mapping[str, Any], source: str) -> Settings:
    unknown = sorted(set(values) - Settings.names())
    if unknown:
        raise _error(
            source,
            f"unknown setting {written(unknown[0])!r}",
            f"known: {', '.join(sorted(map(written, Settings.names())))}",
        )
    for field in attrs.fields(Settings):
        if field.name not in values or values[field.name] is None:
            continue
        value, meta = values[field.name], field.metadata
        if not _fits(value, meta) or value not in meta.get("enum", [value]):
            raise _error(
                source,
                f"{written(field.name)} = {value!r} is not valid",
                f"{meta['description'].rstrip('.')}: {_allowed(meta)}",
            )
    try:
        return _converter.structure(dict(values), Settings)
    except Exception as error:
        raise _error(source, str(error), "see the README's table of settings") from error


def load_settings(
    workspace: Path, overrides: Mapping[str, Any] | None = None, *, trusted: bool
) -> LoadedSettings:
    """Settings of a workspace with `overrides` (the editor's or flags') on top.

    Overrides that are None or an empty string count as not given. Raises InputError (code
    "settings") naming the file and the setting.
    """
    table, source = _project_table(workspace)
    notes: list[str] = []
    if table:
        _checked(table, source)  # a wrong value is told even where it is not in force
    if not trusted:
        for name in sorted(INERT_UNTIL_TRUSTED & set(table)):
            del table[name]
            notes.append(f"{written(name)} of {source} is not used: this workspace is not trusted")
    given = {k: v for k, v in (overrides or {}).items() if v is not None and v != ""}
    settings = _checked({**table, **given}, "settings")
    return LoadedSettings(settings, tuple(notes))
