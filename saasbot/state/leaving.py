"""How a handler sends the browser to one of the plain HTTP routes."""

import json

import reflex as rx


def leave(url: str) -> rx.event.EventSpec:
    """A full page load, so that the socket opens again with the cookie of the moment."""
    return rx.call_script(f"window.location.assign({json.dumps(url)})")
