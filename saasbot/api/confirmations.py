"""`/api/v1/auth/…`: confirming the email of an account."""

from fastapi import Request

from saasbot.api.auth import Accepted
from saasbot.api.callers import CurrentActor, caller_of_request, network_of_request
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body
from saasbot.domain import accounts

router = ApiRouter("auth")


class ConfirmIn(Body):
    """`token` is the one of the mailed link. Without the account's access token its `password` is needed."""

    token: str
    password: str = ""


@router.post("/confirm-email", status_code=202)
async def confirm_email(request: Request, body: ConfirmIn) -> Accepted:
    """The link works once, for 24 hours, and only for whoever also holds the account."""
    caller = await caller_of_request(request)
    await accounts.confirm_email(
        token=body.token,
        signed_in_as=caller.user_id if caller else None,
        password=body.password,
        network=network_of_request(request),
    )
    return Accepted()


@router.post("/send-confirmation", status_code=202)
async def send_confirmation(actor: CurrentActor) -> Accepted:
    """Mails the link once more; nothing when the email is confirmed."""
    await accounts.request_confirmation(actor)
    return Accepted()
