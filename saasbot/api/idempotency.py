"""`Idempotency-Key` on POST: the same key and body get the same answer, the same key and another body 409. Who asks while the
first is at work waits for its answer.

Answers of 5xx are not kept, nor those that say that the caller comes too often or has no valid token by now: the client may try
again. Registration and sign-in ignore the key, because their answers hold secrets.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID
from weakref import WeakValueDictionary

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute

from saasbot.api.callers import caller_of_request
from saasbot.api.problems import problem_of
from saasbot.domain import idempotency
from saasbot.domain.actor import Actor
from saasbot.domain.idempotency import Answer, StillRunning
from saasbot.infra.crypto import keyed_hash
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError, InvalidInput

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_OF_NOW = frozenset({401, 408, 429})
"""A token may run out between two looks at it: with a new one the request is done."""
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_PATIENCE_SECONDS = 20
_at_work: WeakValueDictionary[tuple[UUID, str], asyncio.Lock] = WeakValueDictionary()
"""By company and key: held by the one request of this process that asks for the key or is doing the work."""
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


def _client_token(idempotency_key: Annotated[str | None, Header(max_length=200)] = None) -> str | None:
    return f"api:{idempotency_key}" if idempotency_key else None


ClientToken = Annotated[str | None, Depends(_client_token)]
"""The key as a message's own: the database then holds the promise even where a process died before it remembered its answer."""


class IdempotentRoute(APIRoute):
    """An endpoint that keeps the promise. `ApiRouter` makes them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if "POST" not in (self.methods or ()) or "auth" in self.tags:
            return handle

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            caller = await caller_of_request(request) if key is not None else None
            if key is None or caller is None:
                return await handle(request)
            if not _KEY.fullmatch(key):
                raise InvalidInput(HEADER, "Use 1 to 200 printable ASCII characters.")
            return await _once(request, handle, caller.actor, key)

        return once


async def _once(
    request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]], actor: Actor, key: str
) -> Response:
    request_hash = await _hash(request, actor)
    turn = _at_work.setdefault((actor.company_id, key), asyncio.Lock())
    try:
        await asyncio.wait_for(turn.acquire(), _PATIENCE_SECONDS)
    except TimeoutError:
        raise StillRunning from None
    try:
        async with unit_of_work(actor):
            done = await idempotency.claim(actor, key=key, request_hash=request_hash)
        return _replay(done) if done else await _first(request, handle, actor, key)
    finally:
        turn.release()


async def _first(
    request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]], actor: Actor, key: str
) -> Response:
    """Do the work and remember its answer, or that there was none: what failed on our side may be asked again."""
    try:
        try:
            response = await handle(request)
        except AppError as error:
            response = problem_of(error, request.headers.get("accept-language"))
        answer = _answer(response)
    except BaseException:
        async with unit_of_work(actor):
            await idempotency.forget(actor, key=key)
        raise
    async with unit_of_work(actor):
        if answer is None or answer.status in _OF_NOW or answer.status >= 500:
            await idempotency.forget(actor, key=key)
        else:
            await idempotency.remember(actor, key=key, answer=answer)
    return response


async def _hash(request: Request, actor: Actor) -> str:
    """Of all that decides the answer, and of who asks. The boundary of a form differs at each try and means nothing. Keyed, because a
    body may hold a password.
    """
    body = await request.body()
    content_type = request.headers.get("content-type", "")
    if found := _BOUNDARY.search(content_type):
        body = body.replace(found.group(1).encode(), b"")
    head = f"{actor.user_id} {request.method} {request.url.path}?{request.url.query} {content_type.partition(';')[0]}\n"
    return keyed_hash("idempotency", head + hashlib.sha256(body).hexdigest()).hex()


def _answer(response: Response) -> Answer | None:
    """What is remembered of a response: JSON or nothing. Other kinds are not repeated."""
    body = bytes(response.body) if hasattr(response, "body") else b""
    if not body:
        return Answer(response.status_code, None)
    if "json" not in (response.media_type or response.headers.get("content-type", "")):
        return None
    return Answer(response.status_code, json.loads(body))


def _replay(done: Answer) -> Response:
    headers = {REPLAYED: "true"}
    if done.body is None:
        return Response(status_code=done.status, headers=headers)
    kind = "application/problem+json" if done.status >= 400 else "application/json"
    return Response(json.dumps(done.body), status_code=done.status, headers=headers, media_type=kind)
