"""The HTTP application beside the pages: REST under `/api/v1`, the browser's own routes, files and health.

A capability adds its router to `CAPABILITIES`; `saasbot/api/router.py` says how one is written.
"""

import re
from collections.abc import Sequence
from functools import cache

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from saasbot.api import (
    agent,
    audit,
    auth,
    bots,
    browser,
    channel_settings,
    channels,
    companies,
    confirmations,
    consents,
    conversations,
    csp_reports,
    demo_model,
    dev_mail,
    docs,
    health,
    invitations,
    media,
    merges,
    messages,
    metrics,
    own_two_step,
    privacy,
    products,
    reports,
    sessions,
    simulator,
    switching,
    team,
    two_step,
)
from saasbot.api.problems import handle_problems

PREFIX = "/api/v1"

CAPABILITIES: Sequence[APIRouter] = (
    auth.router,
    two_step.router,
    own_two_step.router,
    sessions.router,
    switching.router,
    confirmations.router,
    team.router,
    invitations.router,
    companies.router,
    companies.policies_router,
    audit.router,
    bots.router,
    agent.router,
    products.router,
    channels.router,
    channel_settings.router,
    conversations.router,
    consents.conversations_router,
    consents.text_router,
    consents.terms_router,
    merges.router,
    messages.router,
    privacy.contacts_router,
    privacy.exports_router,
    privacy.company_router,
    reports.router,
    health.router,
)

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def make_api() -> FastAPI:
    """The application, ready to be mounted in front of the pages by `rx.App(api_transformer=…)`."""
    api = FastAPI(
        title="SaaSBot API",
        version="1",
        description="JSON over HTTPS. Sign in with POST /api/v1/auth/login and send the access token as a bearer token.",
        openapi_url=docs.OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in CAPABILITIES:
        api.include_router(router, prefix=PREFIX)
    api.include_router(health.router, include_in_schema=False)
    api.include_router(browser.router)
    api.include_router(csp_reports.router)
    api.include_router(dev_mail.router)
    api.include_router(demo_model.router)
    api.include_router(simulator.router)
    api.router.routes.extend(media.routes)
    api.router.routes.extend(metrics.routes)
    docs.add_docs(api)
    _answer_unknown_paths(api)
    handle_problems(api)
    return api


def _answer_unknown_paths(api: FastAPI) -> None:
    """Under `/api` an unknown path is a problem document and a known one with another method 405, not the page of a 404."""

    @cache
    def described() -> list[tuple[re.Pattern[str], frozenset[str]]]:
        paths = api.openapi()["paths"]
        return [(compile_path(path)[0], frozenset(map(str.upper, methods))) for path, methods in paths.items()]

    @api.api_route("/api/{path:path}", methods=_METHODS, include_in_schema=False)
    async def unknown(request: Request, path: str) -> None:
        found = (methods for pattern, methods in described() if pattern.match(request.url.path))
        if allowed := frozenset[str]().union(*found):
            raise HTTPException(405, "Method not allowed.", headers={"Allow": ", ".join(sorted(allowed))})
        raise HTTPException(404, "There is nothing at this address.")


api = make_api()
