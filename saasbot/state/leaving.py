"""Leaving the page for a route beside the pages."""

import json

import reflex as rx


def leave(url: str) -> rx.event.EventSpec:
    """A full page load, so that the socket opens again with the cookie of the moment."""
    return rx.call_script(f"window.location.assign({json.dumps(url)})")
