"""Errors on the wire: problem+json (RFC 9457) with a stable `code`, one shape for all of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from saasbot.infra.db import UNAVAILABLE
from saasbot.infra.errors import AppError, DatabaseUnavailable, InvalidInput
from saasbot.infra.i18n import SOURCE, error_text, gettext, negotiate
from saasbot.infra.logging import get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class FieldProblem(BaseModel):
    field: str
    problem: str


class Problem(BaseModel):
    """What every error answer holds; some add details of their own (`retry_after`, …)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] | None = None


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **details: Any
) -> JSONResponse:
    """The answer to a request that cannot be done. `details` become members of the document."""
    document = {
        **details,
        "type": f"urn:saasbot:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    return JSONResponse(
        jsonable_encoder(document), status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def problem_of(error: AppError, accept_language: str | None) -> JSONResponse:
    """The answer to an `AppError`, its sentence in the language that the client asked for (English when it did not)."""
    locale = negotiate(None, accept_language) if accept_language else SOURCE
    detail, headers = error_text(locale, error), {}
    details = {key: _in_utc(value) for key, value in error.details.items() if key not in Problem.model_fields}
    if isinstance(error, InvalidInput):
        details = {"errors": [{"field": error.field, "problem": detail}]}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if retry_after := error.details.get("retry_after"):
        headers["Retry-After"] = str(retry_after)
    return problem(error.status, error.code, detail, headers=headers, **details)


def _in_utc(value: Any) -> Any:
    """A moment as everywhere in the API."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def handle_problems(app: FastAPI) -> None:
    """Afterwards every error of the app has the one shape."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    for away in UNAVAILABLE:
        app.add_exception_handler(away, _database_away)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


async def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    return problem_of(error, request.headers.get("accept-language"))


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    """What was sent does not fit the schema. The answer names the fields and never repeats what was in them."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(str(part) for part in found["loc"][1:]) or str(found["loc"][0]), "problem": found["msg"]}
        for found in error.errors()
    ]
    return problem(422, "invalid_input", gettext(SOURCE, "Some fields are not right."), errors=errors[:50])


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "http_error")
    return problem(error.status_code, code, str(error.detail), headers=error.headers)


async def _database_away(request: Request, error: Exception) -> JSONResponse:
    """It restarts, or has too much to do: nothing was done, and the client may ask again."""
    log.warning(
        "api.database_unavailable", path=request.url.path, method=request.method, error=str(error).split("\n")[0]
    )
    return problem_of(DatabaseUnavailable(), request.headers.get("accept-language"))


async def _gone(request: Request, _error: Exception) -> Response:
    """Whoever sent the body stopped in the middle, or was cut off by the gate, which then says why. No trace: anybody can do it."""
    log.info("api.body_cut", path=request.url.path, method=request.method)
    return Response(status_code=400)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("api.failed", path=request.url.path, method=request.method, exc_info=error)
    return problem(500, "internal_error", gettext(SOURCE, "Something went wrong on our side. It was logged."))
