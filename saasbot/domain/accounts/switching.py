"""Going from one of one's companies to another: the session (or the family of tokens) in the one ends, and one in the other begins.

Like all of the accounts it opens its own transactions: call it outside a unit of work.
"""

from collections.abc import Sequence
from uuid import UUID

from saasbot.domain.accounts.sessions import issue_ticket
from saasbot.domain.accounts.tokens import TokenPair, exchange_tokens
from saasbot.domain.actor import Actor
from saasbot.domain.admin import seats as rows
from saasbot.domain.admin.credentials import Person
from saasbot.domain.admin.seats import Seat
from saasbot.infra.errors import AppError, NotFound


class AlreadyThere(AppError):
    code = "already_there"
    status = 409
    message = "You are in that company now."


class TwoStepNeeded(AppError):
    code = "two_step_needed"
    status = 403
    message = "Your role in that company needs two-step sign-in. Turn it on in the settings, then go there."


async def companies_of(actor: Actor) -> Sequence[Seat]:
    """Where the person may go, and where they are, by name. Raises: Forbidden (nobody acts)."""
    return await rows.seats_of(actor.person_id)


async def ticket_to(actor: Actor, company_id: UUID, *, leaves: str) -> str:
    """The ticket of a session in that company. `leaves`: the token of the one that asks; it ends when the ticket is used, which only
    its browser can, and only where the person still has the seat then.

    Raises: Forbidden, NotFound (also of companies that are not theirs), AlreadyThere, TwoStepNeeded.
    """
    return await issue_ticket(await _person_in(actor, company_id), leaves=leaves)


async def tokens_in(
    actor: Actor, company_id: UUID, *, refresh_token: str, family: UUID, user_agent: str = ""
) -> tuple[TokenPair, Person]:
    """Tokens in that company for the unused refresh token of the family that asks: who has but an access token gets no other by it.
    The family ends, its access tokens too.

    Raises: Forbidden, NotFound (also of companies that are not theirs), AlreadyThere, TwoStepNeeded, InvalidToken.
    """
    person = await _person_in(actor, company_id)
    pair = await exchange_tokens(person, refresh_token, of=family, network=actor.origin.network, user_agent=user_agent)
    return pair, person


async def _person_in(actor: Actor, company_id: UUID) -> Person:
    if company_id == actor.company_id:
        raise AlreadyThere
    found = await rows.find_seat(actor.person_id, company_id)
    if found is None:
        refusal = NotFound()
        await actor.refused(refusal)
        raise refusal
    person, is_secured = found
    if not is_secured:
        raise TwoStepNeeded
    return person
