"""`/api/docs`: the API described in one page without a script, and the OpenAPI document it is made of."""

import html
import json
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

from saasbot.api.headers import document_policy

OPENAPI_PATH = "/api/openapi.json"
DOCS_PATH = "/api/docs"

_STYLE = """body{font:15px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
section{border-top:1px solid;margin-top:1.5rem}details{margin:.4rem 0}summary{cursor:pointer}
code,pre{font:13px/1.5 ui-monospace,monospace}pre{overflow:auto;padding:.6rem;border:1px solid}
b{display:inline-block;min-width:4.5rem}"""


def add_docs(app: FastAPI) -> None:
    """Serve the page. The document itself is FastAPI's (`openapi_url`)."""
    page = ""

    @app.get(DOCS_PATH, include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        nonlocal page  # made once: it takes 20 ms, and anybody may ask for it
        page = page or page_of(request.app.openapi())
        return HTMLResponse(page, headers=document_policy(_STYLE))


def page_of(document: dict[str, Any]) -> str:
    """Every path with its methods, what goes in and what comes out, as plain HTML."""
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append(_operation(document, method, path, operation))
    sections = "".join(
        f"<section><h2>{html.escape(tag)}</h2>{''.join(items)}</section>" for tag, items in by_tag.items()
    )
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(info["title"])}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(info['title'])}</h1>"
        f"<p>{html.escape(info.get('description', ''))}</p>"
        f'<p><a href="{OPENAPI_PATH}">OpenAPI document</a></p>{sections}</body></html>'
    )


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"<p>{html.escape(operation.get('description', ''))}</p>"]
    for parameter in operation.get("parameters", ()):
        where = html.escape(f"{parameter['in']}: {parameter['name']}")
        parts.append(f"<p><code>{where}</code> {html.escape(parameter.get('description', ''))}</p>")
    body = operation.get("requestBody", {}).get("content", {})
    parts += [_schema(document, f"Request ({kind})", content.get("schema", {})) for kind, content in body.items()]
    for status, response in operation.get("responses", {}).items():
        for kind, content in response.get("content", {}).items():
            parts.append(_schema(document, f"{status} ({kind})", content.get("schema", {})))
    head = f"<summary><b>{method.upper()}</b> <code>{html.escape(path)}</code></summary>"
    return f"<details>{head}{''.join(parts)}</details>"


def _schema(document: dict[str, Any], title: str, schema: dict[str, Any]) -> str:
    shown = json.dumps(_resolved(document, schema, 4), indent=2, ensure_ascii=False)
    return f"<p>{html.escape(title)}</p><pre>{html.escape(shown)}</pre>"


def _resolved(document: dict[str, Any], schema: Any, levels: int) -> Any:
    """The schema with its references filled in, as deep as a reader wants to look."""
    if isinstance(schema, list):
        return [_resolved(document, item, levels) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if (reference := schema.get("$ref")) is not None:
        name = reference.rpartition("/")[2]
        return _resolved(document, document["components"]["schemas"][name], levels - 1) if levels else name
    return {key: _resolved(document, value, levels) for key, value in schema.items()}
