"""Asking a model: the Chat Completions protocol with our own limits on time and retries.

One HTTP client a process, purpose and kind of address, kept open; an `AsyncOpenAI` a key, kept too: a turn builds nothing.
"""

import asyncio
import json
import random
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
import openai
from openai.types.chat import ChatCompletion

from saasbot.agent.choice import ModelChoice
from saasbot.agent.demo.answer import answer_request
from saasbot.infra.logging import get_logger
from saasbot.infra.safe_http import RefusedAddress, RefusedAnswer, SafeTransport
from saasbot.infra.text_input import storable
from saasbot.models import AiSource

log = get_logger(__name__)

TIMEOUTS = httpx2.Timeout(connect=5.0, read=20.0, write=10.0, pool=5.0)
_PATH = "/chat/completions"
RETRIES = 2
MAX_OUTPUT_TOKENS = 2_048
_MAX_WAIT = 5.0
"""Seconds. A longer Retry-After is not worth waiting for while a customer does."""
_MAX_CLIENTS = 200
_PLAIN_KEPT = 1_000
_MAX_WORDS = 300
"""Characters of what a server says of a request that it refuses."""
_MAX_NAME, _MAX_ARGUMENTS = 64, 4_000
"""Characters of a tool call: what is longer does not parse any more, and the model is told so."""


class KeyRefused(Exception):
    """The endpoint does not accept the key (or its account cannot pay)."""


class ModelFailed(Exception):
    """The model gave no usable answer. `reason` is a stable code."""

    def __init__(self, reason: str, details: str = "") -> None:
        super().__init__(f"{reason}: {details}" if details else reason)
        self.reason = reason
        self.details = details


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model said in one step."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    input_tokens: int
    output_tokens: int
    tries: int
    milliseconds: int


@dataclass(slots=True)
class Question:
    """One step's request. `answer_format` is the JSON schema of the final answer."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] = field(default_factory=list)
    answer_format: dict[str, Any] | None = None
    tools_allowed: bool = True


class Models:
    """The open connections to models. Tests give transports of their own."""

    def __init__(
        self,
        *,
        platform: httpx2.AsyncBaseTransport | None = None,
        companies: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = {
            "platform": httpx2.AsyncClient(transport=platform or httpx2.AsyncHTTPTransport(), timeout=TIMEOUTS),
            "companies": httpx2.AsyncClient(transport=companies or SafeTransport(), timeout=TIMEOUTS),
            "demo": httpx2.AsyncClient(transport=_DemoTransport(), timeout=TIMEOUTS),
        }
        self._clients: OrderedDict[tuple[str, str, str], openai.AsyncOpenAI] = OrderedDict()
        self._plain: set[tuple[str, str, str]] = set()
        """Models that know neither answer formats nor strict tools, by address, key and name: what one company names says nothing
        of another's."""

    async def aclose(self) -> None:
        for client in self._http.values():
            await client.aclose()

    async def ask(self, choice: ModelChoice, question: Question) -> Completion:
        """One step of the model, tried up to three times when the server is busy or broken.

        Raises: KeyRefused, ModelFailed.
        """
        client = self._client(choice)
        started = time.perf_counter()
        for attempt in range(RETRIES + 1):
            try:
                answer = await self._create(client, choice, question)
            except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
                raise KeyRefused(_message(error, choice)) from None
            except (openai.RateLimitError, openai.InternalServerError, openai.APIConnectionError) as error:
                wait = _wait_before_retry(error, attempt)
                if wait is None:
                    raise _failure(error, choice) from None
                log.info("agent.model_retry", attempt=attempt + 1, error=type(error).__name__)
                await asyncio.sleep(wait)
            except openai.APIStatusError as error:
                raise ModelFailed("model_refused_request", _message(error, choice)) from None
            except (openai.OpenAIError, ValueError) as error:
                raise ModelFailed("model_bad_answer", type(error).__name__) from None
            else:
                return _completion(answer, tries=attempt + 1, started=started)
        raise AssertionError("unreachable")

    async def _create(self, client: openai.AsyncOpenAI, choice: ModelChoice, question: Question) -> ChatCompletion:
        # `client.post` and not `chat.completions.create`: walking the types of every tool and message for nothing costs
        # more than all the rest of the request
        asked = (choice.base_url, choice.api_key, choice.model)
        plain = asked in self._plain
        try:
            return await client.post(_PATH, cast_to=ChatCompletion, body=_parameters(choice, question, plain=plain))
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if plain or not _is_about_parameters(str(error.message)[:_MAX_WORDS]):
                raise
            if len(self._plain) >= _PLAIN_KEPT:
                self._plain.clear()
            self._plain.add(asked)
            return await client.post(_PATH, cast_to=ChatCompletion, body=_parameters(choice, question, plain=True))

    def _client(self, choice: ModelChoice) -> openai.AsyncOpenAI:
        demo = choice.source == AiSource.DEMO
        kind = "demo" if demo else "companies" if choice.untrusted_address else "platform"
        key = (kind, choice.base_url, choice.api_key)
        client = self._clients.pop(key, None)
        if client is None:
            client = openai.AsyncOpenAI(
                api_key=choice.api_key or "none",
                base_url=choice.base_url or "http://demo-model.invalid/v1",
                max_retries=0,  # ours knows the deadline of the turn
                http_client=self._http[kind],
            )
            # never the organization of the machine's environment
            client.organization = client.project = client.admin_api_key = None
        self._clients[key] = client
        if len(self._clients) > _MAX_CLIENTS:
            self._clients.popitem(last=False)
        return client


_own: dict[str, Models] = {}
_given: Models | None = None


def models() -> Models:
    """The connections of this process for customers' turns, opened when first asked for."""
    return _opened("turns")


def trial_models() -> Models:
    """Those for what people try. Apart, because a pool is shared by all companies: trials that hang must not fill that of the turns."""
    return _opened("trials")


def use_models(given: Models | None) -> None:
    """Let this process ask through other connections (tests), which their giver closes; nothing ends that."""
    global _given
    _given = given


async def close_models() -> None:
    """For the end of the process."""
    while _own:
        await _own.popitem()[1].aclose()


def _opened(purpose: str) -> Models:
    if _given is not None:
        return _given
    if purpose not in _own:
        _own[purpose] = Models()
    return _own[purpose]


class _DemoTransport(httpx2.AsyncBaseTransport):
    """The demo model without a network: it answers even when nothing of this server listens yet."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        return httpx2.Response(200, json=answer_request(json.loads(body)), request=request)


def _parameters(choice: ModelChoice, question: Question, *, plain: bool) -> dict[str, Any]:
    parameters: dict[str, Any] = {"model": choice.model, "messages": question.messages}
    if question.tools:
        parameters["tools"] = [_plain_tool(tool) for tool in question.tools] if plain else question.tools
        parameters["tool_choice"] = "auto" if question.tools_allowed else "none"
    if not plain:
        parameters["max_completion_tokens"] = MAX_OUTPUT_TOKENS
        if question.answer_format is not None:
            schema = {"name": "answer", "strict": True, "schema": question.answer_format}
            parameters["response_format"] = {"type": "json_schema", "json_schema": schema}
    return parameters


def _plain_tool(tool: dict[str, Any]) -> dict[str, Any]:
    return {**tool, "function": {k: v for k, v in tool["function"].items() if k != "strict"}}


def _is_about_parameters(message: str) -> bool:
    return any(
        word in message.lower() for word in ("response_format", "json_schema", "max_completion_tokens", "strict")
    )


def _wait_before_retry(error: openai.APIError, attempt: int) -> float | None:
    """Seconds to wait before the next try; nothing when another try makes no sense."""
    if attempt >= RETRIES or isinstance(error, openai.APITimeoutError):
        return None  # a model that was silent for 20 seconds has used up what a customer can wait
    if isinstance(error.__cause__, (RefusedAddress, RefusedAnswer)):
        return None
    if isinstance(error, openai.RateLimitError) and error.code == "insufficient_quota":
        return None
    wait = 0.4 * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 – jitter
    if isinstance(error, openai.APIStatusError):
        wait = max(wait, _retry_after(error.response))
    return wait if wait <= _MAX_WAIT else None


def _retry_after(response: httpx2.Response) -> float:
    try:
        return float(response.headers.get("retry-after", "0"))
    except ValueError:
        return 0.0  # a date: rare, and our own wait is as good


def _failure(error: openai.APIError, choice: ModelChoice) -> KeyRefused | ModelFailed:
    if isinstance(error, openai.RateLimitError) and error.code == "insufficient_quota":
        return KeyRefused(_message(error, choice))
    if isinstance(error, openai.APITimeoutError):
        return ModelFailed("model_timeout")
    if isinstance(error, openai.APIConnectionError):
        return ModelFailed("model_unreachable", type(error.__cause__).__name__)
    return ModelFailed("model_unavailable", _message(error, choice))


def _message(error: openai.APIError, choice: ModelChoice) -> str:
    """What the server said, short: it is kept, and shown to the owner. Not every server shortens the key that it repeats."""
    said = str(error.message)
    return (said.replace(choice.api_key, "[key]") if choice.api_key else said)[:_MAX_WORDS]


def _completion(answer: ChatCompletion, *, tries: int, started: float) -> Completion:
    # compatible servers, and what stands in front of them, send what they like
    choices = cast("list[Any] | None", getattr(answer, "choices", None))
    message = choices[0].message if choices else None
    if choices is None or message is None:
        raise ModelFailed("model_bad_answer", "no choices")
    calls = [
        ToolCall(
            call.id or f"call_{number}",
            storable(call.function.name or "")[:_MAX_NAME],
            storable(call.function.arguments or "{}")[:_MAX_ARGUMENTS],
        )
        for number, call in enumerate(message.tool_calls or ())
        if getattr(call, "function", None) is not None
    ]
    usage = answer.usage
    return Completion(
        text=storable(message.content) if isinstance(message.content, str) else "",
        tool_calls=tuple(calls),
        finish_reason=choices[0].finish_reason or "",
        input_tokens=(usage.prompt_tokens or 0) if usage else 0,
        output_tokens=(usage.completion_tokens or 0) if usage else 0,
        tries=tries,
        milliseconds=round((time.perf_counter() - started) * 1000),
    )
