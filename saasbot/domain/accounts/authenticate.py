"""Who acts: the one door of every transport. A cookie or a bearer token goes in, a person in a company comes out.

Pages, socket events, the hub's pushes and uploads bring the cookie, programs bring a token. A test looks for others that
would look a session or a token up by themselves. What carries no person has proofs of its own: signed addresses of media,
the token of the metrics, the simulator (only from this machine).
"""

from dataclasses import dataclass, field
from typing import overload

from saasbot.domain.accounts.sessions import SignedIn, signed_in
from saasbot.domain.accounts.tokens import Caller, InvalidToken, caller_of


@dataclass(frozen=True, slots=True)
class Cookie:
    """The session token of a browser's cookie; empty when it has none."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """The access token of a program."""

    token: str = field(repr=False)


@overload
async def authenticate(credential: Cookie) -> SignedIn | None: ...
@overload
async def authenticate(credential: Bearer) -> Caller | None: ...
async def authenticate(credential: Cookie | Bearer) -> SignedIn | Caller | None:
    """The live session or sign-in behind the credential; nothing when it is unknown, over or revoked, or when its person may
    not act: removed, disabled, or without the second factor that their role demands.

    At most a second old, and never older than an ending that this process has heard of.
    """
    if isinstance(credential, Cookie):
        return await signed_in(credential.token)
    try:
        return await caller_of(credential.token)
    except InvalidToken:
        return None
