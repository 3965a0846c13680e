"""`POST /csp-report`: browsers say what a page of ours was not allowed to do. It is counted; of its text nothing is kept.

Anybody can send one, and addresses in it may be private: only the name of the directive goes further.
"""

import json
import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from saasbot import routes
from saasbot.infra.errors import InvalidInput
from saasbot.infra.logging import get_logger
from saasbot.infra.metrics import count_policy_violation

log = get_logger(__name__)

router = APIRouter(include_in_schema=False)

_MOST = 20
"""Reports of one request; a browser gathers a few."""
_DIRECTIVE = re.compile(
    r"(?:default|connect|font|frame|img|manifest|media|object|worker)-src|(?:script|style)-src(?:-elem|-attr)?"
)


@router.post(routes.CSP_REPORT, status_code=204)
async def take_report(request: Request) -> Response:
    """Both forms are taken: the list of the Reporting API, and the one report of `report-uri`."""
    violations = _violations(await request.body())
    for directive in violations[:_MOST]:
        count_policy_violation(directive)
    log.info("browser.policy_violated", directives=sorted(set(violations)))
    return Response(status_code=204)


def _violations(body: bytes) -> list[str]:
    """The violated directives, `other` for a name that no policy of ours has. Raises: InvalidInput."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("body", "This is not a report.") from None
    reports = sent if isinstance(sent, list) else [sent]
    found = [_directive(report) for report in reports if isinstance(report, dict)]
    if not found:
        raise InvalidInput("body", "This is not a report.")
    return found


def _directive(report: dict[str, Any]) -> str:
    inside = report.get("csp-report") or report.get("body")
    if not isinstance(inside, dict):
        return "other"
    named = inside.get("effective-directive") or inside.get("effectiveDirective") or inside.get("violated-directive")
    first = str(named or "").split(" ")[0]
    return first if _DIRECTIVE.fullmatch(first) else "other"
