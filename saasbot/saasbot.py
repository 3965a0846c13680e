"""Assembles the web app and does nothing else: pages, document, what wraps the app, what runs beside it."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from saasbot.api.app import api
from saasbot.api.gate import Gate
from saasbot.components.document import error_boundary, head, overlay
from saasbot.components.toasts import toaster
from saasbot.lifespan import services
from saasbot.pages import (  # noqa: F401  # a page registers itself by its decorator
    activity,
    bot,
    bots,
    catalogue,
    channels,
    confirm_email,
    conversation,
    dashboard,
    data,
    forgot_password,
    inbox,
    invite,
    login,
    not_found,
    onboarding,
    phone,
    register,
    reset_password,
    settings,
    terms,
    two_step,
)
from saasbot.pages.registry import PAGES
from saasbot.state.errors import log_frontend_error, show_error
from saasbot.state.guard import Guard
from saasbot.state.policies import check_policies

# In this order: tokens first, then a file per part of the product.
STYLESHEETS = [
    "saasbot.css",
    "css/controls.css",
    "css/shell.css",
    "css/states.css",
    "css/overlays.css",
    "css/bubbles.css",
    "css/composer.css",
    "css/auth.css",
    "css/security.css",
    "css/catalogue.css",
    "css/channels.css",
    "css/bots.css",
    "css/inbox.css",
    "css/phone.css",
    "css/dashboard.css",
    "css/wizard.css",
    "css/team.css",
    "css/activity.css",
]

# ASGI, applied in order, the last one outermost: the REST app, then the gate in front of everything.
ASGI: Sequence[Any] = [api, Gate]

# Reflex middleware before every event of every tab: the guard.
EVENT_MIDDLEWARE: Sequence[Any] = [Guard()]

app = rx.App(
    stylesheets=STYLESHEETS,
    head_components=head(),
    html_lang="es",
    toaster=toaster(),
    app_wraps={
        (55, "ErrorBoundary"): lambda _stateful: error_boundary(),
        (5, "Overlay"): lambda _stateful: overlay(),
    },
    api_transformer=ASGI,
    backend_exception_handler=show_error,
    frontend_exception_handler=log_frontend_error,
)

for page in PAGES:
    app.add_page(page.draw, route=page.route, title=page.title, on_load=list(page.on_load))
for middleware in EVENT_MIDDLEWARE:
    app.add_middleware(middleware)
app.register_lifespan_task(services)
check_policies()
