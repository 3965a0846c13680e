"""`/demo-model/v1`: the demo model for any program that speaks Chat Completions. Only with SAASBOT_DEMO=1.

The product itself asks the same rules in its own process (`saasbot/agent/model.py`), so it needs no open port to answer.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from saasbot.agent.demo.answer import NAME, answer_request, stream_request
from saasbot.infra.settings import settings

MAX_MESSAGES = 500
MAX_TOOLS = 128


class _Loose(BaseModel):
    """Parameters of the protocol that make no difference here are taken and ignored."""

    model_config = ConfigDict(extra="ignore")


class Part(_Loose):
    type: str
    text: str | None = Field(default=None, max_length=100_000)


class Function(_Loose):
    name: str = Field(max_length=100)
    arguments: str = Field(default="{}", max_length=100_000)


class Call(_Loose):
    id: str = Field(default="", max_length=100)
    function: Function


class ChatMessage(_Loose):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None


class Tool(_Loose):
    type: Literal["function"] = "function"
    function: Function


class ResponseFormat(_Loose):
    type: str


class StreamOptions(_Loose):
    include_usage: bool = False


class ChatRequest(_Loose):
    model: str = NAME
    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    tools: list[Tool] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: str | dict[str, Any] | None = None
    response_format: ResponseFormat | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None


def _only_in_demos() -> None:
    if not settings().demo:
        raise HTTPException(404)


router = APIRouter(prefix="/demo-model/v1", tags=["demo-model"], include_in_schema=False)


@router.get("/models")
async def list_models() -> dict[str, Any]:
    _only_in_demos()
    return {"object": "list", "data": [{"id": NAME, "object": "model", "created": 0, "owned_by": "saasbot"}]}


@router.post("/chat/completions")
async def complete(body: ChatRequest) -> Response:
    _only_in_demos()
    request = body.model_dump(exclude_none=True)
    if body.stream:
        return StreamingResponse(_events(request), media_type="text/event-stream")
    return JSONResponse(answer_request(request))


def _events(request: dict[str, Any]) -> Iterator[str]:
    for chunk in stream_request(request):
        yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
    yield "data: [DONE]\n\n"
