"""Arguments from the browser: they fit the handler's annotations exactly, or the handler is not called.

Handlers name what they take by the words below, so that every text has a length and every number a range.
"""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from reflex_base.utils.form import transform_form_data

LONGEST_TEXT = 100_000

Id = Annotated[str, Field(max_length=36)]
"""Of a row; empty for none where the handler says so."""
Word = Annotated[str, Field(max_length=64)]
"""One of a few choices, an emoji, a token that the browser made."""
Line = Annotated[str, Field(max_length=200)]
"""What is searched for or shown in a line."""
Text = Annotated[str, Field(max_length=10_000)]
"""What a person typed: longer than any field may be, so that the field itself can say how long that is."""
Prompt = Annotated[str, Field(max_length=LONGEST_TEXT)]
"""The instructions of a bot."""
Whole = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""A number of a version, of days."""

EXACT = ConfigDict(extra="forbid")
"""`__pydantic_config__` of every form: no other keys than its own."""

TOO_LONG = "too long"
_DEEPEST = 6
_MOST_ITEMS = 1_000


def misfit(handler: Callable[..., Any], payload: dict[str, Any]) -> str | None:
    """What is wrong with these arguments for this handler: unknown, missing, too long, or of another type. Values are not
    repeated.
    """
    parameters = _parameters(handler)
    if unknown := set(payload) - parameters.keys():
        return f"unknown: {sorted(unknown)}"
    for name, (hint, adapter, required) in parameters.items():
        if name not in payload:
            if required:
                return f"missing: {name}"
            continue
        try:
            # A form travels as ordered pairs; Reflex makes the handler's TypedDict of them in the same way.
            adapter.validate_python(transform_form_data(payload[name], hint), strict=True)
        except ValidationError as error:
            is_length = {found["type"] for found in error.errors(include_input=False)} == {"string_too_long"}
            return f"{TOO_LONG if is_length else 'type'}: {name}"
        except (TypeError, ValueError):
            return f"type: {name}"
        if not _storable(payload[name], _DEEPEST):
            return f"value: {name}"
    return None


@lru_cache(maxsize=2_000)
def _parameters(handler: Callable[..., Any]) -> dict[str, tuple[Any, TypeAdapter[Any], bool]]:
    """By name: its type as Reflex reads it, the check of its annotation, and whether it must be given. A parameter without
    annotation is a line.
    """
    plain, full = get_type_hints(handler), get_type_hints(handler, include_extras=True)
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    return {
        parameter.name: (
            plain.get(parameter.name, str),
            TypeAdapter(full.get(parameter.name, Line)),
            parameter.default is inspect.Parameter.empty,
        )
        for parameter in parameters
    }


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
