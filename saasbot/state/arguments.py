"""Arguments from the browser: they fit the handler's annotations exactly, or the handler is not called."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from reflex_base.utils.form import transform_form_data

LONGEST_TEXT = 100_000
_DEEPEST = 6
_MOST_ITEMS = 1_000


def misfit(handler: Callable[..., Any], payload: dict[str, Any]) -> str | None:
    """What is wrong with these arguments for this handler: unknown, missing, or of another type. Values are not repeated."""
    parameters = _parameters(handler)
    if unknown := set(payload) - parameters.keys():
        return f"unknown: {sorted(unknown)}"
    for name, (hint, adapter, required) in parameters.items():
        if name not in payload:
            if required:
                return f"missing: {name}"
            continue
        if not _storable(payload[name], _DEEPEST):
            return f"value: {name}"
        try:
            # A form travels as ordered pairs; Reflex makes the handler's TypedDict or dict of them in the same way.
            adapter.validate_python(transform_form_data(payload[name], hint), strict=True)
        except (ValidationError, TypeError, ValueError):
            return f"type: {name}"
    return None


@lru_cache(maxsize=2_000)
def _parameters(handler: Callable[..., Any]) -> dict[str, tuple[Any, TypeAdapter[Any], bool]]:
    """By name: its annotation, the check of its type, and whether it must be given. A parameter without annotation is a string."""
    hints = get_type_hints(handler)
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    checks = {}
    for parameter in parameters:
        hint = hints.get(parameter.name, str)
        checks[parameter.name] = (hint, TypeAdapter(hint), parameter.default is inspect.Parameter.empty)
    return checks


def _storable(value: Any, levels: int) -> bool:
    """Neither NUL nor lone surrogates, nothing endless."""
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT and "\x00" not in value and _well_formed(value)
    if isinstance(value, (list, dict)):
        if levels == 0 or len(value) > _MOST_ITEMS:
            return False
        items = [*value, *value.values()] if isinstance(value, dict) else value
        return all(_storable(item, levels - 1) for item in items)
    return True


def _well_formed(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
