"""`GET /media/<key>`: local files behind signed addresses. What it serves is inert: it can run nothing on our origin."""

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from saasbot.domain.accounts import Cookie, authenticate
from saasbot.domain.privacy.export import is_export
from saasbot.infra import session_cookie, signed_media
from saasbot.infra.file_types import type_of_key
from saasbot.infra.storage import InvalidKey, LocalStorage, storage

_INERT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; media-src 'self'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


async def serve(request: Request) -> Response:
    """The file, with ranges; 403 when the address is not genuine or has expired, 404 when nothing is there.

    An expired address still serves whoever is signed in to the company whose file it is: a page that has been open for hours
    goes on. A person who was removed, or somebody to whom it was sent, has it no longer. A copy of all data is its owner's alone, for
    as long as its address says.
    """
    store = storage()
    if not isinstance(store, LocalStorage):
        return _refused(404)
    link = store.signer.read(request.path_params["key"], request.query_params)
    if link is None or (link.expired and (is_export(link.key) or not await _is_theirs(request, link))):
        return _refused(403)
    try:
        path = store.path(link.key)
    except InvalidKey:
        return _refused(404)
    if not path.is_file():  # one stat of a local disk costs less than the thread that would take it
        return _refused(404)
    kind = type_of_key(link.key)
    return FileResponse(
        path,
        media_type=kind.mime,
        filename=link.file_name or path.name,
        content_disposition_type="inline" if link.inline and kind.inline else "attachment",
        headers={**_INERT, "Cache-Control": f"private, max-age={_seconds_left(link)}, immutable"},
    )


async def _is_theirs(request: Request, link: signed_media.Link) -> bool:
    session = await authenticate(Cookie(session_cookie.token_in(request.headers.get("cookie", ""))))
    return session is not None and str(session.actor.company_id) == link.company


def _seconds_left(link: signed_media.Link) -> int:
    return max(link.expires - signed_media.now(), 0)


def _refused(status: int) -> Response:
    return PlainTextResponse("", status_code=status, headers={**_INERT, "Cache-Control": "no-store"})


routes = [Route(f"{signed_media.PATH}{{key:path}}", serve, methods=["GET"], name="media")]
