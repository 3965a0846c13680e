"""`/dev/mail`: the mails that would have been sent. Only outside production, and only for this machine."""

import asyncio
import html
import re

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from saasbot.api.clients import is_from_this_machine
from saasbot.api.headers import document_policy
from saasbot.infra import mail
from saasbot.infra.errors import NotFound
from saasbot.infra.settings import settings

router = APIRouter(include_in_schema=False)

_LINK = re.compile(r"https?://(?:&amp;|[^\s<>&\"])+")
_STYLE = """body{font:14px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
article{border-top:1px solid;padding:1rem 0}pre{white-space:pre-wrap;font:inherit}"""
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mail that would have been sent</title>
<style>{style}</style></head><body><h1>Mail that would have been sent</h1>{mails}</body></html>"""


@router.get("/dev/mail")
async def list_mails(request: Request) -> Response:
    if settings().is_production or not is_from_this_machine(request.scope):
        raise NotFound
    stored = await asyncio.to_thread(mail.stored_mails)
    shown = "".join(
        f"<article><h2>{html.escape(item.subject)}</h2><p>To {html.escape(item.to)}, "
        f"<time>{item.at:%Y-%m-%d %H:%M:%S} UTC</time></p><pre>{_with_links(item.text)}</pre></article>"
        for item in stored
    )
    page = _PAGE.format(style=_STYLE, mails=shown or "<p>None yet.</p>")
    return HTMLResponse(page, headers={"Cache-Control": "no-store", **document_policy(_STYLE)})


def _with_links(text: str) -> str:
    return _LINK.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', html.escape(text))
