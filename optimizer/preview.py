"""What the first step of a search would send to a model, word for word; nothing is sent here.

One thing is known only when the function has run: types and sizes of its arguments.
"""

from __future__ import annotations

from pathlib import Path

from analysis.functions import function_named
from analysis.languages import PYTHON, language_of
from analysis.source import read_source
from benchmark_runner.errors import WorkloadError
from benchmark_runner.inputs.generated import generate
from optimizer.engine.protocol import OptimizeSpec
from optimizer.errors import OptimizeError
from optimizer.here import here_of
from optimizer.proposers.catalogue import findings
from optimizer.proposers.model import runs_under
from optimizer.proposers.model_calls import prompt_of
from optimizer.proposers.prompt import Prompt, build
from optimizer.protocols import Candidate, Evaluation, Node
from optimizer.retriever import NOTES, IndexRetriever
from optimizer.services import Services

SHAPES_UNKNOWN = "(types and lengths such as: list of 280 (tuple of 2 (int)); never a value)"


def would_send(
    spec: OptimizeSpec, services: Services, share: float | None = None
) -> tuple[Prompt, ...]:
    """The prompts of the first calls for the function of a job.

    Later steps send the same with the text that was found by then, and tries that failed with the
    reason, which may show a call on which the results differed. `share` is
    the function's share of the run where a profile is known. The first prompt asks for calls where
    no inputs can be made from the code; it is sent, too, where the function raises on all that can.
    Raises InputError.
    """
    if spec.path is None or spec.function is None:
        raise OptimizeError(
            "no function is named",
            code="target-missing",
            mend="name one: PATH::QUALNAME",
        )
    path, name = spec.path, spec.function
    text = read_source(Path(path)).text if spec.text is None else spec.text
    if function_named(text, path, name) is None:
        raise OptimizeError(
            f"{path}: no function {name!r}", code="function-unknown", mend="check the name"
        )
    n = spec.budget if spec.strategy == "best-of-n" else spec.examples
    root = Candidate(text, (), "")
    node = Node(0, None, root, Evaluation("timing", True, utility=0.0), 0)
    by_rules = min(len(findings(root, path, name)), n // 2)
    here = here_of(text, path, spec.python, None)
    retriever = IndexRetriever(services, path, name, here)
    hits, notes = retriever.query(node, n, 0), retriever.notes(text, NOTES)
    records = [hit.record for hit in hits[: n - by_rules]]
    padded = [*records, *[None] * (n - by_rules - len(records))]
    runs = runs_under(path, spec)
    asked = tuple(
        build(
            text,
            path,
            name,
            share=share,
            example=r,
            runs=runs,
            shapes=(SHAPES_UNKNOWN,),
            notes=notes,
        )
        for r in padded
    )
    return (*_calls_asked(spec, text, path, name), *asked)


def _calls_asked(spec: OptimizeSpec, text: str, path: str, name: str) -> tuple[Prompt, ...]:
    """The prompt for calls, where nobody gives any and none can be made from the code."""
    alone = spec.kind is None and language_of(path) is PYTHON
    if not alone or spec.inputs_file is not None or spec.workload is not None:
        return ()
    try:
        generate(text, Path(path), name)
    except WorkloadError:
        prompt = prompt_of(text, path, name)
        return () if prompt is None else (prompt,)
    return ()
