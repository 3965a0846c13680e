"""Ids from a browser are text until they are parsed."""

from uuid import UUID

from saasbot.infra.errors import NotFound


def parse_id(value: str) -> UUID:
    """The id. Raises: NotFound, because what is no id belongs to nothing."""
    try:
        return UUID(value)
    except ValueError:
        raise NotFound from None
