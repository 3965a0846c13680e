"""What a product's fields may hold."""

from saasbot.infra.errors import InvalidInput
from saasbot.infra.text_input import one_line, paragraphs

MAX_TITLE = 120
MAX_DESCRIPTION = 4_000
MAX_SKU = 64
MAX_STOCK = 10_000_000


def clean_title(title: str) -> str:
    """One line. Raises: InvalidInput."""
    if not (title := one_line("title", title, longest=MAX_TITLE, required=False)):
        raise InvalidInput("title", "Give the product a name.")
    return title


def clean_description(description: str) -> str:
    """Lines of text. Raises: InvalidInput."""
    return paragraphs("description", description, longest=MAX_DESCRIPTION)


def clean_sku(sku: str | None) -> str | None:
    """A code, or nothing when it is empty. Raises: InvalidInput."""
    return one_line("sku", sku or "", longest=MAX_SKU, required=False) or None


def clean_stock(stock: int | None) -> int | None:
    """Units, or nothing when they are not counted. Raises: InvalidInput."""
    if stock is not None and not 0 <= stock <= MAX_STOCK:
        raise InvalidInput("stock", "Write how many units are left, or leave it empty.")
    return stock
