"""One chat call after another to a model behind litellm, with our own retries and timeouts.

litellm needs 1.7 s and 130 MB to import, so that happens at the first call. Its hidden retries are
switched off (a 500 would cost three calls), and a project's `.env` can't say where prompts go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.errors import Cancelled
from analysis.progress import CancelToken
from index import foreign
from optimizer.engine.protocol import ModelSpec
from optimizer.errors import ModelError

logger = logging.getLogger(__name__)

_RETRIES = 1
_RETRY_WAIT_S = 0.5
AT_ONCE = 4
_POLL_S = 0.05
_RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Reply:
    """A model's text and what it cost in tokens, or why there is none."""

    text: str | None
    tokens: int = 0
    error: str | None = None
    fatal: bool = False


@dataclass
class Ledger:
    """What a search asked of a model. `answers` hold text; `bad` of them are unusable, `invalid`
    counts failed calls too; `declined` say that there is nothing to gain."""

    calls: int = 0
    answers: int = 0
    bad: int = 0
    cached: int = 0
    failed: int = 0
    invalid: int = 0
    declined: int = 0
    tokens: int = 0

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"{self.calls} calls, {self.tokens} tokens, {self.cached} answers from the cache, "
            f"{self.failed} calls failed, {self.invalid} answers unusable, "
            f"{self.declined} saw nothing to gain"
        )


def ask_all(
    spec: ModelSpec, prompts: Sequence[list[dict[str, str]]], cancel: CancelToken, ledger: Ledger
) -> list[Reply]:
    """One reply for each prompt, in order, a few calls at once. Raises Cancelled at once."""
    return asyncio.run(_ask_all(spec, prompts, cancel, ledger))


async def _ask_all(
    spec: ModelSpec, prompts: Sequence[list[dict[str, str]]], cancel: CancelToken, ledger: Ledger
) -> list[Reply]:
    complete = await asyncio.get_running_loop().run_in_executor(None, _litellm)
    gate = asyncio.Semaphore(AT_ONCE)
    dead: list[Reply] = []  # after a fatal answer (no key, nobody listens) no more calls are made

    async def one(messages: list[dict[str, str]]) -> Reply:
        async with gate:
            if dead:
                return dead[0]
            reply = await _ask(complete, spec, messages, ledger)
            if reply.fatal:
                dead.append(reply)
            return reply

    calls = asyncio.gather(*(one(m) for m in prompts))
    while not calls.done():
        await asyncio.wait([calls], timeout=_POLL_S)
        if cancel.cancelled:
            calls.cancel()
            await asyncio.gather(calls, return_exceptions=True)
            raise Cancelled
    return calls.result()


def _litellm() -> Any:
    """litellm's coroutine for one chat completion; imported at the first use."""
    litellm: Any = foreign.litellm()
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    return litellm.acompletion


async def _ask(
    complete: Any, spec: ModelSpec, messages: list[dict[str, str]], ledger: Ledger
) -> Reply:
    for attempt in range(_RETRIES + 1):
        ledger.calls += 1
        try:
            answer = await asyncio.wait_for(
                complete(
                    model=spec.model,
                    messages=messages,
                    api_base=spec.api_base,
                    api_key=spec.api_key,
                    timeout=spec.timeout_s,
                    max_tokens=spec.max_tokens,
                    max_retries=0,
                    num_retries=0,
                ),
                spec.timeout_s,
            )
        except asyncio.TimeoutError:
            ledger.failed += 1
            return Reply(None, error=f"no answer within {spec.timeout_s:g} s")
        except Exception as error:  # litellm's classes do not say what happened reliably
            ledger.failed += 1
            reply = _failure(error)
            if reply.fatal or attempt == _RETRIES or _status(error) not in _RETRIED:
                return reply
            await asyncio.sleep(_RETRY_WAIT_S)
            continue
        return _read(answer, ledger)
    raise AssertionError("unreachable")


def _read(answer: Any, ledger: Ledger) -> Reply:
    try:
        text = answer.choices[0].message.content
        tokens = int(getattr(getattr(answer, "usage", None), "total_tokens", 0) or 0)
    except (AttributeError, IndexError, TypeError, ValueError):
        text, tokens = None, 0
    ledger.tokens += tokens
    if not isinstance(text, str) or not text.strip():
        ledger.failed += 1
        return Reply(None, tokens, "the answer holds no text")
    return Reply(text, tokens)


def _status(error: Exception) -> int | None:
    value = getattr(error, "status_code", None)
    return value if isinstance(value, int) else None


def _failure(error: Exception) -> Reply:
    """What happened in words. litellm reports a missing key and a refused connection as
    InternalServerError, so the text and the chain of causes decide."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    text = " ".join(f"{type(e).__name__} {e}" for e in seen).lower()
    if "timeout" in type(error).__name__.lower() or "timed out" in text:
        return Reply(None, error="no answer in time")
    if "api_key" in text or "api key" in text or _status(error) in (401, 403):
        return Reply(None, error="the key is missing or was refused", fatal=True)
    if any(word in text for word in ("connect", "refused", "name or service", "unreachable")):
        return Reply(None, error="nobody answers at its address", fatal=True)
    if "provider" in text or _status(error) == 404:
        return Reply(None, error="there is no such model or provider", fatal=True)
    logger.warning("a model call failed: %s", type(error).__name__)
    return Reply(None, error=f"the call failed ({type(error).__name__})")


def unreachable(spec: ModelSpec, why: str) -> ModelError:
    """The note for people when a model can't be used at all."""
    where = f" at {spec.api_base}" if spec.api_base else ""
    return ModelError(
        f"model {spec.model}{where}: {why}; rules were used in its place",
        code="model-unreachable",
        mend="check the model's name, --api-base and the key in HASTEN_API_KEY",
    )
