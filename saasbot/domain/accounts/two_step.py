"""A person's own second step: on, off, and their recovery codes.

Like all of the accounts it opens its own transactions: call it outside a unit of work.
"""

from collections.abc import Sequence
from uuid import UUID

from saasbot.domain.accounts import enrolment
from saasbot.domain.accounts.enrolment import Enrolment
from saasbot.domain.accounts.own_password import is_password_of
from saasbot.domain.accounts.recovery_codes import code_hash, new_codes
from saasbot.domain.actor import Actor
from saasbot.domain.admin import second_factors as rows
from saasbot.domain.admin.credentials import find_person
from saasbot.domain.admin.second_factors import Standing
from saasbot.domain.audit import Action, record
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError, Forbidden, InvalidInput


class TwoStepIsOn(AppError):
    code = "two_step_is_on"
    status = 409
    message = "Two-step sign-in is on already."


class TwoStepIsOff(AppError):
    code = "two_step_is_off"
    status = 409
    message = "Two-step sign-in is off."


class TwoStepMandatory(AppError):
    code = "two_step_mandatory"
    status = 403
    message = "Your role needs two-step sign-in: it cannot be turned off."


async def two_step_of(actor: Actor) -> Standing:
    """Raises: Forbidden (nobody acts)."""
    return await rows.standing_of(actor.person_id)


async def begin(actor: Actor) -> Enrolment:
    """A secret for the person's app; it counts when `confirm` was given its first code.

    Raises: Forbidden, TwoStepIsOn.
    """
    found = await find_person(actor.person_id)
    if found is None:
        raise Forbidden
    begun = await enrolment.begin(found[0])
    if begun is None:
        raise TwoStepIsOn
    return begun


async def confirm(actor: Actor, code: str) -> Sequence[str]:
    """The app counts from now on. Returns the recovery codes, which are shown now and never again.

    Raises: Forbidden, InvalidInput.
    """
    codes = await enrolment.confirm(actor.person_id, code)
    if codes is None:
        raise InvalidInput("code", "That code is not right. Check that the phone's clock is.")
    await _note(actor, "session.two_step_on")
    return codes


async def turn_off(actor: Actor, *, password: str, network: str) -> None:
    """The account signs in with its password alone; its recovery codes are gone.

    Raises: Forbidden, TwoStepMandatory, InvalidInput (the password), Locked.
    """
    user_id = actor.person_id
    if (await rows.standing_of(user_id)).mandatory:
        raise TwoStepMandatory
    await _check_password(user_id, password, network)
    await rows.remove_factor(user_id)
    await _note(actor, "session.two_step_off")


async def renew_recovery_codes(actor: Actor, *, password: str, network: str) -> Sequence[str]:
    """Ten new ones; those from before open nothing any more.

    Raises: Forbidden, TwoStepIsOff, InvalidInput (the password), Locked.
    """
    user_id = actor.person_id
    await _check_password(user_id, password, network)
    factor = await rows.read_factor(user_id)
    if factor is None or factor.confirmed_at is None or factor.secret is None:
        raise TwoStepIsOff
    codes = new_codes()
    await rows.replace_recovery_codes(user_id, [code_hash(each, factor.secret) for each in codes])
    await _note(actor, "session.codes_renewed")
    return codes


async def _note(actor: Actor, action: Action) -> None:
    """The trail of the company they act in says so."""
    async with unit_of_work(actor):
        await record(actor, action)


async def _check_password(user_id: UUID, password: str, network: str) -> None:
    """Guesses count as those of a sign-in do. Raises: InvalidInput, Locked."""
    found = await find_person(user_id)
    if found is None:
        raise Forbidden
    person, password_hash = found
    if not await is_password_of(person.email, password_hash, password, network=network):
        raise InvalidInput("password", "That is not your password.")
