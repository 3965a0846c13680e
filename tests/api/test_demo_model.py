"""The demo model behind HTTP, as the official client and others use it."""

import json
from collections.abc import AsyncIterator

import openai
import pytest

from saasbot.agent.tools import SCHEMAS
from tests.api.conftest import Client, make_client
from tests.fixtures.agent import Configure


@pytest.fixture
async def sdk() -> AsyncIterator[openai.AsyncOpenAI]:
    async with make_client() as http:
        base_url = "http://localhost:3000/demo-model/v1"
        yield openai.AsyncOpenAI(api_key="none", base_url=base_url, http_client=http, max_retries=0)


async def test_the_official_client_talks_to_it(sdk: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in sdk.models.list()] == ["demo-model"]
    answer = await sdk.chat.completions.create(model="demo-model", messages=[{"role": "user", "content": "hello"}])
    assert answer.model == "demo-model" and answer.choices[0].message.content == "Hello! How can I help you?"
    assert answer.usage and answer.usage.total_tokens > 0


async def test_the_official_client_streams_from_it(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(  # pyright: ignore[reportCallIssue]
        model="demo-model",
        messages=[{"role": "user", "content": "¿precio de botas?"}],
        tools=SCHEMAS,  # pyright: ignore[reportArgumentType]
        stream=True,
    )
    calls = [call async for chunk in stream for call in chunk.choices[0].delta.tool_calls or ()]
    assert calls[0].function and calls[0].function.name == "search_catalogue"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": [{"role": "nobody", "content": "x"}]},
        {"messages": [{"role": "user", "content": 5}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]},
        {"messages": [{"role": "user", "content": "x"}], "tools": [{"function": 1}]},
    ],
)
async def test_what_is_not_the_protocol_is_refused(client: Client, body: dict) -> None:
    assert (await client.post("/demo-model/v1/chat/completions", json=body)).status_code == 422


async def test_odd_but_allowed_requests_are_answered(client: Client) -> None:
    body = {
        "model": "gpt-x",
        "temperature": 0.3,
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Firma: Luna"}]},
            {"role": "tool", "tool_call_id": "unknown", "content": "[1]"},
            {"role": "user", "content": [{"type": "text", "text": "hola"}, {"type": "image_url"}]},
        ],
    }
    answer = await client.post("/demo-model/v1/chat/completions", json=body)
    assert answer.json()["choices"][0]["message"]["content"] == "¡Hola! ¿En qué te puedo ayudar?\nLuna"
    streamed = await client.post("/demo-model/v1/chat/completions", json={**body, "stream": True})
    lines = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line]
    assert lines[-1] == "[DONE]" and all(json.loads(line)["model"] == "demo-model" for line in lines[:-1])


async def test_it_is_not_there_where_demos_are_off(client: Client, configure: Configure) -> None:
    configure(demo=0)
    assert (await client.get("/demo-model/v1/models")).status_code == 404
    body = {"messages": [{"role": "user", "content": "hola"}]}
    assert (await client.post("/demo-model/v1/chat/completions", json=body)).status_code == 404
