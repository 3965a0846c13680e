"""A person changes what others see of them, and the language we write to them in."""

from sqlalchemy import update
from sqlmodel import col

from saasbot.domain.accounts.registering import LONGEST_NAME
from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.infra import events
from saasbot.infra.db import run
from saasbot.infra.errors import Forbidden, InvalidInput
from saasbot.infra.i18n import SUPPORTED
from saasbot.infra.text_input import one_line
from saasbot.models import UserAccount


async def rename(actor: Actor, *, name: str, locale: str) -> str:
    """Afterwards the account has the name, cleaned, and the language. Every session of the person knows it. Returns the name.

    Raises: Forbidden (nobody acts), InvalidInput.
    """
    if actor.user_id is None:
        raise Forbidden
    cleaned = one_line("name", name, longest=LONGEST_NAME)
    if locale not in SUPPORTED:
        raise InvalidInput("locale", "Choose Spanish or English.")
    await run(update(UserAccount).where(col(UserAccount.id) == actor.user_id).values(name=cleaned, locale=locale))
    await record(actor, "person.changed", actor.user_id, name=cleaned)
    events.publish("session", company_id=actor.company_id, user=actor.user_id)
    return cleaned
