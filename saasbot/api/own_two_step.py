"""`/api/v1/auth/two-step` of somebody who is signed in: how it stands, on, another app, new recovery codes, off.

The proofs and the limits are those of the settings page: the password, and where an app counts already a code of it or a recovery
code.
"""

from datetime import datetime

from pydantic import BaseModel

from saasbot.api.callers import CurrentActor, CurrentCaller
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body
from saasbot.api.two_step import Enrolment, enrolment_of
from saasbot.domain.accounts import two_step

router = ApiRouter("auth")


class TwoStepOut(BaseModel):
    on: bool
    mandatory: bool
    """The caller's role, in any of their companies, needs it."""
    since: datetime | None
    """Of the app that counts."""
    recovery_codes_left: int


class PasswordIn(Body):
    password: str


class ProofIn(Body):
    """`code`: of the app that counts, or a recovery code, which is used up then."""

    password: str
    code: str


class AppCodeIn(Body):
    code: str


class RecoveryCodes(BaseModel):
    recovery_codes: list[str]
    """Shown this once; those from before open nothing any more."""


@router.get("/two-step")
async def show(actor: CurrentActor) -> TwoStepOut:
    standing = await two_step.two_step_of(actor)
    return TwoStepOut(
        on=standing.enrolled,
        mandatory=standing.mandatory,
        since=standing.since,
        recovery_codes_left=standing.codes_left,
    )


@router.post("/two-step/app")
async def begin(actor: CurrentActor, body: PasswordIn) -> Enrolment:
    """A secret for the caller's app, which counts with its first code: `POST /auth/two-step/app/confirm`. 409 `two_step_is_on`."""
    return enrolment_of(await two_step.begin(actor, password=body.password))


@router.post("/two-step/app/replacement")
async def begin_replacement(actor: CurrentActor, body: ProofIn) -> Enrolment:
    """A secret for another app. The one before counts until the first code of this one, which is waited for ten minutes."""
    begun = await two_step.begin_replacement(
        actor, password=body.password, code=body.code, network=actor.origin.network
    )
    return enrolment_of(begun)


@router.post("/two-step/app/confirm")
async def confirm(actor: CurrentActor, caller: CurrentCaller, body: AppCodeIn) -> RecoveryCodes:
    """The first code of the app that was begun. Where it replaces another, every other session and token of the account ends."""
    return RecoveryCodes(recovery_codes=list(await two_step.confirm(actor, body.code, current=caller.family)))


@router.post("/two-step/recovery-codes")
async def renew(actor: CurrentActor, body: ProofIn) -> RecoveryCodes:
    """Ten new ones."""
    codes = await two_step.renew_recovery_codes(
        actor, password=body.password, code=body.code, network=actor.origin.network
    )
    return RecoveryCodes(recovery_codes=list(codes))


@router.post("/two-step/off", status_code=204)
async def turn_off(actor: CurrentActor, body: ProofIn) -> None:
    """The password alone signs in again. 403 `two_step_mandatory` where the caller's role needs it."""
    await two_step.turn_off(actor, password=body.password, code=body.code, network=actor.origin.network)
