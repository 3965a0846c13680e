"""A person's own second step: on, off, another app, and their recovery codes.

Whatever changes it asks for the password, and where an app counts already for a code as well: an open session, with or without the
password, does not take the second step away. Like all of the accounts it opens its own transactions: call it outside a unit of work.
"""

from collections.abc import Sequence
from uuid import UUID

from saasbot.domain.accounts import enrolment
from saasbot.domain.accounts.attempts import proves_again
from saasbot.domain.accounts.endings import forget_person
from saasbot.domain.accounts.enrolment import Enrolment
from saasbot.domain.accounts.own_password import is_own_password
from saasbot.domain.accounts.recovery_codes import code_hash, new_codes
from saasbot.domain.actor import Actor
from saasbot.domain.admin import second_factors as rows
from saasbot.domain.admin.credentials import Person, find_person
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


async def begin(actor: Actor, *, password: str) -> Enrolment:
    """A secret for the person's app; it counts when `confirm` was given its first code.

    Raises: Forbidden, TwoStepIsOn, InvalidInput (the password), Locked.
    """
    person = await _prove_password(actor, password)
    begun = await enrolment.begin(person)
    if begun is None:
        raise TwoStepIsOn
    return begun


async def begin_replacement(actor: Actor, *, password: str, code: str, network: str) -> Enrolment:
    """A secret for another app, which takes the place of the one that counts when `confirm` was given its first code, within ten minutes.

    Raises: Forbidden, TwoStepIsOff, InvalidInput (the password, the code), Locked.
    """
    person = await _prove_both(actor, password, code, network)
    begun = await enrolment.begin_replacement(person)
    if begun is None:  # turned off meanwhile
        raise TwoStepIsOff
    return begun


async def confirm(actor: Actor, code: str, *, current: UUID) -> Sequence[str]:
    """The app that was begun counts from now on. Returns the recovery codes, which are shown now and never again.

    Where it replaces another, all sessions and families of tokens end but `current`, the one that asks.

    Raises: Forbidden, InvalidInput.
    """
    user_id, action = actor.person_id, "session.two_step_on"
    codes = await enrolment.confirm(user_id, code)
    if codes is None:
        codes, action = await enrolment.confirm_replacement(user_id, code, kept=current), "session.two_step_replaced"
        forget_person(user_id)
    if codes is None:
        raise InvalidInput("code", "That code is not right. Check that the phone's clock is.")
    await _note(actor, action)
    return codes


async def turn_off(actor: Actor, *, password: str, code: str, network: str) -> None:
    """The account signs in with its password alone; its recovery codes are gone.

    Raises: Forbidden, TwoStepMandatory, TwoStepIsOff, InvalidInput (the password, the code), Locked.
    """
    if (await rows.standing_of(actor.person_id)).mandatory:
        raise TwoStepMandatory
    person = await _prove_both(actor, password, code, network)
    await rows.remove_factor(person.user_id)
    await _note(actor, "session.two_step_off")


async def renew_recovery_codes(actor: Actor, *, password: str, code: str, network: str) -> Sequence[str]:
    """Ten new ones; those from before open nothing any more.

    Raises: Forbidden, TwoStepIsOff, InvalidInput (the password, the code), Locked.
    """
    person = await _prove_both(actor, password, code, network)
    factor = await rows.read_factor(person.user_id)
    if factor is None or factor.confirmed_at is None or factor.secret is None:
        raise TwoStepIsOff
    codes = new_codes()
    await rows.replace_recovery_codes(person.user_id, [code_hash(each, factor.secret) for each in codes])
    await _note(actor, "session.codes_renewed")
    return codes


async def _note(actor: Actor, action: Action) -> None:
    """The trail of the company they act in says so."""
    async with unit_of_work(actor):
        await record(actor, action)


async def _prove_both(actor: Actor, password: str, code: str, network: str) -> Person:
    """Raises: Forbidden, TwoStepIsOff, InvalidInput, Locked."""
    if not (await rows.standing_of(actor.person_id)).enrolled:
        raise TwoStepIsOff
    person = await _prove_password(actor, password)
    if not await proves_again(person.user_id, code, network=network):
        raise InvalidInput("code", "That code is not right, or it was used already.")
    return person


async def _prove_password(actor: Actor, password: str) -> Person:
    """Raises: Forbidden, InvalidInput, Locked."""
    found = await find_person(actor.person_id)
    if found is None:
        raise Forbidden
    person, password_hash = found
    if not await is_own_password(person.email, password_hash, password):
        raise InvalidInput("password", "That is not your password.")
    return person
