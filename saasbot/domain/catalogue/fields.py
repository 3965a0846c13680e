"""What a product's fields may hold."""

import unicodedata

from saasbot.infra.errors import InvalidInput

MAX_TITLE = 120
MAX_DESCRIPTION = 4_000
MAX_SKU = 64
MAX_STOCK = 10_000_000


def clean_title(title: str) -> str:
    """One line. Raises: InvalidInput."""
    title = " ".join(_visible(title).split())
    if not title:
        raise InvalidInput("title", "Give the product a name.")
    if len(title) > MAX_TITLE:
        raise InvalidInput("title", "A product's name has at most {most} characters.", most=MAX_TITLE)
    return title


def clean_description(description: str) -> str:
    """Lines of text. Raises: InvalidInput."""
    lines = [_visible(line).rstrip() for line in description.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    text = "\n".join(lines).strip()
    if len(text) > MAX_DESCRIPTION:
        raise InvalidInput("description", "A description has at most {most} characters.", most=MAX_DESCRIPTION)
    return text


def clean_sku(sku: str | None) -> str | None:
    """A code, or nothing when it is empty. Raises: InvalidInput."""
    sku = " ".join(_visible(sku or "").split())
    if len(sku) > MAX_SKU:
        raise InvalidInput("sku", "A code has at most {most} characters.", most=MAX_SKU)
    return sku or None


def clean_stock(stock: int | None) -> int | None:
    """Units, or nothing when they are not counted. Raises: InvalidInput."""
    if stock is not None and not 0 <= stock <= MAX_STOCK:
        raise InvalidInput("stock", "Write how many units are left, or leave it empty.")
    return stock


def _visible(text: str) -> str:
    """Without control characters and lone surrogates, which neither people nor the database can read."""
    return "".join(" " if unicodedata.category(char) in {"Cc", "Cs"} else char for char in text)
