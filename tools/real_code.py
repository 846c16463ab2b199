"""hasten on public packages that nobody here wrote: `python -m tools.real_code FOLDER [NAME ...]`.

For each package: its source distribution is fetched with pip and unpacked into FOLDER, the workload
of tools/real_code_workloads is put beside it as main.py, and `hasten optimize -- python main.py`
runs there with state folders of its own. Prints what was proved and what was refused and why, and
leaves each answer as FOLDER/NAME.json. Nothing of the packages is changed elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKLOADS = Path(__file__).resolve().parent / "real_code_workloads"


@dataclass(frozen=True)
class Package:
    """A release, and what pip has to install before its workload runs in the unpacked folder."""

    name: str
    version: str
    needs: tuple[str, ...] = ()


PACKAGES = (
    Package("boltons", "26.2.0"),
    Package("mistune", "3.4.0", ("-e", ".")),  # its modules lie in src/
    Package("networkx", "3.6.1"),
    Package("pyspellchecker", "0.9.1"),
    Package("sqlparse", "0.6.1"),
    Package("tabulate", "0.10.0"),
    Package("textdistance", "4.6.3"),
    Package("treelib", "1.8.0", ("six",)),
)


def unpacked(package: Package, folder: Path) -> Path:
    """The package's source with the workload in it; fetched when it is not there yet."""
    place = folder / f"{package.name}-{package.version}"
    if not place.exists():
        fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary"]
        release = f"{package.name}=={package.version}"
        subprocess.run([*fetch, package.name, "-d", folder, release], check=True)
        with tarfile.open(next(folder.glob(f"{place.name}.tar.*"))) as archive:
            archive.extractall(folder, filter="data")
    (place / "main.py").write_text((WORKLOADS / f"{package.name}.py").read_text("utf-8"), "utf-8")
    return place


def environment(package: Package, place: Path, folder: Path, python: str) -> Path:
    """An interpreter of the package's own that has what the workload needs."""
    venv = folder / "venvs" / package.name
    inside = venv / "bin" / "python"
    if not inside.exists():
        subprocess.run([python, "-m", "venv", venv], check=True)
        if package.needs:
            command = [str(inside), "-m", "pip", "install", "-q", *package.needs]
            subprocess.run(command, check=True, cwd=place)
    return inside


def optimized(place: Path, python: Path, folder: Path) -> dict[str, Any]:
    """What `hasten optimize --json` says of the workload."""
    env = os.environ | {
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    command = [sys.executable, "-m", "hasten", "optimize", "--json", "--python", str(python)]
    env["PYTHONPATH"] = str(WORKLOADS.parent.parent)
    done = subprocess.run(
        [*command, "--", "python", "main.py"],
        cwd=place, env=env, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def told(package: Package, answer: dict[str, Any], seconds: float) -> list[str]:
    """The answer as lines of text."""
    lines = [f"{package.name} {package.version}: {seconds:.0f} s"]
    if "error" in answer:
        return [*lines, f"  {answer['error']}"]
    for s in answer["suggestions"]:
        low, high = s["interval"]
        faster = f"{s['ratio']:.2f}x ({low:.2f} to {high:.2f}), {s['equality']}"
        titles = "; ".join(e["title"] for e in s["edits"])
        lines.append(f"  proved: {s['function']}: {titles}: {faster}")
    lines += [
        f"  refused: {r['function']}: {r['title']}: {r['stage']}: {r['reason']}"
        for r in answer["rejected"]
    ]
    if answer["run"]:
        lines.append(f"  whole run: {answer['run']['before_s']:.2f} s, then "
                     f"{answer['run']['after_s']:.2f} s")  # fmt: skip
    return lines


def main() -> int:
    """Run the named packages, or all; 0 when each of them gave an answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a scratch folder; filled, never emptied")
    parser.add_argument("names", nargs="*", help="packages; default: all")
    parser.add_argument("--python", default=sys.executable, help="the packages' interpreter")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    unknown = set(options.names) - {p.name for p in PACKAGES}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    failed = 0
    for package in PACKAGES:
        if options.names and package.name not in options.names:
            continue
        place = unpacked(package, folder)
        python = environment(package, place, folder, options.python)
        start = time.perf_counter()
        answer = optimized(place, python, folder)
        (folder / f"{package.name}.json").write_text(json.dumps(answer, indent=1), "utf-8")
        print("\n".join(told(package, answer, time.perf_counter() - start)), flush=True)
        failed += "error" in answer
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
