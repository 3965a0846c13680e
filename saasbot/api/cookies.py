"""Setting and clearing the session's cookie on an answer."""

from starlette.responses import Response

from saasbot.infra import session_cookie


def set_session_cookie(response: Response, token: str) -> None:
    response.set_cookie(
        session_cookie.name(),
        token,
        max_age=session_cookie.LIFETIME_SECONDS,
        path="/",
        secure=session_cookie.is_secure(),
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response) -> None:
    response.delete_cookie(
        session_cookie.name(), path="/", secure=session_cookie.is_secure(), httponly=True, samesite="lax"
    )
