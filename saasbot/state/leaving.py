"""Leaving the page for good."""

import json

import reflex as rx


def load_page(url: str) -> rx.event.EventSpec:
    """A full page load: the socket opens again with the cookie of the moment, and nothing of the page is left in the browser."""
    return rx.call_script(f"window.location.assign({json.dumps(url)})")
