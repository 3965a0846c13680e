"""Leaving the page for good."""

import json

import reflex as rx

from saasbot import routes
from saasbot.realtime.hub import hub


def load_page(url: str) -> rx.event.EventSpec:
    """A full page load: the socket opens again with the cookie of the moment, and nothing of the page is left in the browser."""
    return rx.call_script(f"window.location.assign({json.dumps(url)})")


def enter_session(state: rx.State, ticket: str) -> rx.event.EventSpec:
    """To the route that ends the session of this tab and opens that of the ticket.

    Nothing reaches the tab from here on, or it would hear that its session is over, and be led to the sign-in before the new cookie
    has come.
    """
    hub.forget(state.router.session.client_token)
    return load_page(routes.auth_complete(ticket))
