"""A Chat Completions server that says what a test tells it to, and remembers what it was asked."""

import inspect
import json
from collections.abc import Callable
from typing import Any

import httpx2

Step = dict[str, Any] | httpx2.Response | Exception | Callable[[dict[str, Any]], Any]


class FakeOpenAI:
    """Answers the n-th request with the n-th step; the last one goes on for ever."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []

    @property
    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.answer)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)
        self.requests.append(asked)
        self.keys.append(request.headers.get("authorization", ""))
        step: Any = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if callable(step):
            step = step(asked)
            if inspect.isawaitable(step):
                step = await step
        if isinstance(step, Exception):
            raise step
        if isinstance(step, httpx2.Response):
            return httpx2.Response(step.status_code, headers=step.headers, content=step.content)
        return httpx2.Response(200, content=json.dumps(step), headers={"content-type": "application/json"})

    def told(self, number: int = -1) -> str:
        """Everything that was in the messages of a request."""
        return json.dumps(self.requests[number]["messages"], ensure_ascii=False)


def says(reply: str, *, action: str = "reply", intent: str = "greeting", sentiment: str = "neutral") -> dict[str, Any]:
    """The final answer in the format that was asked for."""
    return says_text(json.dumps({"reply": reply, "action": action, "intent": intent, "sentiment": sentiment}))


def says_text(text: str) -> dict[str, Any]:
    return _completion({"role": "assistant", "content": text}, "stop")


def calls(*tools: tuple[str, dict[str, Any] | str]) -> dict[str, Any]:
    """A step that calls tools, all at once."""
    written = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": a if isinstance(a, str) else json.dumps(a)},
        }
        for number, (name, a) in enumerate(tools)
    ]
    return _completion({"role": "assistant", "content": None, "tool_calls": written}, "tool_calls")


def refuses(status: int, code: str = "", *, headers: dict[str, str] | None = None) -> httpx2.Response:
    return httpx2.Response(status, json={"error": {"message": f"refused {code}", "code": code}}, headers=headers)


def _completion(message: dict[str, Any], finish_reason: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "fake",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }
