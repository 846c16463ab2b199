"""The search of one function: from its inputs to a proved suggestion, or why there is none."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from analysis.decompose import normalised_key
from analysis.errors import AnalysisError
from analysis.gate import check_candidate
from analysis.languages import PYTHON, language_of
from analysis.progress import CancelToken, Progress
from analysis.rules.evidence import Evidence, load_evidence
from analysis.text import changes_between, to_replacements
from benchmark_runner.bench import Bench
from benchmark_runner.interpreters import interpreter_at
from benchmark_runner.receipt import InputsUsed
from benchmark_runner.rule_gains.targets import Target as RuleTarget
from benchmark_runner.rule_gains.targets import python_target, tool_target
from hasten.paths import rules_table
from optimizer.budget import Budget
from optimizer.contenders import first_to_prove
from optimizer.critic import FailureCritic
from optimizer.driver import Driver, Parts, SearchResult
from optimizer.engine.protocol import OptimizeSpec
from optimizer.here import here_of, libraries_of
from optimizer.ladder import Ladder, LadderBuilder, Refused, title_of
from optimizer.outcomes import Outcomes
from optimizer.patience import may_wait, unnoticed
from optimizer.proposers.catalogue import CatalogueProposer, findings
from optimizer.proposers.model import ModelProposer, open_cache, runs_under
from optimizer.proposers.portfolio import Portfolio
from optimizer.protocols import Candidate, Evaluation
from optimizer.proving import BenchProver, ProverEvaluator
from optimizer.rerank import RulesThenSmallest
from optimizer.retriever import NOTES, IndexRetriever, program_of
from optimizer.services import Services
from optimizer.strategies.choose import choose
from optimizer.suggestion import Rejection, Suggestion
from optimizer.targets import MIN_WORTH, Target
from optimizer.trial_log import TrialLog

logger = logging.getLogger(__name__)

_PREPARED, _SEARCHED = 0.1, 0.6
"""Shares of a function's search that are behind it after these steps."""


@dataclass
class Found:
    """What the search of one function led to."""

    inputs: InputsUsed | None
    suggestion: Suggestion | None = None
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class FunctionSearch:
    """Searches one function. `base` are files that are not as on disk (the editor's text)."""

    def __init__(
        self,
        target: Target,
        spec: OptimizeSpec,
        services: Services,
        progress: Progress,
        cancel: CancelToken,
        base: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._target, self._spec, self._services = target, spec, services
        self._base = base
        self._progress, self._cancel = progress, cancel
        self._path, self._name = str(target.path), target.function.qualname

    def run(self, bench: Callable[[], tuple[Bench, InputsUsed]]) -> Found:
        """Search on the bench that is opened and prepared if there is anything to search.

        Raises WorkloadError when the original can't be judged on its inputs, and Cancelled.
        """
        spec = self._spec
        if spec.function is None and spec.model is None and not self._has_findings():
            return Found(None, rejected=[self._nothing()])  # not worth a run of its original
        self._progress("running the original against itself", 0.0)
        opened, used = bench()
        found = Found(used)
        self._search(opened, used, found)
        return found

    def _has_findings(self) -> bool:
        root = Candidate(self._target.text, (), "")
        return bool(findings(root, self._path, self._name))

    def _nothing(self) -> Rejection:
        nobody = "neither a rule nor the model" if self._spec.model else "no rule"
        what = f"{nobody} finds anything to change"
        return Rejection(self._path, self._name, "the function", "search", what)

    def _searched(self, message: str, share: float | None = None) -> None:
        """The driver's share of the budget as a share of the whole search."""
        self._progress(message, _PREPARED + (_SEARCHED - _PREPARED) * (share or 0.0))

    def _search(self, bench: Bench, used: InputsUsed, found: Found) -> None:
        target, spec, services = self._target, self._spec, self._services
        prover = BenchProver(bench, target.path, self._base)
        outcomes = Outcomes(
            services.memory, target, runtime_name(target.path, spec), used.digest,
            libraries_of(target.text, self._path, spec.python),
        )  # fmt: skip
        evidence = evidence_of(target.path, spec)
        catalogue = CatalogueProposer(self._path, self._name, evidence)
        here = here_of(target.text, self._path, spec.python, evidence)
        retriever = IndexRetriever(services, self._path, self._name, here)
        model = self._model(bench, retriever)
        parts = Parts(
            strategy=choose(
                spec.strategy, width=spec.width, depth=spec.depth, examples=spec.examples,
                budget=spec.budget,
            ),
            proposer=Portfolio(catalogue, model) if model else catalogue,
            evaluator=ProverEvaluator(prover),
            fallback=catalogue if model else None,
            gate=lambda candidate: self._gate(candidate) or outcomes.refused_before(candidate),
            retriever=retriever if model else None,
            critic=FailureCritic(self._path, self._name) if model else None,
            reranker=RulesThenSmallest(),
            may_wait=may_wait if spec.strategy == "beam" else None,
            enough=unnoticed(target.share, MIN_WORTH),
        )  # fmt: skip
        log = TrialLog(
            services.state / "trials.jsonl", path=self._path, function=self._name,
            fingerprint=target.function.fingerprint,
        )  # fmt: skip
        driver = Driver(
            parts, Budget(spec.budget), log=log, progress=self._searched, cancel=self._cancel
        )
        root = Candidate(target.text, (), normalised_key(target.text, self._name, self._path))
        result = driver.run(root)
        outcomes.remember_failures(result.failures)
        found.rejected += self._rejections(result)
        if model is not None:
            log.write("model", duplicates=result.duplicates, **asdict(model.ledger))
            found.notes += [*model.notes, f"{self._name}: model: {model.ledger}"]
        if result.best.candidate.edits:
            self._prove(prover, result, outcomes, found)

    def _model(self, bench: Bench, retriever: IndexRetriever) -> ModelProposer | None:
        if self._spec.model is None:
            return None
        cache = open_cache(self._services.state)
        return ModelProposer(
            self._spec.model, self._path, self._name, cache, self._cancel, self._target.share,
            runs_under(self._path, self._spec), bench.shapes(),
            retriever.notes(self._target.text, NOTES),
        )  # fmt: skip

    def _gate(self, candidate: Candidate) -> Evaluation | None:
        reason = self._static(candidate.source)
        return None if reason is None else Evaluation("static", False, reason)

    def _static(self, text: str) -> str | None:
        return check_candidate(self._target.text, text, self._name, self._path)

    def _prove(
        self, prover: BenchProver, result: SearchResult, outcomes: Outcomes, found: Found
    ) -> None:
        """The ladder of the fastest candidate; where it fails, of the next fastest."""
        self._progress("proving what was found", _SEARCHED)
        builder = LadderBuilder(
            prover, self._target.text, self._path, self._name, gate=self._static,
            progress=self._progress, cancel=self._cancel,
        )  # fmt: skip
        ranked = sorted(
            (n for n in result.tree if n.evaluation.ok and n.candidate.edits),
            key=lambda n: (prover.belief(n.candidate.source), n.utility),
            reverse=True,
        )
        for node in first_to_prove(ranked, prover, self._target.text):
            ladder = builder.build(node.candidate.edits)
            if isinstance(ladder, Refused):
                outcomes.remember_unproved(node.candidate, ladder)
            elif (known := outcomes.refuses(node.candidate, ladder.text)) is not None:
                ladder = Refused("memory", known)
            if isinstance(ladder, Refused):
                found.rejected.append(
                    Rejection(
                        self._path, self._name, node.candidate.title, ladder.stage, ladder.reason
                    )
                )
                continue
            found.suggestion = self._suggestion(ladder)
            outcomes.remember_ladder(ladder, program_of(self._services, self._path, self._name))
            return

    def _suggestion(self, ladder: Ladder) -> Suggestion:
        target = self._target
        replacements = to_replacements(target.text, changes_between(target.text, ladder.text))
        whole = json.dumps([self._path, self._name, self._spec.python, target.text, ladder.text])
        return Suggestion(
            id=hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:10],
            path=self._path,
            function=self._name,
            fingerprint=target.function.fingerprint,
            before_sha256=hashlib.sha256(target.text.encode("utf-8", "surrogatepass")).hexdigest(),
            title=title_of(ladder),
            ratio=ladder.ratio,
            interval=ladder.interval,
            equality=ladder.equality,
            edits=ladder.rungs,
            replacements=replacements,
            receipt=ladder.receipt,
        )

    def _rejections(self, result: SearchResult) -> list[Rejection]:
        """What was refused, the last refusal of each title, and what a model answered badly."""
        used = {e.title for e in result.best.candidate.edits if e.origin == "rule"}
        seen: dict[tuple[str, ...], Rejection] = {}
        for node in result.failures:
            edit, evaluation = node.candidate.edits[-1], node.evaluation
            reason = evaluation.failure or "refused"
            key: tuple[str, ...] = (edit.title, evaluation.stage)
            if edit.origin == "model":
                key = (*key, reason)  # its titles say little
            elif edit.title in used:
                continue  # not faster at first, and in the end it was
            seen[key] = Rejection(self._path, self._name, edit.title, evaluation.stage, reason)
        for reason in dict.fromkeys(result.invalid):
            found = ("a model's answer", "proposal", reason)
            seen.setdefault(found, Rejection(self._path, self._name, *found))
        if len(result.tree) == 1 and not seen:
            seen[()] = self._nothing()
        return list(seen.values())


def runtime_name(path: Path, spec: OptimizeSpec) -> str:
    """ "CPython 3.11.7" or "C++, g++ -O3 ...": what refusals are remembered for.

    Raises InterpreterError.
    """
    language = language_of(path)
    if language.by_commands:
        return f"{language.title}, the project's commands"
    if language is not PYTHON:
        return f"{language.title}, {spec.build or 'default build'}"
    version = interpreter_at(Path(spec.python)).version
    return "CPython " + ".".join(map(str, version))


def evidence_of(path: Path, spec: OptimizeSpec) -> Evidence | None:
    """What was measured of the rules on what runs a file; None where no table can be read.

    Raises InterpreterError.
    """
    language = language_of(path)
    if language is PYTHON:
        target: RuleTarget | None = python_target(interpreter_at(Path(spec.python)))
    else:
        target = tool_target(language.name)
    if target is None:
        return None
    try:
        return load_evidence(target.name, rules_table())
    except AnalysisError as error:
        logger.warning("the order of the rules does not know what they gain: %s", error.message)
        return None
