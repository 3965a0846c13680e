"""Who calls the API: `Authorization: Bearer <access token>` → `Actor`."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from saasbot.domain.accounts import Bearer, Caller, InvalidToken, authenticate, network_of
from saasbot.domain.actor import Actor

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="The access token of `POST /auth/login`.")


async def _caller(token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Caller:
    caller = await authenticate(Bearer(token.credentials)) if token else None
    if caller is None:
        raise InvalidToken
    return caller


async def _actor(request: Request, caller: Annotated[Caller, Depends(_caller)]) -> Actor:
    """For the audit trail the actor carries the address of this request and which route it is."""
    route = request.scope.get("route")
    origin = replace(
        caller.actor.origin,
        network=network_of(request.client.host if request.client else ""),
        act=f"{request.method} {getattr(route, 'path', '')}",
    )
    return replace(caller.actor, origin=origin)


async def caller_of_request(request: Request) -> Caller | None:
    """The caller, or nothing when the request has no bearer token.

    Raises: InvalidToken.
    """
    token = await _bearer(request)
    return await _caller(token) if token else None


def network_of_request(request: Request) -> str:
    """Where it comes from, as limits count it."""
    return network_of(request.client.host if request.client else "")


CurrentCaller = Annotated[Caller, Depends(_caller)]
CurrentActor = Annotated[Actor, Depends(_actor)]
"""Parameter type of every endpoint that needs to know who acts. Without a valid token it answers 401."""
