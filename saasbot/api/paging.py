"""Lists: `?limit=` and an opaque `?cursor=` in, `{"data": […], "next_cursor": …}` out."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, BeforeValidator

from saasbot.infra.errors import InvalidInput

T = TypeVar("T")
_LONGEST_CURSOR = 512

EMPTY_IS_NONE = BeforeValidator(lambda value: value or None)
"""For filters: `?status=` is what a form sends when nothing was chosen."""


class Listing(BaseModel, Generic[T]):
    data: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What part of a list is asked for. Fetch `limit + 1` rows: the extra one tells that there are more."""

    limit: int
    cursor: str | None

    def after(self, *types: type) -> tuple[Any, ...] | None:
        """The keyset values that `next_cursor` was made of, as these types (`UUID`, `datetime`, `int`, `str`).

        Raises: InvalidInput.
        """
        if self.cursor is None:
            return None
        try:
            values = json.loads(base64.urlsafe_b64decode(self.cursor.encode("ascii") + b"=="))
            if not isinstance(values, list) or len(values) != len(types):
                raise ValueError
            return tuple(_parse(kind, value) for kind, value in zip(types, values, strict=True))
        except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
            raise InvalidInput("cursor", "This is not a cursor of this list.") from None


def next_cursor(*values: UUID | datetime | int | str) -> str:
    """An opaque text that leads to the rows after the one with these keyset values."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    text = json.dumps([value if isinstance(value, int) else str(value) for value in plain], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _page(
    limit: Annotated[int, Query(ge=1, le=100, description="How many, at most 100.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=_LONGEST_CURSOR, description="`next_cursor` of the answer before.")
    ] = None,
) -> Page:
    return Page(limit, cursor or None)


CurrentPage = Annotated[Page, Depends(_page)]


def _parse(kind: type, value: Any) -> Any:
    if kind is int:
        if type(value) is not int or not -(2**63) <= value < 2**63:
            raise ValueError
        return value
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    value.encode()
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    return kind(value)
