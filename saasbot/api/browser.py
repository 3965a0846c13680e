"""Plain HTTP routes of the browser app: where a sign-in becomes a cookie, where it ends, and where files come in."""

from typing import Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from saasbot import routes
from saasbot.domain import accounts
from saasbot.domain.accounts import Cookie, InvalidTicket, SignedIn, authenticate, network_of
from saasbot.domain.actor import Actor
from saasbot.domain.companies import onboarding
from saasbot.domain.media.attachments import (
    MAX_ATTACHMENT_BYTES,
    AttachmentTooLarge,
    store_attachment,
    store_sticker,
    store_voice,
)
from saasbot.domain.media.upload import MAX_UPLOAD_BYTES, UploadTooLarge, store_image
from saasbot.domain.media.urls import media_urls
from saasbot.infra import device_cookie, session_cookie
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.origins import is_own_origin
from saasbot.models import Media

router = APIRouter(include_in_schema=False)

CSRF_HEADER = "X-CSRF-Token"
_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class NotSignedIn(AppError):
    code = "not_signed_in"
    status = 401
    message = "Your session has ended. Sign in again."


class WrongCsrfToken(AppError):
    code = "wrong_csrf_token"
    status = 403
    message = "This page is out of date. Reload it and try again."


class Uploaded(BaseModel):
    id: str
    url: str
    thumb_url: str
    width: int | None
    height: int | None
    seconds: int | None = None


@router.get(routes.AUTH_COMPLETE)
async def complete_sign_in(request: Request, ticket: str = "") -> Response:
    """Exchange the ticket for the cookie. Only from our own pages: a link elsewhere must not sign anybody in as another."""
    if not _from_own_page(request):
        return _go(routes.LOGIN)
    old = session_cookie.token_in(request.headers.get("cookie", ""))
    try:
        token = await accounts.start_session(
            ticket,
            held=old,
            network=network_of(request.client.host if request.client else ""),
            user_agent=request.headers.get("user-agent", ""),
        )
    except InvalidTicket:
        return _go(routes.LOGIN)
    if old:
        await accounts.sign_out(old)
    session = await authenticate(Cookie(token))
    response = _go(await _first_page(session) if session else routes.DASHBOARD)
    response.headers.append("Set-Cookie", session_cookie.set_cookie(token))
    if session:
        known = accounts.remember(device_cookie.value_in(request.headers.get("cookie", "")), session.email)
        response.headers.append("Set-Cookie", device_cookie.set_cookie(known))
    return response


@router.get(routes.AUTH_LOGOUT)
@router.post(routes.AUTH_LOGOUT)
async def sign_out(request: Request) -> Response:
    """End the session. A request from another site, or one that a browser makes ahead of a click, ends nothing."""
    typed = request.headers.get("sec-fetch-site") == "none"
    if not (typed or _from_own_page(request)) or request.headers.get("sec-purpose"):
        return _go(routes.DASHBOARD)
    await accounts.sign_out(session_cookie.token_in(request.headers.get("cookie", "")))
    response = _go(routes.LOGIN)
    response.headers.append("Set-Cookie", session_cookie.clear_cookie())
    return response


@router.post("/uploads", status_code=201)
async def upload(request: Request, use: Literal["picture", "message", "voice", "sticker"] = "picture") -> Uploaded:
    """A picture, or a file for a message: its real type is looked at, pictures are encoded anew, sound becomes a voice note
    and a picture a sticker where that is its use. It stays a day unless something refers to it.

    Who asks is known before the form is read; a large file is on disk, not in memory, while it comes.
    """
    session = await _session(request)
    session.actor.require("catalogue.write" if use == "picture" else "inbox.write")
    async with request.form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidInput("file", "Send the photo in the part “file”.")
        async with unit_of_work(session.actor):
            media = await _store(session.actor, use, file)
            urls = media_urls([media])[media.id]
    return Uploaded(
        id=str(media.id),
        url=urls.url,
        thumb_url=urls.thumb_url,
        width=media.width,
        height=media.height,
        seconds=media.seconds,
    )


async def _store(actor: Actor, use: str, file: UploadFile) -> Media:
    """Raises: AppError."""
    if file.size is not None and file.size > (MAX_UPLOAD_BYTES if use == "picture" else MAX_ATTACHMENT_BYTES):
        raise UploadTooLarge if use == "picture" else AttachmentTooLarge
    match use:
        case "voice":
            return await store_voice(actor, file.file)
        case "sticker":
            return await store_sticker(actor, file.file)
        case "message":
            return await store_attachment(actor, file.file, file.filename)
        case _:
            return await store_image(actor, await file.read(MAX_UPLOAD_BYTES + 1), file.filename)


async def _session(request: Request) -> SignedIn:
    """The session of the cookie, with its CSRF token in the header.

    Raises: NotSignedIn, WrongCsrfToken.
    """
    session = await authenticate(Cookie(session_cookie.token_in(request.headers.get("cookie", ""))))
    if session is None:
        raise NotSignedIn
    if not accounts.csrf_matches(session, request.headers.get(CSRF_HEADER, "")):
        raise WrongCsrfToken
    return session


async def _first_page(session: SignedIn) -> str:
    """The owner of a company that has just begun is taken to the wizard, everybody else to the dashboard."""
    if "company.secrets" not in session.actor.permissions:
        return routes.DASHBOARD
    async with unit_of_work(session.actor):
        progress = await onboarding.get_onboarding(session.actor)
    untouched = all(state == "todo" for state in progress.steps.values())
    return routes.ONBOARDING if untouched else routes.DASHBOARD


def _from_own_page(request: Request) -> bool:
    """Browsers say where a navigation started (Fetch Metadata); on plain http beyond localhost only the Referer does."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    referer = urlsplit(request.headers.get("referer", ""))
    return is_own_origin(f"{referer.scheme}://{referer.netloc}")


def _go(path: str) -> RedirectResponse:
    """303: whatever the method was, the next request is a GET."""
    return RedirectResponse(path, status_code=303, headers=_NO_STORE)
