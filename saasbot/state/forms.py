"""Forms with controls that come and go: Reflex also sends a control's id, and nothing for one that is not on screen."""

from typing import Any

Form = dict[str, Any]
"""Type of such a form's argument. Where all controls are always there, a TypedDict says more."""


def text_of(form: Form, name: str) -> str:
    """The text of a control; empty for one that was not there or held no text."""
    value = form.get(name)
    return value if isinstance(value, str) else ""
